"""What the held-out rows came in: an interval tells of what another draw of these would give.

Rows of one shop are alike, and so are rows of one week. Where whole shops or the latest weeks are
held out, chance lies in which ones those are, and drawing single rows again would hide it (the
cluster bootstrap; Cameron, Gelbach and Miller, Bootstrap-based improvements for inference with
clustered errors, Review of Economics and Statistics 90, 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
import polars as pl

from ..data.rows import key_text
from ..records.data import HeldOut, SplitRecord
from ..settings.params import Params
from .split import split_key

FEWEST = 10  # with fewer, what a draw would give is anybody's guess
# More make stretches short, and hardly an interval narrower (Schmeiser, Batch size effects in the
# analysis of simulation output, Operations Research 30, 1982).
MOST = 20
DEPENDENT, CHANCE = 0.3, 1.65  # and beyond what chance makes, in its standard deviations


@dataclass(frozen=True)
class Draws:
    """Which draw each row belongs to, from 0, of shape (rows,), and what a draw is, for people."""

    places: np.ndarray
    what: str = "rows"
    ordered: bool = False  # one follows the other in time

    @property
    def count(self) -> int:
        return int(self.places.max()) + 1 if len(self.places) else 0

    @property
    def is_single(self) -> bool:
        """Whether each row is drawn by itself."""
        return self.count == len(self.places)


def draws(
    rows: pl.DataFrame,
    split: SplitRecord | HeldOut,
    params: Params,
    same: pl.Series | None = None,
) -> Draws:
    """What these held-out rows came in: stretches of time, values of a group, or single rows.

    `same` is a number that copies share, if there are any.
    """
    time = params.data.time
    late = dated(rows[time], split, params) if time and time in rows.columns else None
    return late or entities(rows, params, same)


def dated(moments: pl.Series, split: SplitRecord | HeldOut, params: Params) -> Draws | None:
    """Stretches of time, where the latest rows are held out and not whole groups; None elsewhere,
    and of too few moments.
    """
    by_time = split.kind == "time" and not params.split.group
    if not by_time or moments.null_count() or moments.n_unique() < FEWEST:
        return None
    return Draws(stretches(moments), f"stretches of {params.data.time!r}", ordered=True)


def independent(units: Draws, *series: np.ndarray) -> Draws:
    """Stretches of time so long that what is measured in one tells nothing of the next.

    `series` are what rows lose, or gain, each of shape (rows,). Two neighbours become one until the
    correlation of one stretch's mean with the next one's is small in each. Where fewer than FEWEST
    would be left, of which nothing can be said, it has to be more than chance makes of so few: of
    rows without any dependence that befell every fourth table of 1,500 rows.
    """
    while units.ordered and units.count >= FEWEST:
        by_chance = CHANCE / units.count**0.5 if units.count < 2 * FEWEST else 0.0
        limit = max(DEPENDENT, by_chance)
        if all(dependence(units, values) <= limit for values in series):
            break
        units = replace(units, places=units.places // 2)
    return units


def dependence(units: Draws, values: np.ndarray) -> float:
    """The correlation of one stretch's mean with the next one's.

    A sample shows less of it than there is, by (1 + 4 r) / n (Kendall, Note on bias in the
    estimation of autocorrelation, Biometrika 41, 1954).
    """
    means = np.bincount(units.places, values) / np.bincount(units.places)
    off = means - means.mean()
    correlation = float(off[1:] @ off[:-1] / ((off @ off) or 1.0))
    return correlation + (1 + 4 * correlation) / units.count


def entities(
    rows: pl.DataFrame,
    params: Params,
    same: pl.Series | None = None,
    key: Sequence[str] | None = None,
) -> Draws:
    """Whom or what each row is about: a value of a group or an identifier, or all of its copies.

    `key` lists the columns that name it, if these are not those of the split.
    """
    if same is not None and not params.split.group:
        return Draws(places_of(same), "different rows")
    names = [n for n in (split_key(params) if key is None else key) if n in rows.columns]
    if not names:
        return Draws(np.arange(rows.height))
    return Draws(places_of(key_text(rows, names)), values_of(names))


def values_of(names: Sequence[str]) -> str:
    """What values of these columns are, for people."""
    return f"values of {names[0]!r}" if len(names) == 1 else "different rows"


def places_of(keys: pl.Series) -> np.ndarray:
    """The place of each row's key among all keys, from 0."""
    return keys.rank("dense").to_numpy().astype(np.int64) - 1


def stretches(moments: pl.Series) -> np.ndarray:
    """Each row's stretch of time; of about equal length in rows, and one moment is never cut."""
    order = moments.rank("dense").to_numpy().astype(np.int64) - 1
    count = min(int(order.max()) + 1, max(FEWEST, min(MOST, isqrt(len(order)))))
    reached = np.bincount(order).cumsum()  # rows up to each moment
    edges = np.searchsorted(reached, np.linspace(0, len(order), count + 1)[1:-1])
    stretch = np.searchsorted(np.unique(edges), order, side="left")
    return np.unique(stretch, return_inverse=True)[1]
