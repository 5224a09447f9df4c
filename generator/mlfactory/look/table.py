"""Reading a table, or its beginning."""

from __future__ import annotations

import csv
import io
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from mlfactory_runtime.tables import kinds
from mlfactory_runtime.tables.file import AGAIN
from mlfactory_runtime.tables.kinds import ANYWHERE, MISSING
from mlfactory_runtime.tables.read import HEAD_ROWS, parquet, unmarked, with_partitions

from mlfactory.base.errors import MlfactoryError

from . import file
from .faults import sentence
from .text import Text

EVERY = "every"  # columns are called by their place while a text is read
T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """The columns that matter, as text where they come from text.

    `rows` is None when not all of them were counted. In a `european` table 1,234 is a fraction.
    """

    name: str
    frame: pl.DataFrame
    rows: int | None
    whole: bool
    dtypes: tuple[str, ...]
    european: bool = False
    warnings: tuple[str, ...] = ()


def parquet_names(path: Path) -> tuple[str, ...]:
    return tuple(guard(path, lambda: pl.read_parquet_schema(path)))


def of_frame(name: str, frame: pl.DataFrame, rows: int | None, columns: Sequence[str]) -> Table:
    """A table that was read elsewhere: all of it if it has so many rows."""
    whole = rows == frame.height
    dtypes = tuple(map(str, frame.dtypes))
    warnings = (*large_warnings(name, frame, whole), *nested_warnings(frame.schema))
    return Table(name, frame.select(columns), rows, whole, dtypes, is_european(frame), warnings)


def read_texts(name: str, texts: Sequence[Text], columns: Sequence[str], whole: bool) -> Table:
    """The wanted columns of text files that have the same names in their headers."""
    frame = pl.concat([read_text(one, columns) for one in texts])
    first = texts[0]
    head = guard(first.path, scan(first).head(HEAD_ROWS).collect, first)
    european = is_european(head, first.separator)
    warnings = (*(w for one in texts for w in one.warnings), *large_warnings(name, frame, whole))
    rows = frame.height if whole else None
    return Table(name, frame, rows, whole, guess_dtypes(first), european, warnings)


def scan(text: Text) -> pl.LazyFrame:
    return pl.scan_csv(
        text.content,
        separator=text.separator,
        infer_schema=False,
        with_column_names=by_index,
    )


def by_index(names: Sequence[str]) -> list[str]:
    """Names that no pattern of polars can mean."""
    return [str(index) for index in range(len(names))]


def read_text(text: Text, columns: Sequence[str]) -> pl.DataFrame:
    """The wanted columns. Only where every column is read does polars count a line's values."""
    within = [name for name in columns if name in text.names]
    indices = [str(text.names.index(name)) for name in within]
    every = pl.all_horizontal(pl.all().is_null()).alias(EVERY)
    lazy = scan(text).select(*indices, every)
    frame = guard(text.path, lazy.collect, text).filter(~pl.col(EVERY)).drop(EVERY)
    frame.columns = within
    return with_partitions(frame, text.path, within).select(columns)


def guess_dtypes(text: Text) -> tuple[str, ...]:
    """What the first rows hold, column by column."""
    guess = pl.scan_csv(
        text.content,
        separator=text.separator,
        infer_schema_length=HEAD_ROWS,
        null_values=[*MISSING, *ANYWHERE],
        with_column_names=by_index,
    )
    dtypes = guard(text.path, guess.collect_schema, text).dtypes()
    return tuple(map(str, dtypes[: len(text.names)]))


def is_european(rows: pl.DataFrame, separator: str = ",") -> bool:
    """Whether the first rows have decimal commas, as a factory tells it."""
    texts = rows.head(HEAD_ROWS).select(unmarked(pl.col(pl.String), MISSING))
    return kinds.any_european(texts, separator)


def is_no_value(dtype: pl.DataType) -> bool:
    """Whether a factory leaves such a column out."""
    return dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object, pl.Null)


def read_parquets(name: str, paths: Sequence[Path], columns: Sequence[str]) -> Table:
    """The wanted columns of the files, or of their first part."""
    budget, parts = file.SAMPLE_BYTES, []
    for path in paths:
        parts.append(guard(path, partial(read_parquet, path, columns, budget)))
        budget = max(0, budget - path.stat().st_size)
    frame = guard(paths[0], lambda: pl.concat([part for part, _ in parts], how="vertical_relaxed"))
    rows = sum(height for _, height in parts)
    schema = guard(paths[0], lambda: pl.read_parquet_schema(paths[0]))
    warnings = (*large_warnings(name, frame, rows == frame.height), *nested_warnings(schema))
    dtypes = tuple(map(str, schema.values()))
    european = is_european(guard(paths[0], parquet(paths[0]).head(HEAD_ROWS).collect))
    return Table(name, frame, rows, rows == frame.height, dtypes, european, warnings)


def read_parquet(path: Path, columns: Sequence[str], limit: int) -> tuple[pl.DataFrame, int]:
    """As many rows as stand in so many bytes, and how many there are."""
    lazy = pl.scan_parquet(path, glob=False)
    rows = lazy.select(pl.len()).collect().item()
    share = min(1, limit / path.stat().st_size)
    lazy = with_partitions(lazy, path, parquet_names(path))
    return lazy.select(columns).head(int(rows * share)).collect(), rows


def nested_warnings(schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    nested = [name for name, dtype in schema.items() if is_no_value(dtype)]
    ignored = f"columns that hold no plain values cannot be learned from: {', '.join(nested)}"
    return (ignored,) if nested else ()


def large_warnings(name: str, frame: pl.DataFrame, whole: bool) -> tuple[str, ...]:
    if whole:
        return ()
    return (f"{name} is large: only its first {frame.height:,} rows were looked at",)


def guard(path: Path, call: Callable[[], T], text: Text | None = None) -> T:
    """Let polars read; what it complains about becomes one sentence, with the line if known."""
    try:
        return call()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        if text and (problem := uneven_line(text)):
            raise MlfactoryError(
                f"{path} cannot be read as a table: {problem}",
                "Mend the line; a value with a separator, a quote or a line break in it must "
                "stand in double quotes, and its own quotes twice.",
            ) from error
        message = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MlfactoryError(
            f"{path} cannot be read as a table: {message}", sentence(AGAIN)
        ) from error


def uneven_line(text: Text, seconds: float = 1.0) -> str:
    """The first row with more values than the header has names, or with an odd quote."""
    end = clock.monotonic() + seconds
    lines = io.TextIOWrapper(io.BytesIO(text.content), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=text.separator, strict=True)
    line = f"line {text.skipped + 1:,}"
    try:
        for row in reader:
            if len(row) > text.width:
                return f"{line} has {len(row)} values, the header {text.width}"
            if any(value.count('"') % 2 for value in row):
                return f"{line} has a quote in a value that does not stand in quotes"
            if clock.monotonic() > end:
                return ""
            line = f"line {text.skipped + reader.line_num + 1:,}"
    except csv.Error:
        return f"the quotes in {line} do not end, or do not end with the value"
    return ""


def parquet_rows(path: Path, limit: int) -> tuple[list[dict[str, Any]], pl.Schema]:
    """The first rows of a Parquet file, and what types they have."""
    frame = guard(path, pl.scan_parquet(path).head(limit).collect)
    return frame.to_dicts(), frame.schema


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> None:
    """The rows as a Parquet file."""
    pl.DataFrame(rows, schema=schema).write_parquet(path)
