"""The feature catalog: what each column is, where it comes from, and when it can be had."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from .params import Params, Section, Trimmed, read_checked

CATALOG = Path("features.yaml")
LEARNED = ("numeric", "categorical", "boolean", "datetime")
WEAKNESS = {"online": 0, "batch": 1, "after_outcome": 2}

DType = Literal["int", "float", "bool", "string", "date", "datetime"]
Role = Literal[
    "numeric", "categorical", "boolean", "datetime", "text", "identifier", "target", "ignored"
]
Availability = Literal["online", "batch", "after_outcome"]
Sensitivity = Literal["none", "personal", "special"]


class Column(Section):
    """A column of the raw data. `range` and `values` are what a value may be (the contract).

    `format` says how text is read where it is not plain: an example of a number ("1.234,5 €"), or
    the patterns of moments, as strptime knows them, in the order in which they are tried.
    `missing` lists values that mean "missing" in this column only. A column with a `suspect` may
    give the outcome away: it is not learned from until a person takes the entry out.
    `drafted` is what the draft saw and why it decided so; nothing reads it but people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    dtype: DType
    role: Role
    description: str = ""
    source: str = ""
    owner: str = ""
    availability: Availability
    assumed: bool = False
    sensitive: Sensitivity = "none"
    suspect: str = ""
    drafted: str = ""
    format: str | tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    nullable: bool = True
    range: tuple[float | None, float | None] | None = None
    values: tuple[Trimmed, ...] | None = None

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> "Column":
        if self.range is not None and self.dtype not in ("int", "float"):
            raise ValueError(f"`range` is a rule for int and float, and the dtype is {self.dtype}")
        if self.values is not None and self.dtype != "string":
            raise ValueError(f"`values` is a rule for string, and the dtype is {self.dtype}")
        return self


class Derived(Section):
    """A feature that features.py computes from its parents, of which it inherits availability."""

    dtype: DType = "float"
    role: Literal["numeric", "categorical", "boolean", "datetime"] = "numeric"
    description: str = ""
    owner: str = ""
    parents: tuple[str, ...] = Field(min_length=1)


class Catalog(Section):
    """All columns of the raw data and all derived features, by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    columns: dict[str, Column] = Field(default_factory=dict)
    derived: dict[str, Derived] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parents_exist(self) -> "Catalog":
        for name, feature in self.derived.items():
            if name in self.columns:
                raise ValueError(f"derived.{name}: the raw data have a column of that name")
            for parent in feature.parents:
                if parent not in self.columns and parent not in self.derived:
                    raise ValueError(f"derived.{name}: its parent {parent!r} is not in the catalog")
            self.roots(name)
        return self

    def roots(self, name: str, path: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The raw columns that a feature is made of."""
        if name in path:
            raise ValueError(f"derived.{name}: it is its own ancestor: {' > '.join((*path, name))}")
        if name in self.columns:
            return (name,)
        parents = (self.roots(parent, (*path, name)) for parent in self.derived[name].parents)
        return tuple(dict.fromkeys(root for roots in parents for root in roots))

    def weakest(self, name: str) -> str:
        """The raw column among a feature's ancestors that is available last."""
        return max(self.roots(name), key=lambda root: WEAKNESS[self.columns[root].availability])

    def features(self, params: Params) -> dict[str, Column | Derived]:
        """What the model learns from, in the catalog's order. The time column only orders rows."""
        learned = {k: c for k, c in self.columns.items() if c.role in LEARNED and not c.suspect}
        learned.pop(params.data.time or "", None)
        return {**learned, **self.derived}

    def inputs(self, params: Params) -> dict[str, Column]:
        """The raw columns that a prediction needs."""
        needed = {root for name in self.features(params) for root in self.roots(name)}
        return {name: column for name, column in self.columns.items() if name in needed}


@dataclass(frozen=True)
class Finding:
    """Something that a check has to say of a feature, and what mends it."""

    level: Literal["error", "warning"]
    feature: str | None
    source: str | None
    message: str
    remedy: str


def load_catalog(path: Path = CATALOG) -> Catalog:
    """Read and check the catalog; a FactoryError names every entry that is wrong."""
    return read_checked(path, Catalog)


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
    for part, name in {**parts, "split.group": params.split.group}.items():
        if name and name not in catalog.columns:
            yield Finding(
                "error", name, None,
                f"{part} is {name!r}, and the catalog has no such column",
                f"correct {part} in params.yaml, or run: factory catalog draft",
            )  # fmt: skip
    if lost := [name for name in params.split.key if name not in catalog.columns]:
        yield Finding(
            "error", lost[0], None, "split.key lists it, and the catalog has no such column",
            "give the column back, or set split.salt to null and draft again: rows change sides",
        )  # fmt: skip


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
        ruled = column.values or column.range
        if column.sensitive != "none" and column.role != "target" and ruled:
            yield Finding(
                "warning", name, column.source,
                f"it is {column.sensitive}, and its values stand in features.yaml",
                "take out its `values`, `range` and `drafted`",
            )  # fmt: skip


def _learnable(catalog: Catalog, params: Params) -> Iterator[Finding]:
    for name in catalog.derived:
        if doubtful := [root for root in catalog.roots(name) if catalog.columns[root].suspect]:
            yield Finding(
                "error", name, None, f"it is made of {doubtful[0]!r}, which is suspect",
                "decide with: factory catalog review",
            )  # fmt: skip
    if not catalog.features(params):
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
    assumed = {root for name in catalog.features(params) for root in catalog.roots(name)}
    for name, column in catalog.columns.items():
        if column.assumed and name in assumed:
            yield Finding(
                "error" if strict else "warning", name, column.source,
                f"nobody has confirmed that it is available {_when(column.availability)}",
                "confirm it: factory catalog review, or remove `assumed: true` in features.yaml",
            )  # fmt: skip


def _when(availability: str) -> str:
    return {"batch": "in batch", "after_outcome": "after the outcome"}.get(availability, "online")
