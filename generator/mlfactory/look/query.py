"""The first rows of a query, through an SQLAlchemy URL that stands in the environment.

The URL is a secret: nothing that SQLAlchemy or a driver says of it is shown as it stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlfactory.base.errors import MlfactoryError, UsageError

from . import file

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

ROWS = 10_000
SECONDS = 2
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
# What a factory gets a driver for; the rest people add themselves.
DATABASES = {
    "postgresql+psycopg": "postgresql",
    "mysql+pymysql": "mysql",
    "mariadb+pymysql": "mysql",
    "sqlite": "sqlite",
}
TIMED = ("psycopg", "psycopg2", "pymysql", "mysqldb", "mariadbconnector")
SECRET = re.compile("pass|pwd|secret|token|key|connect$", re.IGNORECASE)
FORM = "postgresql://USER:PASSWORD@HOST/DATABASE"


@dataclass(frozen=True)
class Answer:
    """The first rows that a query gives; `rows` is None when there are more."""

    frame: pl.DataFrame
    rows: int | None


def check(path: Path) -> str:
    """The query in the file. Raises MlfactoryError when there is none."""
    file.check_place(path)
    if not re.fullmatch(r"[\w-][\w.-]*\.sql", path.name):
        plain = re.sub(r"[^\w.-]+", "_", path.stem) or "query"
        raise UsageError(f"{path.name!r} is no plain name for a query", f"Call it {plain}.sql.")
    try:
        sql = path.read_text("utf-8-sig").strip().rstrip(";")
    except (OSError, UnicodeDecodeError) as error:
        raise MlfactoryError(f"{path} cannot be read: {error}", "Save it in UTF-8.") from error
    if not sql:
        raise MlfactoryError(f"{path} is empty", "Write a query into it.")
    return sql


@cache
def ask(path: Path, variable: str) -> Answer:
    """Run the query as far as its first rows; nothing is committed. Raises MlfactoryError."""
    sql = check(path)
    with connect(variable) as connection:
        try:
            names, rows = first_rows(connection, sql)
        except failures() as error:
            told = f"the query in {path} fails: {reason(error, connection.engine.url)}"
            raise MlfactoryError(told, "Mend the query.") from None
    if not rows:
        raise MlfactoryError(f"the query in {path} gives no row", "Mend the query.")
    columns = zip(names, zip(*rows[:ROWS], strict=True), strict=True)
    frame = pl.DataFrame([series(name, values) for name, values in columns])
    return Answer(frame, len(rows) if len(rows) <= ROWS else None)


def database(variable: str) -> str:
    """What a factory calls the kind of database. Raises MlfactoryError without a usable URL."""
    return DATABASES.get(url_in(variable).drivername, "other")


def connect(variable: str) -> Connection:
    """A connection, within seconds where the driver can be told to give up."""
    engine = engine_of(variable)
    try:
        return engine.connect()
    except failures() as error:
        raise MlfactoryError(
            f"the database of {variable} cannot be reached: {reason(error, engine.url)}",
            f"Look at the address and the password in {variable}.",
        ) from None


def engine_of(variable: str) -> Engine:
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    url = url_in(variable)
    try:
        timed = url.get_dialect().driver in TIMED and "connect_timeout" not in url.query
        options = {"connect_timeout": SECONDS} if timed else {}
        return sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=options)
    except (ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
        raise MlfactoryError(
            f"the driver that {variable} needs is not installed beside mlfactory: {error}",
            "Add its package: uv tool install mlfactory --with PACKAGE, or pip install PACKAGE.",
        ) from error


def url_in(variable: str) -> URL:
    """The URL that the variable holds, with our drivers where it names none."""
    text = os.environ.get(variable)
    if not text:
        hint = f"export {variable}='{FORM}'"
        raise MlfactoryError(f"the environment variable {variable} is not set", hint)
    from sqlalchemy import exc, make_url

    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or ""):
        hint = f"Write it as {FORM}; in a password, @ is %40 and / is %2F."
        raise MlfactoryError(f"{variable} holds no SQLAlchemy URL", hint)
    if url.drivername.startswith("sqlite"):
        check_file(url.database or "", variable)
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


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


def failures() -> tuple[type[Exception], ...]:
    """What is raised when a database does not do as it is asked."""
    from sqlalchemy import exc

    return (exc.SQLAlchemyError, OSError, ValueError)


def reason(error: Exception, url: URL) -> str:
    """The first line of what the database says, without the secrets of its URL."""
    said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = said.splitlines()[0]
    secrets = [value for key, value in url.query.items() if SECRET.search(key)]
    for secret in filter(None, (url.password, *secrets)):
        line = line.replace(str(secret), "***")
    return line


def first_rows(connection: Connection, sql: str) -> tuple[list[str], Sequence[Any]]:
    """Names and rows, one more than are looked at. The text goes to the driver as it stands."""
    options = {"stream_results": True, "max_row_buffer": ROWS + 1, "no_parameters": True}
    with connection.exec_driver_sql(sql, execution_options=options) as result:
        if not result.returns_rows:
            raise ValueError("it gives no table")
        names, rows = list(result.keys()), result.fetchmany(ROWS + 1)
        if connection.dialect.name in ("mysql", "mariadb"):
            connection.invalidate()  # to close their cursors is to read all the rest
    check_names(names)
    return names, rows


def check_names(names: Sequence[str]) -> None:
    for number, name in enumerate(names, 1):
        if name in ("", "?column?"):
            raise ValueError(f"column {number} has no name: give it one with AS")
        if names.count(name) > 1:
            raise ValueError(f"two columns are named {name!r}: rename one with AS")


def series(name: str, values: Sequence[Any]) -> pl.Series:
    """A column as the factory will have it: numbers, moments, else text."""
    found = pl.Series(name, [plain(value) for value in values], strict=False)
    return found.cast(pl.String) if found.dtype in (pl.Null, pl.Int128) else found


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value if value is None or isinstance(value, int | float | str | date) else str(value)
