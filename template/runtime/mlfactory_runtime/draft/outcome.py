"""The target in numbers, and how well rows that are alike in a column tell it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

RARE = 8


@dataclass(frozen=True)
class Outcome:
    """The target: its values are numbered in their order, and so are the classes, if any.

    `values` are the numbers themselves; of classes, their codes.
    """

    name: str
    codes: np.ndarray
    classes: tuple[str, ...]
    values: np.ndarray


def outcome(target: pl.Series, task: str) -> Outcome:
    """The target in numbers."""
    codes = codes_of(target) - 1
    if task == "classification":
        names = target.unique().sort().cast(pl.String)
        return Outcome(target.name, codes, tuple(names), codes.astype(float))
    return Outcome(target.name, codes, (), target.cast(pl.Float64).to_numpy())


def codes_of(values: pl.Series) -> np.ndarray:
    """1, 2, 3 and so on in the order of the values; 0 where there is none."""
    if values.dtype == pl.String:  # of so few rows polars takes longer to be asked
        texts = values.to_list()
        places = {text: k for k, text in enumerate(sorted({*texts} - {None}), 1)}
        return np.array([places.get(text, 0) for text in texts], dtype=np.int64)
    if values.null_count():
        present = values.is_not_null()
        codes: np.ndarray = np.zeros(len(values), dtype=np.int64)
        codes[present.to_numpy()] = codes_of(values.filter(present))
        return codes
    plain = (values.cast(pl.Int64) if values.dtype.is_temporal() else values).to_numpy()
    codes = np.unique(plain, return_inverse=True)[1] + 1
    return np.where(np.isnan(plain), 0, codes) if values.dtype.is_float() else codes


def ranks(codes: np.ndarray) -> np.ndarray:
    """From 0 to 1; equal values share the mean of their ranks."""
    sizes = np.bincount(codes)
    places: np.ndarray = (sizes.cumsum() - (sizes - 1) / 2)[codes] / len(codes)
    return places


def numbers_of(values: pl.Series) -> np.ndarray:
    """Numbers as they are, moments in days; nan where there is none."""
    if values.dtype.is_temporal():
        values = values.cast(pl.Datetime("us")).cast(pl.Int64) / 86_400e6
    numbers: np.ndarray = values.cast(pl.Float64).to_numpy()
    return numbers


def is_number(values: pl.Series) -> bool:
    """Whether sums and differences of it make sense."""
    return values.dtype.is_numeric() or values.dtype in (pl.Date, pl.Datetime)


def area(x: np.ndarray, late: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve of numbers for a mark, and its standard error without effect."""
    some, n = int(late.sum()), len(x)
    if not 0 < some < n:
        return 0.5, 1.0
    order = ranks(np.unique(x, return_inverse=True)[1]) * n + 0.5
    share = (order[late].sum() - some * (some + 1) / 2) / (some * (n - some))
    return float(share), float(np.sqrt((n + 1) / (12 * some * (n - some))))


def precision(values: np.ndarray) -> float:
    """Half of the last decimal that numbers are written with; at least 0.0000005."""
    for decimals in range(6):
        if np.allclose(values, np.round(values, decimals), rtol=0, atol=1e-9):
            return 0.5 * 10.0**-decimals + 1e-9
    return 5e-7


def around(x: np.ndarray, z: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
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


def mistakes(
    x: np.ndarray, y: np.ndarray, radius: int, rare: int = RARE, surely: float = 0.035
) -> float:
    """The share of rows whose class is not the most likely one among the rows alike in `x`.

    Classes weigh alike, and rare ones are left out. 1 if the share may well be above `surely`.
    """
    usual = np.bincount(y)[y] >= rare if len(y) else np.zeros(0, dtype=bool)
    x, y = x[usual], y[usual]
    present = np.bincount(y) > 0
    if np.count_nonzero(present) < 2:
        return 1.0
    y = (present.cumsum() - 1)[y]
    sizes = np.bincount(y)
    shares = around(x, np.eye(len(sizes))[y], radius)[0] / np.sqrt(sizes)
    best = shares.max(axis=1)
    missed = (best == 0) | (shares[np.arange(len(y)), y] < best)
    wrong = np.bincount(y, missed, len(sizes))
    return float(np.mean(wrong / sizes)) if np.mean((wrong + 0.5) / (sizes + 1)) <= surely else 1.0


def explained(x: np.ndarray, z: np.ndarray, radius: int) -> float:
    """The share of the variance of `z` that the mean of the rows alike in `x` explains."""
    sums, counts = around(x, z[:, None], radius)
    guess = np.where(counts > 0, sums[:, 0] / np.maximum(counts, 1), z.mean())
    return float(1 - np.mean((z - guess) ** 2) / z.var())
