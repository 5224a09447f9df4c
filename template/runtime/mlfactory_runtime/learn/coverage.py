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
    y: np.ndarray, limits: np.ndarray, drawn: Draws, known: Intervals | None
) -> Coverage | None:
    """The share of rows inside, and the mean width; both as other draws would have them.

    `limits` are the ends, of shape (rows, 2). None without intervals.
    """
    if known is None:
        return None
    found = {
        "share": share_inside(y, limits, drawn.places),
        "width": mean_width(limits, drawn.places),
    }
    found = found if drawn.count >= FEWEST else without_ends(found)
    return Coverage(nominal=known.coverage, rows=known.rows, by=known.by, **found)


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


def coverage_warnings(found: Coverage | None, params: Params, unseen: Unseen) -> Iterator[str]:
    """What to say of intervals that surely hold too little, or that are asked for and not there."""
    asked = params.decision.coverage
    if params.task == "regression" and asked is not None and found is None:
        rows = sum(len(one.y) for one in unseen.trials)
        yield (
            f"predictions have no intervals: the {rows:,} rows of validation are too few or too "
            f"much alike for {asked:g} (decision.coverage), or some of theirs are no numbers"
        )
    if not found or found.share.value is None or found.share.high is None:
        return
    missed = (1 - found.share.value) > WORSE * (1 - found.nominal)
    if missed and found.share.high < found.nominal:
        yield (
            f"intervals are to hold {found.nominal:.3g} of the true values, and hold "
            f"{found.share.value:.3f} of the held-out ones: these are not like those of validation"
        )
