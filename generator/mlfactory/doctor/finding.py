"""What `mlfactory doctor` says."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """What a check of `mlfactory doctor` saw; `remedy` is the command that mends it."""

    id: str
    title: str
    state: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Observation:
    """What a check saw, and the command that mends it."""

    state: str
    detail: str
    remedy: str = ""
