"""What was to be expected of a window by the months and weekdays in which its rows lie.

A window in December is compared with the Decembers of training, one of a few days with the same
weekdays as well: to the shares of the months what a weekday has beyond all rows is added. What grew
in training may have grown on: the share that does not matter rises with the days that have gone by.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ..learn.seasons import days_of, gaps_of, missing_of, shares_of
from ..records.profile import Names, Profile
from .statistics import Array, Reference

WEEK = 7
PACE = 2.0  # a shift moves 1.4 times as many rows as it moves the mean rank, and growth may hasten


@dataclass
class Times:
    """In which months and weekdays rows lie, and the sum of their days since 1970."""

    parts: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    days: float = 0.0

    def count(self, moments: pl.Series) -> None:
        """Add rows; those without a moment tell nothing."""
        present = moments.drop_nulls()
        self.rows += present.len()
        self.days += float(days_of(present).sum())
        for kind in ("month", "weekday"):
            counts = getattr(present.dt, kind)().value_counts().iter_rows()
            self.parts.update({f"{kind} {number}": count for number, count in counts})

    def shares(self, kind: str) -> dict[str, float]:
        """Which part of the rows lies in each month, or on each weekday."""
        return {n: c / self.rows for n, c in self.parts.items() if n.startswith(f"{kind} ")}


def expected(name: str, reference: Reference, times: Times, profile: Profile) -> Reference:
    """The reference for rows of these times, where training has rows of all their months."""
    seasons_of = profile.seasons.get(name, {})
    shares, rows, whole = shares_of(reference), reference.rows, shares_of(reference)
    for kind in ("month", "weekday"):
        now = times.shares(kind)
        if not now or not now.keys() <= seasons_of.keys():
            continue
        if kind == "weekday" and len(now) == WEEK:
            continue  # a whole week has every one
        mixed = sum(share * np.array(seasons_of[part].shares) for part, share in now.items())
        shares = shares + mixed - whole
        rows = min(rows, sum(seasons_of[part].rows for part in now))
    return reference if rows == reference.rows else with_shares(reference, shares, rows)


def missing_expected(
    name: str, missing: float, times: Times, profile: Profile
) -> tuple[float, int]:
    """The share of rows of these times that lack a value, as in so many rows of training."""
    whole = gaps_of(profile.rows, round(missing * profile.rows))
    part = expected(missing_of(name), whole, times, profile)
    return (missing, profile.rows) if part is whole else (float(shares_of(part)[1]), part.rows)


def with_shares(reference: Reference, shares: Array, rows: int) -> Reference:
    """The reference with other shares, of so many rows."""
    if isinstance(reference, Names):
        counts = np.round(shares.clip(0) / shares.clip(0).sum() * rows).astype(int).tolist()
        by_name = dict(zip(reference.counts, counts[:-1], strict=True))
        return reference.model_copy(
            update={"counts": by_name, "other": counts[-1], "rows": sum(counts)}
        )
    pairs = shares.reshape(2, -1).T.ravel()
    below, upto = np.maximum.accumulate(pairs.clip(0, 1)).reshape(-1, 2).T.tolist()
    return reference.model_copy(update={"below": tuple(below), "upto": tuple(upto), "rows": rows})


def growth(name: str, times: Times, profile: Profile) -> float:
    """The share of rows that may have moved since, as fast as values moved in training."""
    trend = profile.trends.get(name)
    if trend is None or not times.rows:
        return 0.0
    parts = profile.seasons.get(name, {})
    months = times.shares("month")
    day = trend.day
    if months and months.keys() <= parts.keys():
        day = sum(share * parts[month].day for month, share in months.items())
    return PACE * trend.step * abs(times.days / times.rows - day)
