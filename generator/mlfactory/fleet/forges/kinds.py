"""What every forge has: requests to merge, and a verdict on a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mlfactory.base.errors import MlfactoryError

State = Literal["open", "closed", "merged"]
Verdict = Literal["passed", "failed", "running", "none"]
MARK, LONGEST = "<!-- mlfactory fleet ", 60000  # GitHub takes 65,536 characters


class ForgeError(MlfactoryError):
    """A forge refuses, with a status of HTTP; 0 where it cannot be reached."""

    def __init__(self, message: str, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint)
        self.code = code


@dataclass(frozen=True)
class Wish:
    """A request as it should be: `branch`, which is at `commit`, into `base`. `tree` is what it
    holds, by which one that was declined is known again."""

    branch: str
    commit: str
    base: str
    title: str
    text: str
    tree: str = ""
    is_draft: bool = False
    labels: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The text, at most as long as forges take, with a mark that no page shows."""
        text = self.text
        if len(text) > LONGEST:
            text = f"{text[:LONGEST].rpartition(chr(10))[0]}\n\nThe rest is left out.\n"
        return f"{text.rstrip()}\n\n{mark_of(self.tree)}"


@dataclass(frozen=True)
class Request:
    """A request as the forge has it: `path` is its place in the API, `page` where people read it.

    `node` is its name in GitHub's GraphQL, which alone turns drafts into requests. One that is not
    ours was opened by somebody else, and says what they wrote."""

    path: str
    page: str
    state: State
    title: str = ""
    text: str = ""
    is_draft: bool = False
    labels: tuple[str, ...] = ()
    node: str = ""
    is_ours: bool = True

    def is_as(self, wish: Wish) -> bool:
        """Whether it says what it should; forges end lines in their own way."""
        text = self.text.replace("\r\n", "\n").strip()
        return self.title == wish.title and text == wish.body.strip()


@dataclass(frozen=True)
class Repository:
    """A repository of an organisation or a group."""

    name: str
    https: str
    ssh: str
    is_archived: bool = False
    is_fork: bool = False


class Forge(Protocol):
    """One repository at a forge."""

    def requests(self, branch: str) -> Sequence[Request]:
        """All requests of a branch of the repository itself, the newest first; of no fork's."""

    def open(self, wish: Wish) -> Request:
        """Open a request. Raises ForgeError, also where there is one already."""

    def rewrite(self, request: Request, wish: Wish) -> None:
        """Bring an open request up to date; where it is, nothing is written."""

    def close(self, request: Request) -> None:
        """Close it without merging."""

    def verdict(self, commit: str) -> Verdict:
        """What the checks say of a commit."""


def mark_of(tree: str) -> str:
    return f"{MARK}{tree} -->"
