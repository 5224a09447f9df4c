"""A render as data: what a template makes of answers, kept so that it need not be made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

from mlfactory.base.answers import Answers

from . import safety
from .safety import LINK, Entry


@dataclass(frozen=True)
class RenderOptions:
    """How to render a project again: with these answers on top, asking, trusting the template."""

    settings: Answers = field(default_factory=dict)
    ask: bool = False
    trust: bool = False


@dataclass(frozen=True)
class Replaced:
    """A recorded answer that a version does not take, and the one that it has instead."""

    name: str
    old: Any
    new: Any

    @property
    def text(self) -> str:
        return f"{self.name}: {self.old!r} is no longer taken, {self.new!r} is taken instead"


@dataclass(frozen=True)
class Facts:
    """What else a render tells.

    `skip` and `exclude` are patterns: files that are the user's once they exist, and files that
    the template does not want to see. `questions` were not answered before, with their defaults.
    `origins` names the template's file for each rendered one. What the template would have run is
    in `skipped_tasks` and `skipped_migrations`, as somebody would type it; `code_ran` says that it
    was trusted and did run something. `dropped` are recorded answers to questions that are gone,
    and `replaced` those that are no longer taken. Of a render that `has_read_more`, other files of
    the project have decided, too.
    """

    version: str
    answers: Answers = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    questions: Answers = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped_tasks: tuple[str, ...] = ()
    skipped_migrations: tuple[str, ...] = ()
    dropped: Answers = field(default_factory=dict)
    code_ran: bool = False
    has_read_more: bool = False
    replaced: tuple[Replaced, ...] = ()

    @property
    def has_skipped(self) -> bool:
        return bool(self.skipped_tasks or self.skipped_migrations)


@dataclass(frozen=True)
class Render:
    """All files of one render, sorted by name, and what else is known of it."""

    entries: tuple[Entry, ...]
    facts: Facts

    def text(self, name: str) -> str | None:
        """A file as text, or None when it is not there."""
        entry = next((e for e in self.entries if e.name == name and e.mode != LINK), None)
        return entry.content.decode("utf-8", "replace") if entry else None


def collect(folder: Path, facts: Facts, more: Iterable[Entry] = ()) -> Render:
    """The files below a folder, and more. Raises MlfactoryError for what must not get into a
    project."""
    return Render(safety.entries_below(folder, more), facts)


@lru_cache
def matcher(patterns: tuple[str, ...]) -> Any:
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", [normalize("NFD", line) for line in patterns])


@lru_cache
def rules(lines: tuple[str, ...]) -> Any:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def verdict(lines: tuple[str, ...], name: str) -> bool | None:
    """What one .gitignore says of a path below it, a folder's with a slash at its end: whether to
    ignore it, or None where no line fits."""
    include: bool | None = rules(lines).check_file(name).include if lines else None
    return include


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a path matches one of the patterns, as copier understands them."""
    return bool(patterns) and bool(matcher(patterns).match_file(name))
