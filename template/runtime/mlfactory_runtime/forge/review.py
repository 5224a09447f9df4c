"""Who let a change in."""

import re
from collections.abc import Collection
from dataclasses import dataclass

# Accounts of programs, as GitHub, GitLab's tokens and GitLab's service accounts are called.
PROGRAM = re.compile(r".+\[bot\]|(project|group)_\d+_bot(_\w+)?|service_account_\w+")
# An address that a forge gives to who keeps his own to himself: of the account's number and name.
PRIVATE = re.compile(r"(?:\d+[+-])?([^@]+)@users\.noreply\.")
TRAILER = re.compile(r"^Co-authored-by:.*<([^<>]+)>\s*$", re.M | re.I)


@dataclass(frozen=True)
class Review:
    """Who approved a change, or else merged or pushed it, and who wrote it; as `@NAME`."""

    approvers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The approvers, for a record."""
        return ", ".join(self.approvers)

    @property
    def is_own(self) -> bool:
        """Whether no person but its authors let it in; a program is no person."""
        own = {name.casefold() for name in self.authors}
        people = [name for name in self.approvers if not is_program(name)]
        return not {name.casefold() for name in people} - own


def review_of(approvals: Collection[str], authors: Collection[str], merger: str) -> Review:
    """Of a request, by the accounts: what its authors think of it counts for nothing, and what a
    program does with it neither, where a person has approved it.
    """
    names = [name for name in dict.fromkeys(authors) if name]
    own = {name.casefold() for name in names}
    others = [name for name in approvals if name.casefold() not in own]
    people = [name for name in others if not is_program(name)]
    approvers = people or [name for name in [merger] if name] or others
    return Review(*(tuple(f"@{name}" for name in one) for one in (approvers, names)))


def is_program(name: str) -> bool:
    """Whether an account is a program's, with or without `@`."""
    return bool(PROGRAM.fullmatch(name.removeprefix("@")))


def accounts(addresses: Collection[str]) -> list[str]:
    """The accounts that a forge's own addresses name."""
    matches = (PRIVATE.match(address) for address in addresses)
    return [match[1] for match in matches if match]


def writers_beside(message: str) -> list[str]:
    """The addresses of those whom a commit's message names as its authors, too."""
    return TRAILER.findall(message)
