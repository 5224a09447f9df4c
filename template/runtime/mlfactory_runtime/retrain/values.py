"""Values of the prediction log in the form that those of the raw file have."""

from itertools import product

import polars as pl

from ..settings.catalog import Column
from ..tables.formats import OFFSET, UTC, decimal_of, read
from ..tables.periods import FIRST, SERIALS, count_text

DAYS, CLOCKS = ("%Y-%m-%dT", "%Y-%m-%d ", "%Y/%m/%d "), ("%H:%M:%S", "%H:%M")
PLAIN = (
    *(f"{day}{clock}{mark}" for day, clock, mark in product(
        DAYS, (*CLOCKS, "%H:%M:%S%.3f", "%H:%M:%S%.6f"), ("", "Z")
    )),
    "%Y-%m-%d",
    "%Y/%m/%d",
)  # fmt: skip


def raw_value(values: pl.Series, column: Column, series: pl.Series) -> pl.Series:
    """A column as the file has it: text as the values of `series` are written, or a Parquet file's
    type; null where that cannot hold a value.
    """
    dtype = series.dtype
    if dtype == pl.String and column.dtype == "bool":
        return values.replace_strict(words_of(series), return_dtype=pl.String)
    if column.dtype in ("date", "datetime") and (dtype == pl.String or dtype.is_numeric()):
        return moment_text(values, column, series.cast(pl.String)).cast(dtype, strict=False)
    if dtype == pl.String:
        return values.cast(pl.String).str.replace(".", decimal_of(column.format), literal=True)
    if dtype == pl.Time and values.dtype == pl.String:
        return values.str.to_time(strict=False)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        values = values.dt.replace_time_zone("UTC")
    return values.cast(dtype, strict=False)


def words_of(values: pl.Series) -> dict[bool, str]:
    """What most known values have for true and for false."""
    texts, words = values.str.strip_chars(), {True: "true", False: "false"}
    truth = read(texts, "bool")
    modes = {is_true: texts.filter(truth == is_true).mode().sort() for is_true in words}
    return words | {is_true: mode[0] for is_true, mode in modes.items() if len(mode)}


def moment_text(values: pl.Series, column: Column, moments: pl.Series) -> pl.Series:
    """Moments in the form of most known values; those that it cannot hold in the plain one."""
    forms = [column.format] if isinstance(column.format, str) else column.format or ()
    reads = {form: read(moments, column.dtype, form).count() for form in forms}
    plain = read(moments, column.dtype).count()
    best = max(reads, key=lambda form: reads[form], default="")
    if not best or reads[best] <= plain:
        best = plain_form(moments)
    if not best:
        return values.cast(pl.String)
    texts = in_form(values, best)
    same = read(texts, column.dtype, best).cast(values.dtype).eq_missing(values)
    return texts.zip_with(same, values.cast(pl.String))


def in_form(values: pl.Series, form: str) -> pl.Series:
    """Moments as text in a form of the catalog."""
    if form in SERIALS:
        return count_text(values, form)
    return values.dt.to_string(form.partition(FIRST)[0])


def plain_form(moments: pl.Series) -> str:
    """The plain form in which most moments are written; empty where there are none."""
    shape = shapes(moments.drop_nulls()).mode().sort().head(1)
    example = pl.Series(["2024-01-02"]).str.to_datetime()
    fitting = (form for form in PLAIN if shapes(in_form(example, form)).equals(shape))
    return next(fitting, "")


def shapes(texts: pl.Series) -> pl.Series:
    """How texts are written, whatever their digits and their offset from UTC."""
    marked = texts.str.strip_chars().str.replace(UTC, "${1}Z").str.replace(OFFSET, "${1}Z")
    return marked.str.replace_all(r"\d", "0").alias("shape")
