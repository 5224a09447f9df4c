"""What `mlfactory adopt` was asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlfactory.base.answers import Answers

ADDED, SAME, KEEPS, UNION = "added", "the same", "yours stays", "both"
MOVES, MERGES, GOES, TAKES = "moves to the template's", "merged", "removed", "the template's taken"
OURS, ASK = "ours", "ask"


@dataclass(frozen=True)
class Request:
    """What was typed: paths and answers, nothing looked up.

    `keep` says who decides where both have a file: the repository's own stays, or a person is
    asked for each.
    """

    project: str = "."
    data: str = ""
    answers: Answers = field(default_factory=dict)
    settings: Answers = field(default_factory=dict)
    template: str = ""
    ref: str = ""
    keep: str = OURS
    dry_run: bool = False


@dataclass(frozen=True)
class Piece:
    """A file that both may have: its path from the project, what becomes of it, its new content
    (None where it does not change or goes), and how the template's would differ."""

    path: str
    state: str
    content: bytes | None = None
    mode: str = "100644"
    diff: str = ""


@dataclass(frozen=True)
class Task:
    """Something that is left to a person; `about` is one word, `text` one sentence or more."""

    about: str
    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file as the report lists it."""

    path: str
    state: str
    diff: str = ""


@dataclass(frozen=True)
class Fit:
    """How close a project is to what a version of a template makes: `same` files of `files` are
    equal to the byte, and `share` is the mean likeness of all, from 0 to 1."""

    version: str
    share: float
    same: int
    files: int


@dataclass(frozen=True)
class Report:
    """What `mlfactory adopt` did, or would do; `--json` prints exactly this.

    `state` is `planned`, `adopted`, `linked` or `resumed`; `branch` holds it and `origin` is the
    branch that it came from. `todo` is what a checklist file lists for people, and `fits` says of
    each candidate version of a template how close it is.
    """

    state: str
    project: str
    template: str
    version: str
    branch: str = ""
    origin: str = ""
    commit: str = ""
    record: str = ""
    files: tuple[File, ...] = ()
    todo: tuple[Task, ...] = ()
    checklist: str = ""
    fits: tuple[Fit, ...] = ()
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    setup: Mapping[str, Any] | None = None
