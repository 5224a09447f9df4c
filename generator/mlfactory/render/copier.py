"""Rendering, which is copier's: the only module that knows it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import process
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.model import Question, Template
from mlfactory.template import history as source
from mlfactory.template import stream

if TYPE_CHECKING:
    from copier._main import Worker

TRUST = "mlfactory never runs a template's code. If you trust it: copier copy --trust {} DIRECTORY"

FAULTS = (ValueError, TypeError, OSError)  # what a template can make copier stumble over


@dataclass(frozen=True)
class Sheet:
    """A template at hand: its questions, and copier's worker that will render it once."""

    questions: Mapping[str, Question]
    worker: Worker


def template(url: str = "", ref: str = "") -> Template:
    """The template to render: the one that travels with mlfactory, or any that copier can read."""
    address = template_source(url)
    return own_template(ref) if address == source.SOURCE else Template(address, ref or None)


def template_source(url: str) -> str:
    """What a factory records: a path is made absolute, as it means nothing elsewhere anyway.

    copier takes an address for git's only when it ends in `.git` or says so in front.
    """
    if url in ("", source.URL, source.SOURCE):
        return source.SOURCE
    if url.startswith(("file://", "http://", "https://", "ssh://")) and not url.endswith(".git"):
        return f"git+{url}"
    place = Path(url).expanduser()
    return str(place.resolve()) if place.exists() else url


def own_template(ref: str) -> Template:
    """A version of the installed template. Raises UsageError when it has no such version."""
    found = source.history()
    version = ref.removeprefix("v") or found.newest
    if version not in found.names:
        raise UsageError(f"the template has no version {ref}", f"It has {', '.join(found.names)}.")
    released = version in found.versions
    return Template(
        source.SOURCE,
        f"v{version}",
        version,
        released,
        files=found.rendered(version).files,
        repository=source.repository(found),
    )


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
    anybody is asked, without a second clone; and it need not start git once per file to carry
    an executable bit into an index that does not exist. copier is pinned to one minor version,
    and tests hold both.
    """
    from copier._main import Worker

    class FreshWorker(Worker):
        def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
            """There is no index."""

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
