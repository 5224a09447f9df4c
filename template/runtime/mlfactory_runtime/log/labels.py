"""Outcomes: taken in when they are known, and joined with the predictions that were made before."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..data.contract import broken_rules, read_rows
from ..errors import FactoryError
from ..learn.signature import Signature
from ..project import Project
from ..settings.catalog import Catalog, Column
from ..settings.params import Params
from ..tables.formats import DTYPES, read
from ..tables.read import column_names, read_batches
from .store import complete, engine_of, labels, make, micros, predictions, replace
from .trail import alone, append
from .veil import Veil, entities, veil

NEW_KEY = "export {}=$(python3 -c 'import secrets; print(secrets.token_hex(32))'), and keep it"
KEY = ["key", "row", "time"]
CHUNK, BATCH = 5000, 20_000  # JSON takes many times its text while it is decoded
DAY = 86_400_000_000
MOMENT = pl.Datetime("us", "UTC")
READ = {
    "request_id": pl.String, "row": pl.Int64, "time": pl.Int64, "model": pl.String,
    "entity": pl.String, "prediction": pl.String, "probabilities": pl.String,
    "features": pl.String, "outcome": pl.String, "outcome_time": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """What became of the rows of a file; `unknown` ones have no prediction, `blank` no outcome."""

    rows: int
    new: int
    changed: int
    same: int
    unknown: int
    blank: int


def label(project: Project, file: Path, time: str | None = None) -> Labelled:
    """Take in the outcomes of a file, all or none; the same file twice changes nothing.

    Rows are found by `request_id` and `row` where the file has them, else by data.id. An outcome
    replaces an earlier one of the same request, or of the same entity and `time`. Raises
    FactoryError for a value that the contract does not allow.
    """
    params, catalog = project.params, project.catalog
    known = veil(params, catalog)
    kind = kind_of(file, params, known, time)
    given = outcomes(file, kind, time, params, catalog)
    found = given.drop_nulls("outcome").unique(KEY, keep="last").sort(KEY)
    if kind == "entity":
        found = found.with_columns(known.entities(found["key"]))
    states = Counter[str]()
    engine = engine_of(params.log)
    make(engine)
    with engine.begin() as connection:
        alone(connection)  # what is new to one is not new to another
        for rows in found.iter_slices(CHUNK):
            states.update(put(connection, rows, known.target, kind))
        if states["new"] or states["changed"]:
            append(connection, "label", {name: states[name] for name in ("new", "changed")})
    blank = given["outcome"].null_count()
    count = {state: states[state] for state in ("new", "changed", "same", "unknown")}
    return Labelled(given.height, **count, blank=blank)


def kind_of(file: Path, params: Params, known: Veil, time: str | None) -> str:
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
    if known.hides_entity and not known.key:
        message = f"{entity!r} is sensitive, and without {params.log.key_env} it is not in the log"
        raise FactoryError(
            message,
            f"label by request_id, or, before you predict: {NEW_KEY.format(params.log.key_env)}",
        )
    return "entity"


def outcomes(
    file: Path, kind: str, time: str | None, params: Params, catalog: Catalog
) -> pl.DataFrame:
    """The outcome of each row, its key, and up to when a prediction counts as made before it."""
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
        found = raw.select(
            pl.col("row").cast(pl.Int64, strict=False) if numbered else pl.lit(0).alias("row"),
            key=entities(raw, params, catalog) if entity else pl.col("request_id").cast(pl.String),
            time=until if time and entity else pl.lit(0),
            until=until,
            outcome=rows[target].cast(pl.String),
        )
        parts.append(found.cast(dict.fromkeys(("row", "time", "until"), pl.Int64)))
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
    found = moments.dt.epoch("us")
    return found + (DAY - 1) * bool((found.drop_nulls() % DAY == 0).all())


def put(connection: sa.Connection, rows: pl.DataFrame, target: str, kind: str) -> Counter[str]:
    """Write the outcomes that are new or changed; how many are so, and how many are not."""
    p, own, entity = predictions.c, labels.c, kind == "entity"
    keys, first, last = rows["key"].unique().to_list(), rows["row"].min(), rows["row"].max()
    key, place = (p.entity, sa.literal(0)) if entity else (p.request_id, p.row)
    logged = sa.select(key, place).where(p.target == target, key.in_(keys), complete())
    logged = logged if entity else logged.where(p.row.between(first, last))
    stored = sa.select(own.key, own.row, own.time, own.outcome).where(
        own.target == target, own.kind == kind, own.key.in_(keys), own.row.between(first, last)
    )
    known = {tuple(row) for row in connection.execute(logged.distinct())}
    before = {tuple(row[:3]): row[3] for row in connection.execute(stored)}
    states, wanted = Counter[str](), []
    for row in rows.iter_rows(named=True):
        old = before.get((row["key"], row["row"], row["time"]))
        state = "new" if old is None else "same" if old == row["outcome"] else "changed"
        state = state if (row["key"], row["row"]) in known else "unknown"
        states[state] += 1
        if state in ("new", "changed"):
            wanted.append({"target": target, "kind": kind, **row})
    if wanted:
        connection.execute(replace(connection, labels), wanted)
    return states


def read_log(
    window: tuple[datetime, datetime],
    params: Params,
    catalog: Catalog,
    signature: Signature,
    names: Sequence[str] = tuple(READ),
) -> Iterator[pl.DataFrame]:
    """The predictions from a moment up to another, oldest first, with what became of them.

    Columns: request_id, row, time, model, entity, prediction, probabilities (a struct by class),
    features (a struct by name; what was hashed is text), outcome and outcome_time, null while they
    are not known; `names` may ask for fewer. Of a regression, prediction and outcome are numbers.
    No more than a batch is held in memory.
    """
    schema = {name: READ[name] for name in names}
    (begin, end), time = map(micros, window), predictions.c.time
    engine = engine_of(params.log)
    make(engine)
    with engine.connect() as connection:
        asked = with_outcomes(connection, params.data.target, names)
        ordered = asked.where(time >= begin, time < end).order_by(time)
        buffered = connection.dialect.name != "sqlite"  # SQLite gives row by row anyway
        connection.execution_options(stream_results=buffered, max_row_buffer=BATCH)
        parts = connection.execute(ordered).partitions(BATCH)
        with closing(ahead(table(rows, schema) for rows in parts)) as batches:
            for batch in batches:
                yield typed(batch, params, catalog, signature)


def table(rows: Sequence[Sequence[Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows of a database as a table."""
    columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in columns])


def ahead(batches: Iterator[pl.DataFrame]) -> Generator[pl.DataFrame, None, None]:
    """The same, each fetched while the one before it is looked at."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def with_outcomes(connection: sa.Connection, target: str, names: Sequence[str]) -> sa.Select[Any]:
    """Each prediction with the outcome of its request, else with the next one of its entity."""
    p, own, found = predictions.c, labels.alias("later").c, list[Any]()
    source: sa.FromClause = predictions
    later = sa.select(own.time).where(
        own.target == target, own.kind == "entity", own.key == p.entity, own.row == 0,
        own.until >= p.time,
    ).order_by(own.until).limit(1)  # fmt: skip
    after = later.correlate(predictions).scalar_subquery()
    for kind, place in (("request", (p.request_id, p.row, 0)), ("entity", (p.entity, 0, after))):
        one = labels.alias(kind)
        mine = sa.and_(one.c.target == target, one.c.kind == kind)
        if connection.scalar(sa.select(sa.exists().where(mine))):
            fits = (one.c[name] == value for name, value in zip(KEY, place, strict=True))
            source = source.outerjoin(one, sa.and_(mine, *fits))
            found.append(one.c)
    blank = (sa.null(), sa.null())  # SQLite's coalesce wants two
    joined = {"outcome": "outcome", "outcome_time": "until"}
    values = (
        sa.func.coalesce(*(c[joined[name]] for c in found), *blank) if name in joined else p[name]
        for name in names
    )
    return sa.select(*values).select_from(source).where(p.target == target, complete())


def typed(
    rows: pl.DataFrame, params: Params, catalog: Catalog, signature: Signature
) -> pl.DataFrame:
    """The rows with their types, and what was JSON as structs."""
    shown = veil(params, catalog, signature)
    dtypes: dict[str, str] = {name: column.dtype for name, column in catalog.columns.items()}
    dtypes |= {feature.name: feature.dtype for feature in signature.features}
    features = {n: "string" if secret else dtypes[n] for n, secret in shown.features.items()}
    shares = pl.Struct(dict.fromkeys(signature.classes, pl.Float64()))
    number: Any = pl.Float64 if signature.task == "regression" else pl.String
    forms = {
        "time": pl.col("time").cast(MOMENT),
        "outcome_time": pl.col("outcome_time").cast(MOMENT),
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
        found = texts.str.json_decode(pl.Struct(plain))
    except pl.exceptions.ComputeError:
        found = texts.str.json_decode(pl.Struct(dict.fromkeys(dtypes, pl.String())))
    values = (found.struct.field(name) for name in dtypes)
    return pl.DataFrame(
        v if v.dtype == DTYPES[dtypes[v.name]] else read(v, dtypes[v.name]) for v in values
    ).to_struct(texts.name)
