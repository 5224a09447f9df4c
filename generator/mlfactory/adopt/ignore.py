"""Two .gitignore as one, so that neither hides what the other tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mlfactory.base import git
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
    exceptions = openings(lines, needed)
    more = ["", OPENED, *exceptions] if exceptions else []
    return Union("\n".join([*lines, *more]) + "\n", tuple(omitted))


def hides(line: str, names: Iterable[str]) -> bool:
    return any(result.verdict((line,), name) for name in names)


def openings(lines: Sequence[str], needed: Iterable[str]) -> list[str]:
    """The lines that let single files through, with all else in their folders still hidden. git
    itself is asked, in a folder of its own: it alone knows all of its rules."""
    names, more = list(needed), list[str]()
    with TemporaryDirectory(prefix="mlfactory-") as scratch:
        repository = git.init(Path(scratch))
        folders = {f.as_posix() for name in names for f in PurePosixPath(name).parents[:-1]}
        for folder in folders:
            Path(scratch, folder).mkdir(parents=True, exist_ok=True)
        while True:
            text = "\n".join([*lines, *more])
            Path(scratch, ".gitignore").write_text(f"{text}\n", "utf-8", errors="surrogateescape")
            hidden = {*git.ignored(repository, [*names, *folders])}
            steps = dict.fromkeys(
                s for name in names if name in hidden for s in opening(name, hidden)
            )
            fresh = [step for step in steps if step not in more]
            if not fresh:
                return more
            more += fresh


def opening(name: str, hidden: set[str]) -> tuple[str, ...]:
    """The lines that open the outermost folder that is hidden, or let the file itself through."""
    above = [f.as_posix() for f in PurePosixPath(name).parents[:-1] if f.as_posix() in hidden]
    return (f"!/{above[-1]}/", f"/{above[-1]}/*") if above else (f"!/{name}",)
