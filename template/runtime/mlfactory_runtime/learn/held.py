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

    `metric` is the primary one.
    """

    signature: Signature
    frame: pl.DataFrame
    x: Array
    y: Array
    p: Array
    constant: Array
    metric: str = "log_loss"

    def some(self, seed: int) -> "Held":
        """At most ROWS of them, in their order."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self.y))[:ROWS])
        x, y, p, constant = (part[rows] for part in (self.x, self.y, self.p, self.constant))
        return replace(self, frame=self.frame[rows], x=x, y=y, p=p, constant=constant)
