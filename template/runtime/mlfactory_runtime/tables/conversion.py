"""Files that are no text and no Parquet: written as Parquet once, when they arrive."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from ..errors import FactoryError
from ..scratch import temporary
from .databases import database, tables_of
from .dialect import CHUNK
from .file import AGAIN
from .limits import check_size
from .objects import arrow, avro, json_lines, json_list
from .packs import PACKS, REASON, damages, open_packed
from .sheets import sheets, workbook

SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb")
PANDAS = 'python -c "import pandas; pandas.{}({!r}).to_parquet({!r})"'
# What turns other kinds into Parquet, by the ending of their names.
ELSEWHERE = {
    **dict.fromkeys((".pkl", ".pickle"), "read_pickle"),
    **dict.fromkeys((".sav", ".zsav"), "read_spss"),
    **dict.fromkeys((".sas7bdat", ".xpt"), "read_sas"),
    **dict.fromkeys((".h5", ".hdf", ".hdf5"), "read_hdf"),
    ".dta": "read_stata",
    ".orc": "read_orc",
    ".xml": "read_xml",
}
IN_R = 'Rscript -e \'arrow::write_parquet(readRDS("{}"), "{}")\''

Read = Callable[[Path, str | None, Path, object], None]

# Each takes the file, its sheet or table, the Parquet file to write, and what sets its limits.
READERS: dict[str, Read] = {
    **dict.fromkeys(SHEETS, workbook),
    ".json": json_list,
    **dict.fromkeys((".jsonl", ".ndjson"), json_lines),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), arrow),
    ".avro": avro,
    **dict.fromkeys(DATABASES, database),
}
HOLDERS = {**dict.fromkeys(SHEETS, sheets), **dict.fromkeys(DATABASES, tables_of)}


@contextmanager
def readable(path: Path, form: object, table: str | None = None) -> Iterator[Path]:
    """The file itself if it is text or Parquet, else the same table as Parquet for a while.

    `table` names a sheet or a table of a file that holds several. The folders that name columns,
    as Hive writes them, stay in the path of the copy.
    """
    if not is_foreign(path):
        yield path
        return
    with temporary() as folder:
        target = folder.joinpath(*hive_folders(path), f"{stem_of(path)}.parquet")
        target.parent.mkdir(parents=True, exist_ok=True)
        convert(path, form, table, target)
        try:
            yield target
        except FactoryError as error:  # nobody has seen the copy that it names
            message = error.message.replace(str(target), str(path))
            raise FactoryError(message, error.hint) from error


def convert(path: Path, form: object, table: str | None, target: Path) -> None:
    """Write the table of such a file as Parquet. Raises FactoryError."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "correct its name")
    with unpacked(path, form) as plain:
        try:
            READERS[suffix_of(path)](plain, table, target, form)
        except FactoryError as error:
            raise FactoryError(error.message.replace(str(plain), str(path)), error.hint) from error
        except damages(pl.exceptions.PolarsError, OSError, ValueError, sqlite3.Error) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:REASON]
            raise FactoryError(f"{path} cannot be read: {reason}", AGAIN) from error


def hive_folders(path: Path) -> list[str]:
    """The folders of a file that name a column and its value."""
    return [part for part in path.parent.parts if "=" in part]


def is_foreign(path: Path) -> bool:
    """Whether its name is that of a file to be converted."""
    return suffix_of(path) in READERS


def suffix_of(path: Path) -> str:
    """The last part of the name, without that of what packed it."""
    name = Path(path.stem) if path.suffix.lower() in PACKS else path
    return name.suffix.lower()


def stem_of(path: Path) -> str:
    return Path(path.stem).stem if path.suffix.lower() in PACKS else path.stem


def advice(path: Path) -> str:
    """The command that turns a file of another kind into Parquet; empty for one nobody knows."""
    target = f"{path.stem}.parquet"
    if path.suffix.lower() == ".rds":
        return IN_R.format(path.name, target)
    verb = ELSEWHERE.get(path.suffix.lower())
    return PANDAS.format(verb, path.name, target) if verb else ""


@contextmanager
def unpacked(path: Path, form: object) -> Iterator[Path]:
    """The file itself, or what is packed in it. FactoryError where that is too much."""
    if path.suffix.lower() not in PACKS:
        yield path
        return
    check_size(path, form)
    with temporary() as folder:
        copy = folder / path.stem
        try:
            with open_packed(path) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
        except damages() as error:
            raise FactoryError(f"{path} was cut off or damaged", AGAIN) from error
        yield copy


def tables_in(path: Path) -> tuple[str, ...]:
    """The sheets with a value in them, or the tables; empty where a file of its kind is one."""
    find = HOLDERS.get(suffix_of(path))
    if find is None or path.suffix.lower() in PACKS:
        return ()
    try:
        return find(path)
    except (OSError, sqlite3.Error) as error:
        raise FactoryError(f"{path} cannot be read: {error}", AGAIN) from error
