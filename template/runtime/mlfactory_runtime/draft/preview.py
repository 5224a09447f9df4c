"""What a draft would say of the first rows of a table, before there is a factory."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ..settings.catalog import LEARNED, Column
from ..settings.params import Params
from .columns import describe, mark, typed_sample
from .panel import find_panel
from .personal import sensitivity
from .split import find_group, without_copies
from .table import Table


@dataclass(frozen=True)
class Preview:
    """By the names of columns: types, why one is about persons, and why one may tell the target.

    `learned` are those that a draft would learn from; `group` is whose rows stay on one side,
    and `notes` are sentences about rows that belong together.
    """

    dtypes: Mapping[str, str]
    personal: Mapping[str, str]
    learned: frozenset[str]
    leaks: Mapping[str, str]
    group: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def preview(
    rows: pl.DataFrame,
    *,
    european: bool = False,
    task: str = "classification",
    target: str = "",
    identifier: str = "",
    time: str = "",
) -> Preview:
    """Look at rows as they stand in the file; without a target at single columns only.

    In a `european` table 1,234 is a fraction.
    """
    data = {"path": "data", "target": target, "id": identifier or None, "time": time or None}
    params = Params.model_validate({"task": task, "data": data})
    table = Table(rows.lazy(), tuple(rows.columns), rows.height, european, params)
    views = list(table.columns(rows.columns))
    described = {one.name: describe(one, glance, table) for one, glance in views}
    reasons = {
        one.name: sensitivity(one.name, one, is_plain=glance.is_plain) for one, glance in views
    }
    personal = {
        name: f"{kind}: {why}"
        for name, (kind, why) in reasons.items()
        if kind != "none" and name != target
    }
    leaks: dict[str, str] = {}
    group: str | list[str] | None = None
    notes: list[str] = []
    if target:
        columns = {name: Column.model_validate(entry) for name, entry in described.items()}
        sample = typed_sample(table, columns)
        mark(described, without_copies(sample, described, params), params)
        leaks = {n: entry["suspect"] for n, entry in described.items() if "suspect" in entry}
        group, notes = find_group(sample, described, params)
        notes += find_panel(sample, described, params, group)
    return Preview(
        {name: str(entry["dtype"]) for name, entry in described.items()},
        personal,
        frozenset(n for n, entry in described.items() if entry["role"] in LEARNED),
        leaks,
        (group,) if isinstance(group, str) else tuple(group or ()),
        tuple(notes),
    )
