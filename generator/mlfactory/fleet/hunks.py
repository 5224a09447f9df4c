"""What an edit replaces, and the same replaced in another text."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ALIKE = 0.6  # so similar are two ways to replace the same lines


@dataclass(frozen=True)
class Hunk:
    """Lines that are replaced by others; where none are, `before` and `after` are the lines around
    the place, empty at an end of the file. `start` is the first of the new lines, from 1."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    before: str = ""
    after: str = ""
    start: int = 0

    @property
    def key(self) -> str:
        """The same for the same change, wherever it is and however it is indented, as git's
        patch-id is."""
        around = () if self.old else (self.before,)
        parts = [[squeeze(line) for line in lines] for lines in (around, self.old, self.new)]
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:10]

    def is_in(self, text: str) -> bool:
        """Whether a text has the new lines already, between those that are around them here."""
        lines = text.splitlines(keepends=True)
        window = [line for line in (self.before, *self.new, self.after) if line]
        places = range(len(lines) - len(window) + 1)
        return bool(window) and any(lines[at : at + len(window)] == window for at in places)

    def is_like(self, other: Hunk) -> bool:
        """Whether both replace the same lines, in ways that are nearly the same."""
        if (self.old, self.before if not self.old else "") != (
            other.old,
            other.before if not other.old else "",
        ):
            return False
        texts = ("".join(self.new), "".join(other.new))
        return difflib.SequenceMatcher(None, *texts).ratio() >= ALIKE


def squeeze(line: str) -> str:
    return "".join(line.split())


def hunks(before: str, after: str) -> Iterator[Hunk]:
    """What turns one text into another; that all lines end otherwise is no change."""
    if "\r\n" not in before:
        after = after.replace("\r\n", "\n")
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            around = (old[a - 1] if a else "", old[b] if b < len(old) else "")
            yield Hunk(tuple(old[a:b]), tuple(new[c:d]), *around, c + 1)


def transplant(hunk: Hunk, text: str) -> str | None:
    """The text with the same lines replaced, or None where these are not there exactly once."""
    lines = text.splitlines(keepends=True)
    places = [at for at in range(len(lines) + 1) if fits(hunk, lines, at)]
    if len(places) != 1:
        return None
    at = places[0]
    return "".join([*lines[:at], *hunk.new, *lines[at + len(hunk.old) :]])


def fits(hunk: Hunk, lines: Sequence[str], at: int) -> bool:
    if hunk.old:
        return tuple(lines[at : at + len(hunk.old)]) == hunk.old
    before = lines[at - 1] if at else ""
    after = lines[at] if at < len(lines) else ""
    return (before, after) == (hunk.before, hunk.after)
