"""Rows to learn from out of the prediction log: what was predicted, once its outcome is known."""

import codecs
import gzip
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ..data.contract import read_rows
from ..data.rows import head_of
from ..data.source import put_in_place, track
from ..errors import FactoryError
from ..learn.groups import is_sensitive
from ..learn.signature import load_signature
from ..log.labels import read_log
from ..log.store import EPOCH
from ..log.veil import entities, pseudonym, veil
from ..project import TAKEN, Project
from ..scratch import scratch
from ..settings.catalog import Catalog, Column
from ..settings.params import Data, Params
from ..tables.file import HEAD, is_parquet, kind, opened
from ..tables.formats import decimal_of, read
from ..tables.read import read_batches

KEY = {"request_id": pl.String(), "row": pl.Int64(), "time": pl.Datetime("us", "UTC")}
PLACE, OWN = "\0place", "\0time"  # among the names of a table's columns, which may be any
SOURCE = "set data.source in params.yaml to where such rows can be had"


@dataclass(frozen=True)
class Harvest:
    """How many rows the data gained; `left_out` break the contract or the file's own form."""

    rows: int = 0
    left_out: int = 0


def harvest(project: Project, params: Params, catalog: Catalog) -> Harvest:
    """Add the predictions whose outcome is known to the raw data, each once.

    Raises FactoryError for what the log cannot tell.
    """
    found, head = head_of(project.raw, params)
    refuse_gaps(head.columns, params, catalog)
    logged = labelled(project, params, catalog)
    if not logged.height:
        return Harvest()
    wanted = once(project, typed(project, logged, head.columns, params, catalog), params, catalog)
    if not wanted.height:
        return Harvest()
    raw, good = written(wanted, head, catalog, params.data)
    counts = Harvest(raw.height, wanted.height - raw.height)
    if not raw.height:
        return counts
    target = project.raw
    with scratch(target.parent, ".log-") as folder:
        fresh = folder / target.name
        append(target, raw, fresh, found.data)
        put_in_place(project, fresh, "the prediction log")
    left = wanted.filter(~good)[PLACE]
    taken = logged.select(*KEY).filter(
        ~pl.int_range(logged.height, eager=True).is_in(left.implode())
    )
    pl.concat([already(project), taken]).write_parquet(project.root / TAKEN)
    track(project, project.root / TAKEN)
    return counts


def refuse_gaps(names: Sequence[str], params: Params, catalog: Catalog) -> None:
    """A FactoryError for a column that a row cannot do without and that the log does not hold."""
    data, inputs, known = params.data, catalog.inputs(params), veil(params, catalog)
    if known.hides_entity and not known.key:
        message = f"{data.id!r} is sensitive, and without {params.log.key_env} it is not in the log"
        raise FactoryError(message, f"{SOURCE}, or set {params.log.key_env} before you predict")
    for name in inputs:
        if is_sensitive(catalog, name):
            message = f"the log does not hold {name!r}, which is sensitive"
            raise FactoryError(message, f"{SOURCE}, or do without {name!r} in features.yaml")
    there = {*inputs, data.id, data.target, data.time}
    if lost := [name for name in params.split.groups if name not in there]:
        raise FactoryError(f"the log does not hold split.group, {lost[0]!r}", SOURCE)
    for name, column in catalog.columns.items():
        if name in names and name not in there and not column.nullable:
            message = f"the log does not hold {name!r}, which may not be missing"
            raise FactoryError(message, f"{SOURCE}, or `nullable: true` for it in features.yaml")


def already(project: Project) -> pl.DataFrame:
    """The predictions that are among the raw data, by their keys in the log."""
    file = project.root / TAKEN
    if file.is_file():
        return pl.read_parquet(file)
    if file.with_name(f"{file.name}.dvc").is_file():
        raise FactoryError(f"{TAKEN} is not here", "get it with the data: dvc pull")
    return pl.DataFrame(schema=KEY)


def labelled(project: Project, params: Params, catalog: Catalog) -> pl.DataFrame:
    """The rows of the log that have an outcome and, if they need one, an id, and are not taken."""
    taken, window = already(project), (EPOCH, datetime.now(UTC))
    needed = ["outcome", "entity"] if params.data.id else ["outcome"]
    parts = [
        rows.drop_nulls(needed).join(taken, on=list(KEY), how="anti")
        for rows in read_log(window, params, catalog, load_signature(project.model_folder))
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=KEY)


def typed(
    project: Project, logged: pl.DataFrame, names: Sequence[str], params: Params, catalog: Catalog
) -> pl.DataFrame:
    """The values of the raw columns that the catalog knows, beside the place among those logged and
    the own time of each row, null where that is not known: then it is dated by its prediction.
    """
    features, inputs = logged["features"].struct.unnest(), catalog.inputs(params)
    given = {name: features[name] for name in inputs if name in features.columns}
    own = logged["row_time"]
    if params.data.time in given:
        own = given[params.data.time].cast(pl.Datetime("us"))
    if params.data.time:
        made = logged["time"].dt.replace_time_zone(None)
        given[params.data.time] = own.zip_with(own.is_not_null(), made)
    if params.data.id:
        given[params.data.id] = ids(project, logged["entity"], params, catalog)
    given[params.data.target] = logged["outcome"]
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, logged.height)
    places = pl.int_range(logged.height, eager=True).alias(PLACE)
    return pl.DataFrame([places, own.alias(OWN)]).with_columns(
        read(given.get(name, nothing).alias(name), column.dtype)
        for name, column in catalog.columns.items()
        if name in names
    )


def ids(project: Project, logged_as: pl.Series, params: Params, catalog: Catalog) -> pl.Series:
    """The ids; where the log holds hashes, those in the raw data that have them, else pseudonyms.

    So what is known of an entity stays on one side of the split, and nobody new gets a name.
    """
    known, name = veil(params, catalog), params.data.id or ""
    if not known.hides_entity:
        return logged_as
    plain: dict[str | None, str] = {}
    for raw in read_batches(project.raw, params.data):
        texts = entities(raw, params, catalog).drop_nulls().unique().to_list()
        plain |= {known.entity(text): text for text in texts}
    hashes = logged_as.drop_nulls().unique().to_list()
    names = {h: plain.get(h) or pseudonym(h, catalog.columns[name]) for h in hashes}
    return logged_as.replace_strict(names, default=None, return_dtype=pl.String)


def once(project: Project, rows: pl.DataFrame, params: Params, catalog: Catalog) -> pl.DataFrame:
    """Without what was predicted twice from the same values, or stands in the raw data already.

    This is seen by the id, and the own time of a row where it is known; without an id, equal rows
    may be different cases.
    """
    if not params.data.id:
        return rows
    names = [name for name in rows.columns if name not in (PLACE, params.data.time)]
    rows = rows.unique(names, keep="last", maintain_order=True)
    dated = rows[OWN].is_not_null()
    left = []
    for some, apart in ((rows.filter(~dated), params.data.time), (rows.filter(dated), None)):
        columns = {
            name: column
            for name, column in catalog.columns.items()
            if name in rows.columns and name != apart and some[name].null_count() < some.height
        }
        left.append(unlike(project, some, columns, params) if some.height else some)
    return pl.concat(left).sort(PLACE)


def unlike(
    project: Project, rows: pl.DataFrame, columns: dict[str, Column], params: Params
) -> pl.DataFrame:
    """Those of the rows that do not stand in the raw data with the same values of these columns."""
    for raw in read_batches(project.raw, params.data):
        there, _ = read_rows(raw, columns, params.data)
        rows = rows.join(there, on=list(columns), how="anti", nulls_equal=True)
    return rows


def written(
    rows: pl.DataFrame, head: pl.DataFrame, catalog: Catalog, data: Data
) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that read as the same values once they are in the file, and which these are.

    `head` are rows as they stand there.
    """
    columns = {name: column for name, column in catalog.columns.items() if name in rows.columns}
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    raw = pl.DataFrame(
        {
            name: raw_value(rows[name], columns[name], head[name])
            if name in columns
            else blank.cast(dtype)
            for name, dtype in head.schema.items()
        }
    )
    back, broken = read_rows(raw, columns, data)
    good = pl.select(
        pl.all_horizontal(back[name].eq_missing(rows[name]) for name in columns)
    ).to_series()
    good = good.scatter(broken["row"].unique(), False)
    return raw.filter(good), good


def raw_value(values: pl.Series, column: Column, known: pl.Series) -> pl.Series:
    """A column as the file has it: text as `known` values are written, or a Parquet file's type."""
    dtype = known.dtype
    if dtype == pl.String and column.dtype == "bool":
        return values.replace_strict(words_of(known), return_dtype=pl.String)
    if dtype == pl.String and column.dtype in ("date", "datetime"):
        return moment_text(values, column, known)
    if dtype == pl.String:
        return values.cast(pl.String).str.replace(".", decimal_of(column.format), literal=True)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        values = values.dt.replace_time_zone("UTC")
    return values.cast(dtype, strict=False)


def words_of(known: pl.Series) -> dict[bool, str]:
    """What most known values have for true and for false."""
    texts, words = known.str.strip_chars(), {True: "true", False: "false"}
    truth = read(texts, "bool")
    seen = {is_true: texts.filter(truth == is_true).mode().sort() for is_true in words}
    return words | {is_true: found[0] for is_true, found in seen.items() if len(found)}


def moment_text(values: pl.Series, column: Column, known: pl.Series) -> pl.Series:
    """Moments in the form of most known values, if that holds all of them; else the plain one."""
    forms = [column.format] if isinstance(column.format, str) else column.format or ()
    usual = [form for form in forms if form.startswith("%")]
    reads = {form: read(known, column.dtype, form).count() for form in usual}
    plain = read(known, column.dtype).count()
    best = max(reads, key=lambda form: reads[form], default="")
    if best and reads[best] > plain:
        texts = values.dt.to_string(best)
        if read(texts, column.dtype, best).equals(values, check_dtypes=False):
            return texts
    return values.cast(pl.String)


def append(path: Path, rows: pl.DataFrame, fresh: Path, data: Data) -> None:
    """Write the file anew with further rows at its end; what stood in it stays to the byte."""
    if is_parquet(path):
        table = pl.scan_parquet(path)
        pl.concat([table, rows.lazy()], how="diagonal").sink_parquet(fresh)
        return
    with opened(path) as file:
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
        out.write(gzip.compress(content, mtime=0) if kind(path) == ".gz" else content)
    check_end(fresh, rows, data)


def check_end(fresh: Path, rows: pl.DataFrame, data: Data) -> None:
    """A FactoryError if the file does not end with these rows, as they were meant."""
    last = rows.clear()
    for batch in read_batches(fresh, data):
        last = pl.concat([last, batch]).tail(rows.height)
    if not last.equals(rows):
        raise FactoryError("the rows of the log do not read as they were written", SOURCE)
