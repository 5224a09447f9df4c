"""The settings that lead from a prediction to an action."""

from pydantic import Field, model_validator

from .section import Section


class Decision(Section):
    """From a prediction to an action: what errors cost, a budget or a threshold; or a quantile.

    A false alarm costs `cost_fp`, a miss `cost_fn`. Give a threshold only where no costs are known.
    Costs decide before the budget, which then only says what is found within it.
    """

    cost_fp: float = Field(default=1, gt=0, description="What a false alarm costs.")
    cost_fn: float = Field(default=1, gt=0, description="What a miss costs.")
    threshold: float | None = Field(
        default=None, gt=0, lt=1, description="Called positive from here on; else from the costs."
    )
    budget: float | None = Field(
        default=None,
        gt=0,
        exclude_if=lambda budget: budget is None,  # so that older models keep their params' hash
        description="So many rows can be called: a share, or of budget_rows.",
    )
    budget_rows: int | None = Field(
        default=None,
        ge=2,
        exclude_if=lambda rows: rows is None,
        description="The rows that a budget is for, such as those of a day.",
    )
    quantile: float = Field(
        default=0.9, gt=0, lt=1, description="Of numbers: the quantile whose loss is measured."
    )
    coverage: float | None = Field(
        default=0.9,
        gt=0,
        lt=1,
        exclude_if=lambda coverage: coverage == 0.9,
        description="Of numbers: the share of true ones between `lower` and `upper`; null: none.",
    )

    @model_validator(mode="after")
    def _one_rule(self) -> "Decision":
        if self.threshold is not None and self.has_costs:
            raise ValueError(
                f"threshold is {self.threshold:g}, and cost_fp {self.cost_fp:g} with cost_fn "
                f"{self.cost_fn:g} asks for {self.optimum:g}: keep the threshold or the costs"
            )
        if self.budget is not None and self.budget >= (self.budget_rows or 1):
            raise ValueError(
                f"budget is {self.budget:g}, of {self.budget_rows or 'how many'} rows: give a "
                "share below 1, or with budget_rows more rows, such as those of a day"
            )
        return self

    @property
    def share(self) -> float:
        """The share of rows that can be called; a hundredth where nobody says."""
        return 0.01 if self.budget is None else self.budget / (self.budget_rows or 1)

    @property
    def for_budget(self) -> "Decision":
        """The same budget, where it alone decides."""
        return Decision(budget=self.share)

    @property
    def is_budgeted(self) -> bool:
        """Whether the budget decides which rows are called."""
        return self.budget is not None and self.threshold is None and not self.has_costs

    @property
    def has_costs(self) -> bool:
        """Whether somebody said what errors cost."""
        return (self.cost_fp, self.cost_fn) != (1, 1)

    @property
    def optimum(self) -> float:
        """The threshold at which calibrated probabilities cost least."""
        return self.cost_fp / (self.cost_fp + self.cost_fn)

    @property
    def chosen_threshold(self) -> float:
        """From which probability on a row is called positive."""
        return self.optimum if self.threshold is None else self.threshold
