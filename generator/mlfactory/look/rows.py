"""The rows of a table as they stand in it, and new ones written in the same form."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import polars as pl
from mlfactory_runtime.tables import formats
from mlfactory_runtime.tables.file import is_parquet
from mlfactory_runtime.tables.packs import PACKS, pack_of

from . import file, text
from .faults import as_ours

Row = dict[str, Any]


class Write(Protocol):
    """Writes rows as a table of the same form, with the columns of the first of them."""

    def __call__(self, path: Path, rows: Sequence[Mapping[str, Any]]) -> None: ...


@dataclass(frozen=True)
class Rows:
    """The first rows: text where the table is text, values of a type where it is Parquet."""

    rows: list[Row]
    write: Write


@as_ours()
def read(path: Path, limit: int) -> Rows:
    """At most so many rows. Raises MlfactoryError when the file is no table."""
    from . import table

    if is_parquet(path):
        rows, schema = table.parquet_rows(path, limit)
        return Rows(rows, partial(table.write_parquet, schema=schema))
    head = text.read(path, file.SAMPLE_BYTES)
    frame = table.read_text(head, head.names)
    pack = pack_of(path)
    return Rows(frame.head(limit).to_dicts(), partial(write_text, like=head, pack=pack))


def as_json_values(
    values: Sequence[Any], dtype: str, form: str | Sequence[str] | None
) -> list[Any]:
    """Values of a column as JSON has them, read as a catalog says; what cannot be read is None."""
    series = formats.read(pl.Series("values", values, strict=False), dtype, form)
    return [one.isoformat() if isinstance(one, date) else one for one in series]


def write_text(path: Path, rows: Sequence[Mapping[str, Any]], like: text.Text, pack: str) -> None:
    """With the encoding and the separator of another table, and packed as it is."""
    stream = StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=like.separator)
    writer.writeheader()
    writer.writerows(rows)
    content = stream.getvalue().encode(like.encoding)
    path.write_bytes(PACKS[pack].compress(content) if pack else content)
