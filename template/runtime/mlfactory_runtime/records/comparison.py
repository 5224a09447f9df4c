"""reports/comparison.json: a model B, measured by another one, A, on the same rows."""

from typing import Literal

from pydantic import Field

from .evaluation import Interval
from .record import Part, Record, optional

Verdict = Literal["better", "worse", "same", "undecided"]


class Model(Part):
    """A model that was compared; `model` names it by its contents."""

    label: str
    version: str | None = None
    commit: str | None = None
    model: str


class Group(Part):
    """By how much B improves on A in a group of rows; no numbers where that cannot be seen."""

    feature: str
    group: str
    rows: int
    value: float | None = optional()
    low: float | None = optional()
    high: float | None = optional()
    state: Literal["kept", "open", "worse", "unseen"]


class Short(Part):
    """A comparison without its models and their metrics, as a promotion quotes it.

    `difference` is above zero where B is better, and `margin` is what matters of it.
    """

    metric: str
    rows: int
    left_out: int
    segments: tuple[Group, ...]
    margin: float | None
    difference: Interval | None
    verdict: Verdict
    reason: str
    made: str


class Comparison(Record):
    """The verdict on B, and what it rests on; `made` is when.

    `looks` is for how many models the holdout was looked at until then, where git can tell.
    """

    a: Model
    b: Model
    metric: str
    a_metrics: dict[str, float | None] = Field(default_factory=dict)
    b_metrics: dict[str, float | None] = Field(default_factory=dict)
    rows: int
    left_out: int
    segments: tuple[Group, ...]
    margin: float | None
    difference: Interval | None
    verdict: Verdict
    reason: str
    looks: int | None = optional()
    made: str

    def short(self) -> Short:
        """What a promotion quotes of it."""
        return Short.model_validate(dict(self))
