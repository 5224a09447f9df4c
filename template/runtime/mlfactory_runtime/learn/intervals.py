"""The intervals around predicted numbers, which stand beside a model as text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..records.intervals import Intervals
from ..records.record import read

FILE, ENDS = "intervals.json", ("lower", "upper")


def load_intervals(folder: Path) -> Intervals | None:
    """Those of the model in `folder`; none of classes, and of models that are older than these."""
    return read(Intervals, folder / FILE)


def ends(intervals: Intervals | None, p: np.ndarray) -> np.ndarray:
    """The lower and the upper end for each prediction, of shape (rows, 2); without any, (rows, 0).

    Each row is looked at by itself, so that a row alone gets what it gets in a table.
    """
    if intervals is None:
        return np.empty((len(p), 0))
    place = placed(p, [band.below for band in intervals.bands if band.below is not None])
    margins = np.array([[band.lower, band.upper] for band in intervals.bands])
    return np.asarray(p[:, None] + margins[place])


def placed(p: np.ndarray, edges: Sequence[float] | np.ndarray) -> np.ndarray:
    """The band of each prediction: the first one that it is below the edge of, else the last."""
    return np.searchsorted(np.asarray(edges, dtype=float), p, side="right")
