"""Drafting the catalog from the data; what a person has written in it is never touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..data.rows import missing_as_null, parse
from ..learn.split import classes
from ..project import ABOUT, CATALOG, Project
from ..settings.catalog import LEARNED, Column
from ..settings.edit import fill_empty, flow, open_yaml, save_yaml, worded
from ..settings.params import Params
from ..tables.formats import read
from ..tables.kinds import find_kind, find_range, of_classes
from .leaks import find_leaks
from .parts import FEW, Part, find_part, find_twins, statistics
from .personal import sensitivity
from .split import find_group, typed_target, write_split
from .table import Table, opened

SAMPLE, UNKNOWN = 50_000, "not drafted yet"


@dataclass(frozen=True)
class Draft:
    """What was written, and why, in sentences for people."""

    columns: int
    decisions: tuple[str, ...]
    warnings: tuple[str, ...]


def draft(project: Project) -> Draft:
    """Add each column of the data that features.yaml lacks, and draw the split's salt once."""
    catalog = project.catalog
    with opened(project) as table:
        new = [name for name in table.names if name not in catalog.columns]
        described = {one.name: describe(one, one.name, table) for one in table.columns(new)}
        columns = catalog.columns | {n: Column.model_validate(e) for n, e in described.items()}
        sample = typed_sample(table, columns)
        warnings = mark(described, sample, table.params)
        group, notes = find_group(sample, described, table.params)
        write_columns(project, described)
        target = typed_target(table, columns[table.params.data.target])
        warnings += [
            f"{name!r} is in features.yaml, and no longer in the data"
            for name in catalog.columns
            if name not in table.names
        ]
        warnings += notes + write_split(project, table, target, group)
        fill_about(project, table, target)
    decisions = tuple(f"{name}: {entry['drafted']}" for name, entry in described.items())
    return Draft(len(new), decisions, tuple(warnings))


def describe(values: pl.Series, name: str, table: Table) -> dict[str, Any]:
    """The catalog entry of a column."""
    params = table.params
    kind = find_kind(values, table.european)
    if name == params.data.target and params.task == "classification":
        kind = of_classes(kind)
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


def typed_sample(table: Table, columns: Mapping[str, Column]) -> pl.DataFrame:
    """About 50,000 rows, evenly from the whole file, typed as the catalog will say."""
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


def write_columns(project: Project, new: dict[str, dict[str, Any]]) -> None:
    if new and not fill_empty(project.root / CATALOG, "columns", new):
        yaml, content = open_yaml(project.root / CATALOG)
        if not content.get("columns"):
            content["columns"] = {}
        content["columns"].update(new)
        save_yaml(yaml, content, project.root / CATALOG)


def fill_about(project: Project, table: Table, target: pl.Series) -> None:
    """Say in docs/about.md what the data were when the factory was made, as long as nobody has."""
    about = project.root / ABOUT
    text = about.read_text("utf-8") if about.is_file() else ""
    if UNKNOWN not in text:
        return
    message = f"{table.height:,} rows, {len(table.names):,} columns"
    if table.params.task == "classification":
        counts = classes(target.drop_nulls())
        shares = (f"{name} {rows / sum(counts.values()):.0%}" for name, rows in counts.items())
        message += f"; of the target: {', '.join(shares)}"
    about.write_text(text.replace(UNKNOWN, message), "utf-8")
