"""What of the training rows comes again with the month or the weekday, and what grows.

A column is told by month and weekday only where it surely differs between them by what matters, so
that no other one is compared with fewer rows than there are.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from ..records.profile import Names, Numbers, Part, Trend
from .signature import masked

ENOUGH, SURE, MATTERS, CERTAIN = 30, 1e-4, 0.03, 4
GAPS = 0.01  # a share of missing values that matters is smaller
KINDS = {"month": 12, "weekday": 7}
MICROS = 86_400e6  # of a day
YEAR = 400  # days, so that some months are there twice
Array = np.ndarray
Reference = Numbers | Names


def days_of(moments: pl.Series) -> Array:
    """Days since 1970, with parts of them."""
    return np.asarray(moments.cast(pl.Datetime("us")).dt.epoch("us").to_numpy() / MICROS)


def shares_of(reference: Reference) -> Array:
    """What the profile says, flat: shares below and up to each point, or by value and of others."""
    if isinstance(reference, Numbers):
        return np.array([*reference.below, *reference.upto])
    counts = np.array([*reference.counts.values(), reference.other], dtype=float)
    return np.asarray(counts / max(counts.sum(), 1.0))


def placed(present: pl.Series, reference: Reference, salt: str = "") -> Array:
    """Numbers as they are, and of categories the places among those of the profile."""
    if isinstance(reference, Numbers):
        return present.to_physical().cast(pl.Float64).to_numpy()
    text = masked(present, salt if present.dtype == pl.String else "")
    codes = {name: code for code, name in enumerate(reference.counts)}
    other = len(codes)
    return text.replace_strict(codes, default=other, return_dtype=pl.Int64).to_numpy()


def counted(values: Array, reference: Reference) -> Array:
    """The shares of these values where `shares_of` has those of all."""
    if isinstance(reference, Numbers):
        ordered = np.sort(values)
        sides = [np.searchsorted(ordered, reference.values, side) for side in ("left", "right")]
        return np.asarray(np.concatenate(sides) / len(values))
    return np.asarray(np.bincount(values, minlength=len(reference.counts) + 1) / len(values))


def missing_of(name: str) -> str:
    """What the profile calls the seasons of a column's missing values."""
    return f"missing: {name}"


def gaps_of(rows: int, missing: int) -> Names:
    """Rows with and without a value as two values; there is no other."""
    return Names(
        missing=0.0, rows=rows, counts={"no": rows - missing, "yes": missing}, other=0, new=0
    )


def parts_of(moments: pl.Series) -> Iterator[tuple[str, Array]]:
    """Of each month of the year and each weekday, by their names, which rows lie in it."""
    for kind, count in KINDS.items():
        numbers = getattr(moments.dt, kind)().to_numpy()
        for number in range(1, count + 1):
            rows = numbers == number
            if rows.sum() >= ENOUGH:
                yield f"{kind} {number}", rows


def seasons(
    values: Array, moments: pl.Series, reference: Reference, shift: Array | float = 0.0,
    matters: float = MATTERS,
) -> dict[str, Part]:  # fmt: skip
    """The shares of the values in each part, where months or weekdays surely differ by more than
    what matters.

    `shift` is what other rows, with which windows are compared, have beyond these.
    """
    shares, differ, kinds = counted(values, reference), set(), {}
    parts = list(parts_of(moments))
    tests = 2 * len(parts) * (1 if isinstance(reference, Numbers) else len(shares))
    for name, rows in parts:
        own, count = counted(values[rows], reference), int(rows.sum())
        apart = float(np.abs(own - shares).max(initial=0))
        # Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, 1990
        if tests * np.exp(-2 * count * apart**2) < SURE and apart > matters:
            differ.add(name.partition(" ")[0])
        day = float(days_of(moments.filter(pl.Series(rows))).mean())
        kinds[name] = Part(rows=count, day=day, shares=tuple((own + shift).round(6).tolist()))
    return {name: part for name, part in kinds.items() if name.partition(" ")[0] in differ}


def trend(values: Array, moments: pl.Series, reference: Reference) -> Trend | None:
    """The share of rows by which the values move in a day, if they surely do: of numbers the mean
    rank, of categories the share that moves most.
    """
    days = days_of(moments)
    off = days - days.mean()
    if np.ptp(off) > YEAR:  # what comes again with the month is no growth
        months = moments.dt.month().to_numpy()
        sums, counts = np.bincount(months, off), np.bincount(months)
        off = off - (sums / counts.clip(1))[months]
    spread = float(off @ off)
    if not spread:
        return None
    if isinstance(reference, Numbers):
        ordered = np.sort(values)
        sides = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
        ranks = np.add(*sides) / (2 * len(values))
        slopes, errors = np.array([off @ ranks]), np.array([ranks.std()])
    else:
        shares = shares_of(reference)
        slopes = np.bincount(values, off, minlength=len(shares))
        errors = np.sqrt(shares * (1 - shares))
    sure = np.abs(slopes) > CERTAIN * errors * np.sqrt(spread)
    step = float(np.abs(slopes[sure]).max(initial=0)) / spread
    return Trend(day=float(days.mean()), step=step) if step else None
