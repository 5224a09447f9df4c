"""Intervals from how far predictions of validation were off.

The errors of rows that a model has not seen are what errors of other rows will be like: split and
cross-conformal prediction (Lei and others, Distribution-free predictive inference for regression,
JASA 113, 2018; Barber and others, Predictive inference with the jackknife+, Annals of Statistics
49, 2021). Each tail is taken by itself, and by how large the prediction is: large numbers are
mostly less sure (Boström and Johansson, Mondrian conformal regressors, PMLR 128, 2020).
"""

from math import ceil

import numpy as np

from ..records.data import SplitRecord
from ..records.intervals import Band, Intervals
from ..settings.catalog import Catalog
from ..settings.params import Params
from .copies import copies
from .draws import FEWEST, Draws, draws
from .intervals import placed
from .resampling import mean_of
from .validation import Unseen

BANDS, OUTSIDE = 10, 5  # so many bands at most, with so many rows beyond either end
EXACT = 1e-9  # what products of shares are off by


def fit_intervals(
    unseen: Unseen, split: SplitRecord, catalog: Catalog, params: Params
) -> Intervals | None:
    """The intervals that validation tells of; None of classes, of too few rows, and unasked."""
    coverage = params.decision.coverage
    if coverage is None or params.task != "regression" or not unseen.trials:
        return None
    whole = unseen.whole
    units = draws(whole.rows, split, params, copies(whole.rows, catalog, params))
    return calibrate(whole.y, whole.p, units, coverage, unseen.by)


def calibrate(
    y: np.ndarray, p: np.ndarray, units: Draws, coverage: float, by: str
) -> Intervals | None:
    """Intervals that hold the share `coverage` of numbers, if their rows come as these have.

    `p` is of models that have not seen these rows, which are parted `by`. None of too few rows, and
    of a model that says of some what is no number.
    """
    errors, tail = y - p, (1 - coverage) / 2
    if units.count < FEWEST or not np.isfinite(errors).all():
        return None
    alike = likeness(errors, units, tail)
    if not is_enough(len(y) / alike, tail):
        return None
    edges = edges_of(p, alike, tail)
    place = placed(p, edges)
    bands = (
        Band(
            below=below,
            rows=int((place == k).sum()),
            lower=0.0 - end(-errors[place == k], alike, tail),
            upper=end(errors[place == k], alike, tail),
        )
        for k, below in enumerate([*edges.tolist(), None])
    )
    draws = round(len(y) / alike)
    return Intervals(coverage=coverage, by=by, rows=len(y), draws=draws, bands=tuple(bands))


def likeness(errors: np.ndarray, units: Draws, tail: float) -> float:
    """How many rows tell as much as one that stands for itself: 1, or more where rows of a draw are
    off alike (the design effect of the share beyond either end).
    """
    if units.is_single:
        return 1.0
    low, high = np.quantile(errors, [tail, 1 - tail])
    share, error = mean_of(((errors < low) | (errors > high)).astype(float), units.places)
    spread = share * (1 - share) / len(errors)
    most = len(errors) / units.count
    return float(np.clip(error**2 / spread, 1, most)) if spread else most


def is_enough(rows: float, tail: float) -> bool:
    """Whether the ends of so many rows have that share beyond them on either side."""
    return bool((1 - tail) * (1 + 1 / rows) <= 1 + EXACT)


def edges_of(p: np.ndarray, alike: float, tail: float) -> np.ndarray:
    """Where bands of predictions end, each with rows enough; equal predictions share one."""
    count = int(np.clip(len(p) / alike * tail / OUTSIDE, 1, BANDS))
    levels = np.quantile(p, np.linspace(0, 1, count + 1)[1:-1])
    edges = np.unique([float(f"{edge:.6g}") for edge in levels])
    while len(edges):
        rows = np.bincount(placed(p, edges), minlength=len(edges) + 1)
        if rows.min() and is_enough(rows.min() / alike, tail):
            break
        edges = edges[1::2]
    return edges


def end(errors: np.ndarray, alike: float, tail: float) -> float:
    """What another error exceeds with at most the chance `tail`; at least 0, for the prediction is
    always inside. With three digits, so that it is nobody's own.
    """
    share = (1 - tail) * (1 + alike / len(errors))
    rank = min(ceil(share * len(errors) - EXACT), len(errors))
    value = max(float(np.partition(errors, rank - 1)[rank - 1]), 0.0)
    near = float(f"{value:.2e}")
    return near if near >= value else float(f"{1.01 * value:.2e}")
