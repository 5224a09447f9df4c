"""What a project's own lists keep out: of git, its .gitignore, and of updates, `keep`.

What .gitignore names an update does not commit, and where it is not in git it is not missing.

Lists that only one clone or one person has do not count: two clones must come to the same commit.
Nothing is started for it, so that `status` stays quick; a test compares the answers with git's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlfactory.base.objects import text_at
from mlfactory.project.record import Project
from mlfactory.render.result import Render, matches, verdict
from mlfactory.render.safety import LINK

from .workbench import Workbench

NAME = ".gitignore"
Lines = tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """The lines of each .gitignore by its folder, both from the top of the repository."""

    prefix: str
    lines: Mapping[str, Lines] = field(default_factory=dict)

    def ignore(self, name: str) -> bool:
        """Whether a file of the project is kept out; what is below a folder that is, is too."""
        path = PurePosixPath(posixpath.normpath(f"{self.prefix}{name}"))
        folders = (f"{p.as_posix()}/" for p in reversed(path.parents[:-1]))
        return any(self.match(one) for one in (*folders, path.as_posix()))

    def match(self, path: str) -> bool:
        """Whether the last rule that fits, in the nearest folder that has one, is to ignore."""
        for folder in PurePosixPath(path).parents:
            prefix = "" if folder.as_posix() == "." else f"{folder.as_posix()}/"
            is_ignored = verdict(self.lines.get(prefix, ()), path.removeprefix(prefix))
            if is_ignored is not None:
                return is_ignored
        return False


def rules(bench: Workbench, base: Render | None = None, theirs: Render | None = None) -> Rules:
    """The rules that the work tree has, or that it has after an update from base to theirs."""
    prefix = bench.project.prefix
    above = [PurePosixPath(prefix), *PurePosixPath(prefix).parents] if prefix else []
    around = [p.as_posix() for p in above if p.as_posix() not in (".", prefix.rstrip("/"))]
    folders = ["", *(f"{folder}/" for folder in around)] if prefix else []
    lines = {folder: standing(bench, f"{folder}{NAME}") for folder in folders}
    old, new = texts(base), texts(theirs)
    for name in {*ignore_files(bench.leaves), *old, *new}:
        here = standing(bench, f"{prefix}{name}") if name in bench.leaves else ()
        if base is None or theirs is None:
            after = here
        elif name in bench.leaves or name not in old:
            after = merge_lines(here, old.get(name, ()), new.get(name, ()))
        else:
            after = ()
        lines[f"{prefix}{name.removesuffix(NAME)}"] = after
    return Rules(prefix, {folder: patterns for folder, patterns in lines.items() if patterns})


def ignore_files(names: Iterable[str]) -> list[str]:
    return [name for name in names if PurePosixPath(name).name == NAME]


def texts(render: Render | None) -> dict[str, Lines]:
    names = ignore_files(e.name for e in render.entries) if render else []
    return {name: split(render.text(name) or "") for name in names if render}


def standing(bench: Workbench, name: str) -> Lines:
    """The lines of a file of the work tree; git does not read one that is a link."""
    if not bench.repository.has_work_tree:
        mode, _ = bench.leaves.get(bench.project.name_of(name), ("", ""))
        return () if mode == LINK else split(text_at(bench.repository, bench.head, name) or "")
    path = bench.project.top / name
    if path.is_symlink() or not path.is_file():
        return ()
    return split(path.read_text("utf-8", "replace"))


def split(text: str) -> Lines:
    return tuple(line.removesuffix("\r") for line in text.split("\n") if line.strip())


def merge_lines(here: Lines, old: Lines, new: Lines) -> Lines:
    """The project's lines with what the template takes away and adds."""
    if here == old:
        return new
    lines = [line for line in here if line not in old or line in new]
    return (*lines, *(line for line in new if line not in old and line not in lines))


def left_alone(project: Project, names: set[str]) -> set[str]:
    """What the project does not take from its template."""
    patterns = project.left_alone
    return {n for n in names - {project.file} if matches(patterns, n)}
