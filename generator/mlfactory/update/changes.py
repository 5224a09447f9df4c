"""What an update does to single files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

LIBRARY = "runtime/mlfactory_runtime/"


@dataclass(frozen=True)
class Change:
    """What an update does to one file: added, changed, merged, renamed, deleted, conflict, ..."""

    path: str
    state: str
    note: str = ""


@dataclass(frozen=True)
class Conflict:
    """A file that git cannot merge, and git's reason."""

    path: str
    reason: str


def fold(changes: tuple[Change, ...]) -> Iterator[Change]:
    """The same for people: files of the library that nobody edited are one line per state."""
    plain = ("added", "changed", "deleted")
    counts = Counter(c.state for c in changes if c.path.startswith(LIBRARY) and c.state in plain)
    for change in changes:
        if not change.path.startswith(LIBRARY) or change.state not in plain:
            yield change
        elif number := counts.pop(change.state, 0):
            yield Change(LIBRARY, change.state, f"{number} files") if number > 1 else change
