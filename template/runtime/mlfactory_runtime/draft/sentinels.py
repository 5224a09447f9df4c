"""Values that stand for missing ones: far from all others, and frequent."""

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ..tables import kinds

SHARE, FEWEST, MOST = 0.005, 5, 3
FEW, MANY = 3, 10  # so many other values must there be to call one far, and to read it as missing
ABOVE, FAR = 0.25, 1.5  # of the others' median, and of the widest step between these
STEPS = 2  # a digit is farther away than so many of the steps between the others
NINES = re.compile(r"-?(?:9+|8+|7+|9+[678])(?:\.9+)?")
LIMITS = {-(2.0**31), 2.0**31 - 1, -(2.0**15), 2.0**15 - 1, 2.0**16 - 1, 2.0**32 - 1}
DAYS = (
    "1899-12-3",
    "1900-01-0",
    "1901-01-01",
    "1753-01-01",
    "1970-01-01",
    "9999-",
    "2999-",
    "2099-",
)


@dataclass(frozen=True)
class Sentinels:
    """What stands far off, as it is and in a sentence; `usual` if it is known to mean missing."""

    values: pl.Series
    advice: str
    usual: bool


def find_sentinels(column: pl.Series) -> Sentinels | None:
    """The lowest or highest values of numbers or moments, if they are frequent and far from all.

    Far is farther from the next value than the others are from one another; for 99, 999 and their
    like, and where nothing else is negative, less will do.
    """
    present = kinds.present(column)
    if not (present.dtype.is_numeric() or present.dtype.is_temporal()) or len(present) < MANY:
        return None
    numbers = (present.to_physical() if present.dtype.is_temporal() else present).cast(pl.Float64)
    least = max(FEWEST, SHARE * len(present))
    ends = [end for end in (numbers.min(), numbers.max()) if (numbers == end).sum() >= least]
    if not ends:
        return None
    counts = numbers.rename("value").value_counts().sort("value")
    values, rows = counts["value"].to_numpy(), counts["count"].to_numpy()
    for number, sign in ((-values, -1), (values, 1)):
        order = np.argsort(number)[::-1]
        if (far := far_values(number[order], rows[order], least, sign)) is not None:
            extremes = present.filter(numbers.is_in(sign * far))
            names = [as_text(value) for value in extremes.unique().sort()]
            verb = "stand" if len(names) > 1 else "stands"
            text = f"{', '.join(names)} {verb} in {len(extremes) / len(column):.1%} of the rows"
            usual = len(values) - len(far) >= MANY and all(map(is_usual, names))
            return Sentinels(extremes.unique(), f"{text}, far from all other values", usual)
    if rows[0] >= least and is_zero_far(values, rows):
        text = f"0 stands in {rows[0] / len(column):.1%} of the rows, far from all other values"
        return Sentinels(present.filter(numbers == 0).unique(), text, False)
    return None


def is_zero_far(values: np.ndarray, rows: np.ndarray) -> bool:
    """Whether 0 stands where a measure of people or things has none: a pressure, an age.

    The others begin far above it, by their own median; of amounts, most of which are 0, none do.
    """
    if values[0] != 0 or len(values) <= MANY or rows[0] > rows[1:].sum() / 2:
        return False
    usual = values[1:][np.searchsorted(rows[1:].cumsum(), rows[1:].sum() / 2)]
    steps = np.diff(values[1:])
    return bool(values[1] >= ABOVE * usual and values[1] > FAR * np.max(steps))


def far_values(values: np.ndarray, rows: np.ndarray, least: float, sign: int) -> np.ndarray | None:
    """The first of values in falling order, with as many rows, that lie far from the rest."""
    for count in range(1, min(MOST, len(values) - FEW) + 1):
        far, rest = values[:count], values[count:]
        if rows[:count].max() < least:
            continue
        usual = all(NINES.fullmatch(f"{value:.12g}") for value in far)
        alone = sign < 0 and (usual or list(far) == [1.0]) and far[-1] > 0 >= rest[0]
        span = (rest[0] - rest[-1]) * (0.3 if usual else 1.0)
        if count > 1 and not usual and len(rest) < MANY:  # of few codes some are next to others
            continue
        if usual and far[0] < MANY:  # one digit is a mark where it stands out from other digits
            span = max(span, STEPS * -np.diff(rest).min())
        if far[-1] - rest[0] > span or (alone and len(rest) > FEW):
            return far
    return None


def as_text(value: object) -> str:
    """A value as people write it."""
    if isinstance(value, int | float):
        return f"{value:.12g}"
    return str(value)[:10] if isinstance(value, datetime) else str(value)


def is_usual(name: str) -> bool:
    """Whether this is known to stand for missing: nines, a limit of computers, a first day."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", name):
        return name.startswith(DAYS)
    return bool(NINES.fullmatch(name)) or float(name) in LIMITS or abs(float(name)) >= 1e15
