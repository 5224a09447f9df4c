"""Reading a table, and counting what its columns hold. The only module that knows polars."""

from __future__ import annotations

import csv
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from ..errors import MlfactoryError
from .file import AGAIN, HEAD_BYTES, SAMPLE_BYTES
from .roles import MANY_CLASSES, Facts, Span, Spread

# What a factory takes for missing, and how it reads moments: data.missing in params.yaml.
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
CLOCKS = ("%H:%M:%S%.f", "%H:%M:%S%.f%z", "%H:%M")
MOMENTS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    *(f"%Y-%m-%d{between}{clock}" for between in "T " for clock in CLOCKS),
)
GUESS_ROWS = 1000
EVERY = "\x00every"  # no header can have a column of this name
EXAMPLES = 3
FEW_NAMES = 20  # 1st, 2nd, 3rd or 5-10, 11-20 may be classes
T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """The columns that matter, of CSV as text; `rows` is None when not all of them were counted."""

    path: Path
    frame: pl.DataFrame
    rows: int | None
    whole: bool
    dtypes: tuple[str, ...]
    warnings: tuple[str, ...]


def parquet_names(path: Path) -> tuple[str, ...]:
    return tuple(guarded(path, lambda: pl.read_parquet_schema(path)))


def read(path: Path, separator: str, wanted: tuple[str, ...]) -> Table:
    """Read the wanted columns of the file, or of the first part of a large one."""
    whole = path.stat().st_size <= SAMPLE_BYTES
    if path.suffix == ".parquet":
        return read_parquet(path, wanted, whole)
    lazy = pl.scan_csv(
        path,
        separator=separator,
        infer_schema=False,
        n_rows=None if whole else csv_rows(path),
        glob=False,
    )
    frame = guarded(path, lambda: select(lazy, wanted).collect(), separator).drop(EVERY)
    guess = pl.scan_csv(
        path,
        separator=separator,
        infer_schema_length=GUESS_ROWS,
        null_values=list(MISSING),
        glob=False,
    )
    dtypes = guarded(path, guess.collect_schema, separator).dtypes()
    rows = frame.height if whole else None
    return Table(path, frame, rows, whole, tuple(map(str, dtypes)), partial(frame, whole))


def select(lazy: pl.LazyFrame, wanted: tuple[str, ...]) -> pl.LazyFrame:
    """The wanted columns. Only where every column is read does polars count a line's values."""
    every = pl.all_horizontal(pl.all().is_null())
    return lazy.select(*wanted, every.alias(EVERY))


def read_parquet(path: Path, wanted: tuple[str, ...], whole: bool) -> Table:
    lazy = pl.scan_parquet(path, glob=False)
    rows = guarded(path, lambda: lazy.select(pl.len()).collect().item())
    if not whole:
        lazy = lazy.head(int(rows * SAMPLE_BYTES / path.stat().st_size))
    frame = guarded(path, lambda: lazy.select(wanted).collect())
    schema = guarded(path, lazy.collect_schema)
    nested = [name for name, dtype in schema.items() if is_no_value(dtype)]
    ignored = f"columns that hold no plain values cannot be learned from: {', '.join(nested)}"
    warnings = (*partial(frame, whole), *([ignored] if nested else []))
    return Table(path, frame, rows, whole, tuple(map(str, schema.dtypes())), warnings)


def is_no_value(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Null)


def csv_rows(path: Path) -> int:
    """About as many rows as stand in the part that is looked at."""
    with path.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    return max(1000, head.count(b"\n") * (SAMPLE_BYTES // HEAD_BYTES))


def partial(frame: pl.DataFrame, whole: bool) -> tuple[str, ...]:
    if whole:
        return ()
    return (f"the file is large: only its first {frame.height:,} rows were looked at",)


def guarded(path: Path, call: Callable[[], T], separator: str = "") -> T:
    """Let polars read; what it complains about becomes one sentence, with the line if known."""
    try:
        return call()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        if separator and (found := uneven_line(path, separator)):
            raise MlfactoryError(
                f"{path} cannot be read as a table: {found}",
                "Mend the line; a value with a separator in it must stand in double quotes.",
            ) from error
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MlfactoryError(f"{path} cannot be read as a table: {said}", AGAIN) from error


def uneven_line(path: Path, separator: str, seconds: float = 1.0) -> str:
    """The first line with more values than the header has names, in a sentence."""
    end = clock.monotonic() + seconds
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.reader(opened, delimiter=separator)
        try:
            names = len(next(reader))
            for row in reader:
                if len(row) > names:
                    return f"line {reader.line_num:,} has {len(row)} values, the header {names}"
                if clock.monotonic() > end:
                    return ""
        except csv.Error:
            return f"line {reader.line_num:,} does not end its quotes"
    return ""


def known(table: Table, name: str) -> pl.Series:
    """The values of a column that are not missing; text without the spaces around it."""
    column = table.frame[name]
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


def describe(table: Table, name: str) -> Facts:
    """What the target holds."""
    values = known(table, name)
    distinct = values.n_unique()
    kind, strange = kind_of(values)
    counts: tuple[tuple[str, int], ...] = ()
    if 0 < distinct <= MANY_CLASSES and not is_no_value(values.dtype):
        counted = values.value_counts(sort=True)
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
    )


def kind_of(values: pl.Series) -> tuple[str, tuple[str, ...]]:
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
    return ("moment", ()) if dtype.is_temporal() else kind_of_text(values)


def kind_of_text(values: pl.Series) -> tuple[str, tuple[str, ...]]:
    padded = values.str.contains(r"^[-+]?0\d")  # 007 is a name
    numbers = values.cast(pl.Float64, strict=False)
    strange = values.filter(numbers.is_null() | padded)
    if strange.is_empty():
        if values.cast(pl.Int64, strict=False).null_count() == 0:
            return "whole", ()
        return kind_of(numbers)
    if strange.len() <= 0.2 * values.len() and not padded.any():
        return "mixed", examples(strange)
    if unread(values).is_empty():
        return "moment", ()
    tidy = values.str.replace_all(r"[\s,.'_%$€£]", "")
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
    values = known(table, name)
    if is_no_value(values.dtype):
        return Spread(name, table.frame.height, 0, 0, 0, "", table.whole)
    counted = values.value_counts(sort=True).head(1)
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
    values = known(table, name)
    missing = table.frame.height - values.len()
    if values.dtype == pl.String:
        wrong = unread(values)
        newest = str(values.max() or "")
        odd = examples(wrong), wrong.len()
    elif values.dtype in (pl.Date, pl.Datetime):
        newest, odd = str(values.max() or ""), ((), 0)
    else:
        newest, odd = "", (examples(values), values.len())
    return Span(name, missing, values.n_unique(), newest, *odd, table.whole)


def unread(values: pl.Series) -> pl.Series:
    """The different values that are no moments."""
    rest = values.unique(maintain_order=True)
    for form in MOMENTS:
        if rest.is_empty():
            break
        text = rest.str.replace("Z$", "+0000")
        rest = rest.filter(text.str.to_datetime(form, strict=False, time_unit="us").is_null())
    return rest
