"""The files of a template whose names are the same in every project: looked for once, and written
nowhere.

copier writes each file of each project, from where it is read again, and takes each name apart. Of
many projects that took most of the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from mlfactory.base.errors import MlfactoryError

from . import safety
from .safety import Entry
from .strings import is_plain

MOST, MOST_IN_ALL = 2**20, 2**26  # bytes: what is larger is not kept in memory


@dataclass(frozen=True)
class Still:
    """A file of the template and the one that a project gets; what is in that is the same in every
    project, unless it `is_template`. `origin` is its path in the template."""

    origin: str
    path: Path
    entry: Entry
    is_template: bool


@dataclass(frozen=True)
class Stills:
    """Those of one version; `sources` are their places on the disk, those of their folders too,
    and `around` the folders of what a project gets."""

    files: tuple[Still, ...] = ()
    sources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()

    def stand_for(self, file: str) -> bool:
        """Whether copier takes none of them for the file that answers are in."""
        return not any(file in (*one.path.parts, one.entry.name) for one in self.files)

    def meets(self, names: Iterable[str]) -> bool:
        """Whether one of these names is that of such a file, or below one, or of a folder of
        theirs: then it matters in which order all are written."""
        return any(
            name in self.names or name in self.around or any(p in self.names for p in parents(name))
            for name in names
        )


@lru_cache(maxsize=4)
def files_of(root: Path, top: Path, suffix: str, marks: tuple[str, ...]) -> Stills:
    """Those below `root`; `top` is the template's own folder, and `marks` is what Jinja begins
    with. Without a suffix there are none."""
    files, sources, total = [], set[str](), 0
    for path in regular_files(root) if suffix else ():
        one = still_of(path, root, top, suffix) if has_plain_name(path, root, marks) else None
        total += len(one.entry.content) if one else 0
        if one and total <= MOST_IN_ALL:
            files.append(one)
            sources.update(map(str, (path, *(root / p for p in one.path.parents))))
    names = frozenset(one.entry.name for one in files)
    around = frozenset(p for name in names for p in parents(name))
    is_clear = len(names) == len(files) and not names & around
    return Stills(tuple(files), frozenset(sources), names, around) if is_clear else Stills()


def regular_files(root: Path) -> Iterator[Path]:
    """Files that are no links, in folders that are none, and not too large."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST:
                yield path


def has_plain_name(path: Path, root: Path, marks: tuple[str, ...]) -> bool:
    return all(is_plain(part, marks) for part in path.relative_to(root).parts)


def still_of(path: Path, root: Path, top: Path, suffix: str) -> Still | None:
    """What a file becomes, or None where copier would prefer another one to it, and where it must
    not get into a project: a template may exclude it."""
    relative, is_template = path.relative_to(root), path.name.endswith(suffix)
    target = relative.with_suffix("") if is_template else relative
    twins = [path.with_name(f"{path.name}{suffix}")]
    twins += [] if is_template else [top / f"{relative}{suffix}"]
    if any(twin.exists() for twin in twins):
        return None
    try:
        entry = safety.entry(path, target.as_posix())
    except MlfactoryError:
        return None
    return Still(path.relative_to(top).as_posix(), target, entry, is_template)


def parents(name: str) -> Iterator[str]:
    yield from (p.as_posix() for p in PurePosixPath(name).parents if p.name)


@contextmanager
def passed_over(sources: frozenset[str]) -> Iterator[None]:
    """Let copier not see these files and folders of a template."""
    from copier import _main

    copier: Any = _main
    scan = copier.scantree

    def others(path: str, follow_symlinks: bool) -> Iterator[os.DirEntry[str]]:
        return (entry for entry in scan(path, follow_symlinks) if entry.path not in sources)

    copier.scantree = others
    try:
        yield
    finally:
        copier.scantree = scan
