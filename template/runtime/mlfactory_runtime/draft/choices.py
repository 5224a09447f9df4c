"""A target that is one of several columns, row by row, or says which of them is the largest."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from .outcome import Outcome, is_number, numbers_of, precision

MOST, PARTS, NEARLY, EACH, VALUES, ENOUGH = 200, 4, 0.98, 0.05, 20, 100
AFTER = "known only with the outcome?"
Array = np.ndarray


def find_choices(rows: pl.DataFrame, y: Outcome, columns: Iterable[str]) -> dict[str, str]:
    """The columns of which one is the target in each row, or whose largest names its class."""
    names = [name for name in columns if is_number(rows[name])][:MOST]
    if len(names) < 2 or rows.height < ENOUGH:
        return {}
    x = np.column_stack([numbers_of(rows[name]) for name in names])
    if y.classes:
        return largest(x, names, y)
    return one_of(x, names, y)


def one_of(x: Array, names: list[str], y: Outcome) -> dict[str, str]:
    """The few columns of which one is the number: the price that was asked or the one agreed on."""
    values, counts = np.unique(y.values, return_counts=True)
    rest = y.values != values[counts.argmax()]  # zeros meet zeros by chance
    if len(values) < VALUES or rest.sum() < ENOUGH:
        return {}
    x, z = x[rest], y.values[rest]
    with np.errstate(invalid="ignore"):
        hits = np.abs(x - z[:, None]) <= precision(z)
    some: list[int] = []
    is_told: Array = np.zeros(len(x), dtype=bool)
    while len(some) < PARTS and is_told.mean() < NEARLY:
        more = (hits & ~is_told[:, None]).mean(axis=0)
        if more.max() < EACH:
            return {}
        some.append(int(more.argmax()))
        is_told |= hits[:, some[-1]]
    if is_told.mean() < NEARLY or len(some) < 2:
        return {}
    parts = [names[k] for k in some]
    what = f"{y.name} is one of {', '.join(parts)} in {is_told.mean():.0%} of rows: {AFTER}"
    return dict.fromkeys(parts, what)


def largest(x: Array, names: list[str], y: Outcome) -> dict[str, str]:
    """The columns, one for each class, of which the largest or the least is that of the class:
    the probabilities of another model.
    """
    complete = ~np.isnan(x).any(axis=1)
    x, codes = x[complete], y.codes[complete]
    count = len(y.classes)
    sizes = np.bincount(codes, minlength=count)
    if not 2 < count <= x.shape[1] or len(x) < ENOUGH or sizes.min() < 2:
        return {}
    spread = x.std(axis=0)
    plain = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    means = np.stack([plain[codes == k].mean(axis=0) for k in range(count)])
    for word, sign in (("largest", 1), ("least", -1)):
        columns = (sign * means).argmax(axis=1)
        if len({*columns.tolist()}) < count:
            continue
        right = float(np.mean((sign * x[:, columns]).argmax(axis=1) == codes))
        if right >= NEARLY:
            parts = [names[k] for k in columns]
            what = f"the {word} of {', '.join(parts)} tells {y.name} in {right:.0%} of rows"
            return dict.fromkeys(parts, f"{what}: {AFTER}")
    return {}
