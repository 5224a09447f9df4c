"""Rendering, which is copier's: the only module that knows it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import answers
from mlfactory.base.answers import Answers, Question
from mlfactory.base.errors import UsageError
from mlfactory.project.record import Project
from mlfactory.template import repository, stream
from mlfactory.template.choice import Template
from mlfactory.template.repository import Version

from . import migrations
from .facts import facts_of
from .faults import copier_at_work
from .result import Render, RenderOptions, collect
from .worker import commands, fresh_worker, recording_worker, settle

if TYPE_CHECKING:
    from copier._main import Worker


@dataclass(frozen=True)
class Sheet:
    """A template at hand: its questions, and copier's worker that will render it once."""

    questions: Mapping[str, Question]
    worker: Worker

    @property
    def commit(self) -> str:
        """The template's commit, in full; a folder that is no repository has none."""
        return str(self.worker.template.commit_hash or "")

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the template would run once it is rendered."""
        return tuple(commands(self.worker, self.worker.template.tasks, "copy"))


@contextmanager
def open_sheet(which: Template, *, trust: bool = False) -> Iterator[Sheet]:
    """Fetch a template once, to look at its questions and then to render it.

    Its tasks are run on their own, once the project is where it stays.
    """
    make = fresh_worker
    with (
        copier_at_work(which),
        make()(
            which.source, vcs_ref=which.ref, quiet=True, unsafe=trust, skip_tasks=True
        ) as worker,
        own_files(which, worker),
    ):
        yield Sheet(questions_of(worker.template.questions_data), worker)


@contextmanager
def own_files(which: Template, worker: Worker) -> Iterator[None]:
    """Give copier the installed template as if it had cloned it, with what it asks git for.

    The same by way of a clone takes a dozen git processes; a test compares the results.
    """
    if which.files is None:
        if which.ref and worker.template.vcs is None:
            text = f"{which.source} is a plain folder, which has no {which.ref}"
            raise UsageError(text, "Leave --ref out, or make it a repository: git init")
        if worker.template.vcs == "git":  # then it is a clone, and not the user's own folder
            repository.forget_submodules(worker.template.local_abspath)
            if which.ref and repository.prefix_of(which.ref):
                # Of several tags of a commit, git would name any; updates follow this one.
                worker.template.commit = which.ref
        read_questions(worker)
        yield
        return
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as folder:
        stream.unpack(which.files, Path(folder))
        worker.template.local_abspath = Path(folder).resolve()
        worker.template.commit, worker.template.commit_hash = which.ref, ""
        worker.template.git_index_modes = {}
        read_questions(worker)
        yield


def read_questions(worker: Worker) -> None:
    """Let copier read copier.yml; what it prints of faults, without a reason, is said by us."""
    with redirect_stderr(StringIO()):
        _ = worker.template.config_data


def questions_of(data: Mapping[str, Any]) -> dict[str, Question]:
    """The questions of a copier.yml in their order."""
    return {name: question(name, facts) for name, facts in data.items()}


def question(name: str, facts: Mapping[str, Any]) -> Question:
    """One entry of copier.yml; a template may compute `when`, then it may be asked."""
    choices = facts.get("choices", ())
    values = choices.values() if isinstance(choices, dict) else choices
    return Question(
        name,
        str(facts.get("type", "")),
        facts.get("when", True) not in (False, "false"),
        str(facts.get("help", "")),
        () if isinstance(values, str) else tuple(values),
        facts.get("default"),
    )


def render(sheet: Sheet, destination: Path, answers: Answers, *, ask: bool = False) -> str:
    """Render into `destination` and return the version that copier recorded, "" without one.

    Answers are data: copier takes them literally. With `ask`, it asks for those that are missing.
    """
    sheet.worker.dst_path = destination
    sheet.worker.data = dict(answers)
    sheet.worker.defaults = not ask
    sheet.worker.run_copy()
    return sheet.worker.template.commit or ""


def run_tasks(sheet: Sheet, destination: Path, answers: Answers) -> None:
    """Run the tasks of a trusted template in the project that was rendered with these answers."""
    from copier._types import Phase

    values = {name: value for name, value in answers.items() if name in sheet.questions}
    sheet.worker.dst_path, sheet.worker.data = destination, values
    sheet.worker.defaults = True
    sheet.worker._ask()
    with migrations.operating("copy"), Phase.use(Phase.TASKS):
        sheet.worker._execute_tasks(sheet.worker.template.tasks)


def as_recorded(
    project: Project, template: Path, version: Version, folder: Path, options: RenderOptions
) -> Render:
    """What a version makes of the recorded answers, as when the project was rendered with it."""
    with replaying(project, template, version, folder, options, project.answers) as worker:
        return render_with(worker, project, version, options)


def as_updated(
    project: Project,
    template: Path,
    version: Version,
    folder: Path,
    options: RenderOptions,
    base: Render,
) -> Render:
    """What another version makes of them: copier reads the recorded answers as the last ones.

    It drops those that are no longer valid, and asks or takes the default for new questions.
    """
    folder.mkdir(parents=True)
    with replaying(project, template, version, folder, options, options.settings) as worker:
        before = migrations.tasks(worker, project, "before")
        commands = migrations.omissions(worker, project, "before")
        if before and options.trust:
            project = migrations.migrate(worker, project, folder, base)
        migrations.start(folder, project)
        return render_with(worker, project, version, options, commands, migrate=True)


@contextmanager
def replaying(
    project: Project,
    template: Path,
    version: Version,
    folder: Path,
    options: RenderOptions,
    data: Answers,
) -> Iterator[Worker]:
    """A worker of copier's that renders a checked-out version into a folder of its own."""
    which = Template(project.source, version.name)
    with copier_at_work(which), migrations.operating("update"):
        worker = recording_worker()(
            project.source,
            folder,
            answers_file=None if project.file == answers.FILE else Path(project.file),
            vcs_ref=version.name,
            data=dict(data),
            defaults=not options.ask,
            skip_answered=options.ask,
            overwrite=True,
            quiet=True,
            unsafe=options.trust,
            skip_tasks=not options.trust,
        )
        worker.project = project  # type: ignore[attr-defined]
        worker.is_read_only = not options.trust  # type: ignore[attr-defined]
        stand_in_for_git(worker, template, version)
        if options.settings:
            answers.check(options.settings, questions_of(worker.template.questions_data))
        yield worker


def render_with(
    worker: Any,
    project: Project,
    version: Version,
    options: RenderOptions,
    before: tuple[str, ...] = (),
    *,
    migrate: bool = False,
) -> Render:
    """Render, run what is trusted, and collect the result; the rest is told."""
    worker.run_copy()
    tasks = tuple(commands(worker, worker.template.tasks, "update"))
    moves = (*before, *migrations.omissions(worker, project, "after")) if migrate else ()
    facts = facts_of(worker, project, version, options)
    if not options.trust:
        complete = replace(facts, skipped_tasks=tasks, skipped_migrations=moves)
        return collect(worker.dst_path, complete, worker.aside.values())
    if migrate:
        migrations.run(worker, project, "after")
    if tasks or moves:
        settle(worker)
    return collect(worker.dst_path, replace(facts, code_ran=bool(tasks or moves)))


def stand_in_for_git(worker: Worker, template: Path, version: Version) -> None:
    """Tell copier what it would have asked git for."""
    worker.template.local_abspath = template.resolve()
    worker.template.commit = version.name
    worker.template.commit_hash = version.commit
    worker.template.version = repository.number_of(version.name)
    worker.template.git_index_modes = {}
    read_questions(worker)
