"""Counting what the columns that matter hold."""

from __future__ import annotations

import polars as pl

from .table import Table
from .target import MANY_CLASSES, Facts, Span, Spread
from .values import (
    CURRENCY,
    NAME,
    NO_VALUE,
    SAMPLE,
    find_moments,
    find_numbers,
    is_no_value,
    known,
    numbers,
)

EXAMPLES = 3
FEW_NAMES = 20  # 1st, 2nd, 3rd or 5-10, 11-20 may be classes


def describe(table: Table, name: str) -> Facts:
    """What the target holds."""
    values = known(table.frame[name])
    odd: tuple[str, ...] = ()
    if values.dtype == pl.String and (found := find_numbers(values, table.european)):
        values, odd = found.values, found.odd
    distinct = values.n_unique()
    kind, strange = kind_of(values, table.european)
    counts: tuple[tuple[str, int], ...] = ()
    if 0 < distinct <= MANY_CLASSES and not is_no_value(values.dtype):
        counted = values.rename("value").value_counts(sort=True)
        counts = tuple((str(value), rows) for value, rows in counted.iter_rows())
    return Facts(
        name=name,
        rows=table.frame.height,
        known=values.len(),
        distinct=distinct,
        kind=kind,
        counts=counts,
        strange=strange,
        examples=examples(values),
        dtype=str(values.dtype),
        odd=odd,
    )


def kind_of(values: pl.Series, european: bool) -> tuple[str, tuple[str, ...]]:
    """whole, number, moment, name, mixed, endless or other; and values that break the rule."""
    dtype = values.dtype
    if is_no_value(dtype):
        return "other", ()
    if dtype == pl.Boolean:
        return "name", ()
    if dtype.is_integer():
        return "whole", ()
    if dtype.is_float():
        if not values.is_finite().all():
            return "endless", ("inf",)
        return ("whole float" if (values == values.floor()).all() else "number"), ()
    return ("moment", ()) if dtype.is_temporal() else kind_of_text(values, european)


def kind_of_text(values: pl.Series, european: bool) -> tuple[str, tuple[str, ...]]:
    """The kind of what are no numbers."""
    if find_moments(values)[1].is_empty():
        return "moment", ()
    texts = values.head(SAMPLE)
    strange = texts.filter(numbers(texts, european).is_null())
    if texts.str.contains(NAME).any():
        return "name", ()
    if strange.len() <= 0.2 * texts.len():
        return "mixed", examples(strange)
    tidy = values.str.replace_all(rf"{CURRENCY}|[\s,.'_%]", "")
    if values.n_unique() > FEW_NAMES and tidy.str.contains(r"^[-+]?\d+$").all():
        return "decorated", examples(values)
    return "name", ()


def examples(values: pl.Series) -> tuple[str, ...]:
    if is_no_value(values.dtype):
        return ()
    shown = values.head(10_000).unique(maintain_order=True).head(EXAMPLES)
    return tuple(str(value)[:60] for value in shown)


def spread(table: Table, name: str) -> Spread:
    """How many rows the values of the identifier name."""
    values = known(table.frame[name])
    if is_no_value(values.dtype):
        return Spread(name, table.frame.height, 0, 0, 0, "", table.whole)
    counted = values.rename("value").value_counts(sort=True).head(1)
    top, most = counted.row(0) if counted.height else ("", 0)
    return Spread(
        name,
        table.frame.height,
        table.frame.height - values.len(),
        values.n_unique(),
        most,
        str(top),
        table.whole,
    )


def span(table: Table, name: str) -> Span:
    """From when to when the time column goes, and what cannot be read in it."""
    values = known(table.frame[name])
    newest: object = None
    wrong = values.head(0)
    if values.dtype == pl.String:
        values = values.filter(~values.is_in(list(NO_VALUE)))
        newest, wrong = find_moments(values)
    elif values.dtype in (pl.Date, pl.Datetime):
        newest = values.cast(pl.Datetime("us")).max()
    else:
        wrong = values
    missing = table.frame.height - values.len()
    odd = examples(wrong), wrong.len()
    return Span(name, missing, values.n_unique(), str(newest or "")[:10], *odd, table.whole)
