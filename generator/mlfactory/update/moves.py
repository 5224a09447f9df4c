"""What moves because an answer changed: a package's folder is called after it.

The template's file is the same, and only its name in the project is another one. What belongs to
the user there moves along: files that the template gave once, and what was put beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mlfactory.base.objects import Leaves
from mlfactory.render import result
from mlfactory.render.result import Render

from .obstacles import unknown_below
from .workbench import Workbench

CACHES = ("__pycache__",)  # nobody misses them


@dataclass(frozen=True)
class Moves:
    """Old and new names: of the template's `files`, and of the `folders` that they took along."""

    files: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)


def between(base: Render, theirs: Render) -> Moves:
    """The files that both renders make of the same file of the template, under two names."""
    old, new = single(base), single(theirs)
    names = {e.name for e in base.entries}, {e.name for e in theirs.entries}
    files = {
        before: new[origin]
        for origin, before in old.items()
        if origin in new and before not in names[1] and new[origin] not in names[0]
    }
    pairs = {pair for before, after in files.items() if (pair := folders_of(before, after))}
    targets = Counter(before for before, _ in pairs)
    parents = {p.as_posix() for name in names[1] for p in PurePosixPath(name).parents}
    folders = {
        a: b
        for a, b in pairs
        if targets[a] == 1 and (a not in parents or is_left(a, b, names[0], files))
    }
    return Moves(files, folders)


def is_left(before: str, after: str, names: Collection[str], files: Mapping[str, str]) -> bool:
    """Whether all that the template had in a folder went to the other one, though something comes
    to stand there: two folders that change places, or one that moves into itself."""
    own = (name for name in names if name.startswith(f"{before}/"))
    return all(files.get(name, "").startswith(f"{after}/") for name in own)


def single(render: Render) -> dict[str, str]:
    """The file that was made of each of the template's, where it is only one."""
    counts = Counter(render.facts.origins.values())
    names = {e.name for e in render.entries}
    return {o: n for n, o in render.facts.origins.items() if counts[o] == 1 and n in names}


def folders_of(before: str, after: str) -> tuple[str, str] | None:
    """The folders in which two names differ, when the file is called the same in both."""
    old, new = PurePosixPath(before), PurePosixPath(after)
    if old.name != new.name:
        return None
    while old.name and old.name == new.name:
        old, new = old.parent, new.parent
    return (old.as_posix(), new.as_posix()) if old.name and new.name else None


def user_moves(bench: Workbench, moves: Moves, whole_base: Leaves, new: Leaves) -> dict[str, str]:
    """What the user has put into folders that move, with the names that it gets."""
    pairs = {
        name: f"{after}{name.removeprefix(before)}"
        for before, after in moves.folders.items()
        for name in bench.leaves
        if name.startswith(f"{before}/") and name not in whole_base
    }
    return {a: b for a, b in pairs.items() if b not in bench.leaves and b not in new}


def notes(bench: Workbench, moves: Moves, base: Render) -> Iterator[str]:
    """What nobody but the user can move: what git does not track, and old names in texts."""
    for before, after in moves.folders.items():
        if files := untracked_files(bench, before):
            yield f"git does not track {listing(files)}: it stays in {before}, move it to {after}"
    own = {e.name for e in base.entries if not result.matches(base.facts.skip, e.name)}
    for word in sorted({w for pair in moves.folders.items() for w in words_of(*pair)}):
        if names := [n for n in naming(bench, word) if n not in own]:
            yield f"files of yours still name {word}: {listing(names)}"


def words_of(before: str, after: str) -> Iterator[str]:
    old, new = before.split("/"), after.split("/")
    yield from (a for a in old if a not in new)


def naming(bench: Workbench, word: str) -> list[str]:
    """The files of the last commit that hold a word."""
    argv = ("grep", "-l", "-z", "-w", "-I", "-F", "-e", word, bench.head, "--", *bench.specs)
    out = bench.repository.run(*argv, ok=(0, 1)).out
    size = len(f"{bench.head}:")
    names = [bench.project.name_of(name[size:]) for name in out.split("\0") if name]
    return [name for name in names if name in bench.leaves and name != bench.project.file]


def untracked_files(bench: Workbench, folder: str) -> list[str]:
    """What stands in a folder of the work tree and is not git's, caches aside."""
    tracked = {f"{bench.project.prefix}{name}" for name in (*bench.leaves, *bench.others)}
    names = unknown_below(bench.project.top, f"{bench.project.prefix}{folder}", tracked)
    size = len(bench.project.prefix)
    return [name[size:] for name in names if not {*Path(name).parts} & {*CACHES}]


def listing(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
