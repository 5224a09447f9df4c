"""`mlfactory restore`: put files back as the template has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record

from . import drift
from .changes import Change
from .course import find_course
from .obstacles import obstacle
from .working import working


@dataclass(frozen=True)
class Restoring:
    """What `mlfactory restore` puts back; `done` is false for a dry run."""

    project: str
    version: str
    files: tuple[Change, ...]
    done: bool


def restore(
    start: Path, names: list[str], *, dry_run: bool = False, file: str = "", trust: bool = False
) -> Restoring:
    """Put drifted or deleted files back as the template has them at the recorded version.

    The work tree is written, the index is not. Raises MlfactoryError rather than lose an edit
    that no commit has.
    """
    if dry_run:
        return put_back(start, names, dry_run=True, file=file, trust=trust)
    with working(home(start, names), "mlfactory restore"):
        return put_back(start, names, dry_run=False, file=file, trust=trust)


def put_back(start: Path, names: list[str], *, dry_run: bool, file: str, trust: bool) -> Restoring:
    """The same without keeping others out."""
    project = record.find(home(start, names), file)
    course = find_course(project, project.version)
    with drift.comparison(course, trust=trust) as difference:
        changes = drift.choose(difference, drift.inside(project, start, names))
        check_committed(difference, changes)
        result = Restoring(str(project.path), course.old.name, tuple(changes), not dry_run)
        if dry_run or not changes:
            return result
        where = [project.spec(change.path) for change in changes]
        difference.bench.git("restore", "--worktree", f"--source={difference.tree}", "--", *where)
        return result


def home(start: Path, names: list[str]) -> Path:
    """Where the project is looked for: around here, else around the first name."""
    here = Path(start).resolve()
    if not names or any(record.choose(folder, "") for folder in (here, *here.parents)):
        return here
    first = here / names[0]
    return next(folder for folder in (first, *first.parents) if folder.is_dir())


def check_committed(comparison: drift.Comparison, changes: list[Change]) -> None:
    """Raises MlfactoryError when something would be lost for ever that no commit has."""
    top, project = comparison.project.top, comparison.project
    dirty = set(git.dirt(comparison.project.repository))
    tracked = {
        project.place_of(name) for name in (*comparison.bench.leaves, *comparison.bench.others)
    }
    for change in changes:
        name = project.place_of(change.path)
        folder = name if (top / name).is_dir() and not (top / name).is_symlink() else ""
        if standing := obstacle(top, name, tracked) or folder:
            there = project.name_of(standing)
            raise MlfactoryError(
                f"{there} stands where {change.path} is to be, and would be lost",
                "Move it away; then restore again.",
            )
        if name in dirty and os.path.lexists(top / name):
            raise MlfactoryError(
                f"{change.path} has edits that are not committed, and they would be lost",
                f"git add {change.path} && git commit, or git stash; then restore again.",
            )
