"""The pipeline's first stage: read, check the contract, hold rows out, write the parts."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..data.contract import broken_rules, findings, read_rows, unusual, unusual_findings
from ..data.own import row_findings, sides_of
from ..data.rows import key_text
from ..errors import FactoryError
from ..extensions import CheckRows, DecideSides
from ..project import Project
from ..records.data import SplitRecord
from ..records.record import write
from ..scratch import temporary
from ..settings.availability import Finding, check_catalog
from ..settings.catalog import LEARNED, Catalog
from ..settings.params import Params, Split
from ..tables.read import read_batches
from .copies import are_copies, comparable

PARTS = ("train", "validation", "holdout")
FILE, SIDE, NEITHER, NAMED = "split.json", "__side__", 3, 12


def prepare(project: Project) -> SplitRecord:
    """Write train, validation and holdout as Parquet, and split.json that says how they came."""
    params, catalog = project.params, project.catalog
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(_listed(errors), "factory check shows all of it")
    with temporary() as scratch:
        decide, own = project.decide_sides, project.check_rows
        rows, unlabelled, notes = read(project.raw, params, catalog, scratch, decide, own)
        cutoff = None
        if (time := params.data.time) and not decide:
            cutoff, begin = cutoffs(rows.select(time).collect()[time], params.split)
            grouped, moment = bool(params.split.group), pl.col(time)
            side = by_both(moment, cutoff) if grouped else by_time(moment, cutoff, begin)
            rows = rows.with_columns(side.alias(SIDE))
            notes += unplaced(rows, params)
        rows, small = without_small_classes(rows, params)
        rows, copied = without_copies(rows, comparable(catalog, params), params)
        notes += copied
        parts = {part: rows.filter(pl.col(SIDE) == i) for i, part in enumerate(PARTS)}
        end = cutoff.isoformat() if cutoff else None
        record = summary(project, parts, params, unlabelled, end, [*small, *notes])
        if empty := [part for part, count in record.rows.items() if not count]:
            text = f"no row is left for {' and '.join(empty)}"
            raise FactoryError(text, "add data, or change split in params.yaml")
        project.prepared.mkdir(parents=True, exist_ok=True)
        for part, frame in parts.items():
            frame.drop(SIDE).sink_parquet(project.prepared / f"{part}.parquet")
    write(project.prepared / FILE, record)
    return record


def read(
    path: Path,
    params: Params,
    catalog: Catalog,
    scratch: Path,
    decide: DecideSides | None = None,
    own: CheckRows | None = None,
) -> tuple[pl.LazyFrame, int, list[str]]:
    """All rows with a target, typed, with the side of each; how many have none; and warnings.

    They stand in `scratch`, so that memory does not grow with the data. Raises FactoryError for
    what breaks the contract.
    """
    count, with_target = 0, 0
    if not decide and not params.data.time and not params.split.salt:
        raise FactoryError("split.salt in params.yaml is empty", "draw one: factory catalog draft")
    broken, notes = Counter[tuple[str, str]](), dict[Finding, None]()
    odd = Counter[tuple[str, str]]()
    for raw in read_batches(path, params.data):
        rows, cases = read_rows(raw, catalog.columns, params.data)
        broken.update(broken_rules(cases))
        odd.update(unusual(rows, catalog.columns))
        notes |= dict.fromkeys([] if cases.height else row_findings(own, rows))
        rows = rows.with_columns(side_of(raw, params, catalog, decide).alias(SIDE))
        labelled = rows.filter(pl.col(params.data.target).is_not_null())
        count, with_target = count + rows.height, with_target + labelled.height
        labelled.write_parquet(scratch / f"{count:012}.parquet")
    if broken or any(finding.level == "error" for finding in notes):
        wrong = [*findings(broken, catalog), *(one for one in notes if one.level == "error")]
        raise FactoryError(_listed(wrong), "factory check shows all of it")
    if not count:
        raise FactoryError(f"{params.data.path} holds no row", "deliver the data again")
    notes = dict.fromkeys([*unusual_findings(odd, catalog), *notes])
    warnings = [f"{one.feature}: {one.message}" if one.feature else one.message for one in notes]
    return pl.scan_parquet(scratch / "*.parquet"), count - with_target, warnings


def side_of(
    raw: pl.DataFrame, params: Params, catalog: Catalog, decide: DecideSides | None
) -> pl.Expr | pl.Series:
    """The side of each raw row, as far as it is known before all rows are."""
    if decide:
        return sides_of(decide, raw)
    if params.data.time and not params.split.group:
        return pl.lit(0, pl.Int8)
    return by_hash(key_text(raw, split_key(params), catalog.columns), params.split)


def split_key(params: Params) -> list[str]:
    """The raw columns whose text decides on which side a row is."""
    return list(params.split.groups or ([params.data.id] if params.data.id else params.split.key))


def entity_key(params: Params, catalog: Catalog) -> list[str]:
    """The raw columns that name whom a row is about.

    None where that is learned from and later rows are predicted: there each row tells anew.
    """
    own = catalog.columns.get(params.data.id or "")
    is_feature = own is not None and own.role in LEARNED and bool(params.data.time)
    return [] if is_feature and not params.split.group else split_key(params)


def by_hash(keys: pl.Series, split: Split) -> pl.Series:
    """The side of each row (0 train, 1 validation, 2 holdout), from a salted BLAKE2b of its key.

    A row keeps its side while data grow, and rows with the same key share one.
    """
    salt = blake2b((split.salt or "").encode(), digest_size=16).digest()
    digests = b"".join(
        blake2b(key.encode(), digest_size=16, key=salt).digest() for key in keys.to_list()
    )
    draws = np.frombuffer(digests, dtype=">u8").reshape(-1, 2) / 2**64
    side = np.where(draws[:, 1] < split.validation, 1, 0)
    return pl.Series(np.where(draws[:, 0] < split.holdout, 2, side), dtype=pl.Int8)


def cutoffs(moments: pl.Series, split: Split) -> tuple[datetime, datetime]:
    """What is after the first is holdout; of the rest, what is after the second is validation."""
    if missing := moments.null_count():
        raise FactoryError(
            f"{missing:,} rows have no value in the time column {moments.name!r}",
            "fill it at the source, or leave data.time empty in params.yaml",
        )
    if moments.dtype == pl.String:
        first = repr(str(moments[0])[:40])
        raise FactoryError(
            f"the time column {moments.name!r} holds no moments, such as {first}",
            f"say in features.yaml how it is read (columns.{moments.name}: dtype and format), or "
            "leave data.time empty in params.yaml",
        )
    moments = moments.cast(pl.Datetime("us"))
    cutoff = _boundary(moments, 1 - split.holdout)
    return cutoff, _boundary(moments.filter(moments <= cutoff), 1 - split.validation)


def by_time(time: pl.Expr, cutoff: datetime, begin: datetime) -> pl.Expr:
    """The side of each row: 0 up to `begin`, 1 up to the cutoff, 2 after it."""
    moment = time.cast(pl.Datetime("us"))
    return (moment > begin).cast(pl.Int8) + (moment > cutoff).cast(pl.Int8)


def by_both(time: pl.Expr, cutoff: datetime) -> pl.Expr:
    """The side of each row that is of a group of that side: held out are later rows of new groups.

    3 for what is on neither: earlier rows of groups that are held out, later ones of the others.
    """
    later = time.cast(pl.Datetime("us")) > cutoff
    side = pl.col(SIDE)
    return pl.when(later == (side == 2)).then(side).otherwise(NEITHER).cast(pl.Int8)


def unplaced(rows: pl.LazyFrame, params: Params) -> list[str]:
    """How many rows are in no part, and why."""
    count = rows.filter(pl.col(SIDE) == NEITHER).select(pl.len()).collect().item()
    what = " and ".join(map(repr, params.split.groups))
    why = f"held out is what is late and of values of {what} that are held out, learned from what"
    return [f"{count:,} rows are in no part: {why} is neither"] if count else []


def without_copies(
    rows: pl.LazyFrame, names: list[str], params: Params
) -> tuple[pl.LazyFrame, list[str]]:
    """The rows less copies of those on a later side, which would be known by heart there; and how
    many were left out, in words. Equal in `names` and target are copies.
    """
    if not names:
        return rows, []
    same, side = pl.struct(names).hash(), pl.col(SIDE)
    small = rows.filter(side != NEITHER).select(same.alias("same"), params.data.target, SIDE)
    sides = small.collect()
    if not are_copies(sides["same"], sides[params.data.target], params.task):
        return rows, []
    sides = sides.with_columns(side.max().over("same").alias("latest"))
    count = sides.filter(side < pl.col("latest")).height
    for late in (1, 2):
        late_copies = sides.filter(latest=late)["same"].unique()
        rows = rows.filter((side >= late) | ~same.is_in(late_copies.implode()))
    why = "each is a copy of a row that is held out, or that tells when to stop"
    return rows, [f"{count:,} rows were left out of training: {why}"] if count else []


def _boundary(moments: pl.Series, share: float) -> datetime:
    """The moment up to which about `share` of the rows lie, with some row left after it."""
    boundary: Any = moments.quantile(share, interpolation="lower")
    earlier: Any = moments.filter(moments < boundary).max() if boundary == moments.max() else None
    start: datetime = boundary if earlier is None else earlier
    return start


def summary(
    project: Project,
    parts: dict[str, pl.LazyFrame],
    params: Params,
    unlabelled: int,
    cutoff: str | None,
    notes: Sequence[str] = (),
) -> SplitRecord:
    """What is known of the split; it travels with the model."""
    warnings = [f"{unlabelled:,} rows without a target were left out"] if unlabelled else []
    counts = None
    if params.task == "classification":
        name = params.data.target
        targets = {part: rows.select(name).collect()[name] for part, rows in parts.items()}
        counts = {part: classes(target) for part, target in targets.items()}
        warnings += absent_classes(counts)
    code = project.split_code
    return SplitRecord(
        kind="own" if code else "time" if cutoff else "hash",
        cutoff=cutoff,
        rows={part: rows.select(pl.len()).collect().item() for part, rows in parts.items()},
        unlabelled=unlabelled,
        warnings=(*warnings, *notes),
        data=digest(project.raw),
        classes=counts,
        code=code,
        until=_last_moment(parts, params.data.time),
    )


def _last_moment(parts: dict[str, pl.LazyFrame], time: str | None) -> str | None:
    if not time:
        return None
    moments = [rows.select(pl.col(time).cast(pl.Datetime("us"))) for rows in parts.values()]
    last: datetime | None = pl.concat(moments).max().collect().item()
    return last.isoformat() if last else None


def digest(path: Path) -> str:
    """The MD5 of a file, as DVC names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def classes(target: pl.Series) -> dict[str, int]:
    """How many rows each class has, by name."""
    counts = target.cast(pl.String).rename("class").value_counts().sort("class")
    return dict(counts.iter_rows())


def small_classes(counts: dict[str, int], least: int) -> dict[str, int]:
    """The classes with fewer rows than that."""
    return {name: rows for name, rows in counts.items() if rows < least}


def left_out(small: dict[str, int], least: int) -> str:
    """What to say of these classes."""
    texts = [f"{name!r} ({rows:,})" for name, rows in small.items()]
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return f"classes of fewer than {least} rows are left out: {', '.join(texts[:NAMED])}{more}"


def without_small_classes(rows: pl.LazyFrame, params: Params) -> tuple[pl.LazyFrame, list[str]]:
    """The rows of classes that have data.min_class_rows of them, and a sentence on the others."""
    name, least = params.data.target, params.data.min_class_rows
    if params.task == "regression" or least == 1:
        return rows, []
    target = rows.select(pl.col(name).cast(pl.String)).collect()[name]
    small = small_classes(classes(target), least)
    if not small:
        return rows, []
    return rows.filter(~pl.col(name).cast(pl.String).is_in(list(small))), [left_out(small, least)]


def absent_classes(counts: dict[str, dict[str, int]]) -> list[str]:
    """A sentence for each part that lacks a class."""
    names = sorted({name for part in counts.values() for name in part})
    return [
        f"the {part} part has no row of class {', '.join(map(repr, absent))}"
        for part, classes in counts.items()
        if (absent := [name for name in names if name not in classes])
    ]


def _listed(findings: list[Any]) -> str:
    return "the data or the catalog are not in order: " + "; ".join(
        f"{finding.feature or 'features.yaml'}: {finding.message}" for finding in findings
    )
