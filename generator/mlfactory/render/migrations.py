"""A template's migrations: commands that bring a project from one version to the next.

copier runs them in the user's work tree, with a merge that is half done. Here both renders are
made aside: what comes before runs on what the recorded version made, and its answers file is what
the new version is rendered with; what comes after runs on what the new version made. Git then
merges the difference of both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template import repository

from . import safety
from .result import Render
from .worker import commands

if TYPE_CHECKING:
    from copier._template import Task

Stage = Literal["before", "after"]
LOOK = "Look at the template; nothing was written."


@contextmanager
def operating(operation: Literal["copy", "update"]) -> Iterator[None]:
    """Let a template know whether a project is made or updated."""
    from copier._main import _operation

    token = _operation.set(operation)
    try:
        yield
    finally:
        _operation.reset(token)


def tasks(worker: Any, project: Project, stage: Stage) -> Sequence[Task]:
    """The migrations of a stage between the recorded version and the worker's."""
    from copier._template import Template

    old = Template(project.source, project.version)
    old.commit, old.version = project.version, repository.number_of(project.version)
    migrations: Sequence[Task] = worker.template.migration_tasks(stage, old)
    return migrations


def omissions(worker: Any, project: Project, stage: Stage) -> tuple[str, ...]:
    """What would run in a stage."""
    return tuple(commands(worker, tasks(worker, project, stage), "update"))


def run(worker: Any, project: Project, stage: Stage) -> bool:
    """Run those of a stage where the worker renders; whether there were any."""
    from copier._types import Phase

    migrations = tasks(worker, project, stage)
    with Phase.use(Phase.MIGRATE):
        worker._execute_tasks(migrations)
    return bool(migrations)


def migrate(worker: Any, project: Project, folder: Path, base: Render) -> Project:
    """The project with the answers that the migrations before an update leave; `folder` is empty
    at the end. Raises MlfactoryError when they leave none that can be read."""
    for one in base.entries:
        safety.write(folder, one)
    path = folder / project.file
    start(folder, project)
    run(worker, project, "before")
    if path.is_symlink() or not path.is_file():
        raise MlfactoryError(f"the template's migrations leave no {project.file}", LOOK)
    try:
        new = record.with_text(project, path.read_bytes().decode("utf-8"))
    except (MlfactoryError, UnicodeDecodeError) as error:
        text = f"the template's migrations leave a {project.file} that is none: {error}"
        raise MlfactoryError(text, LOOK) from error
    shutil.rmtree(folder)
    folder.mkdir()
    return new


def start(folder: Path, project: Project) -> None:
    """Write the record, from which copier reads the last answers."""
    path = folder / project.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(project.text, encoding="utf-8")
