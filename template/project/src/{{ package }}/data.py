"""Reading the data, typed as the catalog says; in a notebook: `from <package>.data import load`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from .catalog import Column
from .errors import FactoryError
from .params import Data, Params

PREPARED = Path("data/prepared")
BATCH = 100_000
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
DAY_FORMATS = ("%Y-%m-%d", "%Y/%m/%d")
TIME_FORMATS = tuple(
    f"%Y-%m-%d{separator}{time}"
    for separator in ("T", " ")
    for time in ("%H:%M:%S%.f", "%H:%M:%S%.f%z", "%H:%M")
)
DTYPES: dict[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}

Part = Literal["train", "validation", "holdout"]


def load(part: Part = "train") -> pl.DataFrame:
    """One part of the prepared data: raw columns, typed as the catalog says."""
    path = PREPARED / f"{part}.parquet"
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "make it: dvc repro prepare")
    return pl.read_parquet(path)


def read_batches(path: Path, data: Data, size: int = BATCH) -> Iterator[pl.DataFrame]:
    """The rows of a CSV or Parquet file as they stand in it; of a CSV every value is text."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "get the data: dvc pull")
    try:
        yield from _scan(path, data).collect_batches(chunk_size=size, maintain_order=True)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise FactoryError(f"{path} cannot be read: {reason}", "mend the file") from error


def column_names(path: Path, data: Data) -> list[str]:
    """The names in the header."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "get the data: dvc pull")
    return _scan(path, data).collect_schema().names()


def _scan(path: Path, data: Data) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    return pl.scan_csv(
        path, separator=data.separator, infer_schema=False, with_column_names=_unescaped
    )


def _unescaped(names: list[str]) -> list[str]:
    """The names as they are meant: polars leaves doubled quotes in a header."""
    return [name.replace('""', '"') for name in names]


def missing_as_null(raw: pl.DataFrame, data: Data) -> pl.DataFrame:
    """The raw values, with each of the agreed markers for `missing` turned into null."""
    text = pl.col(pl.String)
    number = pl.selectors.float()
    return raw.with_columns(
        pl.when(text.str.strip_chars().is_in(list(data.missing))).then(None).otherwise(text).name.keep(),
        number.fill_nan(None),
    )  # fmt: skip


def parse(raw: pl.DataFrame, columns: dict[str, Column]) -> pl.DataFrame:
    """Type the columns that are there; a value that cannot be read as its type becomes null."""
    return raw.select(
        typed(pl.col(name), raw.schema[name], column.dtype).alias(name)
        for name, column in columns.items()
        if name in raw.columns
    )


def typed(value: pl.Expr, found: pl.DataType, wanted: str) -> pl.Expr:
    """An expression that reads `value`, which has the type `found`, as the catalog's `wanted`."""
    target = DTYPES[wanted]
    if found.is_float() and wanted == "int":
        return pl.when(value == value.floor()).then(value).cast(target, strict=False)
    if found != pl.String or wanted == "string":
        return value.cast(target, strict=False)
    value = value.str.strip_chars()
    if wanted == "bool":
        folded = value.str.to_lowercase()
        return pl.when(folded.is_in(TRUE)).then(True).when(folded.is_in(FALSE)).then(False)
    if wanted in ("date", "datetime"):
        return _moment(value, wanted).cast(target)
    number = value.cast(target, strict=False)
    return number.fill_nan(None) if wanted == "float" else number


def _moment(value: pl.Expr, wanted: str) -> pl.Expr:
    days = [value.str.to_date(form, strict=False) for form in DAY_FORMATS]
    if wanted == "date":
        return pl.coalesce(days)
    plain = value.str.replace("Z$", "+0000")
    times = [
        plain.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)
        for form in TIME_FORMATS
    ]
    return pl.coalesce(*times, *(day.cast(pl.Datetime("us")) for day in days))


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
