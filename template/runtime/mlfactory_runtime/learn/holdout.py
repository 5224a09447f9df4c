"""Held-out rows with all that is known of them."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from .metrics import Array
from .signature import Signature

ROWS = 20_000


@dataclass(frozen=True)
class Held:
    """Held-out rows: columns and features, matrix, target, what model and constant predict.

    `places` names whom each row is about, from 0: rows of one count as one. `metric` is the primary
    one. `ends` of intervals are of shape (rows, 2), or (rows, 0) where there are none.
    """

    signature: Signature
    frame: pl.DataFrame
    x: Array
    y: Array
    p: Array
    constant: Array
    places: Array
    ends: Array
    metric: str = "log_loss"

    def some(self, seed: int) -> "Held":
        """At most ROWS of them, in their order."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self.y))[:ROWS])
        names = ("frame", "x", "y", "p", "constant", "places", "ends")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})
