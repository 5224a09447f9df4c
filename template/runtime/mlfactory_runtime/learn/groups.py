"""Rows in groups by a column, under names that may be shown.

A value of a sensitive feature gets a pseudonym, and a part of its range is told by rank alone.
"""

from collections.abc import Callable
from hashlib import blake2b
from math import floor, log10
from typing import Any

import numpy as np
import polars as pl

from ..settings.catalog import LEARNED, Catalog

RANKS = {
    4: ("lowest quarter", "second quarter", "third quarter", "highest quarter"),
    10: (
        "lowest tenth", "second tenth", "third tenth", *(f"{k}th tenth" for k in range(4, 10)),
        "highest tenth",
    ),
}  # fmt: skip
LONG, UNITS = 1e5, ((1e9, "B"), (1e6, "M"), (1e3, "k"))
DAYS = 2 * 86_400e6  # in microseconds
Groups = list[tuple[str, np.ndarray]]


def is_sensitive(catalog: Catalog, name: str) -> bool:
    """Does a feature, or a column that it is made of, tell of persons?"""
    return any(catalog.columns[root].sensitive != "none" for root in catalog.roots(name))


def is_ordered(catalog: Catalog, column: pl.Series) -> bool:
    """Is a column grouped by parts of its range? Else it is by its values."""
    declared = catalog.columns.get(column.name) or catalog.derived[column.name]
    if declared.role in LEARNED:
        return declared.role in ("numeric", "datetime")
    return column.dtype.is_numeric() or column.dtype.is_temporal()


def grouped(column: pl.Series, parts: int, catalog: Catalog, salt: str) -> Groups:
    """The name and the places of the rows of each group: values, the most frequent first, or
    `parts` of the range (4 or 10), from the lowest; what is missing comes last there.
    """
    sensitive = is_sensitive(catalog, column.name)
    if is_ordered(catalog, column):
        return _parts(column, parts, RANKS[parts] if sensitive else ())
    return _values(column.cast(pl.String), (lambda v: pseudonym(v, salt)) if sensitive else str)


def pseudonym(value: str, salt: str) -> str:
    """A name for a value that must not be read; the same one in every report."""
    key = blake2b(salt.encode()).digest()
    return f"group {blake2b(value.encode(), digest_size=2, key=key).hexdigest()}"


def _values(column: pl.Series, name: Callable[[str], str]) -> Groups:
    table = pl.DataFrame({"value": column}).with_row_index("row")
    counts = table.group_by("value").agg("row", pl.len())
    return [
        ("missing" if value is None else name(value), np.array(rows))
        for value, rows, _ in counts.sort("len", "value", descending=[True, False]).iter_rows()
    ]


def _parts(column: pl.Series, parts: int, ranks: tuple[str, ...]) -> Groups:
    """Parts of about equal size; rows with the same value share one."""
    numbers = column.to_physical().cast(pl.Float64).fill_nan(None)
    share = (numbers.rank("average") - 0.5) / max(numbers.count(), 1)
    table = pl.DataFrame({"part": (share * parts).floor().cast(pl.Int8), "value": column})
    ranges = (
        table.with_row_index("row")
        .group_by("part")
        .agg("row", low=pl.col("value").min(), high=pl.col("value").max())
        .sort("part", nulls_last=True)
    )
    span = float(np.ptp(numbers.drop_nulls().to_numpy())) if numbers.count() else 0.0
    return [
        (_part_name(part, low, high, span, ranks), np.array(rows))
        for part, rows, low, high in ranges.iter_rows()
    ]


def _part_name(part: int | None, low: Any, high: Any, span: float, ranks: tuple[str, ...]) -> str:
    if part is None:
        return "missing"
    if ranks:
        return ranks[part]
    return " to ".join(dict.fromkeys(_end(value, span) for value in (low, high)))


def _end(value: Any, span: float) -> str:
    """A number with the digits that tell it from the others; a moment to the day or minute."""
    if not isinstance(value, int | float):
        return str(value)[: 10 if span > DAYS else 16]
    if span and span < 1e-4:
        return f"{value:.3g}"
    unit, letter = next((u for u in UNITS if span >= max(u[0], LONG)), (1, ""))
    short = value / unit
    digits = max(0, 2 - floor(log10(span / unit))) if span and short % 1 else 0
    text = f"{short:,.{digits}f}" if abs(short) >= 10_000 else f"{short:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + letter * bool(value)
