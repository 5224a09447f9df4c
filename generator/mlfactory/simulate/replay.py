"""What a simulation tells: `--json` prints exactly this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something that happened, and on which day."""

    day: int
    kind: str
    text: str


@dataclass(frozen=True)
class Day:
    """A day by the model that answered most on it: the metric as outcomes show it, as it was
    estimated before they came, and as that model had it on its holdout."""

    day: int
    rows: int
    model: str
    observed: float | None
    estimate: float | None
    holdout: float | None


@dataclass(frozen=True)
class Replay:
    """The first days of what happened, None where it did not; and rows answered and lost."""

    drift: int | None
    alarm: int | None
    promoted: int | None
    recovered: int | None
    answered: int
    lost: int
    metric: str
    windows: tuple[Day, ...]
    events: tuple[Event, ...]

    @property
    def is_well(self) -> bool:
        """Whether it ended as it should: recovered, or no alarm where nothing happened."""
        return self.alarm is None if self.drift is None else self.recovered is not None
