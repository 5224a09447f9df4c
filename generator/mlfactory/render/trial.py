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


@dataclass(frozen=True)
class Layout:
    """What a template asks, raw, by the question; and the folder of it that is rendered."""

    questions: Mapping[str, Mapping[str, Any]]
    folder: str


@dataclass(frozen=True)
class Trial:
    """One render: the template's file for each name, and the names that two of them write."""

    origins: Mapping[str, str]
    clashes: tuple[str, ...]


def layout(template: Path) -> Layout:
    """What a template's copier.yml says. Raises MlfactoryError when it cannot be read."""
    which = Template(str(template))
    with copier_at_work(which), worker_of(template) as worker:
        read_questions(worker)
        return Layout(worker.template.questions_data, str(worker.template.subdirectory or ""))


def render(template: Path, into: Path, answers: Answers) -> Trial:
    """Render with these answers, and defaults for the others. Raises MlfactoryError for what the
    template cannot do."""
    which = Template(str(template))
    with copier_at_work(which), worker_of(template) as worker:
        worker.dst_path, worker.data = into, dict(answers)
        read_questions(worker)
        worker.run_copy()
        if not into.is_dir():
            raise MlfactoryError("the template renders nothing")
        return Trial(dict(worker.origins), tuple(sorted(worker.clashes)))


def worker_of(template: Path) -> Any:
    return recording_worker()(
        str(template), defaults=True, quiet=True, overwrite=True, skip_tasks=True
    )
