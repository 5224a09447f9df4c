"""Drafting the catalog from the data; what a person has written in it is never touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from ..data.rows import missing_as_null, parse
from ..learn.split import classes
from ..project import ABOUT, CATALOG, Project
from ..settings.catalog import LEARNED, Column
from ..settings.edit import fill_empty, flow, open_yaml, save_yaml, worded
from ..settings.params import Params
from ..tables.formats import read, reads
from ..tables.kinds import (
    RANGELIKE,
    Kind,
    find_kind,
    find_range,
    is_ranged,
    odd_words,
    of_classes,
    of_moments,
    present,
)
from .calendar import find_parts, ignore_rest
from .ending import find_ending
from .glance import Glance
from .leaks import find_leaks
from .near import find_near
from .panel import find_panel, is_repeating
from .parts import FEW, Part, find_part, find_twins, is_clock, is_named, statistics
from .personal import SHARED, sensitivity
from .sentinels import Sentinels, find_sentinels
from .split import find_group, typed_target, without_copies, write_split
from .table import Table, open_table
from .tail import find_tail
from .written import find_written

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
    with open_table(project) as table:
        new = [name for name in table.names if name not in catalog.columns]
        described = {one.name: describe(one, glance, table) for one, glance in table.columns(new)}
        columns = catalog.columns | {n: Column.model_validate(e) for n, e in described.items()}
        sample = typed_sample(table, columns)
        warnings = [
            f"{n!r}: {entry['doubt']}" for n, entry in described.items() if "doubt" in entry
        ]
        warnings += mark(described, without_copies(sample, described, table.params), table.params)
        warnings += (left_out(table.unread) if new else []) + unlearned(described)
        warnings += find_ending(table.rows, sample, table.params.data)
        derived = find_parts(sample, described, table.params)
        warnings += ignore_rest(described, derived, table.params)
        group, notes = find_group(sample, described, table.params)
        warnings += find_panel(sample, described, table.params, group)
        warnings += [] if group else nameless(sample, described, table.params)
        write_entries(project, "columns", described)
        mine = catalog.derived.keys()  # what a person has written stays
        write_entries(project, "derived", {n: f for n, f in derived.items() if n not in mine})
        target = typed_target(table, columns[table.params.data.target])
        warnings += [
            f"{name!r} is in features.yaml, and no longer in the data"
            for name in catalog.columns
            if name not in table.names
        ]
        warnings += notes + write_split(project, table, columns, target, group)
        warnings += find_tail(target, table.params) if target.name in described else []
        fill_about(project, table, target)
    decisions = tuple(f"{name}: {entry['drafted']}" for name, entry in described.items())
    return Draft(len(new), decisions, tuple(warnings))


@dataclass(frozen=True)
class Reading:
    """A column as it is read: its kind, its typed values, its part, and what to look at."""

    kind: Kind
    column: pl.Series
    part: Part
    doubt: str = ""


def read_column(values: pl.Series, glance: Glance, table: Table) -> Reading:
    """How the values of the file are read, and the part that they play."""
    name, params = values.name, table.params
    kind = glance.kind or find_kind(values, table.european)
    if name == params.data.target and params.task == "classification":
        kind = of_classes(kind)
    doubt, raw = unread(values, odd_words(kind)), values
    values = values.set(values.is_in(list(kind.missing)), None) if kind.missing else values
    if name == params.data.time or is_clock(name):
        kind = of_moments(kind, present(values), epochs=name != params.data.time)
    if kind.dtype == "float" and is_named(name):
        kind = of_codes(kind, values)
    series = glance.values if kind == glance.kind else None
    column = read(values, kind.dtype, kind.format) if series is None else series
    reading = Reading(kind, column, find_part(column, name, params), doubt)
    reading = doubted(reading, find_written(raw, column, kind, reading.part))
    if is_ranged(kind):
        return doubted(reading, ranged(values))
    if name == params.data.time or reading.part.role not in ("numeric", "datetime", "target"):
        return reading
    return without_sentinels(reading, values)


def of_codes(kind: Kind, values: pl.Series) -> Kind:
    """How numbers that name things are read: no fraction does, so missing values made floats."""
    whole = reads(present(values), "int", kind.format)
    return replace(kind, dtype="int") if whole else kind


def doubted(reading: Reading, doubt: str) -> Reading:
    """The same with one thing more to look at."""
    return replace(reading, doubt="; ".join(filter(None, (reading.doubt, doubt))))


def describe(values: pl.Series, glance: Glance, table: Table) -> dict[str, Any]:
    """The catalog entry of a column."""
    name, params, reading = values.name, table.params, read_column(values, glance, table)
    kind, column, part = reading.kind, reading.column, reading.part
    private, why = sensitivity(name, values, is_plain=glance.is_plain)
    if part.role == "target":
        private = "none"
    elif private != "none" and name == params.data.id:
        part = Part("identifier", "identifier, as params.yaml says")
    elif private == "personal" and part.role == "categorical" and names_persons(column, why):
        part = Part("ignored", "ignored: it names persons")
    open_values = private == "none" and part.role not in ("identifier", "text")
    entry: dict[str, Any] = {
        "dtype": kind.dtype,
        "role": part.role,
        "description": "",
        "drafted": f"{part.why}; {statistics(column, with_values=open_values)}",
        "source": Path(params.data.path).name,
        "owner": "",
        "availability": "after_outcome" if part.role == "target" else params.serving.mode,
        "assumed": True,
        "sensitive": private,
        "doubt": reading.doubt if private == "none" else "",
        "format": kind.format,
        "missing": list(kind.missing),
        "nullable": part.role == "target" or column.null_count() > 0,
    }
    if private != "none":
        entry["drafted"] += f"; {private}: {why}"
    elif name != params.data.id:  # another entity may come
        entry |= rules(column, part, table)
    return tidy(entry, part)


def unread(values: pl.Series, words: Sequence[str]) -> str:
    """What to say of words among numbers or moments that are taken for missing."""
    if not words:
        return ""
    share = values.is_in(list(words)).sum() / max(len(values), 1)
    text = ", ".join(repr(word[:40]) for word in words)
    return f"{text} ({share:.1%} of the rows) is read as missing"


def ranged(values: pl.Series) -> str:
    """What to say of ranges among numbers."""
    ranges = values.filter(values.str.contains(RANGELIKE))
    text = ", ".join(map(repr, ranges.unique(maintain_order=True).head(3)))
    share = len(ranges) / max(len(values), 1)
    return f"ranges such as {text} ({share:.1%} of the rows) are read as a number in their place"


def without_sentinels(reading: Reading, values: pl.Series) -> Reading:
    """The same without values that stand for missing ones.

    Behind -9999 there may be -99, and on the other side of a -1 that is only told, 999.
    """
    rest, before = reading.column, True
    while (far := find_sentinels(rest)) and (far.usual or before):
        rest, before = rest.set(rest.is_in(far.values.to_list()).fill_null(False), None), far.usual
        if far.usual and reading.part.learned:
            read_so = doubted(reading, f"{far.advice}: it is read as missing")
            reading = as_missing(read_so, far, values)
        else:
            reading = doubted(reading, far.advice)
    return reading


def as_missing(reading: Reading, far: Sentinels, values: pl.Series) -> Reading:
    """The same with more markers for missing, and without these values."""
    marked = reading.column.is_in(far.values.to_list()).fill_null(False)
    texts = values.filter(marked).cast(pl.String).unique().sort()
    kind = replace(reading.kind, missing=(*reading.kind.missing, *texts))
    return replace(reading, kind=kind, column=reading.column.set(marked, None))


def names_persons(column: pl.Series, why: str) -> bool:
    """Whether its many values name persons, instead of telling what several have in common."""
    return column.n_unique() > FEW and not why.endswith(SHARED)


def rules(column: pl.Series, part: Part, table: Table) -> dict[str, Any]:
    """What to expect of a column: the range that is usual, or its few values.

    Another value is answered where the model can.
    """
    if part.role == "numeric" and (limits := find_range(column)):
        return {"usual": limits}
    few = column.dtype == pl.String and column.n_unique() <= FEW
    classed = part.role == "target" and table.params.task == "classification"
    if few and (part.role == "categorical" or classed):
        answers = table.answers_unseen and not classed
        values = sorted({*column.to_list()} - {None})
        return {"values": values} | ({"unseen": "answer"} if answers else {})
    return {}


def tidy(entry: dict[str, Any], part: Part) -> dict[str, Any]:
    """The entry without what is as by default, lists on one line."""
    if not part.learned and part.role != "text":
        del entry["assumed"]
    usual: dict[str, object] = {"sensitive": "none", "format": None, "missing": [], "doubt": ""}
    for name, value in usual.items():
        if entry[name] == value:
            del entry[name]
    Column.model_validate(entry)
    return {
        k: flow(list(v)) if isinstance(v, list | tuple) else worded(k, v) for k, v in entry.items()
    }


def typed_sample(table: Table, columns: Mapping[str, Column]) -> pl.DataFrame:
    """About 50,000 rows, evenly from the whole file, typed as the catalog will say."""
    step = max(1, table.height // SAMPLE)
    names = {*table.names}
    raw = table.rows.select([n for n in columns if n in names]).gather_every(step).collect()
    return parse(missing_as_null(raw, table.params.data, columns), columns)


def mark(described: dict[str, dict[str, Any]], sample: pl.DataFrame, params: Params) -> list[str]:
    """Ignore columns that say the same as another; leave out what may give the outcome away."""
    target = params.data.target
    learned = [n for n, entry in described.items() if Column.model_validate(entry).role in LEARNED]
    for name, twin in find_twins(sample.select(learned)).items():
        described[name]["role"] = "ignored"
        described[name]["drafted"] = f"ignored: it says the same as {twin}"
        described[name].pop("assumed", None)
    apart = (params.data.time, params.data.id)  # what an entity is like is no leak
    learned = [n for n in learned if described[n]["role"] in LEARNED and n not in apart]
    texts = [n for n, entry in described.items() if entry["role"] == "text"]
    naming = [n for n, entry in described.items() if is_naming(sample[n], entry["role"])]
    leaks = find_leaks(sample, target, params.task, learned, texts, naming)
    for name, evidence in leaks.items():
        described[name]["suspect"] = evidence
    return [
        f"{name!r} is left out until you confirm it (factory catalog review): {evidence}"
        for name, evidence in leaks.items()
    ]


def nameless(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> list[str]:
    """What to say of rows that belong together, where nothing names what they are about."""
    if (
        params.data.time
        or params.split.group
        or (params.data.id and is_repeating(sample[params.data.id]))
    ):
        return []
    learned = [n for n, e in described.items() if e["role"] == "numeric" and "suspect" not in e]
    return find_near(sample, learned, params.data.target, params.task)


def is_naming(column: pl.Series, role: str) -> bool:
    """Whether its values may name entities."""
    whole = column.dtype.is_integer() or column.dtype == pl.String
    return whole and role not in ("target", "ignored")


def left_out(names: Sequence[str]) -> list[str]:
    """What to say of columns of the file that are not read."""
    what = "lists, bytes or spans of time, and not read: write a number or a text of each"
    return [f"{', '.join(map(repr, names))}: {what}"] if names else []


def unlearned(described: dict[str, dict[str, Any]]) -> list[str]:
    """What to say of texts, which no model learns from as they are."""
    texts = [name for name, entry in described.items() if entry["role"] == "text"]
    if not texts:
        return []
    hint = "compute features of it in features.py, or make it categorical in features.yaml"
    return [f"{', '.join(map(repr, texts))} is text, and not learned from: {hint}"]


def write_entries(project: Project, section: str, new: dict[str, dict[str, Any]]) -> None:
    """Add entries to a section of features.yaml; what stands there stays."""
    if new and not fill_empty(project.root / CATALOG, section, new):
        yaml, content = open_yaml(project.root / CATALOG)
        if not content.get(section):
            content[section] = {}
        content[section].update(new)
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
