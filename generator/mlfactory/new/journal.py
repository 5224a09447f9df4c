"""What a run of `mlfactory new` has done so far, kept inside the repository's .git."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mlfactory.base import answers, git
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError, UsageError

from .directory import is_published
from .request import Request

FILE = "mlfactory-new.json"
# What the data are made of: one file, the files of a pattern or a folder, what came through a pipe,
# or the rows of a query.
ONE, MANY, PIPE, QUERY = "file", "files", "pipe", "query"


@dataclass(frozen=True)
class StepResult:
    """A finished step and its wall time."""

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """One factory in the making: what was asked, what came out, which steps are finished.

    `path` is where the tree stands now; it is known by the place of the file, and not recorded.
    `given` are the answers that the template was rendered with; `data` is the full path of the
    file, of the pattern or of the query, as `form` says. `tables` are looked at in their place
    where they had to be converted first; they last no longer than the process.
    `rows` is None when the data were only sampled. `tasks` are commands that the template wants to
    run, and `commit` is its own, in full. Once `trusted`, it stays so for this factory. `prefix`
    is its place in a larger repository, with a slash at the end; empty where it has its own.
    """

    path: Path
    request: Request
    source: str
    version: str
    released: bool
    given: Answers = field(default_factory=dict)
    data: str = ""
    form: str = ONE
    tables: tuple[str, ...] = ()
    contract: bool = False
    task: str = ""
    rows: int | None = None
    files: int = 0
    finished: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    commit: str = ""
    trusted: bool = False
    prefix: str = ""

    @property
    def repository(self) -> git.Repository:
        around = git.look_up(self.path) if self.prefix else None
        return around[0] if around else git.plain(self.path)

    @property
    def folder(self) -> str:
        """Its place in a larger repository, as tags and workflows name it."""
        return self.prefix.rstrip("/")

    @property
    def answers(self) -> Answers:
        """What the factory itself records; a template may choose to record nothing."""
        file = self.path / answers.FILE
        return answers.read(file) if file.exists() else {}

    @property
    def fetches(self) -> bool:
        """Whether the factory fetches its data itself, and records where they come from."""
        return "data_source" in self.given

    @property
    def name(self) -> str:
        return str(self.answers.get("project_name") or self.path.name)


def after(run: Run, step: StepResult) -> Run:
    """The run with one more finished step."""
    seconds = {**run.seconds, step.name: round(step.seconds, 3)}
    return replace(run, finished=(*run.finished, step.name), seconds=seconds)


def with_warnings(run: Run, texts: Iterable[str]) -> Run:
    """The run with further warnings, each once."""
    return replace(run, warnings=tuple(dict.fromkeys((*run.warnings, *texts))))


def save(run: Run) -> None:
    """Write the record in one move, so that a crash leaves the old one or the new one."""
    record = {key: value for key, value in asdict(run).items() if key != "path"}
    file = file_of(run.repository, run.prefix)
    fresh = file.with_suffix(".part")
    fresh.write_text(json.dumps(record, indent=1, default=str), encoding="utf-8")
    fresh.replace(file)


def file_of(repository: git.Repository, prefix: str) -> Path:
    """The record of the factory that is the whole repository, or that stands somewhere in it."""
    key = hashlib.sha256(prefix.encode()).hexdigest()[:12]
    return repository.path_of(FILE.replace(".", f"-{key}.") if prefix else FILE)


def load(path: Path) -> Run | None:
    """The run that made the factory at `path`, or None when none did."""
    file = path / ".git" / FILE
    if not file.is_file():
        around = git.look_up(path) if is_published(path) else None
        if around is None or around[0].top == path.resolve():
            return None
        file = file_of(around[0], f"{path.resolve().relative_to(around[0].top).as_posix()}/")
    return read(file, path) if file.is_file() else None


def read(file: Path, path: Path) -> Run:
    """The run of a record. Raises MlfactoryError for one that is damaged."""
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        record |= {
            key: tuple(record[key])
            for key in ("finished", "tables", "tasks", "warnings")
            if key in record
        }
        return Run(path, Request(**record.pop("request")), **record)
    except (ValueError, TypeError, KeyError) as error:
        raise MlfactoryError(
            f"{file} is damaged", f"Remove {path} and run `mlfactory new` again."
        ) from error


def check_same(run: Run, request: Request, source: str) -> None:
    """Raises UsageError when a request to resume contradicts what the factory was made with."""
    for option, now, before in differences(run, request, source):
        raise UsageError(
            f"{option} says {now!r}, but {run.path.name} was begun with {before!r}",
            f"Leave {option} out to resume, or choose another directory.",
        )


def differences(run: Run, request: Request, source: str) -> Iterator[tuple[str, str, str]]:
    """Option, new value and recorded value of everything that was given and is not the same."""
    if request.data and request.data != run.data:
        yield "--data", request.data, run.data
    if request.query and request.query != run.data:
        yield "--query", request.query, run.data
    if request.template and source != run.source:
        yield "--template", request.template, run.source
    if request.ref and request.ref.removeprefix("v") not in (run.version, run.request.ref):
        yield "--ref", request.ref, run.version
    values = answers.merge(
        request.answers, request.settings, answers.read_given(request.answers_file)
    )
    options = {question: option for option, question in answers.OPTIONS.items()}
    for name, value in values.items():
        if str(value) != str(run.answers.get(name, "")) and value != "auto":
            yield options.get(name, name), str(value), str(run.answers.get(name, ""))
