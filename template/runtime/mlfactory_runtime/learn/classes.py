"""How many of each class are found, where there are several: a mean over classes hides the rare."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..records.evaluation import Recall
from .draws import FEWEST, Draws
from .resampling import count, interval_of, resamples, widened, with_chance, without_ends, worth


def recalls(
    y: np.ndarray, p: np.ndarray, classes: Sequence[str], units: Draws, seed: int
) -> Iterator[Recall]:
    """Recall and precision of each class with intervals, the rarest class of `y` first."""
    calls = p.argmax(axis=1)
    places = None if units.is_single else units.places
    width = 1.0 if units.is_single else widened(worth(units.places))
    whole = shares(y, calls, len(classes), np.ones(len(y)))
    again = [shares(y, calls, len(classes), w) for w in resamples(len(y), seed, places)]
    counts = np.bincount(y.astype(int), minlength=len(classes))
    for k in np.argsort(counts, kind="stable"):
        intervals = {}
        for i, (name, own) in enumerate((("recall", y), ("precision", calls))):
            values = [float(one[i][k]) for one in again]
            interval = interval_of(float(whole[i][k]), values, width, name)
            intervals[name] = with_chance(interval, count(units.places[own == k]))
        intervals = intervals if units.count >= FEWEST else without_ends(intervals)
        yield Recall(label=classes[k], rows=int(counts[k]), **intervals)


def shares(y: np.ndarray, p_called: np.ndarray, k: int, w: np.ndarray) -> tuple[np.ndarray, ...]:
    """Recall and precision by class, each of shape (k,); NaN where there is none."""
    right = np.bincount(p_called, w * (p_called == y), minlength=k)
    rows, calls = np.bincount(y.astype(int), w, minlength=k), np.bincount(p_called, w, minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / rows, right / calls
