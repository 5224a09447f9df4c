"""The nouns of the program: frozen data, passed from step to step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Answers = Mapping[str, Any]

OK, WARNING, ERROR = "ok", "warning", "error"
LIBRARY = "runtime/mlfactory_runtime/"


@dataclass(frozen=True)
class Finding:
    """What a check of `mlfactory doctor` saw; `remedy` is the command that mends it."""

    id: str
    title: str
    state: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Request:
    """What `mlfactory new` was asked for, as it was typed: paths and answers, nothing looked up.

    `answers` came through options, `settings` through --set, `answers_file` through --answers.
    """

    directory: str
    data: str = ""
    query: str = ""
    answers: Answers = field(default_factory=dict)
    settings: Answers = field(default_factory=dict)
    answers_file: str = ""
    template: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Goal:
    """How far a run goes; a later run in the same directory may go further."""

    setup: bool = True
    train: bool = True


@dataclass(frozen=True)
class File:
    """One file of a template; the mode is git's."""

    mode: str
    content: bytes


Files = Mapping[str, File]


@dataclass(frozen=True)
class Template:
    """Where a template comes from: `source` is what a factory records, `ref` what is rendered.

    `files` and `repository` hold the template that travels with the program; others have none.
    `version` is empty until it is known; `released` is false for a development version.
    """

    source: str
    ref: str | None = None
    version: str = ""
    released: bool = True
    files: Files | None = None
    repository: Path | None = None


@dataclass(frozen=True)
class Question:
    """One question of a template; `asked` is false for values that are only computed."""

    name: str
    type: str
    asked: bool
    help: str = ""
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Status:
    """How a project stands to its template.

    `files` are the template's own: clean, edited, missing, renamed or diverged, which means that
    both the project and the newest template have changed them. `error` is all that is known of a
    project that cannot be looked at.
    """

    path: str
    source: str = ""
    version: str = ""
    newest: str = ""
    behind: bool = False
    questions: Answers = field(default_factory=dict)
    files: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""

    @property
    def needs_attention(self) -> bool:
        return self.behind or bool(self.conflicts)


@dataclass(frozen=True)
class Restoring:
    """What `mlfactory restore` puts back; `done` is false for a dry run."""

    project: str
    version: str
    files: tuple[Change, ...]
    done: bool


@dataclass(frozen=True)
class Wish:
    """How to render a project again: with these answers on top, asking, trusting the template."""

    settings: Answers = field(default_factory=dict)
    ask: bool = False
    trust: bool = False


@dataclass(frozen=True)
class Change:
    """What an update does to one file: added, changed, merged, renamed, deleted, conflict, ..."""

    path: str
    state: str
    note: str = ""


def folded(changes: tuple[Change, ...]) -> Iterator[Change]:
    """The same for people: files of the library that nobody edited are one line per state."""
    plain = ("added", "changed", "deleted")
    counts = Counter(c.state for c in changes if c.path.startswith(LIBRARY) and c.state in plain)
    for change in changes:
        if not change.path.startswith(LIBRARY) or change.state not in plain:
            yield change
        elif number := counts.pop(change.state, 0):
            yield Change(LIBRARY, change.state, f"{number} files") if number > 1 else change


@dataclass(frozen=True)
class Conflict:
    """A file that git cannot merge, and git's reason."""

    path: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What an update would do; `--dry-run` prints exactly this.

    `questions` and `settings` are new, with the values that they get; `blocked` are files that
    are not git's and stand where the update would put others.
    """

    project: str
    source: str
    from_version: str
    to_version: str
    released: bool = True
    changelog: str = ""
    questions: Answers = field(default_factory=dict)
    settings: Answers = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    blocked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.from_version == self.to_version and not self.changes


@dataclass(frozen=True)
class Outcome:
    """What an update did: nothing, `updated`, `conflicts`, `aborted` or only `planned`.

    `failures` are checks that passed before the update and fail now.
    """

    state: str
    plan: Plan | None = None
    commit: str = ""
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def needs_attention(self) -> bool:
        torn = self.state == "planned" and self.plan is not None and bool(self.plan.conflicts)
        return torn or self.state == "conflicts" or bool(self.failures)


@dataclass(frozen=True)
class StepResult:
    """A finished step and its wall time."""

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Summary:
    """What `mlfactory new` made; `--json` prints exactly this."""

    project: str
    path: str
    template: Mapping[str, Any]
    files: int
    seconds: Mapping[str, float]
    task: str
    rows: Any = None
    metrics: Any = None
    baselines: Any = None
    verdict: str | None = None
    reason: str | None = None
    report: str | None = None
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()


class Talk(Protocol):
    """What a long command says while it runs; the console has it, tests have another."""

    def step(self, title: str, *, live: bool = True) -> AbstractContextManager[None]:
        """Show that a step runs, and its seconds when it has ended; not live while it asks."""

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""

    def warn(self, text: str) -> None:
        """Say something that needs attention."""

    def plan(self, plan: Plan) -> None:
        """Show what an update is about to do."""

    def choose(self, question: str, choices: tuple[str, ...]) -> str:
        """Ask the person at the terminal."""
