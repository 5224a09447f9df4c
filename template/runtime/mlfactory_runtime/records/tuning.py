"""reports/tuning.json: every set of settings that a search has looked at, and what it was worth."""

from typing import Any, Literal

from pydantic import Field

from .record import Part, Record, optional

Value = bool | int | float | str
State = Literal["complete", "pruned", "failed"]


class Attempt(Part):
    """A set of settings, by LightGBM's names, and the features that are left out.

    `steps` is the mean loss up to each part of the rows, and `sums` are the losses summed by block
    of rows, for errors of which the root counts their squares. `why` is what failed.
    """

    number: int
    settings: dict[str, Value] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    variants: tuple[dict[str, Value], ...] = optional(())
    state: State
    loss: float | None
    steps: tuple[float, ...] = ()
    sums: tuple[float, ...] = ()
    seconds: float
    why: str = optional("")


class Optimism(Part):
    """By how much the best of so many looks better than it is, and what it gains on the settings
    before it, with an interval, once that is taken off; all in the metric.
    """

    best: float
    corrected: float
    before: float
    gain: float
    low: float | None
    high: float | None


class Tuning(Record):
    """A search: on which rows and in which space, all attempts, and the one that is proposed.

    `rows_hash` names the rows and who is where, `inputs` all that an attempt depends on. Attempt 0
    is the settings as they were. `counts` are the rows of each block. `earlier` is how many
    attempts other searches made on the same rows before, so that all looks are counted.
    """

    rows_hash: str
    inputs: str
    space: tuple[str, ...]
    seed: int
    metric: str
    by: str
    rows: int
    counts: tuple[int, ...]
    earlier: int = 0
    attempts: tuple[Attempt, ...] = ()
    proposal: int | None = None
    optimism: Optimism | None = None

    @property
    def looks(self) -> int:
        """For how many sets of settings these rows were looked at."""
        return self.earlier + sum(one.loss is not None for one in self.attempts)

    @property
    def complete(self) -> list[Attempt]:
        """Those that were measured on all rows, the best first."""
        whole = [one for one in self.attempts if one.state == "complete"]
        return sorted(whole, key=lambda one: (one.loss, one.number))

    def extended(self, one: Attempt) -> "Tuning":
        """The search with one more attempt."""
        return self.model_copy(update={"attempts": (*self.attempts, one)})

    def json(self) -> dict[str, Any]:  # type: ignore[override]
        """What is printed: without the sums of blocks, which nobody reads."""
        content = self.model_dump(exclude={"counts": True, "attempts": {"__all__": {"sums"}}})
        return {**content, "looks": self.looks}
