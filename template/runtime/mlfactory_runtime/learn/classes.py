"""How many of each class are found, where there are several: a mean over classes hides the rare."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..records.evaluation import Recall
from .draws import FEWEST, Draws
from .resampling import interval_of, resamples, widened, without_ends, worth


def recalls(
    y: np.ndarray, p: np.ndarray, classes: Sequence[str], drawn: Draws, seed: int
) -> Iterator[Recall]:
    """Recall and precision of each class with intervals, the rarest class of `y` first."""
    called = p.argmax(axis=1)
    places = None if drawn.is_single else drawn.places
    width = 1.0 if drawn.is_single else widened(worth(drawn.places))
    whole = shares(y, called, len(classes), np.ones(len(y)))
    again = [shares(y, called, len(classes), w) for w in resamples(len(y), seed, places)]
    counts = np.bincount(y.astype(int), minlength=len(classes))
    for k in np.argsort(counts, kind="stable"):
        found = {
            name: interval_of(float(whole[i][k]), [float(one[i][k]) for one in again], width)
            for i, name in enumerate(("recall", "precision"))
        }
        found = found if drawn.count >= FEWEST else without_ends(found)
        yield Recall(label=classes[k], rows=int(counts[k]), **found)


def shares(y: np.ndarray, called: np.ndarray, k: int, w: np.ndarray) -> tuple[np.ndarray, ...]:
    """Recall and precision by class, each of shape (k,); NaN where there is none."""
    right = np.bincount(called, w * (called == y), minlength=k)
    rows, calls = np.bincount(y.astype(int), w, minlength=k), np.bincount(called, w, minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / rows, right / calls
