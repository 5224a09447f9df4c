"""Who let a change in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Review:
    """Who approved a change, or else merged or pushed it, and who proposed it; as `@NAME`."""

    approvers: tuple[str, ...] = ()
    author: str = ""

    @property
    def names(self) -> str:
        """The approvers, for a record."""
        return ", ".join(self.approvers)

    @property
    def is_own(self) -> bool:
        """Whether nobody but its author let it in."""
        return not {*self.approvers} - {self.author}


def review_of(approvals: list[str], author: str, merger: str) -> Review:
    """Of a request, by the accounts: what its author thinks of it counts for nothing."""
    others = [name for name in approvals if name != author]
    names = others or [name for name in [merger] if name]
    return Review(tuple(f"@{name}" for name in names), f"@{author}" if author else "")
