"""A render as data: what a template makes of answers, kept so that it need not be made again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError

LINK, EXECUTABLE, PLAIN = "120000", "100755", "100644"
MAX_BYTES = 100 * 2**20
MIGRATIONS = "the template has migrations; mlfactory does not run them"
UNSAFE = "Look at the template; nothing was written."


@dataclass(frozen=True)
class RenderOptions:
    """How to render a project again: with these answers on top, asking, trusting the template."""

    settings: Answers = field(default_factory=dict)
    ask: bool = False
    trust: bool = False


@dataclass(frozen=True)
class Entry:
    """A rendered file; of a symbolic link, `content` is where it points."""

    mode: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Facts:
    """What else a render tells.

    `skip` and `exclude` are patterns: files that are the user's once they exist, and files that
    the template does not want to see. `questions` were not answered before, with their defaults.
    `origins` names the template's file for each rendered one. `trusted` says that it may run code.
    """

    version: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    questions: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Render:
    """All files of one render, sorted by name, and what else is known of it."""

    entries: tuple[Entry, ...]
    facts: Facts

    def text(self, name: str) -> str | None:
        """A file as text, or None when it is not there."""
        found = next((e for e in self.entries if e.name == name and e.mode != LINK), None)
        return found.content.decode("utf-8", "replace") if found else None


def collect(folder: Path, facts: Facts) -> Render:
    """The files below a folder. Raises MlfactoryError for what must not get into a project."""
    return Render(tuple(sorted(entries(folder), key=lambda e: e.name)), facts)


def entries(folder: Path) -> Iterator[Entry]:
    for top, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in (*names, *linked):
            path = Path(top) / name
            yield entry(path, path.relative_to(folder).as_posix())


def entry(path: Path, name: str) -> Entry:
    """One file, looked at before it is read."""
    if is_gits(name):
        raise MlfactoryError(f"the template writes into git's own folder: {name}", UNSAFE)
    if path.is_symlink():
        target = str(path.readlink())
        inside = os.path.normpath(os.path.join(os.path.dirname(name), target))  # noqa: PTH118, PTH120
        if os.path.isabs(target) or inside.split("/")[0] == ".." or is_gits(target):  # noqa: PTH117
            raise MlfactoryError(f"the template's link {name} leaves the project: {target}", UNSAFE)
        return Entry(LINK, name, os.fsencode(target))
    if not path.is_file():
        raise MlfactoryError(f"the template renders {name}, which is no file", UNSAFE)
    size = path.stat().st_size
    if size > MAX_BYTES:
        text = f"the template renders {name} with {size / 2**20:,.0f} MiB"
        raise MlfactoryError(f"{text}; {MAX_BYTES // 2**20} are the limit", "Keep data out of it.")
    mode = EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN
    return Entry(mode, name, path.read_bytes())


def is_gits(name: str) -> bool:
    """Whether a path leads into a repository's own folder, however it is written."""
    return any(part.lower() == ".git" for part in PurePosixPath(name).parts)


@lru_cache
def matcher(patterns: tuple[str, ...]) -> Any:
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", [normalize("NFD", line) for line in patterns])


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a path matches one of the patterns, as copier understands them."""
    return bool(patterns) and bool(matcher(patterns).match_file(name))
