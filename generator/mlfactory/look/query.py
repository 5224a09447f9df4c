"""The first rows of a query, through an SQLAlchemy URL that stands in the environment.

The URL is a secret: nothing that SQLAlchemy or a driver says of it is shown as it stands.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from mlfactory_runtime.tables import query

from mlfactory.base import origin
from mlfactory.base.errors import MlfactoryError, UsageError

from . import file
from .faults import as_ours

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

ROWS = 10_000
SECONDS = 2
SETTING = "--url-env"
# What a factory gets a driver for; the rest people add themselves.
DATABASES = {
    "postgresql+psycopg": "postgresql",
    "mysql+pymysql": "mysql",
    "mariadb+pymysql": "mysql",
    "sqlite": "sqlite",
}


@dataclass(frozen=True)
class Answer:
    """The first rows that a query gives; `rows` is None when there are more."""

    frame: pl.DataFrame
    rows: int | None


@as_ours()
def check(path: Path) -> str:
    """The query in the file. Raises MlfactoryError when there is none."""
    file.check_place(path)
    if not re.fullmatch(r"[\w-][\w.-]*\.sql", path.name):
        plain = re.sub(r"[^\w.-]+", "_", path.stem) or "query"
        raise UsageError(f"{path.name!r} is no plain name for a query", f"Call it {plain}.sql.")
    try:
        return query.query_in(path)
    except (OSError, UnicodeDecodeError) as error:
        raise MlfactoryError(f"{path} cannot be read: {error}", "Save it in UTF-8.") from error


@cache
@as_ours()
def ask(path: Path, variable: str) -> Answer:
    """Run the query as far as its first rows; nothing is committed. Raises MlfactoryError."""
    sql = check(path)
    with connect(variable) as connection:
        try:
            frame = first_rows(connection, sql)
        except query.failures() as error:
            message = f"the query in {path} fails: {query.reason(error, connection.engine.url)}"
            raise MlfactoryError(message, "Mend the query.") from None
    if frame is None:
        raise MlfactoryError(f"the query in {path} gives no row", "Mend the query.")
    frame = frame.with_columns(pl.selectors.by_dtype(pl.Null).cast(pl.String))
    return Answer(frame.head(ROWS), frame.height if frame.height <= ROWS else None)


def first_rows(connection: Connection, sql: str) -> pl.DataFrame | None:
    """One row more than is looked at, with the types that a factory will give them."""
    with closing(query.batches(connection, sql, ROWS + 1)) as batches:
        rows = next(batches, None)
        if connection.dialect.name in ("mysql", "mariadb"):
            connection.invalidate()  # to close their cursors is to read all the rest
    return rows


@as_ours()
def database(variable: str) -> str:
    """What a factory calls the kind of database. Raises MlfactoryError without a usable URL."""
    return DATABASES.get(url_in(variable).drivername, "other")


@as_ours()
def connect(variable: str) -> Connection:
    """A connection, within seconds where the driver can be told to give up."""
    url_in(variable)
    hint = f"Add its package: {origin.install('--with', 'PACKAGE')}"
    return query.connect(variable, SETTING, hint, SECONDS)


def url_in(variable: str) -> URL:
    """The URL that the variable holds; a file's is one from everywhere."""
    url = query.url_in(variable, SETTING)
    if url.drivername.startswith("sqlite"):
        check_file(url.database or "", variable)
    return url


def check_file(name: str, variable: str) -> None:
    """Raises MlfactoryError for an SQLite file that is not there, or not from everywhere."""
    if name.startswith("file:"):
        return
    if not Path(name).is_file():
        raise MlfactoryError(f"there is no database {name!r}", f"Look at the path in {variable}.")
    if not Path(name).is_absolute():
        whole = Path(name).absolute()
        raise MlfactoryError(
            f"the path {name!r} in {variable} means another file in the factory",
            f"Give the whole path: export {variable}=sqlite:///{whole}",
        )
