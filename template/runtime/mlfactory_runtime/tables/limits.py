"""What a table may at most be, found out before it is unpacked or looked at column by column."""

import re
import zipfile
from collections.abc import Iterator
from functools import partial, reduce
from pathlib import Path

from ..errors import FactoryError
from .dialect import CHUNK, USUAL
from .packs import is_packed, open_packed

COLUMNS, RATIO = 20_000, 200.0  # where nobody has set them
SMALL = 100_000_000  # bytes that any file may have once it is unpacked
VALUE, CELL = 8, 24  # bytes at least: of a value, once it is unpacked, and of a cell of a sheet
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
PLACE = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>')
SHEETS = 1_000_000_000  # bytes of any sheet, between a value and another that stands far away
LONGEST = 200  # bytes of the beginning of a cell


def check_size(path: Path, form: object) -> None:
    """FactoryError for a packed file that grows far more than tables do, while it is counted."""
    if not is_packed(path):
        return
    most, total = most_of(path, form), 0
    with open_packed(path) as file:
        chunks: Iterator[bytes] = iter(partial(file.read, CHUNK), b"")
        for chunk in chunks:
            total += len(chunk)
            if total > most:
                raise grown(path, most)


def check_archive(path: Path, form: object) -> None:
    """The same for a file that is an archive of several, as a workbook is."""
    if not zipfile.is_zipfile(path):
        return
    most, total = most_of(path, form), 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                rows, columns, end = 0, 0, b""
                for chunk in iter(partial(file.read, CHUNK), b""):
                    total += len(chunk)
                    if is_sheet := SHEET.fullmatch(member.filename):
                        rows, columns = corner(end + chunk, rows, columns)
                        end = chunk[-LONGEST:]
                    if total > most or (is_sheet and CELL * rows * columns > max(most, SHEETS)):
                        raise grown(path, most)


def corner(text: bytes, rows: int, columns: int) -> tuple[int, int]:
    """How far a sheet reaches: all up to its farthest value is held, and all of it empty."""
    places = set(PLACE.findall(text))
    rows = max((rows, *(int(row) for _, row in places)))
    return rows, max((columns, *(number_of(name) for name in {name for name, _ in places})))


def number_of(name: bytes) -> int:
    """The number of a column, from 1: `A` to `XFD`."""
    return reduce(lambda number, letter: 26 * number + letter - 64, name, 0)


def check_values(path: Path, rows: int, columns: int, form: object) -> None:
    """The same for Parquet, which can say in a few bytes that a value stands there a billion times;
    all that is known beforehand is how many values there are."""
    most = most_of(path, form)
    if VALUE * rows * columns > most:
        raise grown(path, most)


def most_of(path: Path, form: object) -> float:
    """How many bytes a file may have once it is unpacked."""
    return max(SMALL, float(getattr(form, "max_ratio", RATIO)) * path.stat().st_size)


def grown(path: Path, most: float) -> FactoryError:
    message = f"{path} has {path.stat().st_size:,} bytes, and unpacked more than {most:,.0f}"
    hint = "look at who made it; if it is right, raise data.max_ratio in params.yaml"
    return FactoryError(message, hint)


def check_width(path: Path, text: str, form: object) -> None:
    """FactoryError for a header with more names than anybody reads."""
    first = text.partition("\n")[0]
    check_columns(path, 1 + max(first.count(sign) for sign in USUAL), form)


def check_columns(path: Path, columns: int, form: object) -> None:
    """The same where they have been counted."""
    most = int(getattr(form, "max_columns", COLUMNS))
    if columns > most:
        message = f"{path} has {columns:,} columns, and {most:,} are allowed"
        raise FactoryError(message, "take some out, or raise data.max_columns in params.yaml")
