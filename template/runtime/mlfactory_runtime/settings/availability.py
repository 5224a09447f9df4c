"""What is wrong or assumed in the catalog, before any data are read."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .catalog import LEARNED, WEAKNESS, Catalog
from .params import Params

NAMED = 3


@dataclass(frozen=True)
class Finding:
    """Something that a check has to say of a feature, and what mends it."""

    level: Literal["error", "warning"]
    feature: str | None
    source: str | None
    message: str
    remedy: str


def check_catalog(catalog: Catalog, params: Params, *, strict: bool = False) -> list[Finding]:
    """Everything that is wrong or assumed in the catalog, before any data are read."""
    if not catalog.columns:
        return [
            Finding("error", None, None, "features.yaml lists no column", "factory catalog draft")
        ]
    return [
        *_named_in_params(catalog, params),
        *_columns(catalog, params),
        *_learnable(catalog, params),
        *_availability(catalog, params, strict),
    ]


def _named_in_params(catalog: Catalog, params: Params) -> Iterator[Finding]:
    data = params.data
    parts = {"data.target": data.target, "data.id": data.id, "data.time": data.time}
    groups = [("split.group", name) for name in params.split.groups]
    for part, name in [*parts.items(), *groups]:
        if name and name not in catalog.columns:
            yield Finding(
                "error", name, None,
                f"{part} is {name!r}, and the catalog has no such column",
                f"{nearest(name, catalog)}correct {part} in params.yaml, or run: "
                "factory catalog draft",
            )  # fmt: skip
    for name in params.model.without:
        if name not in {*catalog.columns, *catalog.derived}:
            yield Finding(
                "error", name, None, "model.without lists it, and there is no such feature",
                "correct model.without in params.yaml",
            )  # fmt: skip
    if absent := [name for name in params.split.key if name not in catalog.columns]:
        yield Finding(
            "error", absent[0], None, "split.key lists it, and the catalog has no such column",
            "give the column back, or set split.salt to null and draft again: rows change sides",
        )  # fmt: skip


def nearest(name: str, catalog: Catalog) -> str:
    """The column that may have been meant."""
    names = {one.lower(): one for one in catalog.columns}
    near = difflib.get_close_matches(name.lower(), names, 1)
    return f"did you mean {names[near[0]]!r}? " if near else ""


def _columns(catalog: Catalog, params: Params) -> Iterator[Finding]:
    for name, column in catalog.columns.items():
        if (column.role == "target") != (name == params.data.target):
            yield Finding(
                "error", name, column.source,
                f"its role is {column.role!r}, and data.target is {params.data.target!r}",
                "exactly the column that data.target names has the role `target`",
            )  # fmt: skip
    for name, column in catalog.columns.items():
        if column.suspect and column.role in LEARNED:
            yield Finding(
                "warning", name, column.source, f"it is left out: {column.suspect}",
                "decide with: factory catalog review",
            )  # fmt: skip
    for name, column in catalog.columns.items():
        if column.doubt and column.role not in ("ignored", "identifier"):
            yield Finding(
                "warning", name, column.source, column.doubt,
                "look at it, then take out `doubt` in features.yaml",
            )  # fmt: skip
    for name, column in catalog.columns.items():
        has_rules = column.values or column.range or column.usual
        if column.sensitive != "none" and column.role != "target" and has_rules:
            yield Finding(
                "warning", name, column.source,
                f"it is {column.sensitive}, and its values stand in features.yaml",
                "take out its `values`, `range`, `usual` and `drafted`",
            )  # fmt: skip


def _learnable(catalog: Catalog, params: Params) -> Iterator[Finding]:
    for name in catalog.derived:
        if doubtful := [root for root in catalog.roots(name) if catalog.columns[root].suspect]:
            yield Finding(
                "error", name, None, f"it is made of {doubtful[0]!r}, which is suspect",
                "decide with: factory catalog review",
            )  # fmt: skip
    if catalog.features(params):
        return
    suspects = [
        name for name, one in catalog.columns.items() if one.suspect and one.role in LEARNED
    ]
    names = ", ".join(map(repr, suspects[:NAMED])) + ", …" * (len(suspects) > NAMED)
    if suspects:
        yield Finding(
            "error", None, None,
            f"a model would learn from nothing: {names} {'is' if len(suspects) == 1 else 'are'} "
            "left out, for the target may be written into them",
            "decide with: factory catalog review, or add columns that are known beforehand",
        )  # fmt: skip
    else:
        yield Finding(
            "error", None, None, "no column has a role that a model learns from",
            f"give at least one column a role of {', '.join(LEARNED)} in features.yaml",
        )  # fmt: skip


def _availability(catalog: Catalog, params: Params, strict: bool) -> Iterator[Finding]:
    mode = params.serving.mode
    for name in catalog.features(params):
        root = catalog.weakest(name)
        column = catalog.columns[root]
        via = "" if root == name else f" (through its parent {root!r})"
        if WEAKNESS[column.availability] > WEAKNESS[mode]:
            yield Finding(
                "error", name, column.source,
                f"it is available {_when(column.availability)}{via}, and serving.mode is {mode}",
                f"give {name!r} the role `ignored`, or correct the availability of {root!r}",
            )  # fmt: skip
    roots = {root for name in catalog.features(params) for root in catalog.roots(name)}
    for name, column in catalog.columns.items():
        if column.assumed and name in roots:
            yield Finding(
                "error" if strict else "warning", name, column.source,
                f"nobody has confirmed that it is available {_when(column.availability)}",
                "confirm it: factory catalog review, or remove `assumed: true` in features.yaml",
            )  # fmt: skip


def _when(availability: str) -> str:
    return {"batch": "in batch", "after_outcome": "after the outcome"}.get(availability, "online")
