"""What `mlfactory new` was asked for, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mlfactory.base.answers import Answers


@dataclass(frozen=True)
class Request:
    """What `mlfactory new` was asked for, as it was typed: paths and answers, nothing looked up.

    `table` is a sheet or a table of the data. `answers` came through options, `settings` through
    --set, `answers_file` through --answers.
    `inside` says whether it becomes a part of the repository around it; None says nothing.
    """

    directory: str
    data: str = ""
    query: str = ""
    table: str = ""
    answers: Answers = field(default_factory=dict)
    settings: Answers = field(default_factory=dict)
    answers_file: str = ""
    template: str = ""
    ref: str = ""
    tag_prefix: str = ""
    inside: bool | None = None

    def with_source(self, source: str) -> Request:
        """The same, with the data from there where it says nothing of them: a file, or a query."""
        if not source or self.data or self.query:
            return self
        is_query = source.endswith(".sql")
        return replace(self, query=source) if is_query else replace(self, data=source)


@dataclass(frozen=True)
class Goal:
    """How far a run goes; a later run in the same directory may go further.

    `trust` lets a template of somebody else run code: its tasks, its packages, its programs.
    """

    setup: bool = True
    train: bool = True
    trust: bool = False
