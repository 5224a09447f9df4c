"""Reading tables batch by batch, as they stand in their files."""

import os
import re
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl
from polars import selectors as cs

from ..errors import FactoryError
from .dialect import check_text, find_encoding, find_separator, head, plain, records
from .file import START, check_content, is_parquet, partitions
from .formats import WHOLE
from .header import check_first, check_names, names_of, read_names
from .limits import check_columns, check_size, check_values, check_width
from .packs import REASON, damages, open_packed

BATCH, HEAD_ROWS = 50_000, 1000
Table = TypeVar("Table", pl.DataFrame, pl.LazyFrame)


class Form(Protocol):
    """How a text file is written, as far as anybody knows."""

    @property
    def separator(self) -> str: ...

    @property
    def encoding(self) -> str: ...


def read_batches(path: Path, form: Form, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
    """The rows of a table as they stand in it, blank lines aside; in a text every value is text."""
    if is_parquet(path):
        with reading(path):
            check_parquet(path, form)
            yield from parquet(path).collect_batches(chunk_size=size, maintain_order=True)
        return
    # polars reads ahead in pieces that grow with the file, up to 16 MB each; a megabyte is enough
    os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(2**20))
    with reading(path), text_table(path, form) as table:
        for batch in table.collect_batches(chunk_size=size, maintain_order=True):
            yield batch.filter(~pl.all_horizontal(pl.all().is_null()))


def first_batch(path: Path, form: Form) -> pl.DataFrame | None:
    """The first of these batches, None where there is no row; what would read the others ends."""
    with closing(read_batches(path, form)) as batches:
        return next(batches, None)


def with_partitions(rows: Table, path: Path, names: Collection[str]) -> Table:
    """The rows of a file that has these names, with the columns that stand in its folders."""
    own = {name: value for name, value in partitions(path).items() if name not in names}
    return rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in own.items())


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What goes wrong while a table is read is told as a FactoryError that names the file.

    What is refused of another file, such as one that is written meanwhile, is no fault of this one.
    """
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "correct its name, or get the data: dvc pull")
    try:
        yield
    except damages(pl.exceptions.PolarsError, OSError) as error:
        name = getattr(error, "filename", None)
        if isinstance(name, str) and Path(name) != path:
            raise
        reason = str(error).strip().splitlines()[0][:REASON]  # it may hold a value, as a whole
        raise FactoryError(f"{path} cannot be read: {reason}", "mend the file") from error


def parquet(path: Path | str) -> pl.LazyFrame:
    """Lists, bytes and spans of time are left out: nothing can be learned from them as they are."""
    return pl.scan_parquet(path).select(~(cs.nested() | cs.binary() | cs.duration()))


def unread_columns(path: Path) -> list[str]:
    """The columns of a Parquet file that are left out."""
    names = parquet(path).collect_schema()
    return [name for name in pl.scan_parquet(path).collect_schema() if name not in names]


def check_parquet(path: Path, form: Form) -> None:
    """FactoryError for one that holds far more values than a file of its size does."""
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    check_values(path, rows, len(parquet(path).collect_schema()), form)


@contextmanager
def text_table(path: Path, form: Form) -> Iterator[pl.LazyFrame]:
    """A text file as a table of text, whatever its encoding and separator are."""
    check_size(path, form)
    encoding = find_encoding(path, form.encoding)
    text = head(path, encoding)
    check_width(path, text, form)
    separator = find_separator(text, form.separator)
    with plain(path, encoding) as copy:
        yield pl.scan_csv(copy, separator=separator, infer_schema=False, with_column_names=names_of)


def column_names(path: Path, form: Form) -> list[str]:
    """The names in the header."""
    with reading(path):
        if is_parquet(path):
            names = parquet(path).collect_schema().names()
            check_columns(path, len(names), form)
            return names
        with text_table(path, form) as table:
            return table.collect_schema().names()


def check_table(path: Path, form: Form) -> None:
    """Raises FactoryError when a new factory cannot begin with this file: with its kind or names.

    Those that exist go on reading what they read before.
    """
    with reading(path):
        check_content(path)
        if is_parquet(path):
            check_names(str(path), column_names(path, form), text=False)
            check_parquet(path, form)
            return
        if form.encoding == "utf-8":
            with open_packed(path) as file:
                check_text(path, file.read(START))
        check_size(path, form)
        text = head(path, find_encoding(path, form.encoding))
        check_width(path, text, form)
        rows = records(text, find_separator(text, form.separator))
        check_first(path, text, rows)
        check_names(str(path), read_names(rows), text=True)


def unmarked(text: pl.Expr, markers: Sequence[str], own: Sequence[str] = ()) -> pl.Expr:
    """Text without the markers for missing and the column's own, of which -999 is -999.0, too."""
    bare = text.str.strip_chars()
    is_missing = bare.is_in([*markers, *own])
    if whole := {re.sub(WHOLE, r"\1", mark) for mark in own if re.fullmatch(r"-?[\d.]+", mark)}:
        is_missing |= bare.str.replace(WHOLE, "$1").is_in(list(whole))
    return pl.when(is_missing).then(None).otherwise(text).name.keep()
