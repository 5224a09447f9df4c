"""Where predictions and outcomes stand: an SQLite file, or PostgreSQL.

Times are microseconds since 1970, in UTC.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import Any

import sqlalchemy as sa

from ..errors import FactoryError
from ..settings.params import Log
from ..tables.query import database

SCHEMA = 1
LOCK = 7_206_173  # of PostgreSQL, held while tables are made
PATIENCE = 10.0  # seconds: to reach a server, to wait for another writer, to write at the end
CHUNK = 10_000
INSTALL = 'uv add "psycopg[binary]"; the log goes to SQLite or PostgreSQL'
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = sa.MetaData()
predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("features", sa.Text, nullable=False),  # JSON
    sa.Column("prediction", sa.Text, nullable=False),
    sa.Column("probabilities", sa.Text),  # JSON, null for numbers
    sa.Column("row_time", sa.BigInteger),  # data.time of the row, null where it was not given
    sa.Index("predictions_time", "time"),
    sa.Index("predictions_entity", "entity"),
)
# The outcome of an entity counts for its predictions made up to `until`; its `time` is 0 where the
# file names none. That of a row's own date (`dated`) has it as `time`.
labels = sa.Table(
    "labels",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # request, entity or dated
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("taken", sa.BigInteger),  # when it was taken in; null in rows older than this column
    sa.Index("labels_until", "until"),
    sa.Index("labels_taken", "taken"),
)
# What outcomes were before they were corrected, and up to when.
former_labels = sa.Table(
    "former_labels",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("taken", sa.BigInteger),
    sa.Column("replaced", sa.BigInteger, primary_key=True, autoincrement=False),
)
# Rows that were refused, by field and rule; `value` is a category that nobody knew. Those of all
# rules together have neither.
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),  # a whole second
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Index("refusals_time", "time"),
)
# What was said of what goes wrong, and when last; what is over is no longer here.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("sent", sa.BigInteger, nullable=False),
)
# What the monitor found, window by window: numbers about many rows, never a row.
windows = sa.Table(
    "monitor_windows",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("length", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("result", sa.Text, nullable=False),  # JSON
)
# Runs of `factory predict` that are not finished: what they have written does not count yet. Where
# a run was killed its entry stays, and the next run takes back what it wrote.
runs = sa.Table(
    "open_runs",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),  # where the process runs
    sa.Column("process", sa.BigInteger, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),  # when it last wrote
)
# What happened, each entry with the hash of the one before; nothing is ever changed in it.
trail = sa.Table(
    "trail",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),  # JSON
    sa.Column("former", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
# What services have written since they last told the trail.
tallies = sa.Table(
    "trail_tallies",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
)
schema = sa.Table("log_schema", metadata, sa.Column("version", sa.Integer, primary_key=True))


def engine_of(settings: Log) -> sa.Engine:
    """The log's database, not yet reached. A FactoryError for settings that cannot be."""
    if settings.url_env:
        engine = database(settings.url_env, "log.url_env in params.yaml", INSTALL)
    else:
        url = sa.URL.create("sqlite", database=settings.path)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", careful)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "do_connect", hasty)
    else:
        message = f"the log goes to SQLite or PostgreSQL, not to {engine.dialect.name}"
        raise FactoryError(message, f"correct {settings.url_env}, or set log.url_env to null")
    return engine


def careful(connection: Any, _: object) -> None:
    """Writers wait for each other, what is deleted is overwritten, and 64 MB hold the indexes.

    A new file has pages twice as large as usual: rows with many features are written faster.
    """
    connection.execute("PRAGMA page_size = 8192")
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -65536")


def hasty(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
    """A server that does not answer is given up in time."""
    options.setdefault("connect_timeout", int(PATIENCE))


def make(engine: sa.Engine) -> None:
    """Make the tables unless they are there; others may do so at the same time."""
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)  # it tells of persons; a file that is there keeps its mode
    with engine.connect() as connection:
        exists = sa.inspect(connection).has_table(schema.name)
        version = connection.scalar(sa.select(sa.func.max(schema.c.version))) if exists else None
        is_old = version == SCHEMA and bool(young(connection))
    if version is None or is_old:
        from .trail import begin

        with engine.begin() as connection:
            lock(connection)
            for column in young(connection):
                add_column(connection, column)
            metadata.create_all(connection)
            connection.execute(insert(connection, schema), {"version": SCHEMA})
            begin(connection)
    elif version > SCHEMA:
        message = f"the log has the form {version}, and this factory knows {SCHEMA}"
        raise FactoryError(message, "use the newer code that made it, or another log.path")


def young(connection: sa.Connection) -> list[sa.Column[Any]]:
    """The columns that the log lacks: some, and some tables, are younger than the form.

    An older program goes on to write into such a log: it leaves them out.
    """
    inspected = sa.inspect(connection).get_multi_columns()
    there = {(key[1], one["name"]) for key, columns in inspected.items() for one in columns}
    tables = metadata.tables.values()
    return [one for table in tables for one in table.c if (table.name, one.name) not in there]


def add_column(connection: sa.Connection, column: sa.Column[Any]) -> None:
    """Add a column, with its indexes, to a table that is there without it."""
    if not sa.inspect(connection).has_table(column.table.name):
        return
    form = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {form}")
    for index in column.table.indexes:
        if column.name in index.columns:
            index.create(connection, checkfirst=True)


def complete() -> sa.ColumnElement[bool]:
    """Which predictions count: those of a run that is not finished were handed to nobody."""
    return predictions.c.request_id.not_in(sa.select(runs.c.request_id))


def lock(connection: sa.Connection) -> None:
    """Let no one else make tables. In an SQLite file readers and a writer work at once then."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        return
    for _ in range(100):  # for this SQLite does not wait by itself
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            break
        except sa.exc.OperationalError:
            sleep(PATIENCE / 100)
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that leaves rows alone that are there already."""
    return new(connection, table).on_conflict_do_nothing()


def replace(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that takes the place of rows that are there already."""
    statement = new(connection, table)
    rest = {
        column.name: statement.excluded[column.name] for column in table.c if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)


def put_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
    """Write rows, as in `replace`, of all columns in their order.

    SQLite's driver gets them as they are: SQLAlchemy takes longer over each than SQLite does.
    """
    statement, names = replace(connection, table), table.columns.keys()
    if connection.dialect.name != "sqlite":
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
        return
    text = str(statement.compile(dialect=connection.dialect, column_keys=names))
    connection.exec_driver_sql(text, list(map(tuple, rows)))


def new(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT as the database understands it."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def clean_up(engine: sa.Engine, days: int) -> None:
    """Delete what is too old, little by little, so that others can write in between."""
    from .trail import append

    oldest = micros(datetime.now(UTC) - timedelta(days=days))
    with engine.begin() as connection:
        connection.execute(sa.delete(former_labels).where(former_labels.c.replaced < oldest))
        connection.execute(sa.delete(refusals).where(refusals.c.time < oldest))
    for table, time in ((predictions, predictions.c.time), (labels, labels.c.until)):
        remains = True
        while remains:
            with engine.begin() as connection:
                later = sa.select(time).where(time < oldest).order_by(time).offset(CHUNK).limit(1)
                bound = connection.scalar(later)
                remains = bound is not None
                old = time < oldest if bound is None else time <= bound
                count = {"predictions": 0, "labels": 0, table.name: delete(connection, table, old)}
                if any(count.values()):
                    append(connection, "expire", count)


def delete(connection: sa.Connection, table: sa.Table, rows: sa.ColumnElement[bool]) -> int:
    """Delete rows; how many of them counted: those of a run that is not finished do not."""
    counts = complete() if table is predictions else sa.true()
    rows_deleted = connection.execute(sa.delete(table).where(rows, counts)).rowcount
    connection.execute(sa.delete(table).where(rows))
    return rows_deleted


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def now() -> int:
    return micros(datetime.now(UTC))
