"""Rows that nearly repeat another: the same customer or thing measured again, which no name tells.

Where rows lie by chance, the distances to the nearest ones rise step by step. Those of one thing
lie together, and a wide step away from all others.
"""

from itertools import islice

import numpy as np
import polars as pl

from .outcome import codes_of, ranks

ASKED, AT_ONCE, NEAREST, FEWEST = 200, 50, 30, 100  # rows
MOST, LEAST, VALUES = 10, 3, 50  # columns, and values of each
STEP, SHARE, ALIKE = 3.0, 0.3, 0.8
SAME = 1e-12  # squared
Array = np.ndarray


def find_near(sample: pl.DataFrame, names: list[str], target: str, task: str) -> list[str]:
    """What to say where many rows have another that is nearly the same in all measures among the
    columns, and in the outcome.
    """
    rows = sample.drop_nulls(target)
    measures = [*islice((n for n in names if n != target and is_measure(rows[n])), MOST)]
    if len(measures) < LEAST or rows.height < FEWEST:
        return []
    x = np.column_stack([ranks(codes_of(rows[name])) for name in measures])
    some = np.random.default_rng(0).permutation(len(x))[:ASKED]
    distances, nearest = neighbours(x, some)
    steps = (distances[:, 1:] >= STEP * distances[:, :-1]) & np.isfinite(distances[:, 1:])
    together = steps.any(axis=1)
    share = float(together.mean())
    if share < SHARE + by_chance(distances):
        return []
    pairs = (some[together], nearest[together])
    if agreement(rows[target], *pairs, task) < ALIKE:
        return []
    return [
        f"{share:.0%} of the rows have another one that is nearly the same in all of "
        f"{', '.join(map(repr, measures[:LEAST]))}{' …' if len(measures) > LEAST else ''} and in "
        f"{target}: if they are about the same customer or thing, add a column that names it, and "
        "name that in split.group; else the model is measured on what it knows by heart"
    ]


def is_measure(values: pl.Series) -> bool:
    return values.dtype.is_numeric() and values.n_unique() >= VALUES


def neighbours(x: Array, some: Array) -> tuple[Array, Array]:
    """The distances of some rows to those nearest to them, rising, and the nearest row of each.

    Rows that are equal are left out: they are copies, and looked for elsewhere.
    """
    squares = (x**2).sum(axis=1)
    count = min(NEAREST, len(x) - 1)
    distances, nearest = np.empty((len(some), count)), np.empty(len(some), dtype=np.int64)
    for begin in range(0, len(some), AT_ONCE):
        part = some[begin : begin + AT_ONCE]
        apart = squares[part, None] + squares - 2 * x[part] @ x.T
        apart[apart <= SAME] = np.inf
        nearest[begin : begin + AT_ONCE] = apart.argmin(axis=1)
        least = np.sort(np.partition(apart, count - 1, axis=1)[:, :count], axis=1)
        distances[begin : begin + AT_ONCE] = np.sqrt(least)
    return distances, nearest


def by_chance(distances: Array) -> float:
    """The share of rows that have such a step by chance, in as many dimensions as there are: of
    two rows in k dimensions the nearer one is so much nearer with a chance of 1 / step^k.
    """
    half = distances.shape[1] // 2
    with np.errstate(invalid="ignore"):
        growth = np.nanmedian(np.log(distances[:, -1] / distances[:, half]))
    dimensions = np.log(distances.shape[1] / (half + 1)) / max(growth, 1e-9)
    chance = STEP**-dimensions
    return float(chance / (1 - chance))


def agreement(target: pl.Series, one: Array, other: Array, task: str) -> float:
    """How much alike the outcomes of pairs of rows are: 1 is the same, 0 is chance."""
    codes = codes_of(target)
    if task == "regression":
        a, b = (ranks(codes)[some] for some in (one, other))
        return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0
    shares = np.bincount(codes) / len(codes)
    chance = float((shares**2).sum())
    return float((np.mean(codes[one] == codes[other]) - chance) / (1 - chance)) if chance < 1 else 0
