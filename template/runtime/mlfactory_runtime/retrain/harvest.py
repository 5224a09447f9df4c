"""Rows to learn from out of the prediction log: what was predicted, once its outcome is known."""

import codecs
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import polars as pl

from ..data.contract import read_rows
from ..data.rows import head_of
from ..data.source import put_in_place, track
from ..errors import FactoryError
from ..learn.groups import is_sensitive
from ..learn.signature import load_signature
from ..learn.split import split_key
from ..log.labels import read_log
from ..log.store import EPOCH
from ..log.veil import entities, pseudonym, veil
from ..project import SNAPSHOT, TAKEN, Project
from ..records.data import Snapshot
from ..records.record import read as read_record
from ..scratch import scratch
from ..settings.catalog import Catalog, Column
from ..settings.params import Data, Params
from ..tables.file import HEAD, is_parquet
from ..tables.formats import read
from ..tables.packs import PACKS, open_packed, pack_of
from ..tables.read import read_batches
from .values import raw_value

KEY = {"request_id": pl.String(), "row": pl.Int64(), "time": pl.Datetime("us", "UTC")}
LOG = "the prediction log"
# Among the names of a table's columns, which may be any.
PLACE, OWN, NTH, DUE, MORE = "\0place", "\0time", "\0nth", "\0due", "\0more"
SOURCE = "set data.source in params.yaml to where such rows can be had"


@dataclass(frozen=True)
class Harvest:
    """How many rows the data gained; `left_out` break the contract or the file's own form, or lack
    the id that tells on which side of the split they are.
    """

    rows: int = 0
    left_out: int = 0


def harvest(project: Project, params: Params, catalog: Catalog) -> Harvest:
    """Add the predictions whose outcome is known to the raw data, each once.

    Raises FactoryError for what the log cannot tell.
    """
    form, head = head_of(project.raw, params)
    refuse_gaps(head.columns, params, catalog)
    origin = pulled_from(project)
    earlier = pl.DataFrame(schema=KEY) if origin else already(project)
    logged = labelled(project, earlier, params, catalog)
    if not logged.height:
        return Harvest()
    ours = logged.drop_nulls("entity") if params.data.id else logged
    nameless = logged.height - ours.height
    rows = raw_values(project, ours, head.columns, params, catalog)
    # Without an id, equal rows of the log may be different cases.
    has_known = origin or params.data.id
    candidates = unknown(project, rows, params, catalog) if has_known else rows
    if not candidates.height:
        return Harvest(0, nameless)
    raw, good = written(candidates, head, catalog, params.data)
    counts = Harvest(raw.height, candidates.height - raw.height + nameless)
    if not raw.height:
        return counts
    target = project.raw
    with scratch(target.parent, ".log-") as folder:
        fresh = folder / target.name
        append(target, raw, fresh, form.data)
        put_in_place(project, fresh, f"{origin} and {LOG}" if origin else LOG)
    gaps = candidates.filter(~good)[PLACE]
    more = ours.select(*KEY).filter(~pl.int_range(ours.height, eager=True).is_in(gaps.implode()))
    pl.concat([earlier, more]).write_parquet(project.root / TAKEN)
    track(project, project.root / TAKEN)
    return counts


def refuse_gaps(names: Sequence[str], params: Params, catalog: Catalog) -> None:
    """A FactoryError for a column that a row cannot do without and that the log does not hold."""
    data, inputs, secrecy = params.data, catalog.inputs(params), veil(params, catalog)
    if secrecy.hides_entity and not secrecy.key:
        message = f"{data.id!r} is sensitive, and without {params.log.key_env} it is not in the log"
        raise FactoryError(message, f"{SOURCE}, or set {params.log.key_env} before you predict")
    for name in inputs:
        if is_sensitive(catalog, name):
            message = f"the log does not hold {name!r}, which is sensitive"
            raise FactoryError(message, f"{SOURCE}, or do without {name!r} in features.yaml")
    there = {*inputs, data.id, data.target, data.time}
    if absent := [name for name in params.split.groups if name not in there]:
        raise FactoryError(f"the log does not hold split.group, {absent[0]!r}", SOURCE)
    keys = [] if data.time else split_key(params)
    if keys and not any(n in there or has_pseudonym(catalog.columns[n]) for n in keys):
        raise FactoryError(f"the log does not hold split.key, {keys[0]!r}", SOURCE)
    for name, column in catalog.columns.items():
        free = column.nullable or has_pseudonym(column)
        if name in names and name not in there and not free:
            message = f"the log does not hold {name!r}, which may not be missing"
            raise FactoryError(message, f"{SOURCE}, or `nullable: true` for it in features.yaml")


def has_pseudonym(column: Column) -> bool:
    """Whether a row without a name in this column gets one: that of its request and its place."""
    return column.role == "identifier" and column.dtype in ("string", "int")


def pulled_from(project: Project) -> str:
    """Where the raw data came from; empty where rows of the log are among them by now."""
    snapshot = read_record(Snapshot, project.root / SNAPSHOT)
    return "" if snapshot is None or snapshot.origin.endswith(LOG) else snapshot.origin


def already(project: Project) -> pl.DataFrame:
    """The predictions that are among the raw data, by their keys in the log."""
    file = project.root / TAKEN
    if file.is_file():
        return pl.read_parquet(file)
    if file.with_name(f"{file.name}.dvc").is_file():
        raise FactoryError(f"{TAKEN} is not here", "get it with the data: dvc pull")
    return pl.DataFrame(schema=KEY)


def labelled(
    project: Project, earlier: pl.DataFrame, params: Params, catalog: Catalog
) -> pl.DataFrame:
    """The rows of the log that have an outcome and are not taken."""
    window, signature = (EPOCH, datetime.now(UTC)), load_signature(project.model_folder)
    parts = [
        rows.drop_nulls("outcome").join(earlier, on=list(KEY), how="anti")
        for rows in read_log(window, params, catalog, signature)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=KEY)


def raw_values(
    project: Project, logged: pl.DataFrame, names: Sequence[str], params: Params, catalog: Catalog
) -> pl.DataFrame:
    """The values of the raw columns that the catalog knows, beside the place among those logged and
    the own time of each row, null where that is not known: then it is dated by its prediction.
    """
    features, inputs = logged["features"].struct.unnest(), catalog.inputs(params)
    values = {name: features[name] for name in inputs if name in features.columns}
    own = logged["row_time"]
    if params.data.time in values:
        own = values[params.data.time].cast(pl.Datetime("us"))
    if params.data.time:
        moments = logged["time"].dt.replace_time_zone(None)
        values[params.data.time] = own.zip_with(own.is_not_null(), moments)
    if params.data.id:
        values[params.data.id] = ids(project, logged["entity"], params, catalog)
    values[params.data.target] = logged["outcome"]
    for name, column in catalog.columns.items():
        if name not in values and has_pseudonym(column):
            values[name] = own_names(logged, column)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, logged.height)
    places = pl.int_range(logged.height, eager=True).alias(PLACE)
    return pl.DataFrame([places, own.alias(OWN)]).with_columns(
        read(values.get(name, nothing).alias(name), column.dtype)
        for name, column in catalog.columns.items()
        if name in names
    )


def own_names(logged: pl.DataFrame, column: Column) -> pl.Series:
    """A name for each row, made of its request and its place in it."""
    keys = (f"{request} {row}" for request, row in logged.select("request_id", "row").rows())
    hashes = (blake2b(key.encode(), digest_size=16).hexdigest() for key in keys)
    return pl.Series([pseudonym(one, column) for one in hashes], dtype=pl.String)


def ids(project: Project, logged_as: pl.Series, params: Params, catalog: Catalog) -> pl.Series:
    """The ids; where the log holds hashes, those in the raw data that have them, else pseudonyms.

    So what is known of an entity stays on one side of the split, and nobody new gets a name.
    """
    secrecy, name = veil(params, catalog), params.data.id or ""
    if not secrecy.hides_entity:
        return logged_as
    plain: dict[str | None, str] = {}
    for raw in read_batches(project.raw, params.data):
        texts = entities(raw, params, catalog).drop_nulls().unique().to_list()
        plain |= {secrecy.entity(text): text for text in texts}
    hashes = logged_as.drop_nulls().unique().to_list()
    names = {h: plain.get(h) or pseudonym(h, catalog.columns[name]) for h in hashes}
    return logged_as.replace_strict(names, default=None, return_dtype=pl.String)


def unknown(project: Project, rows: pl.DataFrame, params: Params, catalog: Catalog) -> pl.DataFrame:
    """Without what was predicted twice from the same values, or stands in the raw data already.

    A row whose own date is known is another one on another date.
    """
    is_dated, apart = rows[OWN].is_not_null(), once if params.data.id else beyond
    parts = []
    for part, time in ((rows.filter(~is_dated), None), (rows.filter(is_dated), params.data.time)):
        names = {*catalog.inputs(params), params.data.id, params.data.target}
        names = names - {params.data.time} | ({time} if time else set())
        columns = {n: c for n, c in catalog.columns.items() if n in names & {*rows.columns}}
        parts.append(apart(project, part, columns, params.data) if part.height else part)
    return pl.concat(parts).sort(PLACE)


def once(
    project: Project, rows: pl.DataFrame, columns: dict[str, Column], data: Data
) -> pl.DataFrame:
    """Rows whose values of these columns are no others' and not in the raw data."""
    rows = rows.unique(list(columns), keep="last", maintain_order=True)
    for raw in read_batches(project.raw, data):
        there, _ = read_rows(raw, columns, data)
        rows = rows.join(there, on=list(columns), how="anti", nulls_equal=True)
    return rows


def beyond(
    project: Project, rows: pl.DataFrame, columns: dict[str, Column], data: Data
) -> pl.DataFrame:
    """Without as many equal rows as the raw data hold, which came from elsewhere.

    Without an id equal rows may be different cases, but what is there has not to be doubled.
    """
    names = list(columns)
    rows = rows.with_columns(pl.int_range(pl.len()).over(names).alias(NTH), pl.lit(0).alias(DUE))
    for raw in read_batches(project.raw, data):
        there, _ = read_rows(raw, columns, data)
        counts = there.group_by(names).agg(pl.len().cast(pl.Int32).alias(MORE))
        rows = rows.join(counts, on=names, how="left", nulls_equal=True, maintain_order="left")
        rows = rows.with_columns(pl.col(DUE) + pl.col(MORE).fill_null(0)).drop(MORE)
    return rows.filter(pl.col(NTH) >= pl.col(DUE)).drop(NTH, DUE)


def written(
    rows: pl.DataFrame, head: pl.DataFrame, catalog: Catalog, data: Data
) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that read as the same values once they are in the file, and which these are.

    `head` are rows as they stand there.
    """
    columns = {name: column for name, column in catalog.columns.items() if name in rows.columns}
    raw = pl.DataFrame(
        {
            name: raw_value(rows[name], columns[name], head[name])
            if name in columns
            else pl.Series([None], dtype=dtype).new_from_index(0, rows.height)
            for name, dtype in head.schema.items()
        }
    )
    back, broken = read_rows(raw, columns, data)
    good = pl.select(
        pl.all_horizontal(back[name].eq_missing(rows[name]) for name in columns)
    ).to_series()
    good = good.scatter(broken["row"].unique(), False)
    return raw.filter(good), good


def append(path: Path, rows: pl.DataFrame, fresh: Path, data: Data) -> None:
    """Write the file anew with further rows at its end; what stood in it stays to the byte."""
    if is_parquet(path):
        table = pl.scan_parquet(path)
        pl.concat([table, rows.lazy()], how="diagonal").sink_parquet(fresh)
        return
    pack = PACKS.get(pack_of(path))
    if pack and not pack.grows:
        message = f"{path} is a ZIP archive, and the rows of the log cannot go to its end"
        raise FactoryError(message, "unpack it, set data.path to its name, and dvc add it")
    with open_packed(path) as file:
        start = file.read(HEAD)
        file.seek(-4, os.SEEK_END)
        end = file.read()
    wide = "utf-16-be" if start.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    encoding = wide if data.encoding == "utf-16" else data.encoding
    text = start.decode(encoding, errors="ignore")
    line = next((mark for mark in ("\r\n", "\n") if mark in text), "\r")
    first = "" if end.decode(encoding, errors="ignore").endswith(line) else line
    more = rows.write_csv(include_header=False, separator=data.separator, line_terminator=line)
    try:
        content = (first + more).encode(encoding)
    except UnicodeEncodeError as error:
        message = (
            f"a value of the log cannot be written in {encoding}: {error.object[error.start]!r}"
        )
        raise FactoryError(message, f"write {path} anew in UTF-8, and dvc add {path}") from error
    shutil.copyfile(path, fresh)
    with fresh.open("ab") as out:
        out.write(pack.compress(content) if pack else content)
    check_end(fresh, rows, data)


def check_end(fresh: Path, rows: pl.DataFrame, data: Data) -> None:
    """A FactoryError if the file does not end with these rows, as they were meant."""
    last = rows.clear()
    for batch in read_batches(fresh, data):
        last = pl.concat([last, batch]).tail(rows.height)
    if not last.equals(rows):
        raise FactoryError("the rows of the log do not read as they were written", SOURCE)
