"""The lock of a factory whose packages an update changes, renewed in a work tree that is thrown
away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.objects import OURS
from mlfactory.base.talk import Proposal
from mlfactory.project import record
from mlfactory.project.record import PYPROJECT, Project
from mlfactory.template import choice
from mlfactory.update import checks
from mlfactory.update.course import Course

from .clone import Clone

COMMITTER = {name: value for name, value in OURS.items() if "COMMITTER" in name}


@dataclass(frozen=True)
class Silence:
    """A talk of which nobody hears: many projects are at work at a time."""

    def step(self, title: str, *, live: bool = True) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def note(self, text: str) -> None:
        """Nobody hears it."""

    def choose(self, question: str, choices: tuple[str, ...]) -> str:  # noqa: ARG002
        return choices[0]

    def pick(self, question: str, proposal: Proposal) -> str:  # noqa: ARG002
        return proposal.default


def relock(clone: Clone, course: Course, commit: str) -> tuple[str, str]:
    """The commit with a fresh uv.lock where the packages changed and the template is trusted, and
    what is left to do."""
    project = course.project
    specs = [project.spec(name) for name in (PYPROJECT, checks.LOCK)]
    argv = ("diff", "--quiet", project.head, commit, "--", specs[0])
    differs = project.repository.run(*argv, ok=(0, 1)).code
    listing = project.repository.run("ls-tree", commit, "--", project.place_of(checks.LOCK)).out
    if not differs or not listing:
        return commit, ""
    if not choice.may_run(course.up, course.new.commit):
        return commit, f"{checks.LOCK} is not renewed: {checks.UNTRUSTED}"
    with checkout(clone, project, commit) as copy:
        notes = checks.relock(copy, project.head, Silence())
        return git.head(copy.repository), "; ".join(notes)


@contextmanager
def checkout(clone: Clone, project: Project, commit: str) -> Iterator[Project]:
    """The project in a work tree of its own, in which mlfactory commits."""
    with work_tree(clone, commit) as top:
        copy = record.find(top / project.prefix, project.file)
        yield replace(copy, repository=replace(copy.repository, env=COMMITTER))


@contextmanager
def work_tree(clone: Clone, commit: str) -> Iterator[Path]:
    """The top of a work tree that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        top = Path(scratch) / clone.place.name
        store = git.bare(clone.store)
        store.run("worktree", "add", "--quiet", "--detach", str(top), commit)
        try:
            yield top
        finally:
            store.run("worktree", "remove", "--force", str(top), ok=(0, 128))
