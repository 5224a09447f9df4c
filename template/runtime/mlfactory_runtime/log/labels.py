"""Outcomes: taken in when they are known, and joined with the predictions that were made before."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import sqlalchemy as sa

from ..data.contract import broken_rules, read_rows
from ..errors import FactoryError
from ..learn.signature import Signature
from ..project import Project
from ..settings.catalog import Catalog, Column
from ..settings.params import Params
from ..tables.conversion import readable
from ..tables.formats import DTYPES, read
from ..tables.read import column_names, read_batches
from .belonging import (
    AMBIGUOUS,
    UNKNOWN,
    Kind,
    doubts,
    keys_with_dates,
    shared,
    stored,
    with_outcomes,
)
from .store import engine_of, former_labels, insert, labels, make, micros, predictions, put_rows
from .trail import alone, append
from .veil import Veil, entities, row_times, veil

T = TypeVar("T")
NEW_KEY = "export {}=$(python3 -c 'import secrets; print(secrets.token_hex(32))'), and keep it"
PLACE = ["key", "row", "time", "date"]
CHUNK, BATCH = 5000, 20_000  # JSON takes many times its text while it is decoded
FEW, PAGES = 500, 16_384  # rows, KiB
DAY = 86_400_000_000
MOMENT = pl.Datetime("us", "UTC")
READ = {
    "request_id": pl.String, "row": pl.Int64, "time": pl.Int64, "model": pl.String,
    "entity": pl.String, "prediction": pl.String, "probabilities": pl.String,
    "features": pl.String, "row_time": pl.Int64, "outcome": pl.String, "outcome_time": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """What became of the rows of a file; `unknown` ones have no prediction, `blank` no outcome.

    `shared` ones count for several predictions of an entity, made at different times.
    """

    rows: int
    new: int
    changed: int
    same: int
    unknown: int
    blank: int
    shared: int


def label(project: Project, file: Path, time: str | None = None) -> Labelled:
    """Take in the outcomes of a file, all or none; the same file twice changes nothing.

    Rows are found by `request_id` and `row` where the file has them, else by data.id: with
    data.time as the outcomes of those dates, with `time` as what was known then. Another outcome
    of the same is a correction, and what it was before is kept. Raises FactoryError for a value
    that the contract does not allow, and where an outcome may belong to several predictions.
    """
    params, catalog = project.params, project.catalog
    secrecy = veil(params, catalog)
    with readable(file, params.data) as copy:
        kind = kind_of(copy, params, secrecy, time)
        table = outcomes(copy, kind, time, params, catalog)
    labelled = table.drop_nulls("outcome")
    distinct = once(file, labelled.drop_nulls(["key", "row"]))
    if kind == "entity":
        distinct = distinct.with_columns(secrecy.entities(distinct["key"]))
    states = Counter({UNKNOWN: labelled.height - labelled.drop_nulls(["key", "row"]).height})
    engine = engine_of(params.log)
    make(engine)
    with engine.begin() as connection:
        alone(connection)  # what is new to one is not new to another
        now = micros(datetime.now(UTC))
        for rows in distinct.iter_slices(CHUNK):
            for part, own in by_date(connection, rows, secrecy.target, kind):
                states.update(put(connection, own, secrecy.target, part, now))
        refuse_doubts(file, states, params)
        if states["new"] or states["changed"]:
            append(connection, "label", {name: states[name] for name in ("new", "changed")})
        count = shared(connection, secrecy.target, now)
    numbers = {state: states[state] for state in ("new", "changed", "same", UNKNOWN)}
    blank = table["outcome"].null_count()
    return Labelled(table.height, **numbers, blank=blank, shared=count)


def once(file: Path, table: pl.DataFrame) -> pl.DataFrame:
    """Each outcome once, in order; FactoryError where the file says two things of the same."""
    rows = table.unique([*PLACE, "outcome"]).sort(PLACE)
    if twice := rows.height - rows.n_unique(PLACE):
        what = (
            "outcome of the same contradicts" if twice == 1 else "outcomes of the same contradict"
        )
        message = f"no outcome of {file} was taken in: {twice:,} {what} another"
        raise FactoryError(message, "leave one outcome of each, or say when each was known: --time")
    return rows.with_columns(several=pl.len().over("key") > 1)


def by_date(
    connection: sa.Connection, rows: pl.DataFrame, target: str, kind: Kind
) -> Iterator[tuple[Kind, pl.DataFrame]]:
    """The outcomes apart that belong to the date of a row, where predictions have such a date."""
    dated = rows["date"].is_not_null()
    if dated.any():
        dated &= keys_with_dates(connection, target, rows)
        yield "dated", rows.filter(dated).with_columns(time=pl.col("date"))
    yield kind, rows.filter(~dated)


def refuse_doubts(file: Path, states: Counter[str], params: Params) -> None:
    """A FactoryError if outcomes may belong to several predictions."""
    texts = [text.format(f"{states[name]:,}") for name, text in AMBIGUOUS.items() if states[name]]
    if not texts:
        return
    hint = "label by request_id and row, as they stand beside the answers of factory predict"
    if not states["rows"]:
        own = f"add {params.data.time!r}, if what was scored had it; or " * bool(params.data.time)
        hint = f"{own}name the column that says when each was known (--time COLUMN), or {hint}"
    message = f"no outcome of {file} was taken in: it is open to which predictions these belong"
    raise FactoryError(f"{message}: {'; '.join(texts)}", hint)


def kind_of(file: Path, params: Params, secrecy: Veil, time: str | None) -> Kind:
    """Whether the file tells of requests or of entities; FactoryError if of neither."""
    names, entity = column_names(file, params.data), params.data.id
    for name in filter(None, (params.data.target, time)):
        if name not in names:
            raise FactoryError(f"{file} has no column {name!r}", "correct its name in the file")
    if "request_id" in names and entity != "request_id":
        return "request"
    if entity not in names:
        either = f"{entity!r} or 'request_id'" if entity else "'request_id'"
        hint = "name the rows by what stands beside the answers of factory predict"
        raise FactoryError(f"{file} has no column {either}", hint)
    if secrecy.hides_entity and not secrecy.key:
        message = f"{entity!r} is sensitive, and without {params.log.key_env} it is not in the log"
        raise FactoryError(
            message,
            f"label by request_id, or, before you predict: {NEW_KEY.format(params.log.key_env)}",
        )
    return "entity"


def outcomes(
    file: Path, kind: Kind, time: str | None, params: Params, catalog: Catalog
) -> pl.DataFrame:
    """The outcome of each row, its key and date, and which predictions count as made before it."""
    target, now = params.data.target, micros(datetime.now(UTC))
    if target not in catalog.columns:
        raise FactoryError(f"features.yaml has no column {target!r}", "factory catalog draft")
    columns = {target: catalog.columns[target].model_copy(update={"nullable": True})}
    if time:
        own = catalog.columns.get(time) or Column(
            dtype="datetime", role="ignored", availability="after_outcome"
        )
        columns[time] = own.model_copy(update={"dtype": "datetime", "nullable": False})
    parts, broken = [], []
    for raw in read_batches(file, params.data):
        rows, cases = read_rows(raw, columns, params.data)
        until = micros_of(rows[time]) if time else pl.lit(now)
        entity = kind == "entity"
        numbered = not entity and "row" in raw.columns
        table = raw.select(
            pl.col("row").cast(pl.Int64, strict=False) if numbered else pl.lit(0).alias("row"),
            key=entities(raw, params, catalog) if entity else pl.col("request_id").cast(pl.String),
            numbered=pl.lit(numbered),
            time=until if time and entity else pl.lit(0),
            date=row_times(raw, params, catalog) if entity and not time else pl.lit(None),
            until=until,
            outcome=rows[target].cast(pl.String),
        )
        parts.append(table.cast(dict.fromkeys(("row", "time", "date", "until"), pl.Int64)))
        broken.append(cases)
    refuse(file, pl.concat(broken))
    return pl.concat(parts)


def refuse(file: Path, cases: pl.DataFrame) -> None:
    """A FactoryError if there are values that break the contract."""
    if broken := broken_rules(cases):
        lines = (f"{name}: in {n:,} rows the value {rule}" for (name, rule), n in broken.items())
        hint = "mend them at the source, or change the contract in features.yaml"
        raise FactoryError(f"no outcome of {file} was taken in: {'; '.join(lines)}", hint)


def micros_of(moments: pl.Series) -> pl.Series:
    """Microseconds since 1970; where the column tells days only, to the end of each."""
    micros_since = moments.dt.epoch("us")
    return micros_since + (DAY - 1) * bool((micros_since.drop_nulls() % DAY == 0).all())


def put(
    connection: sa.Connection, rows: pl.DataFrame, target: str, kind: Kind, time: int
) -> Counter[str]:
    """Write the outcomes that are new or changed; how many are so, and how many are not."""
    states, inserts, corrected = Counter[str](), list[Any](), list[Any]()
    if not rows.height:
        return states
    before = stored(connection, target, kind, rows)
    doubtful = doubts(connection, target, kind, rows, before)
    fields = rows.select("key", "row", "time", "outcome", "until").iter_rows()
    for (*place, outcome, until), doubt in zip(fields, doubtful, strict=True):
        old = before.get(tuple(place))
        same = "same" if old and old.outcome == outcome else "changed"
        state = doubt or (same if old else "new")
        states[state] += 1
        if state in ("new", "changed"):
            until = until if doubt or kind != "entity" or not old else old.until
            inserts.append((target, kind, *place, until, outcome, time))
        if old and state == "changed":
            corrected.append({**old._mapping, "replaced": time})
    if corrected:
        connection.execute(insert(connection, former_labels), corrected)
    if inserts:
        put_rows(connection, labels, inserts)
    return states


def read_log(
    window: tuple[datetime, datetime],
    params: Params,
    catalog: Catalog,
    signature: Signature,
    names: Sequence[str] = tuple(READ),
    until: datetime | None = None,
) -> Iterator[pl.DataFrame]:
    """The predictions from a moment up to another, oldest first, with what became of them.

    Columns: request_id, row, time, model, entity, prediction, probabilities (a struct by class),
    features (a struct by name; what was hashed is text), row_time (data.time of the row, if it
    was given), outcome and outcome_time, null while they are not known; `names` may ask for fewer.
    Of a regression, prediction and outcome are numbers. With `known`, outcomes are as they had been
    taken in at that moment. No more than a batch is held in memory.
    """
    schema = {name: READ[name] for name in names}
    (begin, end), time = map(micros, window), predictions.c.time
    engine = engine_of(params.log)
    make(engine)
    with engine.connect() as connection:
        query = with_outcomes(connection, params.data.target, names, until)
        ordered = query.where(time >= begin, time < end).order_by(time)
        with closing(ahead(tables(parts(connection, ordered), schema))) as batches:
            while (batch := understood(lambda: next(batches, None))) is not None:
                yield understood(partial(with_types, batch, params, catalog, signature))


def understood(take: Callable[[], T]) -> T:
    """What is read of the log. FactoryError for a value that no factory has written there."""
    try:
        return take()
    except (pl.exceptions.PolarsError, TypeError) as error:
        lines = f"{error}".strip().splitlines() or [type(error).__name__]
        message = f"the log holds what no prediction is: {lines[0][:200]}"
        hint = "mend or take out what was put there by hand: factory trail verify"
        raise FactoryError(message, hint) from error


def parts(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows of a query, FEW at once, for among many Python looks for cycles again and again.

    Those of SQLite come as its driver gives them: SQLAlchemy takes half as long again to wrap each.
    They are read once and in order, so few pages are kept.
    """
    if connection.dialect.name != "sqlite":
        connection.execution_options(stream_results=True, max_row_buffer=BATCH)
        yield from connection.execute(query).partitions(FEW)
        return
    connection.exec_driver_sql(f"PRAGMA cache_size = -{PAGES}")
    with connection.execute(query) as result:
        cursor: Any = result.cursor
        while rows := cursor.fetchmany(FEW):
            yield rows


def tables(
    rows: Iterator[Sequence[Sequence[Any]]], schema: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    """Rows of a database as tables, a batch each."""
    while several := [tuple(zip(*some, strict=True)) for some in islice(rows, BATCH // FEW)]:
        columns = zip(schema.items(), zip(*several, strict=True), strict=True)
        yield pl.DataFrame(
            [pl.Series(name, [*chain(*values)], dtype) for (name, dtype), values in columns]
        )


def ahead(batches: Iterator[pl.DataFrame]) -> Generator[pl.DataFrame, None, None]:
    """The same, each fetched while the one before it is looked at."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def with_types(
    rows: pl.DataFrame, params: Params, catalog: Catalog, signature: Signature
) -> pl.DataFrame:
    """The rows with their types, and what was JSON as structs."""
    secrecy = veil(params, catalog, signature)
    dtypes: dict[str, str] = {name: column.dtype for name, column in catalog.columns.items()}
    dtypes |= {feature.name: feature.dtype for feature in signature.features}
    features = {n: "string" if secret else dtypes[n] for n, secret in secrecy.features.items()}
    shares = pl.Struct(dict.fromkeys(signature.classes, pl.Float64()))
    number: Any = pl.Float64 if signature.task == "regression" else pl.String
    forms = {
        "time": pl.col("time").cast(MOMENT),
        "outcome_time": pl.col("outcome_time").cast(MOMENT),
        "row_time": pl.col("row_time").cast(pl.Datetime("us")),
        "prediction": pl.col("prediction").cast(number),
        "outcome": pl.col("outcome").cast(number),
        "probabilities": pl.col("probabilities").str.json_decode(shares),
    }
    if "features" in rows.columns:
        rows = rows.with_columns(decoded(rows["features"], features))
    return rows.with_columns(form for name, form in forms.items() if name in rows.columns)


def decoded(texts: pl.Series, dtypes: dict[str, str]) -> pl.Series:
    """JSON as structs; a value is null if it has another type than the catalog says by now."""
    plain = {n: DTYPES["string" if d in ("date", "datetime") else d] for n, d in dtypes.items()}
    try:  # polars reads moments in JSON slowly
        structs = texts.str.json_decode(pl.Struct(plain))
    except pl.exceptions.ComputeError:
        structs = texts.str.json_decode(pl.Struct(dict.fromkeys(dtypes, pl.String())))
    values = (structs.struct.field(name) for name in dtypes)
    return pl.DataFrame(
        v if v.dtype == DTYPES[dtypes[v.name]] else read(v, dtypes[v.name]) for v in values
    ).to_struct(texts.name)
