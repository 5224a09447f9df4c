"""Reading the data, typed as the catalog says; in a notebook: `from <package>.data import load`."""

import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import polars as pl
from polars import selectors as cs

from .catalog import Column
from .dialect import find_encoding, find_separator, head, plain
from .errors import FactoryError
from .formats import typed
from .params import PARAMS, Data, Params

PREPARED = Path("data/prepared")
BATCH, HEAD_ROWS = 50_000, 1000

Part = Literal["train", "validation", "holdout"]


def load(part: Part = "train") -> pl.DataFrame:
    """One part of the prepared data: raw columns, typed as the catalog says.

    It is found from any folder of the factory, for notebooks stand in folders of their own.
    """
    here = Path.cwd()
    root = next((place for place in (here, *here.parents) if (place / PARAMS).is_file()), here)
    path = root / PREPARED / f"{part}.parquet"
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "make it: dvc repro prepare")
    return pl.read_parquet(path)


def read_batches(path: Path, data: Data, size: int = BATCH) -> Iterator[pl.DataFrame]:
    """The rows of a table as they stand in it, blank lines aside; in a text every value is text."""
    if path.suffix == ".parquet":
        with reading(path):
            yield from parquet(path).collect_batches(chunk_size=size, maintain_order=True)
        return
    # polars reads ahead in pieces that grow with the file, up to 16 MB each; a megabyte is enough
    os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(2**20))
    with reading(path), text_table(path, data) as table:
        for batch in table.collect_batches(chunk_size=size, maintain_order=True):
            yield batch.filter(~pl.all_horizontal(pl.all().is_null()))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What goes wrong while a table is read is told as a FactoryError that names the file."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "correct its name, or get the data: dvc pull")
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        reason = str(error).strip().splitlines()[0]
        raise FactoryError(f"{path} cannot be read: {reason}", "mend the file") from error


def parquet(path: Path | str) -> pl.LazyFrame:
    """Lists, bytes and spans of time are left out: nothing can be learned from them as they are."""
    return pl.scan_parquet(path).select(~(cs.nested() | cs.binary() | cs.duration()))


@contextmanager
def text_table(path: Path, data: Data) -> Iterator[pl.LazyFrame]:
    """A text file as a table of text, whatever its encoding and separator are."""
    encoding = find_encoding(path, data.encoding)
    separator = find_separator(head(path, encoding), data.separator)
    with plain(path, encoding) as copy:
        yield pl.scan_csv(copy, separator=separator, infer_schema=False, with_column_names=names_of)


def names_of(header: list[str]) -> list[str]:
    """The names as they are meant: one that is empty tells its place."""
    names = [name.replace('""', '"') for name in header]  # polars leaves them doubled
    unnamed = re.compile(r"\s*|_duplicated_\d+")
    return [f"column_{i}" if unnamed.fullmatch(n) else n for i, n in enumerate(names, 1)]


def column_names(path: Path, data: Data) -> list[str]:
    """The names in the header."""
    with reading(path):
        if path.suffix == ".parquet":
            return parquet(path).collect_schema().names()
        with text_table(path, data) as table:
            return table.collect_schema().names()


def head_of(path: Path, params: Params) -> tuple[Params, pl.DataFrame]:
    """The settings with the encoding and separator of this file, and its first rows."""
    with reading(path):
        if path.suffix == ".parquet":
            return params, parquet(path).head(HEAD_ROWS).collect()
        encoding = find_encoding(path, params.data.encoding)
        separator = find_separator(head(path, encoding), params.data.separator)
        found = {"encoding": encoding.removesuffix("-sig"), "separator": separator}
        params = params.model_copy(update={"data": params.data.model_copy(update=found)})
        with text_table(path, params.data) as table:
            return params, table.head(HEAD_ROWS).collect()


def missing_as_null(
    raw: pl.DataFrame, data: Data, columns: Mapping[str, Column] | None = None
) -> pl.DataFrame:
    """The raw values, with each of the agreed markers for `missing` turned into null.

    So is a number that is infinite: something was divided by zero.
    """
    own = {name: column.missing for name, column in (columns or {}).items()}
    texts = [name for name, dtype in raw.schema.items() if dtype == pl.String]
    return raw.with_columns(
        *(unmarked(pl.col(name), (*data.missing, *own.get(name, ()))) for name in texts),
        pl.when(cs.float().is_finite()).then(cs.float()).name.keep(),
    )


def unmarked(text: pl.Expr, markers: Sequence[str]) -> pl.Expr:
    """Text in which the markers are null."""
    marked = text.str.strip_chars().is_in(list(markers))
    return pl.when(marked).then(None).otherwise(text).name.keep()


def parse(raw: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Type the columns that are there; a value that cannot be read as its type becomes null."""
    return raw.select(
        typed(pl.col(name), raw.schema[name], column.dtype, column.format).alias(name)
        for name, column in columns.items()
        if name in raw.columns
    )


def key_text(raw: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One text per row from the values as they stand in the file, never from parsed ones.

    A whole number in a float column of a Parquet file reads like the integer that it was before a
    missing value made it a float.
    """
    parts = [_canonical(pl.col(name), raw.schema[name]).fill_null("\x00") for name in columns]
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


def raw_path(params: Params) -> Path:
    """The file that holds the raw data."""
    return Path(params.data.path)
