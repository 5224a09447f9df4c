"""Rendering a template that stands in a folder, and is no version of anything yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError
from mlfactory.template.choice import Template

from .copier import read_questions
from .faults import copier_at_work
from .worker import recording_worker

FOLDER = Template("")  # of files that we wrote: nobody's repository, which git is asked about


@dataclass(frozen=True)
class Source:
    """A template in a folder, as copier has read it: once, however often it is rendered."""

    path: Path
    template: Any

    @property
    def questions(self) -> Mapping[str, Mapping[str, Any]]:
        """What it asks, raw, by the question."""
        questions: Mapping[str, Mapping[str, Any]] = self.template.questions_data
        return questions

    @property
    def folder(self) -> str:
        """The folder of it that is rendered; empty where that is all of it."""
        return str(self.template.subdirectory or "")


@dataclass(frozen=True)
class Trial:
    """One render: the template's file for each name, and the names that two of them write."""

    origins: Mapping[str, str]
    clashes: tuple[str, ...]


def read(template: Path) -> Source:
    """Read a template's copier.yml. Raises MlfactoryError when it cannot be read."""
    with copier_at_work(FOLDER), worker_of(template) as worker:
        source = worker.template
        source.local_abspath = template.resolve()
        source.commit, source.commit_hash, source.git_index_modes = "", "", {}
        read_questions(worker)
        return Source(template, source)


def ask(source: Source, into: Path, answers: Answers) -> frozenset[str]:
    """Answer the questions, and render nothing; gives those that are not asked then. Raises
    RefusedAnswerError where the template does not take these answers together."""
    with copier_at_work(FOLDER), worker_of(source.path) as worker:
        worker.template = source.template
        worker.dst_path, worker.data = into, dict(answers)
        return frozenset(worker.hidden_questions())


def render(source: Source, into: Path, answers: Answers) -> Trial:
    """Render with these answers, and defaults for the others. Raises MlfactoryError for what the
    template cannot do."""
    with copier_at_work(FOLDER), worker_of(source.path) as worker:
        worker.template = source.template
        worker.dst_path, worker.data = into, dict(answers)
        worker.run_copy()
        if not into.is_dir():
            raise MlfactoryError("the template renders nothing")
        return Trial(dict(worker.origins), tuple(sorted(worker.clashes)))


def worker_of(template: Path) -> Any:
    return recording_worker()(
        str(template), defaults=True, quiet=True, overwrite=True, skip_tasks=True
    )
