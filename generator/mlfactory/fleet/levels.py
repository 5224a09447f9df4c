"""What a project has reached, that teams can see: by its files as they are committed, its tags and
its branch `status`, without any of it being run."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from mlfactory.base.objects import text_at
from mlfactory.project.record import PYPROJECT, Project

from .catalog import FILE as FEATURES
from .production import Production

LEVELS = ("tests", "lock", "monitored", "catalog", "compared")
WORDS = {
    "tests": "it has tests",
    "lock": "its lock is as new as its packages",
    "monitored": "its monitor has reported",
    "catalog": "nothing in its catalog is assumed any more",
    "compared": "its model was promoted by a comparison",
}
LOCK, MOST = "uv.lock", 200
ASSUMED = re.compile(r"\bassumed:\s*true\b")
VERSION = re.compile(r"^\+_commit: *['\"]?([^'\"\s]{1,80})", re.MULTILINE)


def levels(project: Project, news: Production) -> tuple[str, ...]:
    """Those that are reached, in their order."""
    argv = ("ls-tree", "-r", "-z", "--name-only", f"{project.head}:{project.prefix}")
    names = {*project.repository.run(*argv).out.split("\0")}
    facts = {
        "tests": any(is_test(PurePosixPath(name)) for name in names),
        "lock": LOCK in names and is_fresh(project),
        "monitored": bool(news.health.state),
        "catalog": FEATURES in names and is_reviewed(project),
        "compared": news.model is not None and news.model.forced is False,
    }
    return tuple(level for level in LEVELS if facts[level])


def is_test(path: PurePosixPath) -> bool:
    return path.suffix == ".py" and (path.name.startswith("test_") or path.stem.endswith("_test"))


def is_fresh(project: Project) -> bool:
    """Whether the lock was renewed when the packages were changed last, or since."""
    argv = ("log", "--max-count=1", "--format=%H", project.head, "--")
    specs = [project.spec(name) for name in (PYPROJECT, LOCK)]
    last = project.repository.run(*argv, *specs).out.strip()
    return last == project.repository.run(*argv, specs[1]).out.strip()


def is_reviewed(project: Project) -> bool:
    text = text_at(project.repository, project.head, f"{project.prefix}{FEATURES}") or ""
    return not ASSUMED.search(text)


def adoption(project: Project) -> tuple[tuple[str, str], ...]:
    """The days on which a project took a version of its template, and which; the oldest first."""
    form = ("--format=%x00%cs", "--patch", "--unified=0", "--no-color", "--no-ext-diff")
    argv = ("log", f"--max-count={MOST}", "--first-parent", "--diff-merges=first-parent", *form)
    spec = project.spec(project.file)
    parts = project.repository.run(*argv, project.head, "--", spec).out.split("\0")
    rows = [(part[:10], VERSION.search(part)) for part in parts if part]
    return tuple((day, match[1]) for day, match in reversed(rows) if match)
