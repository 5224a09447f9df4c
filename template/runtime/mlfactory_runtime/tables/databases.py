"""Databases in a file: SQLite and DuckDB, a table or a view at a time."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import FactoryError
from .choice import choice, package_of
from .file import AGAIN
from .limits import VALUE, grown, most_of
from .query import BATCH, join_parts, series, write_parts

INSTALL = "uv add --group train duckdb"
# What stays as it is; a sum of DuckDB is a HUGEINT, and anything else becomes text.
PLAIN = ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DATE")
SMALL, MOMENT = ("UTINYINT", "USMALLINT", "UINTEGER"), "TIMESTAMP"


def is_duckdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def tables_of(path: Path) -> tuple[str, ...]:
    """The tables and views, in the order of their names."""
    if is_duckdb(path):
        with duckdb(path) as base:
            tables = base.execute(
                "select table_name from information_schema.tables"
                " where table_schema = current_schema() order by 1"
            ).fetchall()
    else:
        with closing(sqlite(path)) as base:
            tables = base.execute(
                "select name from sqlite_master where type in ('table', 'view')"
                " and name not like 'sqlite_%' order by 1"
            ).fetchall()
    return tuple(str(name) for (name,) in tables)


def database(path: Path, table: str | None, target: Path, form: object) -> None:
    """A table or a view, row after row; what it is made by reaches no other file.

    FactoryError for a view that gives far more than the file holds, which may be without end.
    """
    name, most = choice(path, tables_of(path), table), most_of(path, form)
    (duckdb_table if is_duckdb(path) else sqlite_table)(path, name, target, most)


def sqlite(path: Path) -> sqlite3.Connection:
    """Opened for reading only."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sqlite_table(path: Path, table: str, target: Path, most: float) -> None:
    with closing(sqlite(path)) as base:
        cursor = base.execute(f"select * from {quote(table)}")  # noqa: S608  # it is quoted
        names = [column[0] for column in cursor.description]

        def batches() -> Generator[pl.DataFrame, None, None]:
            total = 0.0
            while rows := cursor.fetchmany(BATCH):
                values = zip(names, zip(*rows, strict=True), strict=True)
                batch = pl.DataFrame([series(name, column) for name, column in values])
                total += batch.estimated_size()
                if total > most:
                    raise grown(path, most)
                yield batch

        parts = write_parts(batches(), target)
    if not parts:
        raise FactoryError(f"the table {table!r} of {path} holds no row", AGAIN)
    join_parts(parts, target)


@contextmanager
def duckdb(path: Path, folder: Path | None = None) -> Iterator[Any]:
    """Opened for reading only: its views read no other file and no address.

    Only into the folder anything is written.
    """
    package = package_of("duckdb", path, INSTALL)
    try:
        with closing(package.connect(str(path), read_only=True)) as base:
            if folder:
                base.execute(f"set allowed_directories = [{text(folder)}]")
            base.execute("set enable_external_access = false")
            yield base
    except package.Error as error:
        reason = str(error).splitlines()[0]
        hint = "write it as Parquet with the DuckDB that made it: COPY TABLE TO 'FILE.parquet'"
        raise FactoryError(f"{path} cannot be read: {reason}", hint) from error


def text(value: object) -> str:
    """A text in SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def duckdb_table(path: Path, table: str, target: Path, most: float) -> None:
    with duckdb(path, target.parent) as base:
        kinds = base.execute(f"describe {quote(table)}").fetchall()
        columns = ", ".join(plain_column(name, kind) for name, kind, *_ in kinds)
        rows = int(most / VALUE / len(kinds))
        query = f"select {columns} from {quote(table)} limit {rows + 1}"  # noqa: S608  # quoted
        base.execute(f"copy ({query}) to {text(target)} (format parquet)")
    if pl.scan_parquet(target).select(pl.len()).collect().item() > rows:
        raise grown(path, most)


def plain_column(name: str, kind: str) -> str:
    """The column as a number, a moment, truth or text."""
    own = quote(name)
    if kind in PLAIN or (kind.startswith(MOMENT) and "ZONE" not in kind):
        return own
    if kind.startswith(MOMENT):
        return f"({own} at time zone 'UTC') as {own}"
    if kind == "HUGEINT" or (kind.startswith("DECIMAL") and not kind.endswith(",0)")):
        return f"{own}::double as {own}"
    return f"{own}::{'bigint' if kind in SMALL else 'varchar'} as {own}"
