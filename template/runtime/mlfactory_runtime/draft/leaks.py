"""Columns that may give the outcome away, each with the evidence: a person decides.

One question is asked of each column in several ways: do rows that are alike in it have the same
outcome, almost without exception? A feature that is merely strong leaves exceptions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..learn.copies import alikeness
from .personal import words

SAMPLE, FEWEST, RARE, RADIUS = 20_000, 30, 8, 2
EMPTY = ("", "-", "?", "0", "no", "none", "n/a", "nothing", "unknown")
ENTITY = re.compile(
    r"\b(id|uuid|key|nr|no|num|number|nummer|client|customer|kunde|account|konto|patient|person"
    r"|subject|user|member|student|pupil|employee|household|device|machine|sensor|vehicle|contract"
    r"|email)$"
)


@dataclass(frozen=True)
class Outcome:
    """The target: its values are numbered in their order, and so are the classes, if any."""

    name: str
    codes: np.ndarray
    classes: tuple[str, ...]


def find_leaks(
    rows: pl.DataFrame, target: str, task: str, columns: Iterable[str]
) -> dict[str, str]:
    """The columns that alone tell the target or are made of it, with the evidence."""
    rows = rows.filter(pl.col(target).is_not_null())
    if rows.height < FEWEST:
        return {}
    most = SAMPLE if task == "regression" else min(SAMPLE, 10**6 // rows[target].n_unique())
    rows = rows.sample(most, seed=0) if rows.height > most else rows
    y = outcome(rows[target], task)
    check = _class_leak if y.classes else _number_leak
    found = {name: check(rows[name], y) for name in columns if name != target}
    return {name: why for name, why in found.items() if why}


def find_order(
    rows: pl.DataFrame, target: str, task: str, columns: Iterable[str]
) -> dict[str, str]:
    """The columns whose order tells the target; "" is the order of the rows themselves."""
    rows = rows.filter(pl.col(target).is_not_null())
    found = {}
    for name in ("", *columns):
        each = rows
        if name:
            each = rows.drop_nulls(name).unique(name, keep="first").sort(_natural(rows[name]))
        each = each.gather_every(-(-each.height // SAMPLE) or 1)
        if each.height >= FEWEST and _in_blocks(outcome(each[target], task)):
            what = f"{'values of it' if name else 'rows'} that follow one another"
            found[name] = f"{what} have much the same {target}"
    return found


def find_entity(
    rows: pl.DataFrame, target: str, task: str, columns: Iterable[str]
) -> tuple[str, str] | None:
    """The column that names whom several rows are about, if those have much the same target."""
    rows = rows.filter(pl.col(target).is_not_null())
    alike = {name: _entity(rows, name, target, task) for name in columns if name != target}
    name = max(alike, key=lambda name: alike[name], default="")
    if not alike.get(name):
        return None
    message = f"{rows[name].n_unique():,} values in {rows.height:,} rows"
    return name, f"{message}, and rows with one value mostly share {target}"


def outcome(target: pl.Series, task: str) -> Outcome:
    """The target in numbers."""
    names = target.unique().sort().cast(pl.String) if task == "classification" else ()
    return Outcome(target.name, _codes(target) - 1, tuple(names))


def _codes(values: pl.Series) -> np.ndarray:
    """1, 2, 3 and so on in the order of the values; 0 where there is none."""
    known = values.fill_nan(None) if values.dtype.is_float() else values
    codes: np.ndarray = np.nan_to_num(known.rank("dense").to_numpy()).astype(np.int64)
    return codes


def _ranks(codes: np.ndarray) -> np.ndarray:
    """From 0 to 1; equal values share the mean of their ranks."""
    sizes = np.bincount(codes)
    ranks: np.ndarray = (sizes.cumsum() - (sizes - 1) / 2)[codes] / len(codes)
    return ranks


def _class_leak(values: pl.Series, y: Outcome) -> str | None:
    x, radius = _codes(values), 0 if values.dtype == pl.String else RADIUS
    known = x > 0
    if _paired(x[known], y.codes[known]):
        return f"each value of it has one value of {y.name}: a copy of the target?"
    if sign := _filled_late(values, x, y):
        return sign
    wrong = _mistakes(x, y.codes, radius)
    if not known.all():
        wrong = min(wrong, _mistakes(x[known], y.codes[known], radius))
    if wrong <= 0.02:
        right = f"{1 - wrong:.1%} right, each class weighing alike"
        return f"alone it predicts {y.name} almost perfectly ({right})"
    few, many = x.max() <= len(y.classes) > 2, max(RARE, len(x) // 20)
    if few and _mistakes(y.codes[known], x[known], 0, many, 0.05) <= 0.03:
        return f"each value of {y.name} has one value of it: a grouping of the target?"
    return None


def _number_leak(values: pl.Series, y: Outcome) -> str | None:
    x, text = _codes(values), values.dtype == pl.String
    known = x > 0
    if _apart(_ranks(y.codes), known):
        return f"it is filled for high or for low {y.name} only: known only after the outcome?"
    x, y_known = x[known], y.codes[known]
    if len(x) < FEWEST or x.max() == 1 or y_known.min() == y_known.max():
        return None
    rank, z = _ranks(x), _ranks(y_known)
    alike = float(np.corrcoef(rank, z)[0, 1])
    off = np.quantile(np.abs(z - (rank if alike > 0 else 1 + 1 / len(z) - rank)), 0.9)
    if not text and (abs(alike) >= 0.997 or (abs(alike) >= 0.9 and off <= 0.01 + 1 / len(z))):
        return f"it is a function of {y.name} (rank correlation {alike:.3f})"
    if (fit := _explained(x, z, 0 if text else RADIUS)) >= 0.99:
        return f"alone it predicts {y.name} almost perfectly (R² {fit:.3f} of the ranks)"
    if _grouped(x, z):
        return f"ranges of {y.name} have one value of it each: a grouping of the target?"
    return None


def _paired(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether values and classes go together one by one."""
    if len(x) < FEWEST or len(x) - np.bincount(y).max() < 5:
        return False
    values, classes = np.count_nonzero(np.bincount(x)), np.count_nonzero(np.bincount(y))
    return bool(values == classes and classes == len(np.unique(x * (y.max() + 1) + y)))


def _filled_late(values: pl.Series, x: np.ndarray, y: Outcome) -> str | None:
    """Whether a class can be told from there being a value at all; 0 and "" may stand for none."""
    empty = x == 0
    if sign := _one_sided(empty, y, 0.1):
        return sign
    if values.dtype == pl.String:
        empty = empty | values.str.to_lowercase().is_in(EMPTY).fill_null(True).to_numpy()
    elif values.dtype.is_numeric() and x.max() > 2:
        empty = empty | (values == 0).fill_null(True).to_numpy()
    return _one_sided(empty, y, 0.5)


def _one_sided(empty: np.ndarray, y: Outcome, least: float) -> str | None:
    sizes = np.bincount(y.codes, minlength=len(y.classes))
    missing = np.bincount(y.codes[empty], minlength=len(sizes))
    for word, rows in (("filled", sizes - missing), ("empty", missing)):
        within, others = rows / (sizes + 2), rows.sum() - rows
        beyond = (others + 1) / (sizes.sum() - sizes + 2)
        sure = (
            (within >= least) & (beyond <= within / 40) & (others + 1 <= 0.12 * rows.sum() + 0.24)
        )
        if sure.any():
            k = int(np.argmax(within * sure))
            shares = rows[k] / sizes[k], others[k] / (sizes.sum() - sizes[k])
            return (
                f"it is {word} in {shares[0]:.0%} of rows with {y.name} = {y.classes[k]} and in"
                f" {shares[1]:.1%} of the others: known only after the outcome?"
            )
    return None


def _around(x: np.ndarray, z: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Per row the sum of `z` over the rows alike in `x` without itself, and how many those are.

    Alike are equal values, and so many rows before and after it in the order of the values.
    """
    order = x.astype(np.uint16).argsort(kind="stable")  # so small, numpy sorts them by radix
    place, ends = np.arange(len(x)), np.bincount(x).cumsum()
    low = np.minimum(np.append(0, ends)[x[order]], np.maximum(place - radius, 0))
    high = np.maximum(ends[x[order]], np.minimum(place + radius + 1, len(x)))
    total = np.vstack([np.zeros(z.shape[1]), z[order].cumsum(axis=0)])
    sums, counts = np.empty_like(z), np.empty(len(x))
    sums[order], counts[order] = total[high] - total[low] - z[order], high - low - 1
    return sums, counts


def _mistakes(
    x: np.ndarray, y: np.ndarray, radius: int, rare: int = RARE, surely: float = 0.035
) -> float:
    """The share of rows whose class is not the most likely one among the rows alike in `x`.

    Classes weigh alike, and rare ones are left out. 1 if the share may well be above `surely`.
    """
    usual = np.bincount(y)[y] >= rare if len(y) else np.zeros(0, dtype=bool)
    x, (classes, y) = x[usual], np.unique(y[usual], return_inverse=True)
    if len(classes) < 2:
        return 1.0
    sizes = np.bincount(y)
    shares = _around(x, np.eye(len(sizes))[y], radius)[0] / np.sqrt(sizes)
    best = shares.max(axis=1)
    missed = (best == 0) | (shares[np.arange(len(y)), y] < best)
    wrong = np.bincount(y, missed, len(sizes))
    return float(np.mean(wrong / sizes)) if np.mean((wrong + 0.5) / (sizes + 1)) <= surely else 1.0


def _explained(x: np.ndarray, z: np.ndarray, radius: int) -> float:
    """The share of the variance of `z` that the mean of the rows alike in `x` explains."""
    sums, counts = _around(x, z[:, None], radius)
    guess = np.where(counts > 0, sums[:, 0] / np.maximum(counts, 1), z.mean())
    return float(1 - np.mean((z - guess) ** 2) / z.var())


def _grouped(x: np.ndarray, z: np.ndarray) -> bool:
    """Whether `x` keeps its value over long stretches of the ordered target."""
    sizes = np.bincount(x)[1:]
    others = len(x) - sizes.max()
    if len(sizes) > len(x) / 10 or others < max(20, len(x) / 20):
        return False
    ties = np.random.default_rng(0).random(len(x))  # in no order of their own
    changes = np.count_nonzero(np.diff(x[np.lexsort((ties, z))]))
    wrong = (changes - len(sizes) + 1) / 2
    return bool(wrong <= len(x) / 50 and wrong + 1 <= others / 10)


def _apart(z: np.ndarray, known: np.ndarray) -> bool:
    """Whether nearly every filled row is above (or below) nearly every row that is not."""
    some, none = int(known.sum()), int((~known).sum())
    if min(some, none) < 20:
        return False
    above = (z[known].sum() * len(z) - some * (some + 1) / 2) / (some * none)
    return bool(abs(above - 0.5) >= 0.49)


def _natural(values: pl.Series) -> list[pl.Expr]:
    """The order in which names were given: C9 comes before C10."""
    name = pl.col(values.name)
    if values.dtype != pl.String:
        return [name]
    number = name.str.extract(r"(\d{1,18})\D*$").cast(pl.Int64)
    return [name.str.replace_all(r"\d", ""), number, name]


def _in_blocks(y: Outcome) -> bool:
    place = np.arange(len(y.codes))
    if y.classes:
        return _mistakes(place, y.codes, RADIUS, surely=0.15) <= 0.1
    return bool(y.codes.max() and _explained(place, _ranks(y.codes), RADIUS) >= 0.9)


def _entity(rows: pl.DataFrame, name: str, target: str, task: str) -> float:
    """How much alike rows with one value are in the target, 0 to 1; 0 if it names no entity."""
    if not (rows[name].dtype.is_integer() or rows[name].dtype == pl.String):
        return 0.0
    part = rows.select(name, target).drop_nulls(name)
    part = part.filter(pl.col(name).hash(0) % (part.height // SAMPLE + 1) == 0)
    x = _codes(part[name]) - 1
    sizes = np.bincount(x)
    spare = len(x) - len(sizes)
    if not 20 < len(sizes) >= len(x) / 100 or spare < max(50, len(x) / 100):
        return 0.0
    y = outcome(part[target], task)
    z = np.eye(len(y.classes))[y.codes] if y.classes else _ranks(y.codes)[:, None]
    z = z - z.mean(axis=0)
    alike = alikeness(x, z)
    if ENTITY.search(" ".join(words(name))):
        return alike if alike >= 0.5 else 0.0
    if alike < 0.95 or not part[name].cast(pl.String).str.contains(r"\d").all():
        return 0.0
    means = np.stack([np.bincount(x, column) for column in z.T], axis=1) / sizes[:, None]
    neighbours = np.corrcoef(means[:-1].ravel(), means[1:].ravel())[0, 1]
    return alike if abs(neighbours) < 0.5 else 0.0
