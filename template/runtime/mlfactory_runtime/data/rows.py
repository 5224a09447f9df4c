"""Rows typed as the catalog says, and the text that names a row."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
from polars import selectors as cs

from ..errors import FactoryError
from ..project import Project
from ..settings.catalog import Column
from ..settings.params import Data, Params
from ..tables.dialect import find_encoding, find_separator, head
from ..tables.file import is_parquet
from ..tables.formats import WHOLE, as_type, read
from ..tables.read import HEAD_ROWS, parquet, reading, text_table, unmarked

Part = Literal["train", "validation", "holdout"]


def load_part(project: Project, part: Part) -> pl.DataFrame:
    """One part of the prepared data: raw columns, typed as the catalog says."""
    path = project.prepared / f"{part}.parquet"
    if not path.is_file():
        raise FactoryError(f"{project.relative(path)} is not here", "make it: dvc repro prepare")
    return pl.read_parquet(path)


def head_of(path: Path, params: Params) -> tuple[Params, pl.DataFrame]:
    """The settings with the encoding and separator of this file, and its first rows."""
    with reading(path):
        if is_parquet(path):
            return params, parquet(path).head(HEAD_ROWS).collect()
        encoding = find_encoding(path, params.data.encoding)
        separator = find_separator(head(path, encoding), params.data.separator)
        form = {"encoding": encoding.removesuffix("-sig"), "separator": separator}
        params = params.model_copy(update={"data": params.data.model_copy(update=form)})
        with text_table(path, params.data) as table:
            return params, table.head(HEAD_ROWS).collect()


def missing_as_null(
    raw: pl.DataFrame, data: Data, columns: Mapping[str, Column] | None = None
) -> pl.DataFrame:
    """The raw values, with each of the agreed markers for `missing` turned into null.

    So is a number that is infinite: something was divided by zero.
    """
    own = {name: column.missing for name, column in (columns or {}).items() if column.missing}
    with_dtype = [name for name, dtype in raw.schema.items() if name in own and dtype != pl.String]
    alike: dict[tuple[str, ...], list[str]] = {}  # a question for each of 5,000 columns is slow
    for name, dtype in raw.schema.items():
        if dtype == pl.String:
            alike.setdefault(own.get(name, ()), []).append(name)
    present = raw.with_columns(
        *(unmarked(cs.by_name(names), data.missing, marks) for marks, names in alike.items()),
        pl.when(cs.float().is_finite()).then(cs.float()).name.keep(),
    )
    return present.with_columns(unmarked_values(present[name], own[name]) for name in with_dtype)


def unmarked_values(values: pl.Series, markers: Sequence[str]) -> pl.Series:
    """Values of a type, where a marker is a number or a moment, without those that are one."""
    marks = pl.Series(markers, dtype=pl.String)
    if values.dtype.is_numeric():
        marked = values.cast(pl.Float64).is_in(marks.cast(pl.Float64, strict=False).drop_nulls())
    elif values.dtype in (pl.Date, pl.Datetime):
        marked = values.cast(pl.Datetime("us")).is_in(read(marks, "datetime").drop_nulls())
    else:
        return values
    return values.set(marked.fill_null(False), None)


def parse(raw: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Type the columns that are there; a value that cannot be read as its type becomes null."""
    schema, alike = raw.schema, dict[tuple[Any, ...], list[str]]()
    names = [name for name in columns if name in schema]
    for name in names:
        form = (schema[name], columns[name].dtype, columns[name].format)
        alike.setdefault(form, []).append(name)
    values = (as_type(cs.by_name(same), *form).name.keep() for form, same in alike.items())
    return raw.select(values).select(names)


def key_text(
    raw: pl.DataFrame, names: Sequence[str], columns: Mapping[str, Column] | None = None
) -> pl.Series:
    """One text per row from the values as they stand in the file, never from parsed ones.

    A whole number in a float column of a Parquet file, or written as 42.0 where the catalog has an
    `int`, reads like the integer that it was before a missing value made it a float.
    """
    schema, columns_of = raw.schema, columns or {}
    whole = [name for name in names if name in columns_of and columns_of[name].dtype == "int"]
    texts = {name: _canonical(pl.col(name), schema[name]) for name in names}
    texts |= {name: texts[name].str.replace(WHOLE, "$1") for name in whole}
    parts = [text.fill_null("\x00") for text in texts.values()]
    return raw.select(pl.concat_str(parts, separator="\x1f").alias("key"))["key"]


def _canonical(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        whole = value.is_finite() & (value == value.floor()) & (value.abs() < 2**53)
        return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(
            value.cast(pl.Float64).cast(pl.String)
        )  # fmt: skip
    if isinstance(dtype, pl.Datetime):
        return value.cast(pl.Datetime("us")).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    return value.cast(pl.String)
