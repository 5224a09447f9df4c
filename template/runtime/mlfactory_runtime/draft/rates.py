"""The mean of the target over the rows of an entity: who computed it had seen the outcome."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from .outcome import Outcome, codes_of, numbers_of, precision

ENTITIES, CLASSES, GROUPS = 20, 10, 5
SURE, NEAR, PROBE, ALIKE = 0.9, 0.01, 60, 0.5
Array = np.ndarray


@dataclass(frozen=True)
class Totals:
    """For each row: the sum of the target over the rows of its group, how many those are, and of
    numbers their median."""

    sums: Array
    sizes: Array
    own: Array
    medians: Array | None = None

    def means(self) -> Array:
        rates: Array = self.sums / self.sizes
        return rates

    def others(self) -> Array:
        """The means without the row itself; of a row that is alone, of all."""
        alone = self.sizes < 2
        rest = (self.sums - self.own) / np.maximum(self.sizes - 1, 1)
        rates: Array = np.where(alone, self.own.mean(), rest)
        return rates

    def shrunken(self, x: Array) -> Array:
        """The means drawn towards that of all as far as `x` is: (sum + m mean) / (size + m)."""
        usual = self.own.mean()
        far = np.abs(x - usual) > 0.1 * np.std(x)
        m = np.median(((self.sums - x * self.sizes) / (x - usual))[far]) if far.any() else 0.0
        rates: Array = (self.sums + m * usual) / (self.sizes + m)
        return rates if m > 0 else self.means()


def find_rates(
    rows: pl.DataFrame, y: Outcome, columns: Iterable[str], naming: Iterable[str]
) -> dict[str, str]:
    """The columns that hold means of the target, over rows with one value of them or of another.

    `naming` are the columns that may name entities. Exact means need all rows of the file.
    """
    floats = [name for name in columns if rows[name].dtype.is_float()]
    if not floats:
        return {}
    own, by_name = grouping(rows, floats), grouping(rows, naming)[:ENTITIES]
    x = np.column_stack([numbers_of(rows[name]) for name in floats])
    rates = {}
    with np.errstate(all="ignore"):
        for entity in by_name:
            for totals in all_totals(codes_of(rows[entity]), y):
                for k in likely(x, totals):
                    if are_means(x[:, k], totals):
                        rates[floats[k]] = f"the rows with one {entity}"
        for name in own:
            codes = codes_of(rows[name])
            if any(are_means(numbers_of(rows[name]), t) for t in all_totals(codes, y)):
                rates.setdefault(name, "the rows that share a value of it")
    return {
        n: f"it is the mean of {y.name} over {of}: made of the outcome?" for n, of in rates.items()
    }


def grouping(rows: pl.DataFrame, columns: Iterable[str]) -> list[str]:
    """The columns whose values repeat, those with the most values first."""
    if not (names := [*columns]):
        return []
    counts = rows.select(pl.col(names).n_unique()).row(0, named=True)
    some = [n for n, count in counts.items() if GROUPS <= count <= rows.height / 2]
    return sorted(some, key=lambda name: -counts[name])


def all_totals(codes: Array, y: Outcome) -> Iterator[Totals]:
    """For a number its totals, for classes those of each."""
    sizes = np.bincount(codes)[codes]
    if not y.classes:
        medians = pl.DataFrame({"group": codes, "y": y.values})
        of_group = medians.select(pl.col("y").median().over("group"))["y"].to_numpy()
        yield Totals(np.bincount(codes, y.values)[codes], sizes, y.values, of_group)
    for k in range(min(len(y.classes), CLASSES)):
        mark = (y.codes == k).astype(float)
        yield Totals(np.bincount(codes, mark)[codes], sizes, mark)


def likely(x: Array, totals: Totals) -> list[int]:
    """The columns that are like the means in a few rows."""
    few = np.random.default_rng(0).permutation(len(x))[:PROBE]
    z, means = x[few] - x[few].mean(axis=0), totals.means()[few]
    r = (means - means.mean()) @ z / np.sqrt((z**2).sum(axis=0) * len(few)) / means.std()
    return [int(k) for k in np.flatnonzero(r > ALIKE)]


def are_means(x: Array, totals: Totals) -> bool:
    """Whether nearly all values are these means, or medians, as exactly as they are written."""
    spread = np.std(x)
    if not spread:
        return False
    near = 2 * min(precision(x), NEAR / 2 * spread)
    computed = [totals.means(), totals.others(), totals.shrunken(x)]
    if totals.medians is not None and np.mean(totals.sizes > 2) >= SURE:
        computed.append(totals.medians)
    return any(np.mean(np.abs(x - each) <= near) >= SURE for each in computed)
