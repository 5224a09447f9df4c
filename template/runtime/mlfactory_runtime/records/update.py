"""What `mlfactory update --json` says."""

from typing import Any

from pydantic import Field

from .record import Part, Record


class Change(Part):
    """A file that an update changes, and how."""

    path: str
    state: str = ""


class Plan(Part):
    """What is new between two versions of the template, and what becomes of it here."""

    from_version: str
    to_version: str
    changelog: str = ""
    questions: dict[str, Any] = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()


class Update(Record):
    """What became of it: `current`, `planned` or `updated`.

    `failures` are checks that passed before, and fail now.
    """

    state: str
    plan: Plan | None = None
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
