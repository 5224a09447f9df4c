"""What came of a plan, in one file beside it: a run that was ended is gone on with from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlfactory.base.errors import UsageError

from . import plan
from .plan import FleetPlan

State = Literal[
    "updated", "current", "conflict", "refused", "push-failed", "merged", "closed", "waiting"
]
FAILURES = ("conflict", "refused", "push-failed")


@dataclass(frozen=True)
class Result:
    """What came of one step. `pushed` says whether the origin has it, `request` where it is to be
    read, and `note` why something is not as planned, or what is left to do. `checks` is what the
    check around the update said, or of what is merged the forge's; `failures` is what fails since.
    """

    name: str
    state: State
    commit: str = ""
    pushed: bool = False
    request: str = ""
    note: str = ""
    checks: str = ""
    failures: tuple[str, ...] = ()

    @property
    def needs_attention(self) -> bool:
        return self.state in (*FAILURES, "waiting") or self.checks == "failed"

    @property
    def has_failed(self) -> bool:
        return self.state in FAILURES or self.checks == "failed"

    @property
    def is_over(self) -> bool:
        """Whether it is merged and its checks are green, where there are any."""
        return self.state == "merged" and self.checks in ("", "none", "passed")


def save(file: Path, whole: FleetPlan, results: Mapping[str, Result]) -> None:
    """Write down what came of the steps, in one move."""
    rows = [asdict(results[step.name]) for step in whole.steps if step.name in results]
    document = {"format": plan.FORMAT, "plan": digest(whole), "results": rows}
    plan.save(json.dumps(document, indent=1), file)


def load(file: Path, whole: FleetPlan) -> dict[str, Result]:
    """What is remembered of a plan. Of another plan under the same name, nothing holds."""
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text("utf-8", "surrogateescape"))
        rows = {row["name"]: result_from(row) for row in document["results"]}
        return rows if document["plan"] == digest(whole) else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = f"rm {file}     # nothing is done twice"
        raise UsageError(f"{file} is damaged: {error}", hint) from error


def result_from(fields: Mapping[str, Any]) -> Result:
    return Result(**{**fields, "failures": tuple(fields.get("failures", ()))})


def digest(whole: FleetPlan) -> str:
    """What tells one plan from another."""
    facts = [(step.name, step.head, step.tree) for step in whole.steps]
    return plan.digest(json.dumps(facts))
