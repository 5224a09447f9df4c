"""Counting what the columns that matter hold, read as a factory will read them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from mlfactory_runtime.tables.formats import CURRENCY, read
from mlfactory_runtime.tables.forms import no_moments
from mlfactory_runtime.tables.kinds import (
    ANYWHERE,
    MISSING,
    NUMBERLIKE,
    Kind,
    count,
    counted,
    find_form,
    find_kind,
    is_ranged,
    kind_of_texts,
    odd_words,
    of_classes,
    of_moments,
)

from .table import Table, is_no_value
from .target import MANY_CLASSES, Span, Spread, TargetFacts

EXAMPLES = 3
FEW_NAMES = 20  # 1st, 2nd, 3rd or 5-10, 11-20 may be classes
FEW_WORDS = 0.2
NAME = r"^[-+]?0\d+$|^[-+]?\d{17,}$"  # 007, or what no number can hold


@dataclass(frozen=True)
class Texts:
    """The different texts of a column that are not missing, in how many rows each stands."""

    values: pl.Series
    rows: pl.Series
    kind: Kind

    def without(self, words: tuple[str, ...]) -> Texts:
        mask = ~self.values.is_in(words)
        return Texts(self.values.filter(mask), self.rows.filter(mask), self.kind)


def describe(table: Table, name: str, *, classes: bool = False) -> TargetFacts:
    """What the target holds; odd words among numbers are missing, unless they are `classes`."""
    values = plain(table.frame[name])
    if values.dtype == pl.String:
        return describe_texts(table, texts_of(values, table.european), name, classes)
    if is_no_value(values.dtype):
        rows = values.len()
        return TargetFacts(name, table.frame.height, rows, rows, "other", dtype=str(values.dtype))
    finite = values.is_finite() if values.dtype.is_float() else values.is_not_null()
    odd = () if finite.all() else ("inf",)
    values = values.filter(finite)
    distinct = values.n_unique()
    counts: tuple[tuple[str, int], ...] = ()
    if distinct <= MANY_CLASSES:
        pairs = values.rename("value").value_counts(sort=True)
        counts = tuple((str(value), rows) for value, rows in pairs.iter_rows())
    return TargetFacts(
        name=name,
        rows=table.frame.height,
        present=values.len(),
        distinct=distinct,
        kind=name_of(find_kind(values, table.european), values),
        counts=counts,
        examples=examples(values),
        dtype=str(values.dtype),
        odd=odd,
    )


def plain(values: pl.Series) -> pl.Series:
    """The values without those for missing, categories as text."""
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    if values.dtype.is_decimal():
        values = values.cast(pl.Float64)
    if values.dtype.is_float():
        values = values.fill_nan(None)
    if values.dtype == pl.String:
        values = values.str.strip_chars()
        return values.filter(~values.is_in(MISSING))
    return values.drop_nulls()


def texts_of(values: pl.Series, european: bool) -> Texts:
    texts, rows = counted(values)
    return Texts(texts, rows, kind_of_texts(texts, rows, european))


def describe_texts(table: Table, texts: Texts, name: str, classes: bool) -> TargetFacts:
    kind = of_classes(texts.kind) if classes or is_ranged(texts.kind) else texts.kind
    present = texts.without(kind.missing)
    values = present.values
    if kind.dtype in ("int", "float"):
        values = read(values, kind.dtype, kind.format)
    kind_name, strange = name_of(kind, values), tuple[str, ...]()
    if kind.dtype == "string" and not classes:
        kind_name, strange = diagnosis(present, table.european)
    counts: tuple[tuple[str, int], ...] = ()
    if present.values.len() <= MANY_CLASSES:
        pairs = zip(present.values.to_list(), present.rows.to_list(), strict=True)
        counts = tuple(sorted(pairs, key=lambda pair: -pair[1]))
    return TargetFacts(
        name=name,
        rows=table.frame.height,
        present=count(present.rows),
        distinct=values.n_unique(),
        kind=kind_name,
        counts=counts,
        strange=strange,
        examples=examples(present.values),
        odd=odd_words(kind),
    )


def name_of(kind: Kind, values: pl.Series) -> str:
    """whole, whole float, number, moment or name."""
    if kind.dtype == "float":
        return "whole float" if (values == values.floor()).all() else "number"
    return {"int": "whole", "date": "moment", "datetime": "moment"}.get(kind.dtype, "name")


def diagnosis(texts: Texts, european: bool) -> tuple[str, tuple[str, ...]]:
    """What texts are that are neither numbers nor moments, and values that break the rule.

    name, mixed (numbers with too many words among them) or decorated (digits with other signs).
    """
    values = texts.values
    if values.str.contains(NAME).any():
        return "name", ()
    like = values.str.contains(NUMBERLIKE)
    if 0 < count(texts.rows.filter(~like)) <= FEW_WORDS * count(texts.rows):
        form = find_form(values.filter(like), european)
        if form and form[0] in ("int", "float"):
            return "mixed", examples(values.filter(~like))
    tidy = values.str.replace_all(rf"{CURRENCY}|[\s,.'_%]", "")
    if values.len() > FEW_NAMES and tidy.str.contains(r"^[-+]?\d+$").all():
        return "decorated", examples(values)
    return "name", ()


def examples(values: pl.Series) -> tuple[str, ...]:
    head = values.head(10_000).unique(maintain_order=True).head(EXAMPLES)
    return tuple(str(value)[:60] for value in head)


def spread(table: Table, name: str) -> Spread:
    """How many rows the values of the identifier name."""
    values = plain(table.frame[name])
    if is_no_value(values.dtype):
        return Spread(name, table.frame.height, 0, 0, 0, "", table.whole)
    if values.dtype == pl.String:
        values = values.filter(~values.is_in(ANYWHERE))
    largest = values.rename("value").value_counts(sort=True).head(1)
    top, most = largest.row(0) if largest.height else ("", 0)
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
    values = plain(table.frame[name])
    if is_no_value(values.dtype):
        rows = values.len()
        return Span(name, table.frame.height - rows, rows, "", (), rows, table.whole)
    present, kind = values, find_kind(values, table.european)
    if values.dtype == pl.String:
        present = values.filter(~values.is_in(kind.missing))
    kind = of_moments(kind, present)
    newest, wrong = "", pl.Series(odd_words(kind), dtype=pl.String)
    if kind.dtype in ("date", "datetime"):
        newest = str(read(present, kind.dtype, kind.format).max() or "")[:10]
    elif wrong.is_empty():
        others = no_moments(present, table.european) if present.dtype == pl.String else present
        wrong = present.unique(maintain_order=True) if others.is_empty() else others
    missing, distinct = table.frame.height - present.len(), present.n_unique()
    return Span(name, missing, distinct, newest, examples(wrong), wrong.len(), table.whole)
