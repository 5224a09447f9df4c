"""What stands in a work tree where an update would write."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path, PurePosixPath


def in_the_way(top: Path, tracked: Container[str], names: Iterable[str]) -> list[str]:
    """What stands where an update adds files, and is not git's."""
    return sorted({standing for name in names if (standing := obstacle(top, name, tracked))})


def obstacle(top: Path, name: str, tracked: Container[str]) -> str:
    """What is not tracked and stands where a file is to be written, or an empty string."""
    path = PurePosixPath(name)
    for part in (*reversed(path.parents[:-1]), path):
        here = top / part
        if not os.path.lexists(here) or part.as_posix() in tracked:
            continue
        if here.is_symlink() or not here.is_dir():
            return part.as_posix()
    return next(unknown_below(top, name, tracked), "")


def unknown_below(top: Path, folder: str, tracked: Container[str]) -> Iterator[str]:
    """What a folder holds beside tracked files."""
    for inner, _, names in os.walk(top / folder):
        inside = Path(inner).relative_to(top).as_posix()
        yield from (name for n in sorted(names) if (name := f"{inside}/{n}") not in tracked)
