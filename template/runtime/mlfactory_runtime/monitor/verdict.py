"""From what is wrong in a window to an alarm: it has to come back, unless it is plain at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..records.monitoring import Checked, Number, State, Verdict
from ..settings.monitor import Monitor

Kind = Literal["data", "prediction", "performance", "operation"]
NEEDED = ("data", "prediction")


@dataclass(frozen=True)
class Check:
    """What was looked at; `bad` is null where it could not be seen.

    `runbook` is a heading of docs/runbook.md.
    """

    name: str
    kind: Kind
    bad: bool | None = None
    value: Number | None = None
    threshold: Number | None = None
    message: str = ""
    runbook: str = ""
    at_once: bool = False
    feature: str | None = None
    source: str = ""
    owner: str = ""
    detectable: float | None = None


def decided(check: Check, earlier: Sequence[bool], settings: Monitor) -> Checked:
    """The check as the result shows it; `earlier` tells of windows before, the latest last."""
    before = earlier[max(len(earlier) - settings.windows + 1, 0) :]
    count, needed = 1 + sum(before), 1 if check.at_once else settings.breaches
    status: State = "unknown" if check.bad is None else "ok"
    if check.bad:
        status = "alarm" if count >= needed else "warning"
    note = f" ({count} of the last {len(before) + 1} windows)" if check.bad and earlier else ""
    return Checked(
        name=check.name,
        kind=check.kind,
        status=status,
        value=check.value,
        threshold=check.threshold,
        message=check.message + note,
        runbook=check.runbook,
        feature=check.feature or None,
        source=check.source if check.feature else None,
        owner=check.owner if check.feature else None,
        detectable=check.detectable,
    )


def verdict(checks: Iterable[Checked]) -> Verdict:
    """`alarm`, `healthy`, or `unknown` where features or predictions could not be seen at all."""
    states = [(check.kind, check.status) for check in checks]
    if any(status == "alarm" for _, status in states):
        return "alarm"
    judged = {kind for kind, status in states if status != "unknown"}
    return "healthy" if judged.issuperset(NEEDED) else "unknown"
