"""A copy of the report for people to keep: it also names the commit and the day of training.

The pipeline's own report cannot: the same inputs give the same bytes, whenever and wherever.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import FactoryError
from ..git import tries
from ..languages import writing_in
from ..project import EVALUATION, Project
from ..scratch import scratch
from .pages import render
from .report import context, read_evaluation


@dataclass(frozen=True)
class Training:
    """The commit that holds the model's evaluation, and its day (YYYY-MM-DD)."""

    commit: str
    day: str


def training_of(project: Project) -> Training:
    """When the model here was trained, as git has it. FactoryError where it is not committed."""
    name = EVALUATION.as_posix()
    changed = tries(project.root, "status", "--porcelain", "--untracked-files=all", "--", name)
    line = tries(project.root, "log", "-1", "--format=%h %cs", "--", name)
    if changed or not line:
        raise FactoryError(
            f"{name} is not committed, so that no commit names this model",
            "git add --all && git commit, and again",
        )
    return Training(*line.split())


def write_copy(project: Project, target: Path) -> Path:
    """Write the report to a file of anybody's choice, with commit and day of training.

    It stands there whole or not at all. FactoryError where the model is not committed, or where
    nothing can be written.
    """
    training, params = training_of(project), project.params
    with writing_in(params.report.language):
        values = context(project, read_evaluation(project), project.catalog, params)
        text = render(project, "report.html", values | {"training": training})
    try:
        with scratch(target.parent, ".report-") as folder:
            (folder / target.name).write_text(text, "utf-8", newline="\n")
            os.replace(folder / target.name, target)  # noqa: PTH105 - as everywhere
    except OSError as error:
        raise FactoryError(
            f"{target} cannot be written: {error.strerror}", "name another"
        ) from error
    return target
