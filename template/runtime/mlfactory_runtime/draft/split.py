"""Drafting how rows are held out: groups, the positive class, the salt."""

import re
from typing import Any

import polars as pl

from ..data.rows import key_text, missing_as_null, parse
from ..learn.split import PARTS, absent_classes, by_hash, classes, split_key
from ..project import PARAMS, Project
from ..settings.catalog import Column
from ..settings.edit import flow, open_yaml, quoted, save_yaml
from ..settings.params import Params
from ..tables.formats import TRUE
from .leaks import find_entity, find_order
from .table import Table

SALTS, SALTED = 200, 500_000
POSITIVE = (*TRUE, "positive")


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


def write_split(project: Project, table: Table, target: pl.Series, group: str | None) -> list[str]:
    """Fill in what params.yaml leaves open: positive class, key and salt. Drawn once, then kept."""
    yaml, content = open_yaml(project.root / PARAMS)
    params = table.params
    for name, usual in (("separator", ","), ("encoding", "utf-8")):
        if (found := getattr(params.data, name)) == usual:
            continue
        if name in content["data"]:
            content["data"][name] = quoted(found)
        else:
            content["data"].insert(1, name, quoted(found))
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
    save_yaml(yaml, content, project.root / PARAMS)
    return warnings


def typed_target(table: Table, column: Column) -> pl.Series:
    """The target as the catalog types it."""
    name = table.params.data.target
    columns = {name: column}
    raw = table.rows.select(pl.col(name)).collect()
    return parse(missing_as_null(raw, table.params.data, columns), columns)[name]


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
