"""The fair gate: is a challenger better than the champion on rows that neither has learned from?

The interval tells of the chance in the rows alone. Two models that differ by a seed truly differ,
too, so enough rows would call one of them better. So the improvement must also be worth something,
at least half the margin, and the interval is one of 99 %. An improvement by the margin is found in
19 of 20 cases from about 18 (spread / margin)^2 rows on; `spread` is the standard deviation over
rows of what the two models differ by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, isnan
from statistics import NormalDist

import numpy as np

from ..learn.draws import FEWEST
from ..learn.metrics import (
    NONE,
    Metrics,
    Own,
    is_lower_better,
    measure,
    primary,
    relevant,
    row_losses,
)
from ..learn.resampling import resamples, widened, worth
from ..learn.segments import ENOUGH
from ..learn.tails import few_rows
from ..records import comparison
from ..records.comparison import Verdict
from ..records.evaluation import Interval
from ..settings.params import Params

SURE = NormalDist().inv_cdf(0.995)
GROUPS_AT_RISK = 0.05  # the chance that luck alone calls any group worse


@dataclass(frozen=True)
class Compared:
    """The same rows as both sides score them: y and predictions as metrics.py has them.

    Rows of one key are not independent of each other, and are resampled together; `what` says what
    keys are, for people. Stretches of time are `ordered`, and of about equal size. Of `lost`
    further rows A has an answer and B has none.
    """

    task: str
    y: np.ndarray
    a: np.ndarray
    b: np.ndarray
    keys: np.ndarray
    what: str = "rows"
    ordered: bool = False
    lost: int = 0

    def at(self, rows: np.ndarray) -> "Compared":
        """Some of the rows."""
        parts = {name: getattr(self, name)[rows] for name in ("y", "a", "b", "keys")}
        return replace(self, **parts)

    @property
    def count(self) -> int:
        """How many keys there are, which chance has drawn."""
        return len(np.unique(self.keys))

    @property
    def least(self) -> int:
        """Of fewer keys nothing is said."""
        return FEWEST if self.ordered else ENOUGH

    def widened(self, z: float) -> float:
        """By how much an interval of `z` is too narrow, for there are so few of them."""
        return widened(worth(np.unique(self.keys, return_inverse=True)[1]), z)

    @property
    def unit(self) -> str:
        """What is drawn: rows where each has a key of its own."""
        return "rows" if self.count == len(self.y) else self.what


@dataclass(frozen=True)
class Group:
    """Rows that must not be sacrificed, by a column and its value."""

    feature: str
    label: str
    rows: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """The verdict on B, and what it rests on; above zero, the difference says that B is better."""

    verdict: Verdict
    reason: str
    a_metrics: dict[str, float | None] = field(default_factory=dict)
    b_metrics: dict[str, float | None] = field(default_factory=dict)
    segments: tuple[comparison.Group, ...] = ()
    margin: float | None = None
    difference: Interval | None = None


def judge(rows: Compared, groups: Sequence[Group], params: Params, own: Own = NONE) -> Judgement:
    """The verdict on B, the difference it rests on, and by group."""
    metric = params.gate.metric or primary(rows.task, params.model)
    whole = np.ones(len(rows.y))
    before, after = (whole_metrics(rows, p, whole, params, own) for p in (rows.a, rows.b))
    undecided = Judgement("undecided", "", before, after)
    if why := too_few(rows, params):
        return replace(undecided, reason=why)
    if metric not in before:
        why = f"gate.metric is {metric!r}, and these models have {list(before)}"
        return replace(undecided, reason=why)
    value, error = difference(rows, metric, params, own)
    base = before[metric]
    if base is None or not isfinite(value + error):
        return replace(undecided, reason=f"{metric} is not defined on these rows")
    margin = params.gate.margin * abs(base)
    width = SURE * rows.widened(SURE) * error
    low, high = value - width, value + width
    verdict = decide(value, low, high, margin)
    why = reason(verdict, metric, rows, margin, (value, low, high)) + tail(rows, metric)
    segments = tuple(by_group(rows, groups, metric, margin, params, own))
    if harmed := [f"{one.feature} {one.group}" for one in segments if one.state == "worse"]:
        verdict, why = "worse", f"it is surely worse for {', '.join(harmed)}"
    if rows.lost and loses_much(rows, params.gate.margin):
        whole_count = len(rows.y) + rows.lost
        verdict, why = "worse", f"it cannot score {rows.lost:,} of {whole_count:,} rows that A can"
    return Judgement(verdict, why, before, after, segments, margin, Interval(value, low, high))


def too_few(rows: Compared, params: Params) -> str:
    """Why nothing can be decided: too few rows, or too few of what they are of; else nothing."""
    count, least = len(rows.y), params.gate.min_rows
    if count < least:
        return f"{count:,} rows are too few: gate.min_rows asks for {least:,}"
    if rows.count < rows.least:
        return f"the {count:,} rows are of {rows.count} {rows.unit}, and {rows.least} of these tell"
    return ""


def loses_much(rows: Compared, margin: float) -> bool:
    """Whether B surely leaves a larger share of rows unanswered than the margin (binomial test):
    what it gains on the others would hide that.
    """
    from scipy.stats import binom

    chance = binom.sf(rows.lost - 1, len(rows.y) + rows.lost, min(margin, 1.0))
    return bool(chance < NormalDist().cdf(-SURE))


def decide(value: float, low: float, high: float, margin: float) -> Verdict:
    """What an improvement with its interval means, where `margin` is one that matters."""
    if low > 0 and value >= margin / 2:
        return "better"
    if high < 0 and value <= -margin / 2:
        return "worse"
    return "same" if -margin <= low and high <= margin else "undecided"


def difference(rows: Compared, metric: str, params: Params, own: Own = NONE) -> tuple[float, float]:
    """By how much B improves on A, and the standard error of that (paired bootstrap)."""
    sides = [measure(rows.task, rows.y, p, params.decision, own) for p in (rows.a, rows.b)]
    sign = 1 if is_lower_better(metric, own) else -1

    def gain(w: np.ndarray) -> float:
        before, after = (weighted(w)[metric] for weighted in sides)
        return sign * (before - after)

    names, places = np.unique(rows.keys, return_inverse=True)
    gains = np.array([gain(w[places]) for w in resamples(len(names), params.model.seed)])
    defined = gains[~np.isnan(gains)]
    error = float(defined.std()) if len(defined) > len(gains) / 2 else float("nan")
    return gain(np.ones(len(rows.y))), error


def by_group(
    rows: Compared,
    groups: Sequence[Group],
    metric: str,
    margin: float,
    params: Params,
    own: Own,
) -> Iterator[comparison.Group]:
    """Each group's difference, with an interval that is corrected for their number (Bonferroni)."""
    sure = NormalDist().inv_cdf(1 - GROUPS_AT_RISK / max(len(groups), 1))
    for group in groups:
        unseen = comparison.Group(
            feature=group.feature, group=group.label, rows=len(group.rows), state="unseen"
        )
        some = rows.at(group.rows)
        few = len(group.rows) < ENOUGH or some.count < some.least
        value, error = (0.0, float("nan")) if few else difference(some, metric, params, own)
        if isnan(error) or isnan(value):
            yield unseen
            continue
        width = sure * some.widened(sure) * error
        low, high = value - width, value + width
        state = "worse" if high < -margin else "open" if low < -margin else "kept"
        ends = {"value": value, "low": low, "high": high}
        yield unseen.model_copy(update={**ends, "state": state})


def reason(
    verdict: Verdict,
    metric: str,
    rows: Compared,
    margin: float,
    interval: tuple[float, float, float],
) -> str:
    """The verdict in words; `found` is the difference and its interval."""
    value, low, high = interval
    numbers = f"{value:+.4g}, between {low:+.4g} and {high:+.4g}"
    words: dict[Verdict, str] = {
        "better": f"its {metric} is surely better: {numbers}",
        "worse": f"its {metric} is surely worse: {numbers}",
        "same": f"its {metric} differs by less than the margin of {margin:.4g}: {numbers}",
    }
    if verdict in words:
        return words[verdict]
    these = "these rows" if rows.unit == "rows" else f"rows of {rows.count:,} {rows.unit}"
    text = f"{these} leave open whether its {metric} differs by {margin:.4g}: {numbers}"
    # Of more rows stretches become longer, not more.
    count, unit = (len(rows.y), "rows") if rows.ordered else (rows.count, rows.unit)
    needed = count * ((high - low) / margin) ** 2 if margin else 0
    needs = f"; about {float(f'{needed:.2g}'):,.0f} {unit} would tell"
    return text + (needs if needed else "")


def tail(rows: Compared, metric: str) -> str:
    """What to add where hardly any rows carry half of the errors of numbers."""
    count = few_rows(row_losses(metric, rows.y, rows.b)) if metric in ("rmse", "mae") else None
    if count is None:
        return ""
    carry = "carries" if count == 1 else "carry"
    return f"; {count:,} of {len(rows.y):,} rows {carry} half of all its errors"


def whole_metrics(
    rows: Compared, p: np.ndarray, whole: np.ndarray, params: Params, own: Own
) -> dict[str, float | None]:
    """The metrics on all rows; None where they are not defined."""
    measured = measure(rows.task, rows.y, p, params.decision, own)
    metrics: Metrics = relevant(measured(whole), params) if len(whole) else {}
    return {name: None if isnan(value) else value for name, value in metrics.items()}
