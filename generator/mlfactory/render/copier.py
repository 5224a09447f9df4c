"""Rendering, which is copier's: the only module that knows it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import answers, process
from mlfactory.base.answers import Question
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.project.record import Project
from mlfactory.template import repository, stream
from mlfactory.template.choice import Template
from mlfactory.template.repository import Version

from .result import MIGRATIONS, Facts, Render, RenderOptions, collect
from .strings import compile_once

if TYPE_CHECKING:
    from copier._jinja_ext import SandboxedEnvironment
    from copier._main import Worker

TRUST_UPDATE = "An update would run it. If you trust it, add --trust."
TRUST = "mlfactory never runs a template's code. If you trust it: copier copy --trust {} DIRECTORY"

FAULTS = (ValueError, TypeError, OSError)  # what a template can make copier stumble over


@dataclass(frozen=True)
class Sheet:
    """A template at hand: its questions, and copier's worker that will render it once."""

    questions: Mapping[str, Question]
    worker: Worker


@contextmanager
def opened(which: Template) -> Iterator[Sheet]:
    """Fetch a template once, to look at its questions and then to render it."""
    with (
        copier_at_work(which),
        fresh_worker()(which.source, vcs_ref=which.ref, quiet=True) as worker,
        unpacked(which, worker),
    ):
        yield Sheet(questions_of(worker.template.questions_data), worker)


@contextmanager
def unpacked(which: Template, worker: Worker) -> Iterator[None]:
    """Give copier the installed template as if it had cloned it, with what it asks git for.

    The same by way of a clone takes a dozen git processes; a test compares the results.
    """
    if which.files is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as folder:
        stream.unpack(which.files, Path(folder))
        worker.template.local_abspath = Path(folder).resolve()
        worker.template.commit = which.ref
        worker.template.git_index_modes = {}
        yield


def fresh_worker() -> type[Worker]:
    """copier's worker for a directory that is in no repository yet.

    `copier.run_copy` makes this worker and runs it. Made here, it shows the questions before
    anybody is asked, without a second clone; it need not start git once per file to carry an
    executable bit into an index that does not exist; and it compiles each name once. copier is
    pinned to one minor version, and tests hold all of it.
    """
    from copier._main import Worker

    class FreshWorker(Worker):
        def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
            """There is no index."""

        @cached_property
        def jinja_env(self) -> SandboxedEnvironment:
            environment = super().jinja_env
            compile_once(environment)
            return environment

    return FreshWorker


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
    )


def render(
    sheet: Sheet, destination: Path, answers: Mapping[str, Any], *, ask: bool = False
) -> str:
    """Render into `destination` and return the version that copier recorded, "" without one.

    Answers are data: copier takes them literally. With `ask`, it asks for those that are missing.
    """
    sheet.worker.dst_path = destination
    sheet.worker.data = dict(answers)
    sheet.worker.defaults = not ask
    sheet.worker.run_copy()
    return sheet.worker.template.commit or ""


@contextmanager
def copier_at_work(which: Template, trusting: str = TRUST) -> Iterator[None]:
    """Let git find the installed template, and turn what copier raises into our errors."""
    with environment(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import yaml
        from copier import errors
        from jinja2 import TemplateError
        from plumbum import ProcessExecutionError

        try:
            yield
        except errors.CopierAnswersInterrupt as error:
            raise KeyboardInterrupt from error
        except errors.UnsafeTemplateError as error:
            first = str(error).splitlines()[0]
            raise MlfactoryError(first, trusting.format(which.source)) from error
        except ProcessExecutionError as error:
            raise git_failed(which, str(error.stderr)) from error
        except (errors.CopierError, TemplateError, yaml.YAMLError, *FAULTS) as error:
            raise copier_failed(which, error) from error


def git_failed(which: Template, stderr: str) -> MlfactoryError:
    """An address that cannot be read, or a ref that is not there."""
    lines = [line for line in stderr.strip().splitlines() if line.strip()] or ["git failed"]
    if "invalid reference" in stderr or "unknown revision" in stderr:
        return unknown_ref(which)
    return MlfactoryError(
        f"the template {which.source} cannot be read: {lines[-1]}",
        f"Try `git ls-remote {which.source.removeprefix('git+')}`.",
    )


def copier_failed(which: Template, error: Exception) -> MlfactoryError:
    """A refused answer is a matter of usage; the rest is the template's fault."""
    text = str(error)
    if text.startswith(("Validation error for question", "Invalid choice for")):
        return UsageError(text.rstrip("."), "Answer with an option or --set QUESTION=VALUE.")
    if text.startswith("Question "):
        return UsageError(text, "Give it with --set QUESTION=VALUE.")
    if text.startswith("Unknown revision"):
        return unknown_ref(which)
    if text.startswith("Local template must be"):
        return MlfactoryError(f"{which.source} is not a template", "Give a directory or a git URL.")
    return MlfactoryError(f"the template cannot be rendered: {text or type(error).__name__}")


def unknown_ref(which: Template) -> MlfactoryError:
    return UsageError(
        f"the template {which.source} has no {which.ref}", "Give a tag, branch or commit as --ref."
    )


@contextmanager
def environment() -> Iterator[None]:
    """What copier's git sees: mlfactory's own remote helper, and no repository of its caller's.

    plumbum, which starts git for copier, keeps an environment of its own.
    """
    from plumbum import local

    with local.env():
        local.env.clear()
        local.env.update(process.environment())
        yield


def as_recorded(
    project: Project, template: Path, version: Version, folder: Path, options: RenderOptions
) -> Render:
    """What a version makes of the recorded answers, as when the project was rendered with it."""
    return replayed(project, template, version, folder, options, project.answers)


def as_updated(
    project: Project, template: Path, version: Version, folder: Path, options: RenderOptions
) -> Render:
    """What another version makes of them: copier reads the recorded answers as the last ones.

    It drops those that are no longer valid, and asks or takes the default for new questions.
    """
    folder.mkdir(parents=True)
    (folder / project.file).parent.mkdir(parents=True, exist_ok=True)
    (folder / project.file).write_text(project.text, encoding="utf-8")
    return replayed(project, template, version, folder, options, options.settings)


def replayed(
    project: Project,
    template: Path,
    version: Version,
    folder: Path,
    options: RenderOptions,
    data: Mapping[str, Any],
) -> Render:
    """Let copier render a checked-out version into a folder of its own, and collect the result."""
    which = Template(project.source, version.name)
    with copier_at_work(which, trusting=TRUST_UPDATE):
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
        )
        place(worker, template, version)
        if options.settings:
            answers.check(options.settings, questions_of(worker.template.questions_data))
        worker.run_copy()
        return collect(folder, facts_of(worker, project, version, options))


def place(worker: Worker, template: Path, version: Version) -> None:
    """Tell copier what it would have asked git for."""
    worker.template.local_abspath = template.resolve()
    worker.template.commit = version.name
    worker.template.commit_hash = version.commit
    worker.template.version = repository.number(version.name)
    worker.template.git_index_modes = {}


def facts_of(worker: Any, project: Project, version: Version, options: RenderOptions) -> Facts:
    """What the worker knows once it has rendered."""
    had = {*project.answers, *options.settings, *worker.answers.hidden}
    user = worker.answers.user
    new = {name: user[name] for name in worker.template.questions_data if name in user}
    notes = (MIGRATIONS,)
    return Facts(
        version.name,
        {k: v for k, v in worker._answers_to_remember().items() if not k.startswith("_")},
        tuple(map(worker._render_string, worker.all_skip_if_exists)),
        tuple(map(worker._render_string, worker.all_exclusions)),
        {name: value for name, value in new.items() if name not in had},
        dict(worker.origins),
        notes if worker.template._raw_config.get("_migrations") else (),
    )


def recording_worker() -> type[Worker]:
    """The same worker, which also notes the template's file for each one that it writes."""

    class RecordingWorker(fresh_worker()):  # type: ignore[misc]
        @cached_property
        def origins(self) -> dict[str, str]:
            return {}

        def _render_file(self, src_relpath: Path, dst_relpath: Path, *more: Any, **kw: Any) -> None:
            super()._render_file(src_relpath, dst_relpath, *more, **kw)
            self.origins[dst_relpath.as_posix()] = src_relpath.as_posix()

    return RecordingWorker
