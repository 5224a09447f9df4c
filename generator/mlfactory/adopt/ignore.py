"""Two .gitignore as one, so that neither hides what the other tracks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mlfactory.render import result

OPENED = "# What the factory tracks in folders that a line above hides"


@dataclass(frozen=True)
class Union:
    """The text that both make, and those of the template's lines that were left out: they would
    hide files that are tracked."""

    text: str
    omitted: tuple[str, ...] = ()


def union(theirs: str, ours: str, tracked: Sequence[str], needed: Iterable[str]) -> Union:
    """Theirs, then what only the template has; `needed` are paths that must not be hidden.

    Their own lines stay as they are: what they keep out of git must not get in. A folder that they
    hide is opened for single files only.
    """
    have = {line.strip() for line in theirs.splitlines()}
    blocks, omitted = [], list[str]()
    for block in ours.split("\n\n"):
        rules, notes = [], []
        for line in filter(str.strip, block.splitlines()):
            if line.startswith("#"):
                notes.append(line)
            elif line.strip() not in have and hides(line, tracked):
                omitted.append(line)
            elif line.strip() not in have:
                rules.append(line)
        if rules:
            blocks.append("\n".join([*notes, *rules]))
    lines = "\n\n".join(filter(None, (theirs.rstrip("\n"), *blocks))).splitlines()
    exceptions = list(openings(lines, needed))
    more = ["", OPENED, *exceptions] if exceptions else []
    return Union("\n".join([*lines, *more]) + "\n", tuple(omitted))


def hides(line: str, names: Iterable[str]) -> bool:
    return any(result.verdict((line,), name) for name in names)


def openings(lines: Sequence[str], needed: Iterable[str]) -> Iterator[str]:
    """The lines that let single files through, with all else in their folders still hidden."""
    now = tuple(lines)
    for name in needed:
        for folder in reversed(PurePosixPath(name).parents[:-1]):
            if result.verdict(now, f"{folder}/"):
                now = (*now, f"!/{folder}/", f"/{folder}/*")
                yield from now[-2:]
        if result.verdict(now, name):
            now = (*now, f"!/{name}")
            yield now[-1]
