"""The settings that a model is fitted by."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from .section import Section

Value = bool | int | float | str
# What `fit` is not handed as a parameter, and what models that are averaged have in common.
APART = {"refit", "variants", "extra", "without"}
COMMON = {*APART, "kind", "objective", "averaged"}


class Model(Section):
    """How the model is fitted; names and meanings are LightGBM's, but for `kind`,
    `averaged` and `refit`.

    model.py may hand all that stands here to LightGBM, so what says nothing is left out of it.
    """

    kind: Literal["own", "linear"] = Field(
        default="own",
        exclude_if=lambda kind: bool(kind == "own"),
        description="`own` is what model.py fits; `linear` needs no code, and people can read it.",
    )
    objective: Literal["regression_l1"] | None = Field(
        default=None,
        exclude_if=lambda objective: objective is None,
        description="Of numbers: `regression_l1` learns and decides by absolute errors; else RMSE.",
    )
    learning_rate: float = Field(
        default=0.05, gt=0, description="How much each tree counts; smaller needs more rounds."
    )
    num_leaves: int = Field(default=31, ge=2, description="How finely a tree may divide the rows.")
    min_data_in_leaf: int = Field(
        default=20,
        ge=1,
        description="Rows in a tree's smallest part; 20: fewer in small data.",
    )
    feature_fraction: float = Field(
        default=1.0, gt=0, le=1, description="The share of features that each tree looks at."
    )
    lambda_l2: float = Field(
        default=1.0, ge=0, description="How strongly parts with few rows are drawn to the mean."
    )
    max_rounds: int = Field(default=1000, ge=1, description="At most so many trees.")
    early_stopping_rounds: int = Field(
        default=50, ge=1, description="Stop after so many trees that do not help on validation."
    )
    averaged: int = Field(
        default=5, ge=1, le=9, description="So many models are averaged where rows are few."
    )
    seed: int = Field(default=0, description="Where chance begins.")
    refit: bool = Field(
        default=False,
        exclude_if=lambda refit: not refit,
        description="Once it is measured, fit it anew on all rows: nothing newer is left aside.",
    )

    without: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda without: not without,
        description="Features that the model does not learn from.",
    )
    extra: dict[str, Value] = Field(
        default={},
        exclude_if=lambda extra: not extra,
        description="Further parameters of LightGBM, by its names: {path_smooth: 1.0}.",
    )
    variants: tuple[dict[str, Value], ...] = Field(
        default=(),
        exclude_if=lambda variants: not variants,
        description="A model with each of these other parameters, too, averaged: [{seed: 1}].",
    )

    @model_validator(mode="after")
    def _names_are_at_their_place(self) -> "Model":
        if twice := sorted(Model.model_fields.keys() & self.extra.keys()):
            raise ValueError(f"extra.{twice[0]} is a setting of its own: write it below `model`")
        for one in self.variants:
            if common := sorted(COMMON & one.keys()):
                raise ValueError(f"variants: models that are averaged share their {common[0]}")
            self.variant(one)
        return self

    @property
    def fitting(self) -> "Model":
        """What `fit` is given: it is told which rows to learn from. What stands in `extra` is among
        the rest."""
        own = self.model_dump(exclude={"refit", "without", "extra", "variants"})
        return Fitting.model_construct(**own | self.extra, variants=self.variants)

    @property
    def each(self) -> tuple["Model", ...]:
        """What `fit` is given for each of the models that are averaged."""
        count = -(-self.averaged // (1 + len(self.variants)))
        return tuple(self.variant({**one, "averaged": count}) for one in ({}, *self.variants))

    def variant(self, other: dict[str, Any]) -> "Model":
        """What `fit` is given for one of them."""
        own = self.model_dump(exclude=APART) | (self.model_extra or self.extra)
        return Fitting.model_validate(own | other)

    @property
    def trying(self) -> "Model":
        """What `fit` is given where only its scores are wanted: the average of two models is nearly
        as good as that of five.
        """
        return self.fitting.model_copy(update={"averaged": min(self.averaged, 2)})


class Fitting(Model):
    """The settings as `fit` is given them: parameters of other names are among them."""

    model_config = ConfigDict(extra="allow")
