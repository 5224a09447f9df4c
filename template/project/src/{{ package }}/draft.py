"""Drafting the catalog from the data; what a person has written in it is never touched."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from .catalog import CATALOG, LEARNED, Column, load_catalog
from .data import (
    head_of,
    key_text,
    missing_as_null,
    parquet,
    parse,
    raw_path,
    read_batches,
    reading,
)
from .edit import flow, open_yaml, quoted, save_yaml, worded
from .errors import FactoryError
from .formats import TRUE, read
from .kinds import Kind, any_european, find_kind, find_range
from .leaks import find_entity, find_leaks, find_order
from .params import PARAMS, Params, load_params
from .personal import sensitivity
from .roles import FEW, Part, find_part, find_twins, statistics
from .split import PARTS, absent_classes, by_hash, classes, split_key

SALTS, SALTED, SAMPLE = 200, 500_000, 50_000
ABOUT, UNKNOWN = Path("docs/about.md"), "not drafted yet"
POSITIVE = (*TRUE, "positive")


@dataclass(frozen=True)
class Draft:
    """What was written, and why, in sentences for people."""

    columns: int
    decisions: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The raw values, column by column from disk, and what is known of the file."""

    rows: pl.LazyFrame
    names: tuple[str, ...]
    height: int
    european: bool
    params: Params

    def column(self, name: str) -> pl.Series:
        """The values of the file, without the markers for missing and the blanks around them."""
        raw = self.rows.select(pl.col(name)).collect()
        values = missing_as_null(raw, self.params.data)[name]
        return values.str.strip_chars() if values.dtype == pl.String else values


def draft() -> Draft:
    """Add each column of the data that features.yaml lacks, and draw the split's salt once."""
    catalog = load_catalog()
    with opened(load_params()) as table:
        new = [name for name in table.names if name not in catalog.columns]
        described = {name: describe(table.column(name), name, table) for name in new}
        sample = typed_sample(table, described)
        warnings = mark(described, sample, table.params)
        group, told = find_group(sample, described, table.params)
        _write_columns(described)
        warnings += [
            f"{name!r} is in features.yaml, and no longer in the data"
            for name in catalog.columns
            if name not in table.names
        ]
        warnings += told + _write_split(table, group)
        _fill_about(table)
    decisions = tuple(f"{name}: {entry['drafted']}" for name, entry in described.items())
    return Draft(len(new), decisions, tuple(warnings))


@contextmanager
def opened(params: Params) -> Iterator[Table]:
    """The table behind data.path; FactoryError if it has no column for the target."""
    path = raw_path(params)
    params, beginning = head_of(path, params)
    if params.data.target not in beginning.columns:
        text = f"{path} has no column {params.data.target!r}"
        raise FactoryError(text, "correct data.target in params.yaml")
    with TemporaryDirectory(prefix="factory-") as folder, reading(path):
        if path.suffix != ".parquet":
            for i, batch in enumerate(read_batches(path, params.data)):
                batch.write_parquet(Path(folder) / f"{i:06}.parquet")
        rows = parquet(path if path.suffix == ".parquet" else f"{folder}/*.parquet")
        height = rows.select(pl.len()).collect().item()
        european = any_european(missing_as_null(beginning, params.data), params.data.separator)
        yield Table(rows, tuple(beginning.columns), height, european, params)


def describe(values: pl.Series, name: str, table: Table) -> dict[str, Any]:
    """The catalog entry of a column."""
    params = table.params
    kind = find_kind(values, table.european)
    if name == params.data.target and params.task == "classification":
        kind = Kind("string", None, kind.missing if kind.dtype == "string" else ())
    values = values.set(values.is_in(list(kind.missing)), None) if kind.missing else values
    column = read(values, kind.dtype, kind.format)
    part = find_part(column, name, params)
    private, why = sensitivity(name, values)
    if part.role == "target":
        private = "none"
    elif private == "personal" and part.role == "categorical" and column.n_unique() > FEW:
        part = Part("ignored", "ignored: it names persons")
    shown = private == "none" and part.role not in ("identifier", "text")
    entry: dict[str, Any] = {
        "dtype": kind.dtype,
        "role": part.role,
        "description": "",
        "drafted": f"{part.why}; {statistics(column, shown=shown)}",
        "source": Path(params.data.path).name,
        "owner": "",
        "availability": "after_outcome" if part.role == "target" else params.serving.mode,
        "assumed": True,
        "sensitive": private,
        "format": kind.format,
        "missing": list(kind.missing),
        "nullable": part.role == "target" or column.null_count() > 0,
    }
    if private != "none":
        entry["drafted"] += f"; {private}: {why}"
    else:
        entry |= rules(column, part, params)
    return tidy(entry, part)


def rules(column: pl.Series, part: Part, params: Params) -> dict[str, Any]:
    """What the contract may hold a column to: its range, or its few values."""
    if part.role == "numeric" and (limits := find_range(column)):
        return {"range": limits}
    few = column.dtype == pl.String and column.n_unique() <= FEW
    classed = part.role == "target" and params.task == "classification"
    if few and (part.role == "categorical" or classed):
        return {"values": sorted(column.drop_nulls().unique())}
    return {}


def tidy(entry: dict[str, Any], part: Part) -> dict[str, Any]:
    """The entry without what is as by default, lists on one line."""
    if not part.learned and part.role != "text":
        del entry["assumed"]
    for name, usual in (("sensitive", "none"), ("format", None), ("missing", [])):
        if entry[name] == usual:
            del entry[name]
    Column.model_validate(entry)
    return {
        k: flow(list(v)) if isinstance(v, list | tuple) else worded(k, v) for k, v in entry.items()
    }


def typed_sample(table: Table, described: dict[str, dict[str, Any]]) -> pl.DataFrame:
    """About 50,000 rows, evenly from the whole file, typed as the entries and the catalog say."""
    columns = {name: Column.model_validate(entry) for name, entry in described.items()}
    columns = load_catalog().columns | columns
    step = max(1, table.height // SAMPLE)
    raw = table.rows.select([n for n in columns if n in table.names]).gather_every(step).collect()
    return parse(missing_as_null(raw, table.params.data, columns), columns)


def mark(described: dict[str, dict[str, Any]], sample: pl.DataFrame, params: Params) -> list[str]:
    """Ignore columns that say the same as another; leave out what may give the outcome away."""
    target = params.data.target
    learned = [n for n, entry in described.items() if Column.model_validate(entry).role in LEARNED]
    for name, twin in find_twins(sample.select(learned)).items():
        described[name]["role"] = "ignored"
        described[name]["drafted"] = f"ignored: it says the same as {twin}"
        described[name].pop("assumed", None)
    learned = [n for n in learned if described[n]["role"] in LEARNED and n != params.data.time]
    leaks = find_leaks(sample, target, params.task, learned)
    for name, evidence in leaks.items():
        described[name]["suspect"] = evidence
    return [
        f"{name!r} is left out until you confirm it (factory catalog review): {evidence}"
        for name, evidence in leaks.items()
    ]


def find_group(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> tuple[str | None, list[str]]:
    """A column whose rows must stay on one side, and what the order of the rows gives away."""
    target, split = params.data.target, params.split
    naming = ("identifier", "text", "categorical", "numeric")
    named = [n for n, e in described.items() if e["role"] in naming or "sensitive" in e]
    ordered = [n for n, entry in described.items() if entry["role"] == "identifier"]
    warnings = []
    for name, evidence in find_order(sample, target, params.task, ordered).items():
        warnings.append(f"{name or 'the order of the rows'}: {evidence}")
        if name:
            described[name]["drafted"] += f"; {evidence}: never learn from it"
    if params.data.id or params.data.time or split.salt or split.group:
        return None, warnings
    found = find_entity(sample, target, params.task, named)
    if found is None:
        return None, warnings
    group, evidence = found
    return group, [*warnings, f"rows of one {group} are kept on one side: {evidence}"]


def _write_columns(new: dict[str, dict[str, Any]]) -> None:
    if not new:
        return
    yaml, content = open_yaml(CATALOG)
    if not content.get("columns"):
        content["columns"] = {}
    content["columns"].update(new)
    save_yaml(yaml, content, CATALOG)


def _write_split(table: Table, group: str | None) -> list[str]:
    """Fill in what params.yaml leaves open: positive class, key and salt. Drawn once, then kept."""
    yaml, content = open_yaml(PARAMS)
    params = table.params
    for name, usual in (("separator", ","), ("encoding", "utf-8")):
        if (found := getattr(params.data, name)) == usual:
            continue
        if name in content["data"]:
            content["data"][name] = quoted(found)
        else:
            content["data"].insert(1, name, quoted(found))
    target = typed_target(table)
    known = target.drop_nulls()
    if params.task == "classification" and params.data.positive is None and known.n_unique() == 2:
        content["data"]["positive"] = quoted(find_positive(known))
    warnings: list[str] = []
    if params.split.salt is None and not params.data.time:
        split, drawn = content.setdefault("split", {}), params.split
        if group:
            split["group"] = quoted(group)
            drawn = drawn.model_copy(update={"group": group})
        elif not params.data.id:
            key = [name for name in table.names if name != target.name]
            split["key"] = flow(key)
            drawn = drawn.model_copy(update={"key": tuple(key)})
        params = params.model_copy(update={"split": drawn})
        raw = table.rows.head(SALTED).select(split_key(params)).collect()
        split["salt"], warnings = draw_salt(key_text(raw, raw.columns), target.head(SALTED), params)
    save_yaml(yaml, content, PARAMS)
    return warnings


def typed_target(table: Table) -> pl.Series:
    """The target as the catalog types it."""
    name = table.params.data.target
    columns = {name: load_catalog().columns[name]}
    raw = table.rows.select(pl.col(name)).collect()
    return parse(missing_as_null(raw, table.params.data, columns), columns)[name]


def _fill_about(table: Table) -> None:
    """Say in docs/about.md what the data were when the factory was made, as long as nobody has."""
    text = ABOUT.read_text("utf-8") if ABOUT.is_file() else ""
    if UNKNOWN not in text:
        return
    told = f"{table.height:,} rows, {len(table.names):,} columns"
    if table.params.task == "classification":
        counts = classes(typed_target(table).drop_nulls())
        shares = (f"{name} {rows / sum(counts.values()):.0%}" for name, rows in counts.items())
        told += f"; of the target: {', '.join(shares)}"
    ABOUT.write_text(text.replace(UNKNOWN, told), "utf-8")


def find_positive(target: pl.Series) -> str:
    """The class that the probability is about: the one that says yes, else the rarer."""
    counts = classes(target)
    for name in counts:
        if re.sub("[.,]0+$", "", name.lower()) in POSITIVE:
            return name
    return min(counts, key=lambda name: (counts[name], name))


def draw_salt(keys: pl.Series, target: pl.Series, params: Params) -> tuple[str, list[str]]:
    """The first salt under which every part holds every class, and what is missing if none does."""
    best = "", [""] * target.len()
    for number in range(1, SALTS + 1):
        salt = f"{target.name}-{number}"
        sides = by_hash(keys, params.split.model_copy(update={"salt": salt}))
        lacking = _lacking(sides, target, params.task)
        if len(lacking) < len(best[1]):
            best = salt, lacking
        if not lacking:
            break
    return best


def _lacking(sides: pl.Series, target: pl.Series, task: str) -> list[str]:
    parts = {part: target.filter(sides == i).drop_nulls() for i, part in enumerate(PARTS)}
    empty = [f"the {part} part has no row" for part, rows in parts.items() if rows.is_empty()]
    if task == "regression":
        return empty
    return empty + absent_classes({part: classes(rows) for part, rows in parts.items()})
