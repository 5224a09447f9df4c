"""What the values of a column are: type, format and markers for missing, found from content."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from .amounts import LIKE as AMOUNTLIKE
from .amounts import find_amount, is_amount
from .formats import (
    CURRENCY,
    DATED,
    FALSE,
    TRUE,
    UNIT,
    decimal_of,
    example_of,
    find_number,
    has_european,
    has_pointed,
    is_grouped,
    read,
    reads,
)
from .forms import find_moment
from .periods import DECIMAL, DIGITS, NO_DAY, SHORT, SHORTENED, find_serial
from .ranges import ABOUT, DOWN, RANGE, TEXTS, UP

# What stands for missing in params.yaml of a new factory; then what means it in any column, and
# what does among numbers and moments only.
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
ANYWHERE = ("n/a", "n.a.", "?", "#N/A", "#NULL!", "<NA>", "(null)", "\\N", "NaT")
AMONG_NUMBERS = ("-", "--", ".", "na", "Na", "none", "None", "nil", "NIL", "k.A.", "k. A.", "s.o.")
ODD_KINDS, ODD_SHARE = 5, 0.3
NUMBERLIKE = (
    rf"^[-+(\s]*(?:{CURRENCY})?\s*[-+]?(?:\d[\d.,'\u2019 \u00a0\u202f]*|\.\d+)"
    rf"(?:[eE][-+]?\d+)?\s*(?:{UNIT})?\)?-?$"
)
# What is a moment in a column that says when, and may be anything in another one.
WITH_TIME = (
    (r"^\p{L}{3}\.?-\d\d$", "%b-%y"),
    (r"^\p{L}{3}\.?/\d\d$", "%b/%y"),
    (r"^\p{L}{3}\.? \d\d$", "%b %y"),
    (r"^(?:0?[1-9]|1[0-2])\.(?:19|20)\d\d$", "%m.%Y"),
    (r"^(?:19|20)\d\d-[0-3]\d\d$", "%Y-%j"),
    (SHORTENED, SHORT),
)
NANOSECONDS = (r"^1\d{18}$", "epoch ns")
RANGELIKE = "|".join(f"(?:{pattern})" for pattern in (*TEXTS, *ABOUT, *UP, *DOWN))
SLASHED = r"^(\d{1,2})/(\d{1,2})/\d{2,4}\b"
THOUSANDS = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+$"


@dataclass(frozen=True)
class Kind:
    """How a column is read; `missing` are its own markers, besides those of params.yaml."""

    dtype: str
    format: str | tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()


def find_kind(values: pl.Series, european: bool) -> Kind:
    """The narrowest type that reads every value, once few odd words are taken for missing."""
    if values.dtype != pl.String:
        dtype = kind_of(values.dtype)
        return Kind(dtype if reads(present(values), dtype) else "string")
    return kind_of_texts(*counted(values), european)


def counted(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The different texts in the order in which they come, and in how many rows each stands."""
    texts = present(values).str.strip_chars()
    return texts.unique(maintain_order=True), texts.unique_counts()


def kind_of_texts(texts: pl.Series, rows: pl.Series, european: bool) -> Kind:
    """The kind of a column in which each of these stands in so many rows."""
    anywhere = texts.is_in(ANYWHERE)
    always = texts.filter(anywhere).sort().to_list()
    if always:
        texts, rows = texts.filter(~anywhere), rows.filter(~anywhere)
    if not texts.str.contains(r"\d").any():  # neither a number nor a moment is among them
        return Kind("bool" if is_bool(texts) else "string", None, tuple(always))
    if kind := find_form(texts, european):
        return Kind(*kind, tuple(always))
    if range_kind := kind_of_ranges(texts, rows, european):
        return replace(range_kind, missing=(*always, *range_kind.missing))
    for like in (NUMBERLIKE, DATED, AMOUNTLIKE):
        blank = texts.str.contains(NO_DAY)
        odd = ~texts.str.contains(like) | blank
        words = odd & ~texts.is_in(AMONG_NUMBERS) & ~blank
        many = words.sum() > ODD_KINDS or count(rows.filter(words)) > ODD_SHARE * count(rows)
        if not many and odd.any() and (kind := find_form(texts.filter(~odd), european)):
            return Kind(*kind, tuple(always + texts.filter(odd).sort().to_list()))
    return Kind("bool" if is_bool(texts) else "string", None, tuple(always))


def kind_of_ranges(texts: pl.Series, rows: pl.Series, european: bool) -> Kind | None:
    """Numbers of which some are told as a range, such as 2-10 or > 100; nothing if none is."""
    ranges = texts.str.contains(RANGELIKE)
    if not ranges.any() or ranges.all():
        return None
    kind = kind_of_texts(texts.filter(~ranges), rows.filter(~ranges), european)
    if kind.dtype not in ("int", "float") or texts.filter(~ranges).is_in(kind.missing).all():
        return None
    form = (RANGE,) if kind.format is None else (str(kind.format), RANGE)
    return Kind("float", form, kind.missing) if reads(texts.filter(ranges), "float", form) else None


def is_ranged(kind: Kind) -> bool:
    """Whether ranges stand among its numbers."""
    return kind.format is not None and RANGE in kind.format


def count(rows: pl.Series) -> int:
    return int(rows.sum())


def odd_words(kind: Kind) -> tuple[str, ...]:
    """Those of its markers that are words elsewhere."""
    return tuple(word for word in kind.missing if word not in (*ANYWHERE, *AMONG_NUMBERS))


def of_classes(kind: Kind) -> Kind:
    """How the same column is read if it holds classes: odd words among numbers are some, too."""
    odd = odd_words(kind)
    return Kind("string", None, tuple(word for word in kind.missing if word not in odd))


def of_moments(kind: Kind, values: pl.Series, *, epochs: bool = False) -> Kind:
    """How the same column is read if it says when: numbers that count time are moments, too.

    With `epochs` only those that count from 1970: a smaller number may be anything.
    """
    if values.dtype == pl.String and len(values) and (sure := sure_form(values, epochs)):
        return Kind("datetime" if sure == NANOSECONDS[1] else "date", (sure,), kind.missing)
    if kind.dtype not in ("int", "float") or is_amount(example_of(kind.format)):
        return kind
    form = find_serial(figures := read(values, kind.dtype, kind.format).drop_nulls())
    if form is None or (epochs and not form.startswith("epoch")):
        return kind
    days = form in (*DIGITS, DECIMAL) or (form == "excel" and (figures == figures.floor()).all())
    return Kind("date" if days else "datetime", (form,), kind.missing)


def sure_form(texts: pl.Series, epochs: bool) -> str | None:
    """The form of texts that are moments if the column says when; with `epochs` only counts."""
    for pattern, form in (NANOSECONDS,) if epochs else (NANOSECONDS, *WITH_TIME):
        dtype = "datetime" if form == NANOSECONDS[1] else "date"
        if texts.str.contains(pattern).all() and reads(texts, dtype, (form,)):
            return form
    return None


def kind_of(dtype: pl.DataType) -> str:
    """The catalog's type for a type of Parquet."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    names = {pl.Boolean: "bool", pl.Date: "date", pl.Datetime: "datetime"}
    return names.get(dtype.base_type(), "string")


def find_form(texts: pl.Series, european: bool) -> tuple[str, str | tuple[str, ...] | None] | None:
    """Type and format of values that are all numbers or all moments, else nothing."""
    if texts.is_empty() or texts.str.contains(r"^[-+]?0\d+$|^\d{17,}$").any():
        return None  # 007 is a name, and so is what no number can hold
    if texts.str.contains(r"^(19|20)\d{6}$").all() and (moment := find_moment(texts, european)):
        return moment[0], tuple(moment[1])
    european = (european or is_grouped(texts, ".")) and not is_grouped(texts, ",")
    has_groups = european and texts.str.contains(THOUSANDS + r"|^[-+]?\d{1,3}$").all()
    if not (has_groups and texts.str.contains(THOUSANDS).any()):
        for dtype in ("int", "float"):
            if is_read(texts, dtype):
                return dtype, None
    if form := find_number(texts, european):
        return ("int" if is_read(texts, "int", form) else "float"), form
    moment = find_moment(texts, european)
    if moment:
        return moment[0], tuple(moment[1]) or None
    return ("float", amount) if (amount := find_amount(texts)) else None


def is_read(texts: pl.Series, dtype: str, form: str | None = None) -> bool:
    """Whether all are such numbers. 5.0 is no int here: another row may hold 5.5."""
    if dtype == "int" and texts.str.contains(decimal_of(form), literal=True).any():
        return False
    return reads(texts, dtype, form)


def is_bool(texts: pl.Series) -> bool:
    """Two words, one that says yes and one that says no."""
    texts = texts.str.to_lowercase()
    words = set(texts.unique()) if texts.n_unique() == 2 else set()
    return len(words.intersection(TRUE)) == len(words.intersection(FALSE)) == 1


def any_european(rows: pl.DataFrame, separator: str) -> bool:
    """Whether a file writes 1.234,5 or puts the day before the month, as far as can be told."""
    texts = rows.select(pl.col(pl.String).str.strip_chars())
    if has_european(texts) or any(map(is_day_first, slashed(texts))):
        return True
    return separator == ";" and not has_pointed(texts)


def slashed(texts: pl.DataFrame) -> Iterator[pl.Series]:
    """The columns of which every value begins like a date with slashes."""
    values = pl.all().drop_nulls()
    starts = texts.select(values.str.contains(SLASHED).all() & (values.len() > 0))
    for name, is_dated in zip(
        starts.columns, starts.rows()[0] if starts.width else (), strict=True
    ):
        if is_dated:
            yield texts[name].drop_nulls()


def is_day_first(values: pl.Series) -> bool:
    """Whether these are dates with slashes that only make sense if the day comes first."""
    parts = values.str.extract_groups(SLASHED).struct.unnest()
    first, second = (parts[name].cast(pl.Int64, strict=False) for name in parts.columns)
    if first.null_count():
        return False
    return bool((first > 12).any() and (second <= 12).all())


def present(values: pl.Series) -> pl.Series:
    """The values that are there; where none lacks, polars need not be asked."""
    return values.drop_nulls() if values.null_count() else values


def is_finite(number: object) -> bool:
    return isinstance(number, float) and math.isfinite(number)


def find_range(column: pl.Series) -> list[float | int | None] | None:
    """Observed limits, widened by their span: a wrong unit is found, growth is allowed."""
    numbers = present(column).cast(pl.Float64)
    if not all(map(is_finite, (numbers.min(), numbers.max()))):
        numbers = numbers.filter(numbers.is_finite())
    if numbers.is_empty():
        return None
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    span = (high - low) or abs(high) or 1.0
    wide = [_round(low - span, math.floor), _round(high + span, math.ceil)]
    return [0 if low >= 0 and wide[0] < 0 else wide[0], wide[1]]


def _round(value: float, towards: Any) -> float | int:
    """Two significant digits, away from the data."""
    if value == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    figure = float(f"{towards(value / unit) * unit:.12g}")
    return int(figure) if figure.is_integer() and abs(figure) < 1e15 else figure
