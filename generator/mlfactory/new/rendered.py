"""A factory that was rendered in another way, by plain copier say, and is to be set up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlfactory.base import answers, git, organisation
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.talk import Talk
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template import choice, history

from . import arrival, intake, journal, steps
from .directory import count_files, is_ours
from .journal import Run
from .request import Request

RENAMED = "Another answer: mlfactory update --set {}=VALUE"
DONE = ("look", "render", "repository", "commit")  # in another way


def is_waiting(directory: Path) -> bool:
    """Whether a folder holds a render of which nothing was set up: no data, and no model."""
    is_render = (directory / answers.FILE).is_file() and git.toplevel(directory) is not None
    is_set_up = (directory / "dvc.lock").exists() or any(directory.glob("data/raw/*.dvc"))
    return is_render and not is_set_up


def take_over(request: Request, directory: Path, talk: Talk, folder: Path, *, ask: bool) -> Run:
    """The run that sets it up, with the data that were given. Raises MlfactoryError where they
    are not known, or where something is not committed: the next commits take all there is."""
    project = record.find(directory)
    organisation.check_names(project.answers, RENAMED)
    entries = git.run("status", "--porcelain", "-z", "--", ".", cwd=directory).out.split("\0")
    names = (entry[3:] for entry in entries if entry)
    if dirt := next((name for name in names if not is_ours(Path(name))), ""):
        raise MlfactoryError(
            f"{directory} was rendered, and {dirt} is not committed",
            "Commit it first: git add --all && git commit",
        )
    run = with_data(arrival.drain(run_of(request, project), folder), project)
    run = arrival.convert(run, intake.sources(run), folder, talk, project.answers, ask=ask)
    journal.check_same(run, intake.with_full_paths(request), template_of(request, project))
    return intake.look(run)


def run_of(request: Request, project: Project) -> Run:
    """The same before its data are known."""
    version = project.version.removeprefix("v")
    released = project.source != history.SOURCE or version in history.load().versions
    return Run(
        project.path, request, project.source, version, released,
        given=dict(project.answers), contract=True, files=count_files(project.path),
        finished=DONE, prefix=project.prefix,
    )  # fmt: skip


def with_data(run: Run, project: Project) -> Run:
    """The run with its data: those that were given, or that lie in their place already."""
    own = project.path / steps.data_path(run)
    if run.request.query:
        return intake.with_query(run, run.given)
    if not run.request.data:
        if not own.is_file():
            text = f"{project.path} was rendered, and has no {steps.data_path(run)}"
            raise UsageError(text, "Say where the data are: --data FILE")
        run = replace(run, request=replace(run.request, data=str(own)))
    return intake.with_files(run, run.given, project.path, project.answers)


def template_of(request: Request, project: Project) -> str:
    """What is compared with the record where an option names a template."""
    return choice.template_source(request.template) if request.template else project.source
