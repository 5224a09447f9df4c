"""What other rows would give: the bootstrap, its weights and intervals, and standard errors."""

from collections.abc import Iterator, Mapping
from math import sqrt

import numpy as np

from ..records.evaluation import Interval

Array = np.ndarray
Z, SKEWED = 1.959964, 1.0
# So many times the correction for skewness: of few draws spread and skewness are known too low, and
# both at once. Measured: tests/benchmarks/verdict.md.
SURELY = 3.0
SQUARES = ("rmse",)  # the root of a mean, which is what has the skewness
INFINITY = float("inf")
BIASED = ("calibration_error",)
# What a metric can be at all; a wide interval ends there.
LIMITS = {
    **dict.fromkeys(("rmse", "mae", "quantile_loss", "log_loss", "cost"), (0.0, INFINITY)),
    **dict.fromkeys(("roc_auc", "pr_auc", "accuracy", "f1", "calibration_error"), (0.0, 1.0)),
    **dict.fromkeys(("recall_at_budget", "precision_at_budget"), (0.0, 1.0)),
    **dict.fromkeys(("recall", "precision"), (0.0, 1.0)),
    "lift_at_budget": (0.0, INFINITY),
    "brier": (0.0, 2.0),
    "r2": (-INFINITY, 1.0),
}


def resamples(rows: int, seed: int, places: Array | None = None) -> Iterator[Array]:
    """Bootstrap weights; fewer rounds where rows are many and intervals narrow.

    `places`, of shape (rows,), names the draw that each row belongs to: rows of one are drawn
    together. Without it each row is drawn by itself.
    """
    generator = np.random.default_rng(seed)
    draws = rows if places is None else int(places.max()) + 1
    for _ in range(int(np.clip(2e7 / rows, 50, 500))):
        w = np.bincount(generator.integers(0, draws, draws), minlength=draws).astype(float)
        yield w if places is None else w[places]


def worth(places: Array) -> float:
    """As how many draws of equal size these count (Kish, Survey sampling, 1965): one large shop
    beside many small ones decides nearly alone.
    """
    sizes = np.bincount(places).astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def widened(draws: float, z: float = Z) -> float:
    """By how much an interval of so few draws is too narrow: Student's quantile by the normal one,
    `z`, which is that of 95 %.

    The quantile is expanded as by Abramowitz and Stegun, 26.7.5; the root is that of the variance.
    """
    degrees = max(draws - 1, 1)
    quantile = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    return float(quantile / z * (draws / degrees) ** 0.5)


def interval_of(
    value: float, values: list[float], width: float = 1.0, metric: str = ""
) -> Interval:
    """The middle 95 % of what was drawn, as much wider around the value as `width` says, and longer
    towards the side to which what was drawn is skewed; but no wider than `metric` can be.
    """
    defined = np.array([number for number in values if not np.isnan(number)])
    if np.isnan(value) or not len(defined):
        return Interval(None, None, None)
    if metric in BIASED:  # a resample repeats rows, and so looks less calibrated than the rows are
        defined = np.maximum(defined - defined.mean() + value, 0)
    least, most = LIMITS.get(metric, (-INFINITY, INFINITY))
    if metric in SQUARES:
        squares = ends(value**2, defined**2, width).clip(least, most)
        low, high = squares**0.5
    else:
        low, high = ends(value, defined, width).clip(least, most)
    return Interval(float(value), float(low), float(high))


def ends(value: float, values: Array, width: float) -> Array:
    """The middle 95 % of what was drawn, `width` times as wide, and longer where it is skewed."""
    ends = np.quantile(values, [0.025, 0.975])
    low, high = ends if width == 1 else value + width * (ends - value)
    far = value + reach(values, width)
    return np.array([min(low, far), max(high, far)])


def reach(values: Array, width: float) -> float:
    """How far from the value the end is on the side to which what was drawn is skewed.

    Where few errors are large, a sample without them has too low a mean and too low a spread, both
    at once, so that the truth is beyond an interval by quantiles far more often on that side. This
    is the first term of the correction by Johnson, Modified t tests and confidence intervals for
    asymmetrical populations, JASA 73, 1978, SURELY times.
    """
    off, spread = values - values.mean(), float(values.std())
    if not spread:
        return 0.0
    skewness = float((off**3).mean()) / spread**3
    sure = max(skewness**2 - 6 / len(values), 0.0) ** 0.5  # less what chance makes of few draws
    further = SURELY * min(sure, SKEWED) * (2 * Z**2 + 1) / 6
    return float(np.copysign(spread * width * (Z + further), skewness))


def with_chance(one: Interval, rows: float) -> Interval:
    """The interval of a share of so many rows: of none, or of all, every draw says the same, and
    yet the next row may differ (Clopper and Pearson, Biometrika 26, 1934).
    """
    if rows < 1 or one.value not in (0.0, 1.0) or one.low is None or one.high is None:
        return one
    end = 0.025 ** (1 / rows)
    low, high = min(one.low, end), max(one.high, 1 - end)
    return Interval(0.0, 0.0, high) if one.value == 0 else Interval(1.0, low, 1.0)


def without_ends(values: Mapping[str, Interval]) -> dict[str, Interval]:
    """The values, and no intervals: too few draws tell nothing of what others would give."""
    return {name: Interval(one.value, None, None) for name, one in values.items()}


def mean_of(values: Array, places: Array) -> tuple[float, float]:
    """The mean and its standard error, where rows of one place depend on each other.

    Of few places it is widened, as Student's distribution asks; of single rows it is the usual one.
    """
    mean, draws = float(values.mean()), count(places)
    off = np.bincount(places, values - mean)
    wider = 1.0 if draws == len(values) else widened(worth(places))
    return mean, wider * sqrt(float((off**2).sum()) * draws / max(draws - 1, 1)) / len(values)


def count(places: Array) -> int:
    """How many different ones there are."""
    return int(np.count_nonzero(np.bincount(places))) if len(places) else 0
