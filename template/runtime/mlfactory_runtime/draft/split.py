"""Drafting how rows are held out: groups, the positive class, the salt."""

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from ..data.rows import key_text, missing_as_null, parse
from ..learn.copies import are_copies, same_rows
from ..learn.draws import FEWEST as ENOUGH
from ..learn.split import (
    PARTS,
    absent_classes,
    by_hash,
    classes,
    left_out,
    small_classes,
    split_key,
)
from ..project import PARAMS, Project
from ..settings.catalog import LEARNED, Column
from ..settings.edit import flow, open_yaml, quoted, save_yaml
from ..settings.params import Params
from ..tables.formats import TRUE
from .leaks import find_entity, find_order
from .table import Table

SALTS, SALTED, FEWEST = 200, 500_000, 20
MANY = 100  # of fewer entities the rows say more of a leak than one row of each would
RARE = len(PARTS)  # a class with fewer rows is absent from one of them
POSITIVE = (*TRUE, "positive")


def find_group(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> tuple[str | list[str] | None, list[str]]:
    """Columns whose equal rows must stay on one side, and what the order of the rows gives away.

    Where sides were drawn before, nothing changes them.
    """
    target, split = params.data.target, params.split
    ordered = [n for n, entry in described.items() if entry["role"] == "identifier"]
    warnings = []
    for name, evidence in find_order(sample, target, params.task, ordered).items():
        warnings.append(f"{name or 'the order of the rows'}: {evidence}")
        if name:
            described[name]["drafted"] += f"; {evidence}: never learn from it"
    earlier = params.data.time and len(described) < sample.width
    if split.salt or split.group or earlier:
        return None, warnings
    group, reason = entity(sample, described, params)
    if group:
        return group, warnings + reason
    names, note = equal_rows(sample, described, params)
    column, why = entity(sample, described, params, measured=True)
    if column and repeats(sample, [column]) > 2 * repeats(sample, names or []):
        return column, warnings + why
    if params.data.time:  # there copies are left out of training
        return None, warnings + reason
    return names, warnings + reason + note


def repeats(sample: pl.DataFrame, names: list[str]) -> int:
    """How many rows are equal to an earlier one in some columns; 0 without any."""
    return sample.height - sample.select(names).n_unique() if names else 0


def entity(
    sample: pl.DataFrame,
    described: dict[str, dict[str, Any]],
    params: Params,
    *,
    measured: bool = False,
) -> tuple[str | None, list[str]]:
    """The column that names whom rows are about, if their outcome must not be on two sides."""
    target, own = params.data.target, params.data.id
    best = named_entity(sample, described, params, measured=measured)
    if not best or (params.data.time and not is_fixed(sample, best[0], target, params.task)):
        return None, []
    group, evidence = best
    if is_nested(sample, own, group):
        return group, [f"rows of one {group} are kept on one side: {evidence}"]
    why = f"those of one {own} are kept on one, and are of several"
    return None, [f"rows of one {group} are on several sides, for {why}: {evidence}"]


def named_entity(
    sample: pl.DataFrame,
    described: dict[str, dict[str, Any]],
    params: Params,
    *,
    measured: bool = False,
) -> tuple[str, str] | None:
    """The column whose values name whom several rows are about, and the evidence.

    `measured` looks at numbers with decimals: where these repeat to the last digit, and the outcome
    with them, rows are the same once more, though other columns differ.
    """
    naming = ("identifier", "text", "categorical", "numeric")
    some = [n for n, e in described.items() if e["role"] in naming or "sensitive" in e]
    candidates = [name for name in some if sample[name].dtype.is_float() == measured]
    return find_entity(sample, params.data.target, params.task, candidates)


def equal_rows(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> tuple[list[str] | None, list[str]]:
    """The columns that are learned from, if rows that are equal there are copies under own names.

    Of few different rows none would be left to measure on.
    """
    target = params.data.target
    names = [n for n in comparable(described, params) if "suspect" not in described[n]]
    if not names or (params.data.id is None and {*names, target} == {*sample.columns}):
        return None, []
    same = same_rows(sample, names)
    if same.n_unique() < FEWEST or not are_copies(same, sample[target], params.task, same.len()):
        return None, []
    count = f"{same.len() - same.n_unique():,} of {same.len():,}"
    return names, [f"copies are kept on one side: {count} rows repeat another under another name"]


def comparable(described: dict[str, dict[str, Any]], params: Params) -> list[str]:
    """The columns in which copies are equal, as learn/copies.py has them of a whole catalog."""
    apart = (params.data.target, params.data.time)
    roles = {n: e["role"] for n, e in described.items() if n not in apart}
    return [n for n, role in roles.items() if role in LEARNED and role != "datetime"]


def without_copies(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> pl.DataFrame:
    """One row of each that has copies, and of each entity whose rows have one outcome: of these
    any column that is its own would tell the target.
    """
    target, task, names = params.data.target, params.task, comparable(described, params)
    if names and are_copies(same := same_rows(sample, names), sample[target], task):
        sample = sample.filter(same.is_first_distinct())
    for measured in (False, True):
        best = named_entity(sample, described, params, measured=measured)
        if not best or sample[best[0]].n_unique() < MANY:
            continue
        if is_fixed(sample, best[0], target, task):
            name = pl.col(best[0])
            return sample.filter(name.is_first_distinct() | name.is_null())
    return sample


def is_fixed(rows: pl.DataFrame, name: str, target: str, task: str) -> bool:
    """Whether what one value names has one outcome at all times; else later rows tell of news."""
    present = rows.drop_nulls(name)
    return are_copies(present[name].hash(), present[target], task, present.height)


def is_nested(rows: pl.DataFrame, inner: str | None, outer: str) -> bool:
    """Whether all rows of one value of the first column have one value of the other."""
    if inner is None or inner == outer:
        return True
    return bool(rows.group_by(inner).agg(pl.col(outer).n_unique())[outer].max() == 1)


def write_split(
    project: Project,
    table: Table,
    columns: Mapping[str, Column],
    target: pl.Series,
    group: str | list[str] | None,
) -> list[str]:
    """Fill in what params.yaml leaves open: positive class, key and salt. Drawn once, then kept.

    `columns` are those of the catalog as it is now, and `target` is typed as it says.
    """
    yaml, content = open_yaml(project.root / PARAMS)
    params = table.params
    for name, usual in (("separator", ","), ("encoding", "utf-8")):
        if (value := getattr(params.data, name)) == usual:
            continue
        if name in content["data"]:
            content["data"][name] = quoted(value)
        else:
            content["data"].insert(1, name, quoted(value))
    target, rare = without_rare(target, params)
    if rare:
        content["data"]["min_class_rows"] = RARE
    present = target.drop_nulls()
    if params.task == "classification" and params.data.positive is None and present.n_unique() == 2:
        content["data"]["positive"] = quoted(find_positive(present))
    warnings: list[str] = []
    if params.split.salt is None and (group or not params.data.time):
        split, settings = content.setdefault("split", {}), params.split
        if group:
            split["group"] = quoted(group) if isinstance(group, str) else flow(group)
            names = group if isinstance(group, str) else tuple(group)
            settings = settings.model_copy(update={"group": names})
        elif not params.data.id:
            key = [name for name in table.names if name != target.name]
            split["key"] = flow(key)
            settings = settings.model_copy(update={"key": tuple(key)})
        params = params.model_copy(update={"split": settings})
        raw = table.rows.head(SALTED).select(split_key(params)).collect()
        keys = key_text(raw, raw.columns, columns)
        split["salt"], warnings = draw_salt(keys, target.head(SALTED), params)
    save_yaml(yaml, content, project.root / PARAMS)
    return [*rare, *warnings]


def without_rare(target: pl.Series, params: Params) -> tuple[pl.Series, list[str]]:
    """The target without classes that cannot stand in every part, unless a person has decided."""
    if params.task == "regression" or params.data.min_class_rows != 1:
        return target, []
    rare = small_classes(classes(target.drop_nulls()), RARE)
    if not rare:
        return target, []
    text = target.cast(pl.String)
    why = "too few to train, validate and test on (data.min_class_rows in params.yaml)"
    return text.set(text.is_in(list(rare)), None), [f"{left_out(rare, RARE)}: {why}"]


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
    """The first salt under which every part holds every class, and what is missing if none does.

    Of groups so many are held out that something can be said, where that share of them is so many.
    """
    best, different = ("", [""] * target.len()), keys.n_unique()
    due = params.split.holdout * different if different < keys.len() else 0
    for number in range(1, SALTS + 1):
        salt = f"{target.name}-{number}"
        sides = by_hash(keys, params.split.model_copy(update={"salt": salt}))
        lacking = _lacking(sides, target, params.task)
        aside = keys.filter(sides == PARTS.index("holdout"))
        if due >= ENOUGH and (groups := aside.n_unique()) < ENOUGH:
            lacking.append(f"the holdout part has {groups} of {different} groups")
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
