"""What the held-out rows came in: an interval tells of what another draw of these would give.

Rows of one shop are alike, and so are rows of one week. Where whole shops or the latest weeks are
held out, chance lies in which ones those are, and drawing single rows again would hide it (the
cluster bootstrap; Cameron, Gelbach and Miller, Bootstrap-based improvements for inference with
clustered errors, Review of Economics and Statistics 90, 2008).
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
import polars as pl

from ..data.rows import key_text
from ..records.data import SplitRecord
from ..settings.params import Params
from .split import split_key

FEWEST, MOST = 10, 50  # with fewer, what a draw would give is anybody's guess


@dataclass(frozen=True)
class Draws:
    """Which draw each row belongs to, from 0, of shape (rows,), and what a draw is, for people."""

    places: np.ndarray
    what: str = "rows"

    @property
    def count(self) -> int:
        return int(self.places.max()) + 1 if len(self.places) else 0

    @property
    def is_single(self) -> bool:
        """Whether each row is drawn by itself."""
        return self.count == len(self.places)


def draws(rows: pl.DataFrame, split: SplitRecord, params: Params) -> Draws:
    """What these held-out rows came in: stretches of time, values of a group, or single rows."""
    time = params.data.time
    if split.kind == "time" and time and rows[time].n_unique() >= FEWEST:
        return Draws(stretches(rows[time]), f"stretches of {time!r}")
    names = [name for name in split_key(params) if name in rows.columns]
    if not names:
        return Draws(np.arange(rows.height))
    places = key_text(rows, names).rank("dense").to_numpy().astype(np.int64) - 1
    return Draws(places, f"values of {names[0]!r}" if len(names) == 1 else "different rows")


def stretches(moments: pl.Series) -> np.ndarray:
    """Each row's stretch of time; of about equal length in rows, and one moment is never cut."""
    order = moments.rank("dense").to_numpy().astype(np.int64) - 1
    count = min(int(order.max()) + 1, max(FEWEST, min(MOST, isqrt(len(order)))))
    reached = np.bincount(order).cumsum()  # rows up to each moment
    edges = np.searchsorted(reached, np.linspace(0, len(order), count + 1)[1:-1])
    stretch = np.searchsorted(np.unique(edges), order, side="left")
    return np.unique(stretch, return_inverse=True)[1]
