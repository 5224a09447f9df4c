"""What share of true numbers lies in their intervals, measured on rows that are held out."""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from ..records.evaluation import Coverage, Interval
from ..records.intervals import Intervals
from ..settings.params import Params
from .draws import FEWEST, Draws
from .resampling import count, mean_of, without_ends
from .validation import Unseen

Z = 1.959964
WORSE = 1.25  # so many times as many outside as promised are worth a sentence


def measure_coverage(
    y: np.ndarray, limits: np.ndarray, units: Draws, intervals: Intervals | None
) -> Coverage | None:
    """The share of rows inside, and the mean width; both as other draws would have them.

    `limits` are the ends, of shape (rows, 2). None without intervals.
    """
    if intervals is None:
        return None
    measures = {
        "share": share_inside(y, limits, units.places),
        "width": mean_width(limits, units.places),
    }
    measures = measures if units.count >= FEWEST else without_ends(measures)
    return Coverage(nominal=intervals.coverage, rows=intervals.rows, by=intervals.by, **measures)


def share_inside(y: np.ndarray, limits: np.ndarray, places: np.ndarray) -> Interval:
    """The share of rows between their ends with its 95 % interval (Wilson, Probable inference, JASA
    22, 1927), of as many rows as count where those of one place depend on each other.
    """
    inside = (limits[:, 0] <= y) & (y <= limits[:, 1])
    share, error = mean_of(inside.astype(float), places)
    rows = min(share * (1 - share) / error**2, len(y)) if error else count(places)
    middle = (share + Z**2 / (2 * rows)) / (1 + Z**2 / rows)
    wide = Z / (1 + Z**2 / rows) * sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2))
    return Interval(share, max(middle - wide, 0.0), min(middle + wide, 1.0))


def mean_width(limits: np.ndarray, places: np.ndarray) -> Interval:
    """The mean distance of the ends, with its 95 % interval."""
    mean, error = mean_of(limits[:, 1] - limits[:, 0], places)
    return Interval(mean, mean - Z * error, mean + Z * error)


def coverage_warnings(own: Coverage | None, params: Params, unseen: Unseen) -> Iterator[str]:
    """What to say of intervals that surely hold too little, or that are asked for and not there."""
    level = params.decision.coverage
    if params.task == "regression" and level is not None and own is None:
        rows = sum(len(one.y) for one in unseen.trials)
        yield (
            f"predictions have no intervals: the {rows:,} rows of validation are too few or too "
            f"much alike for {level:g} (decision.coverage), or some of theirs are no numbers"
        )
    if not own or own.share.value is None or own.share.high is None:
        return
    missed = (1 - own.share.value) > WORSE * (1 - own.nominal)
    if missed and own.share.high < own.nominal:
        yield (
            f"intervals are to hold {own.nominal:.3g} of the true values, and hold "
            f"{own.share.value:.3f} of the held-out ones: these are not like those of validation"
        )
