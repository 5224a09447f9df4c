"""reports/evaluation.json: how good a model is on rows that it has not seen."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .data import SplitRecord
from .record import Part, Record, optional, with_alias


@dataclass(frozen=True)
class Interval:
    """A value with its interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


Metrics = dict[str, Interval]


class OwnMetric(Part):
    """A metric of the factory's own: what people call it, and what it means."""

    label: str
    better: Literal["higher", "lower"]
    text: str


class Segment(Part):
    """The primary metric on a group of rows, with that of the constant, and of all other rows.

    `predicted` and `observed` are means, where the model gives one number for each row, and `gap`
    is by how much the first is larger. `possible` is what the constant of the group itself has, and
    `saved` which part of that the model does without; `rest_saved` is the same in other groups.
    `inside` is the share of true numbers in their intervals, and `width` how wide these are.
    """

    feature: str = optional("")
    group: str = optional("")
    rows: int
    value: float
    low: float
    high: float
    constant: float
    predicted: float | None = optional()
    observed: float | None = optional()
    rest: float | None = optional()
    gap: Interval | None = optional()
    possible: float | None = optional()
    saved: float | None = optional()
    rest_saved: float | None = optional()
    inside: Interval | None = optional()
    width: Interval | None = optional()


class Segments(Part):
    """In how many groups the model is surely worse, which are the worst, and those asked for.

    `off` counts the groups whose predictions are surely wrong on average, `most_off` are the first.
    """

    looked_at: int
    worse: int
    all: Segment
    worst: tuple[Segment, ...]
    chosen: dict[str, tuple[Segment, ...]]
    off: int = optional(0)
    most_off: tuple[Segment, ...] = optional(())


class Effect(Part):
    """What is predicted when all rows are given one value of a feature, for each of its groups.

    `about` is the class that it is about, where there are more than two.
    """

    class Group(Part):
        """A group of values."""

        group: str
        predicted: float
        observed: float

    feature: str
    about: str | None = with_alias("class")
    left_out: int
    groups: tuple[Group, ...]
    ordered: bool


class Lift(Part):
    """What the rows with the highest probability hold of the positive class.

    `share` is their part of all positive rows, and `lift` how many times as many as by chance.
    """

    top: float
    rows: int
    positives: float = with_alias("found")
    share: float = with_alias("held")
    lift: float


class Costs(Part):
    """What calls cost per row: at the threshold, for nobody and everybody, and at the cheapest.

    `improvable` says that another threshold would surely save more than a tenth. The threshold that
    keeps to the budget stands beside them, with what calls would cost there.
    """

    cost: float
    nobody: float
    everybody: float
    cheapest: float
    cheapest_threshold: float
    improvable: bool = with_alias("dear")
    budget_threshold: float | None = optional()
    budget_cost: float | None = optional()


class Recall(Part):
    """Of the held-out rows of a class the share that is called so, and of such calls the right."""

    label: str = with_alias("class")
    rows: int
    recall: Interval
    precision: Interval


class Importance(Part):
    """By how much the metric suffers when a feature is shuffled, as a share of the whole."""

    feature: str
    gain: float


class Fold(Part):
    """A past window, scored by a model of the rows before it."""

    begin: str = with_alias("from")
    end: str = with_alias("to")
    rows: int
    value: float


class Validation(Part):
    """The metrics on rows that are not held out, each scored by a model that has not seen it.

    `by` says how they were parted, and `naive` is the primary metric of the constant there.
    `interval` is that of the model with its ends; an earlier release has none.
    """

    by: str
    folds: int
    rows: int
    metrics: dict[str, float | None]
    naive: float
    interval: Interval | None = optional()


class Coverage(Part):
    """The share of true numbers that lie in their intervals, where `nominal` is asked for.

    `width` is the mean one. The intervals follow from `rows` of validation, which were parted `by`.
    """

    nominal: float
    share: Interval
    width: Interval
    rows: int
    by: str


class Evaluation(Record):
    """A model on the holdout, beside a constant (`naive`) and a linear model, with the verdict.

    The first form tells nothing of segments, effects, lift and costs. `leading` are metrics that
    matter here before the one that decides. After it the model was fitted anew on `refit` rows.
    """

    latest: ClassVar[int] = 2

    task: Literal["binary", "multiclass", "regression"]
    target: str
    classes: tuple[str, ...]
    positive: str | None
    threshold: float | None
    metric: str
    leading: tuple[str, ...] = optional(())
    verdict: Literal["accepted", "rejected"]
    reason: str
    models: dict[str, Metrics]
    gain: dict[str, Interval]
    warnings: tuple[str, ...]
    segments: Segments | None = None
    effects: tuple[Effect, ...] = ()
    lift: tuple[Lift, ...] = ()
    decision: Costs | None = None
    recalls: tuple[Recall, ...] = optional(())
    coverage: Coverage | None = optional()
    rows: dict[str, int]
    importance: tuple[Importance, ...]
    split: SplitRecord
    validation: Validation | None = optional()
    backtest: tuple[Fold, ...]
    refit: int | None = optional()
    own_metrics: dict[str, OwnMetric] = optional({})
    provenance: dict[str, str]

    @classmethod
    def upgrade(cls, content: dict[str, Any]) -> dict[str, Any]:
        return {"format": 2 if "segments" in content else 1, **content}


class Summary(Record):
    """An evaluation in short: what `factory summary` prints.

    `looks` is for how many models the holdout was looked at until now, where git can tell.
    """

    task: str
    target: str
    rows: dict[str, int]
    metric: str
    verdict: str
    reason: str
    gain: dict[str, Interval]
    warnings: tuple[str, ...]
    metrics: dict[str, Metrics]
    validation: Validation | None = optional()
    coverage: Coverage | None = optional()
    looks: int | None = optional()
    report: str
