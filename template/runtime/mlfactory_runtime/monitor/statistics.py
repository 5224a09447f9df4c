"""How a column differs from what the model's profile says of it.

A window is only counted where the profile looks, so the work is one pass, and windows of any size
can be added up. Each column is looked at in two ways, at half of the level each:

- numbers by the two-sample Kolmogorov-Smirnov statistic over the profile's points, whose shares of
  training rows are exact, so that a coarse profile can only make it smaller; and by the mean rank
  that values have among those of training (Mann and Whitney), which sees a shift in fewer rows;
- categories by the chi-square test of homogeneity; and by each share alone, exactly.

The size of a difference is the share of rows that lie elsewhere: the largest difference of the
cumulated shares, or the sum of all shares that rose. The mean rank is off by no more than that, and
no single share is. The population stability index, less what chance alone gives, stands beside it
(Yurdakul and Naranjo, Statistical properties of the population stability index, Journal of Risk
Model Validation 14(4), 2020).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ..learn.signature import masked
from ..records.profile import Names, Numbers
from .effect import NORMAL, SURE

BINS, SHOWN, LEAST, STEPS = 10, 20, 5, 4096
KOLMOGOROV = 1.358  # what the statistic, by the root of the rows, exceeds in one of twenty cases
SHIFT = 2**0.5  # a shift moves so many times as many rows as it moves the mean rank
Array = np.ndarray
Reference = Numbers | Names


@dataclass(frozen=True)
class Tally:
    """Rows with and without a value, and counts: (2, points) below and up to them, or by value."""

    present: int
    missing: int
    cells: Array

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.present + other.present, self.missing + other.missing, self.cells + other.cells
        )


@dataclass(frozen=True)
class Difference:
    """Test statistic and p-value, the share of rows that lie elsewhere and how many of them are so
    at 5 %, the index, and what is expected and observed, bin by bin.

    `error` is the standard error of the share for a shift, or for a share of a tenth.
    """

    statistic: float
    p: float
    moved: float
    surely: float
    error: float
    psi: float
    bins: list[str]
    expected: list[float]
    observed: list[float]


def tally(column: pl.Series, reference: Reference, salt: str = "") -> Tally:
    """Count a column where its profile looks."""
    present = column.drop_nulls()
    if isinstance(reference, Numbers):
        count = _points(present, reference)
    else:
        count = _names(present, reference, salt)
    return Tally(present.len(), column.null_count(), count)


def _points(present: pl.Series, reference: Numbers) -> Array:
    """Rows below, and up to, each point. Only those in the same small step as a point are sorted.

    This is exact, because the number of the step never falls where the value rises.
    """
    x, values = present.to_physical().cast(pl.Float64).to_numpy(), np.array(reference.values)
    if not len(values):
        return np.zeros((2, 0), dtype=int)
    scale = STEPS / ((values[-1] - values[0]) or 1.0)

    def step(numbers: Array) -> Array:
        with np.errstate(over="ignore"):
            place: Array = ((numbers - values[0]) * scale).clip(-1, STEPS).astype(np.int32)
        return place + 1

    inside, steps, own = np.zeros(STEPS + 2, dtype=bool), step(x), step(values)
    inside[own] = True
    rest = np.sort(x[inside[steps]])
    plain = np.where(inside, 0, np.bincount(steps, minlength=len(inside))).cumsum()[own]
    return np.stack([plain + np.searchsorted(rest, values, s) for s in ("left", "right")])


def _names(present: pl.Series, reference: Names, salt: str) -> Array:
    text = masked(present, salt if present.dtype == pl.String else "").rename("value")
    counts = dict(text.value_counts().iter_rows())
    cells = [counts.get(name, 0) for name in reference.counts]
    return np.array([*cells, present.len() - sum(cells)])


def compare(reference: Reference, counted: Tally, dtype: str = "float") -> Difference:
    """How the rows that were counted differ from those of training; both must have some.

    Without a dtype, what values stand for is not shown.
    """
    if isinstance(reference, Numbers):
        return _numbers(reference, counted, dtype)
    return _categories(reference, counted)


def _numbers(reference: Numbers, counted: Tally, dtype: str) -> Difference:
    from scipy.stats import kstwo

    shares = np.array([reference.below, reference.upto])
    distance = float(np.abs(counted.cells / counted.present - shares).max(initial=0))
    size = max(round(counted.present * reference.rows / (counted.present + reference.rows)), 1)
    lead, error = rank_lead(shares, counted, reference.rows)
    error /= np.sqrt(size)
    p = min(float(kstwo.sf(distance, size)), 2 * NORMAL.cdf(-lead / error) if error else 1.0)
    surely = max(distance - KOLMOGOROV / np.sqrt(size), lead - SURE * error)
    expected = shares.T.ravel()
    edges = cuts(expected)
    names = [_name(reference.values[edge // 2], dtype) for edge in edges.tolist()]
    bins = labels(edges.tolist(), names)
    parts = [
        np.diff(cumulated[edges], prepend=0, append=rows)
        for cumulated, rows in (
            (expected * reference.rows, reference.rows),
            (counted.cells.T.ravel(), counted.present),
        )
    ]
    if not dtype:
        bins = [f"bin {place}" for place in range(1, len(bins) + 1)]
    own = distance, min(2 * p, 1.0), distance, surely, SHIFT * error
    return Difference(*own, *index(bins, parts[0], parts[1]))


def rank_lead(shares: Array, counted: Tally, rows: int) -> tuple[float, float]:
    """By how much the mean rank of the values among those of training is off a half, and the
    standard error of that for one row.

    `shares` are those of the `rows` of training below and up to each point, of shape (2, points).
    """
    cumulated = np.concatenate([[0], shares.T.ravel(), [1]])
    own = np.diff(counted.cells.T.ravel() / counted.present, prepend=0, append=1)
    lead = abs(float(own @ (cumulated[1:] + cumulated[:-1]) / 2) - 0.5)
    ties = (np.diff(cumulated) * rows + own * counted.present) / (rows + counted.present)
    return lead, float(np.sqrt(max(1 - (ties**3).sum(), 0) / 12))


def _categories(reference: Names, count: Tally) -> Difference:
    expected = np.array([*reference.counts.values(), reference.other])
    statistic, together = homogeneous(expected, count.cells)
    rows, size = count.present, count.present * reference.rows / (count.present + reference.rows)
    then, now = expected / expected.sum(), count.cells / rows
    alone = chances(expected, int(expected.sum()), count.cells, rows)
    surest, occupied = int(alone.argmin()), int((expected + count.cells > 0).sum())
    p = min(2 * together, 2 * occupied * float(alone[surest]), 1.0)
    pooled = (expected + count.cells) / (expected.sum() + rows)
    luck = float(np.sqrt(pooled * (1 - pooled) / (2 * np.pi * size)).sum())
    moved = float(np.abs(now - then).sum()) / 2 - luck
    single = abs(float(now[surest] - then[surest]))
    error = share_error(float(then[surest]), reference.rows, rows)
    surely = max(single - SURE * error, moved - SURE / (2 * np.sqrt(size)))
    few = min(len(reference.counts), SHOWN)
    first = (np.append(part[:few], part[few:].sum()) for part in (expected, count.cells))
    names = [*list(reference.counts)[:few], "other"]
    own = statistic, p, max(moved, single), surely, share_error(0.1, reference.rows, rows)
    return Difference(*own, *index(names, *first))


def homogeneous(expected: Array, observed: Array) -> tuple[float, float]:
    """Chi-square and p-value; cells too small for the test are one."""
    from scipy.stats import chi2_contingency

    table = np.stack([expected, observed]).astype(float)
    small = table.sum(axis=0) * table.sum(axis=1).min() / table.sum() < LEAST
    table = np.column_stack([table[:, ~small], table[:, small].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 0.0, 1.0
    test = chi2_contingency(table)
    return float(test.statistic), float(test.pvalue)


def chances(before: Array, rows: int, now: Array, window: int) -> Array:
    """The p-values of each share, of rows in training and in the window, being the same.

    Fisher's, for both ways, with the half of what was seen (Lancaster, Significance tests in
    discrete distributions, JASA 56, 1961): of few rows the whole would be found too seldom.
    """
    from scipy.stats import hypergeom

    rates = rows + window, before + now, window
    same = hypergeom.pmf(now, *rates) / 2
    either = np.minimum(hypergeom.sf(now, *rates), hypergeom.cdf(now - 1, *rates))
    return np.asarray(2 * (either + same))


def share_error(share: float, rows: int, window: int) -> float:
    """The standard error of the difference of two shares that are both about this one."""
    return float(np.sqrt(share * (1 - share) * (1 / max(rows, 1) + 1 / max(window, 1))))


def cuts(cumulated: Array) -> Array:
    """Where about equal bins end, as places among the shares below and up to each point.

    A point that holds as much as a bin is a bin of its own: what lies beside it is another thing.
    """
    edges = set()
    for share in np.arange(1, BINS) / BINS:
        place = int(np.searchsorted(cumulated, share))
        if place < len(cumulated):
            edges.add(place)
            before = cumulated[place - 1] if place else 0.0
            if place and cumulated[place] - before >= 1 / BINS:
                edges.add(place - 1)
    return np.array(sorted(edges), dtype=int)


def labels(edges: list[int], names: list[str]) -> list[str]:
    """What lies between the edges; an odd place is up to its point, an even one is below it."""
    if not edges:
        return ["all"]
    between = [f"{'up to' if edges[0] % 2 else 'below'} {names[0]}"]
    for k in range(1, len(edges)):
        same = names[k] == names[k - 1]
        between.append(names[k] if same else f"{names[k - 1]} to {names[k]}")
    return [*between, f"{'above' if edges[-1] % 2 else 'from'} {names[-1]}"]


def _name(value: float, dtype: str) -> str:
    """A point as people read it; moments stand in days, or in microseconds."""
    if dtype == "date":
        return str(date(1970, 1, 1) + timedelta(days=int(value)))
    if dtype == "datetime":
        return str(pl.Series([int(value)]).cast(pl.Datetime("us"))[0])[:19]
    return f"{value:.4g}"


def index(
    bins: list[str], expected: Array, observed: Array
) -> tuple[float, list[str], list[float], list[float]]:
    """The stability index, and the shares of the bins that hold any row."""
    occupied = expected + observed > 0
    rows = [expected[occupied], observed[occupied]]
    e, o = ((part + 0.5) / (part.sum() + 0.5 * len(part)) for part in rows)
    chance = (len(e) - 1) * sum(1 / max(part.sum(), 1) for part in rows)
    psi = max(float(((o - e) * np.log(o / e)).sum()) - chance, 0.0)
    shares = [(part / max(part.sum(), 1)).round(6).tolist() for part in rows]
    return psi, [name for name, one in zip(bins, occupied, strict=True) if one], *shares
