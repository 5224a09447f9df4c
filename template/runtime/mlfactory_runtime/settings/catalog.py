"""The feature catalog: what each column is, where it comes from, and when it can be had."""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from .params import Params, Trimmed
from .section import Section
from .yaml import read_checked

LEARNED = ("numeric", "categorical", "boolean", "datetime")
WEAKNESS = {"online": 0, "batch": 1, "after_outcome": 2}

DType = Literal["int", "float", "bool", "string", "date", "datetime"]
Role = Literal[
    "numeric", "categorical", "boolean", "datetime", "text", "identifier", "target", "ignored"
]
Availability = Literal["online", "batch", "after_outcome"]
Sensitivity = Literal["none", "personal", "special"]
Unseen = Literal["refuse", "answer"]


class Column(Section):
    """A column of the raw data. `range` and `values` are what a value may be (the contract).

    `ahead` marks what is known before the moment that a row is about: a calendar, a price.

    `usual` is the range that the draft saw, widened: what lies outside is told and not refused,
    until a person makes it the `range`.

    `unseen` says what becomes of a text that is none of the `values`: its row is refused, or told
    of and answered like other categories that training did not see.

    `format` says how text is read where it is not plain: an example of a number ("1.234,5 €"), or
    the patterns of moments, as strptime knows them, in the order in which they are tried.
    `1-2` stands for ranges among numbers, such as 2-10 or > 100.
    `missing` lists values that mean "missing" in this column only. A column with a `suspect` may
    give the outcome away: it is not learned from until a person takes the entry out.
    A `doubt` is for a person to look at; the column is learned from all the same.
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
    doubt: str = ""
    drafted: str = ""
    format: str | tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    nullable: bool = True
    range: tuple[float | None, float | None] | None = None
    ahead: bool = False
    usual: tuple[float | None, float | None] | None = None
    values: tuple[Trimmed, ...] | None = None
    unseen: Unseen = "refuse"

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> "Column":
        for name, rule in (("range", self.range), ("usual", self.usual)):
            if rule is not None and self.dtype not in ("int", "float"):
                raise ValueError(
                    f"`{name}` is a rule for int and float, and the dtype is {self.dtype}"
                )
        if self.values is not None and self.dtype != "string":
            raise ValueError(f"`values` is a rule for string, and the dtype is {self.dtype}")
        if self.unseen == "answer" and self.role == "target":
            raise ValueError("`unseen: answer` is for what a model learns from, not for the target")
        return self

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """What a text must be one of; None where others are answered, too."""
        return None if self.unseen == "answer" else self.values

    @property
    def span(self) -> tuple[float | None, float | None]:
        """Between which limits values may be expected."""
        return self.range or self.usual or (None, None)


class Derived(Section):
    """A feature that features.py computes from its parents, of which it inherits availability.

    With a `part` the library computes it: that part of its parent, a date or moment, or the `days`
    from there to a second one. Such a date is not learned from as it stands.
    """

    dtype: DType = "float"
    role: Literal["numeric", "categorical", "boolean", "datetime"] = "numeric"
    description: str = ""
    owner: str = ""
    parents: tuple[str, ...] = Field(min_length=1)
    part: Literal["month", "weekday", "hour", "days"] | None = None


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
            self._check_part(name, feature)
        return self

    def _check_part(self, name: str, feature: Derived) -> None:
        count = {None: len(feature.parents), "days": 2}.get(feature.part, 1)
        if len(feature.parents) != count:
            raise ValueError(f"derived.{name}: {feature.part} is of {count} parents")
        for parent in feature.parents if feature.part else ():
            column = self.columns.get(parent) or self.derived[parent]
            if column.dtype not in ("date", "datetime"):
                raise ValueError(
                    f"derived.{name}: {feature.part} is a part of a date, and {parent!r} is "
                    f"{column.dtype}"
                )

    @property
    def parts(self) -> dict[str, Derived]:
        """The features that the library computes."""
        return {name: feature for name, feature in self.derived.items() if feature.part}

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
        columns = {k: c for k, c in self.columns.items() if c.role in LEARNED and not c.suspect}
        apart = {feature.parents[0] for feature in self.parts.values()}
        for name in (params.data.time, *apart):
            columns.pop(name or "", None)
        every: dict[str, Column | Derived] = {**columns, **self.derived}
        return {name: one for name, one in every.items() if name not in params.model.without}

    def inputs(self, params: Params) -> dict[str, Column]:
        """The raw columns that a prediction needs."""
        roots = {root for name in self.features(params) for root in self.roots(name)}
        return {name: column for name, column in self.columns.items() if name in roots}


def load_catalog(path: Path) -> Catalog:
    """Read and check the catalog; a FactoryError names every entry that is wrong."""
    return read_checked(path, Catalog)
