"""A table from a database: the rows of a query, through an SQLAlchemy URL in the environment."""

import json
import os
import re
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import FactoryError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine


BATCH = 50_000
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
URL_ENV = "data.url_env in params.yaml"
DRIVER = "uv add --group train PACKAGE (pymysql, snowflake-sqlalchemy, ...)"
TIMED = ("psycopg", "psycopg2", "pymysql", "mysqldb", "mariadbconnector")
SECRET = re.compile("pass|pwd|secret|token|key|connect$", re.IGNORECASE)
FORM = "postgresql://USER:PASSWORD@HOST/DATABASE"


def write_query(path: Path, variable: str | None, target: Path, setting: str = URL_ENV) -> None:
    """Write what the query in `path` gives to a Parquet file. Raises FactoryError.

    The rows go through a file per batch, so that memory does not grow with them, and each column
    gets the type that fits all batches. Nothing is committed to the database.
    """
    sql = query_in(path)
    with connect(variable, setting) as connection:
        try:
            parts = write_parts(batches(connection, sql), target)
        except failures() as error:
            message = f"the query in {path} fails: {reason(error, connection.engine.url)}"
            raise FactoryError(message, "mend the query") from None
    if not parts:
        raise FactoryError(f"the query in {path} gives no row", "mend the query")
    join_parts(parts, target)


def write_parts(frames: Iterable[pl.DataFrame], target: Path) -> list[Path]:
    """A file per batch, beside the one to come."""
    parts: list[Path] = []
    for batch in frames:
        parts.append(target.with_name(f"part-{len(parts):06}.parquet"))
        batch.write_parquet(parts[-1])
    return parts


def join_parts(parts: Sequence[Path], target: Path) -> None:
    """One file of all; each column gets the type that fits all of them."""
    table = pl.concat([pl.scan_parquet(part) for part in parts], how="vertical_relaxed")
    table.with_columns(pl.selectors.by_dtype(pl.Null).cast(pl.String)).sink_parquet(target)


def query_in(path: Path) -> str:
    """The query without the semicolon at its end."""
    if not path.is_file():
        raise FactoryError(f"there is no file {path}", "correct its name")
    sql = path.read_text("utf-8-sig").strip().rstrip(";")
    if not sql:
        raise FactoryError(f"{path} is empty", "write a query into it")
    return sql


def connect(
    variable: str | None, setting: str = URL_ENV, install: str = DRIVER, seconds: int | None = None
) -> "Connection":
    """A connection to the database whose URL stands in the environment.

    Within so many seconds, where the driver can be told to give up.
    """
    engine = database(variable, setting, install, seconds)
    try:
        return engine.connect()
    except failures() as error:
        message = f"the database of {variable} cannot be reached: {reason(error, engine.url)}"
        raise FactoryError(message, f"look at the address and the password in {variable}") from None


def database(
    variable: str | None, setting: str = URL_ENV, install: str = DRIVER, seconds: int | None = None
) -> "Engine":
    """The database at the URL in the variable."""
    url = url_in(variable, setting)
    import sqlalchemy

    try:
        takes_timeout = url.get_dialect().driver in TIMED and "connect_timeout" not in url.query
        options = {"connect_timeout": seconds} if takes_timeout and seconds else {}
        return sqlalchemy.create_engine(
            url, poolclass=sqlalchemy.pool.NullPool, connect_args=options
        )
    except (ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
        message = f"the driver that {variable} needs is not installed here: {error}"
        raise FactoryError(message, install) from error


def url_in(variable: str | None, setting: str = URL_ENV) -> "URL":
    """The URL that the variable holds, with our drivers where it names none."""
    if variable is None or not variable.isidentifier():  # a URL is not repeated
        hint = "name the environment variable that holds the SQLAlchemy URL"
        raise FactoryError(f"{setting} names no variable", hint)
    if not (text := os.environ.get(variable, "").strip()):  # a line's end was stored with it
        raise FactoryError(f"{variable} is not set", f"export {variable}='{FORM}'")
    url = parsed(text, variable)
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def parsed(text: str, variable: str) -> "URL":
    """The URL; its errors are not shown, because they may quote it."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or ""):
        hint = f"write it as {FORM}; in a password, @ is %40 and / is %2F"
        raise FactoryError(f"{variable} holds no SQLAlchemy URL", hint)
    file = url.database if url.drivername.startswith("sqlite") else None
    if file and not file.startswith((":", "file:")) and not Path(file).is_file():
        raise FactoryError(f"there is no database {file!r}", f"look at the path in {variable}")
    return url


def failures() -> tuple[type[Exception], ...]:
    """What is raised when a database does not do as it is asked."""
    from sqlalchemy.exc import SQLAlchemyError

    return (SQLAlchemyError, OSError, ValueError)


def reason(error: Exception, url: "URL") -> str:
    """The first line of what the database says, without the secrets of its URL."""
    message = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = message.splitlines()[0]
    secrets = [value for key, value in url.query.items() if SECRET.search(key)]
    for secret in filter(None, (url.password, *secrets)):
        line = line.replace(str(secret), "***")
    return line


def batches(
    connection: "Connection", sql: str, size: int = BATCH
) -> Generator[pl.DataFrame, None, None]:
    """The rows in the order of the query. Its text goes to the driver as it stands."""
    options = {"stream_results": True, "max_row_buffer": size, "no_parameters": True}
    with connection.exec_driver_sql(sql, execution_options=options) as result:
        if not result.returns_rows:
            raise ValueError("it gives no table")
        names = list(result.keys())
        check_names(names)
        for rows in result.partitions(size):
            columns = zip(names, zip(*rows, strict=True), strict=True)
            yield pl.DataFrame([series(name, values) for name, values in columns])


def check_names(names: Sequence[str]) -> None:
    """Raises ValueError when a column has no name of its own."""
    for number, name in enumerate(names, 1):
        if name in ("", "?column?"):
            raise ValueError(f"column {number} has no name: give it one with AS")
        if names.count(name) > 1:
            raise ValueError(f"two columns are named {name!r}: rename one with AS")


def series(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of the plainest type that holds all of its values, else of text."""
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pl.Series(name, values, pl.Null)
    if Decimal in kinds and all(map(is_whole, values)):  # numeric(20, 0) may name things
        values, kinds = [None if v is None else int(v) for v in values], {int}
    if kinds == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if kinds == {int} and all(v is None or -(2**63) <= v < 2**63 for v in values):
        return pl.Series(name, values, pl.Int64)
    if kinds <= {int, float, Decimal} and kinds != {int}:
        return pl.Series(name, [None if v is None else float(v) for v in values], pl.Float64)
    if kinds == {date}:
        return pl.Series(name, values, pl.Date)
    if kinds == {datetime}:
        return pl.Series(name, [v and in_utc(v) for v in values], pl.Datetime("us"))
    return pl.Series(name, [None if v is None else text(v) for v in values], pl.String)


def is_whole(value: Any) -> bool:
    """Whether this is missing, or a number without digits behind the point, not even zeros."""
    if not isinstance(value, Decimal):
        return value is None or type(value) is int
    return value.is_finite() and int(value.as_tuple().exponent) >= 0


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without a zone is taken as it stands."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def text(value: Any) -> str:
    """JSON for what is nested, hexadecimal digits for bytes, else what Python calls it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
