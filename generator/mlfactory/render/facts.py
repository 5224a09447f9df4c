"""What copier's worker knows once it has rendered."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from mlfactory.base.answers import Answers
from mlfactory.project.record import Project
from mlfactory.template.repository import Version

from .result import Facts, RenderOptions, Replaced

UPDATING = {"_copier_operation": "update"}  # what copier tells a template's exclusions


def exclusions(worker: Any) -> Iterator[str]:
    """The patterns of what the template leaves out of an update; one text may hold several."""
    for text in worker.all_exclusions:
        yield from worker._render_string(text, UPDATING).splitlines()


def facts_of(worker: Any, project: Project, version: Version, options: RenderOptions) -> Facts:
    """What the worker knows once it has rendered."""
    questions = worker.template.questions_data
    old_names = {*project.answers, *options.settings, *worker.answers.hidden}
    user = worker.answers.user
    new = {name: user[name] for name in questions if name in user}
    return Facts(
        version.name,
        {k: v for k, v in worker._answers_to_remember().items() if not k.startswith("_")},
        tuple(map(worker._render_string, worker.all_skip_if_exists)),
        tuple(exclusions(worker)),
        {name: value for name, value in new.items() if name not in old_names},
        dict(worker.origins),
        dropped={k: v for k, v in project.answers.items() if k not in questions},
        has_read_more=worker.has_read_more,
        replaced=tuple(replacements(worker.answers.combined, project, questions, options)),
    )


def replacements(
    answers: Answers, project: Project, questions: Container[str], options: RenderOptions
) -> Iterator[Replaced]:
    """The recorded answers that questions no longer take, or no longer ask for, as the answers
    stand now. Of another type but written the same is the same answer."""
    for name, old in project.answers.items():
        new = answers.get(name)
        if name in questions and name not in options.settings and str(new) != str(old):
            yield Replaced(name, old, new)
