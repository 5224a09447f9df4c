"""Values as people write them: what is missing, numbers with signs and groups, moments.

A factory reads the same, see formats.py and kinds.py in the template.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

MISSING = (
    *("", "NA", "N/A", "NaN", "nan", "null", "NULL", "n/a", "n.a."),
    *("?", "#N/A", "#NULL!", "<NA>", "(null)", "\\N", "NaT"),
)
# These may be names elsewhere; among numbers and dates they are none.
NO_VALUE = ("na", "None", "none", "-", "--", ".")
ODD_KINDS, ODD_SHARE = 5, 0.3

# The integer part of a number has no zero before it: 007 is a name. So is what no number can hold.
NAME = r"^[-+]?0\d+$|^[-+]?\d{17,}$"
GROUPS = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("'", ","))
CURRENCY = r"(?:US|R|A|C)?[$€£¥₹₽₩]|[A-Z]{3} "
UNIT = r"%|‰|[$€£¥₹₽₩]|°[CF]?|[A-Za-zµ]{1,5}[²³]?(?:/[A-Za-z]{1,3})?"
NUMBER = (
    rf"^(?P<open>\()?\s*(?P<sign>[-+])?\s*(?P<prefix>{CURRENCY})?\s*(?P<inner>[-+])?"
    rf"(?P<body>\d[\d.,' ]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?"
    rf"\s*(?P<suffix>{UNIT})?\s*(?P<end>[-)])?$"
)
THOUSANDS = r"^[-+]?[1-9]\d{0,2}(\.\d{3})+$"
COMMA = r"^[-+(\s]*[^\d\s.,]{0,3}\s?\d{1,3}(\.?\d{3})*,(\d{1,2}|\d{4,})\D{0,6}$"
POINT = r"^[-+]?(0*\.\d+|\d+\.(\d{1,2}|\d{4,}))$"
EUROPEAN = r"^[-+(\s]*[^\d\s.,]{0,3}\s?[\d.]*(,\d+)?\D{0,6}$"

FRACTIONS = ("%H:%M:%S%.f", "%H:%M:%S%.f%z", "%H:%M")
ISO = ("%Y-%m-%d", *(f"%Y-%m-%d{between}{clock}" for between in "T " for clock in FRACTIONS))
DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y")
MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
OTHERS = (
    *("%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y"),
    *("%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%Y-%m"),
)
CLOCK = r"(:\d\d(?:\.\d+)?) ?"
UTC, OFFSET = rf"{CLOCK}(?:Z|UTC|GMT)$", rf"{CLOCK}([-+]\d\d)(?::?00)?$"
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
SAMPLE = 1000
FEW = 10_000


@dataclass(frozen=True)
class Numbers:
    """Text read as numbers; few `odd` words among them count as missing."""

    values: pl.Series
    odd: tuple[str, ...] = ()


def is_no_value(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object, pl.Null)


def known(column: pl.Series) -> pl.Series:
    """The values of a column that are not missing; text without the spaces around it."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_decimal():
        column = column.cast(pl.Float64)
    if column.dtype.is_float():
        return column.fill_nan(None).drop_nulls()
    if column.dtype != pl.String:
        return column.drop_nulls()
    text = column.drop_nulls().str.strip_chars()
    return text.filter(~text.is_in(list(MISSING)))


def find_numbers(values: pl.Series, european: bool) -> Numbers | None:
    """Text as numbers, whole ones as integers; None where it is something else."""
    plain = values.cast(pl.Float64, strict=False).fill_nan(None)
    if plain.null_count() == 0 and not (european and is_grouped(values)):
        names = are_days(values) or values.str.contains(NAME).any()
        return None if names else Numbers(narrow(values, plain))
    texts, rows = values.rename("value").value_counts()
    read = numbers(texts, european)
    none, strange = read.is_null(), read.is_null() & ~texts.is_in(list(NO_VALUE))
    if strange.sum() > ODD_KINDS or rows.filter(none).sum() > ODD_SHARE * values.len():
        return None
    if none.all() or texts.str.contains(NAME).any() or are_days(texts.filter(~none)):
        return None
    kept = values.filter(~values.is_in(texts.filter(none).to_list()))
    typed = kept.replace_strict(texts, read, return_dtype=pl.Float64)
    return Numbers(narrow(kept, typed), tuple(texts.filter(strange).sort()))


def narrow(texts: pl.Series, read: pl.Series) -> pl.Series:
    """Integers where the text says so; a plain `5.0` may have been one."""
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        return whole
    plain = texts.cast(pl.Float64, strict=False).null_count() == 0
    fits = read.is_finite().all() and bool((read == read.floor()).all())
    return read.cast(pl.Int64, strict=False) if fits and not plain else read


def is_grouped(values: pl.Series) -> bool:
    """Whether every point groups three digits."""
    sample = values.head(SAMPLE)
    grouped = sample.str.contains(THOUSANDS)
    return bool(grouped.any() and (grouped | sample.str.contains(r"^[-+]?\d{1,3}$")).all())


def are_days(values: pl.Series) -> bool:
    """Whether these are dates like 20251231."""
    for some in (values.head(SAMPLE), values):
        if not some.str.contains(r"^(19|20)\d{6}$").all():
            return False
    return values.str.to_date("%Y%m%d", strict=False).null_count() == 0


def numbers(texts: pl.Series, european: bool) -> pl.Series:
    """Each text as a number, in the style that reads most of them; null where it is none."""
    sample = parted(texts.head(SAMPLE))
    prefix, suffix = usual(sample["prefix"]), usual(sample["suffix"])
    styles = sorted(GROUPS, key=lambda style: (style[1] == ",") != european)
    style = min(styles, key=lambda style: styled(sample, prefix, suffix, style).null_count())
    return styled(parted(texts), prefix, suffix, style)


def parted(texts: pl.Series) -> pl.DataFrame:
    """Sign, currency, digits and unit of what may be a number."""
    tidy = texts.str.replace_all("[\u00a0\u202f\u2009]", " ").str.replace("\u2212", "-")
    return (
        tidy.str.replace_all("\u2019", "'", literal=True).str.extract_groups(NUMBER).struct.unnest()
    )


def usual(affixes: pl.Series) -> str:
    """What most values begin or end with."""
    found = affixes.drop_nulls()
    return str(found.mode().sort()[0]) if len(found) else ""


def styled(parts: pl.DataFrame, prefix: str, suffix: str, style: tuple[str, str]) -> pl.Series:
    """The parts as numbers, where groups and decimals are marked in this style."""
    group, decimal = map(re.escape, style)
    body = pl.col("body").str.strip_chars(" ")
    fits = (
        body.str.contains(rf"^(?:[1-9]\d{{0,2}}(?:{group}\d{{3}})+|\d*)(?:{decimal}\d*)?$")
        & (pl.col("prefix").fill_null(prefix) == prefix)
        & (pl.col("suffix").fill_null(suffix) == suffix)
    )
    plain = body.str.replace_all(style[0], "", literal=True).str.replace(
        style[1], ".", literal=True
    )
    read = (plain + pl.col("power").fill_null("")).cast(pl.Float64, strict=False)
    minus = pl.any_horizontal(pl.col("open", "sign", "inner", "end").is_in(["(", "-", ")"]))
    signed = pl.when(minus.fill_null(False)).then(-read).otherwise(read)
    return parts.select(pl.when(fits).then(signed)).to_series()


def is_european(values: pl.Series) -> bool:
    """Whether these are numbers with a decimal comma, beyond doubt."""
    return bool(values.str.contains(COMMA).any() and values.str.contains(EUROPEAN).all())


def is_pointed(values: pl.Series) -> bool:
    """Whether these are numbers with a decimal point, beyond doubt."""
    pointed = values.str.contains(POINT).any() and values.str.contains(r"^[-+]?\d*\.?\d*$").all()
    return bool(pointed)


def find_moments(values: pl.Series) -> tuple[datetime | None, pl.Series]:
    """The newest moment, and the different values that are none.

    Days come first or months do, not both in one column.
    """
    rest = values.unique(maintain_order=True)
    rest = rest.filter(~rest.is_in(list(NO_VALUE))).str.replace(UTC, "${1}+0000")
    rest = rest.str.replace(OFFSET, "${1}${2}00")
    if not rest.str.contains(r"\d").any():
        return None, rest
    found = read_moments(rest, DAY_FIRST)
    if found[1].is_empty():
        return found
    return min(found, read_moments(rest, MONTH_FIRST), key=lambda one: one[1].len())


def read_moments(rest: pl.Series, days: Sequence[str]) -> tuple[datetime | None, pl.Series]:
    forms = [*ISO, *(f"{day}{clock}" for day in (*OTHERS, *days) for clock in CLOCKS)]
    sample = rest.head(SAMPLE)
    fitting = [form for form in forms if moments(sample, form).is_not_null().any()]
    newest: list[datetime] = []
    for form in (*fitting, *forms):
        if rest.is_empty() or (form not in fitting and rest.len() > FEW):
            break
        read = moments(rest, form)
        newest += [latest] if isinstance(latest := read.max(), datetime) else []
        rest = rest.filter(read.is_null())
    return max(newest, default=None), rest


def moments(texts: pl.Series, form: str) -> pl.Series:
    """A year of two digits is none where four are asked for."""
    read = texts.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)
    return read.set(read.dt.year() < 1000, None)
