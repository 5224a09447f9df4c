"""Spreadsheets: `.xlsx` and its relatives, a sheet at a time."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import FactoryError
from .choice import choice, package_of
from .header import is_named, placed
from .limits import check_archive

INSTALL = "uv add --group train fastexcel"


def fastexcel(path: Path, form: object = None) -> Any:
    """The workbook. Reading it takes several times its size, and a sheet is read as a whole."""
    check_archive(path, form)
    package = package_of("fastexcel", path, INSTALL)
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of columns without a value
    with readable(path):
        return package.read_excel(path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What goes wrong in a workbook, or in one of its sheets, is a FactoryError."""
    package = package_of("fastexcel", path, INSTALL)
    try:
        yield
    except package.FastExcelError as error:
        reason = str(error).splitlines()[0].rpartition(" error: ")[2]  # of error in error
        hint = "save it without a password, or export the data again"
        raise FactoryError(f"{path} is no workbook that can be read: {reason}", hint) from error


def sheets(path: Path) -> tuple[str, ...]:
    """Those in which something stands."""
    return sheets_of(path, fastexcel(path))


def sheets_of(path: Path, book: Any) -> tuple[str, ...]:
    with readable(path):
        return tuple(name for name in book.sheet_names if header_of(book, name))


def header_of(book: Any, sheet: str) -> list[str]:
    """The texts in the first row that has any."""
    options = {"header_row": None, "n_rows": 1, "dtypes": "string"}
    first: pl.DataFrame = book.load_sheet(sheet, **options).to_polars()
    return ["" if text is None else str(text) for row in first.rows() for text in row]


def workbook(path: Path, table: str | None, target: Path, form: object) -> None:
    """A sheet has one type per column: numbers, dates, truth, and text for what is mixed."""
    book = fastexcel(path, form)
    full = sheets_of(path, book)
    sheet = choice(path, full, table)
    with readable(path):
        names = header_of(book, sheet)
    if not is_named([names]):
        message = f"the first row of sheet {sheet!r} of {path} does not name the columns: "
        hint = "delete the rows above the names, or save the table as CSV"
        raise FactoryError(message + repr("".join(names)[:60]), hint)
    with readable(path):
        rows: pl.DataFrame = book.load_sheet(sheet, schema_sample_rows=None).to_polars()
    places = [k for k, name in enumerate(names) if name.strip() or rows[:, k].count()]
    columns = [whole(rows[:, k]).alias(str(k)) for k in places]
    frame = pl.DataFrame(columns).filter(~pl.all_horizontal(pl.all().is_null()))
    write(path, frame, [placed(k + 1, names[k]) for k in places], target)


def whole(values: pl.Series) -> pl.Series:
    """Whole numbers as such: a spreadsheet has fractions only."""
    if values.dtype != pl.Float64 or not (values.is_null() | (values % 1 == 0)).all():
        return values
    return values.cast(pl.Int64, strict=False) if (values.abs() < 2**53).all() else values


def write(path: Path, rows: pl.DataFrame, names: Sequence[str], target: Path) -> None:
    """The rows under these names, of which polars takes no two alike."""
    if twice := [name for name in names if names.count(name) > 1]:
        raise FactoryError(f"{path} has two columns named {twice[0]!r}", "rename one of them")
    rows.columns = list(names)
    rows.write_parquet(target)
