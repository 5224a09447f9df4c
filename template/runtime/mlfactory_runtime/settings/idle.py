"""Settings that nothing looks at as things are: who has set one is told, not left to wonder."""

from collections.abc import Iterator

from .params import Params
from .section import Section

TREES = (
    "learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "lambda_l2",
    "max_rounds", "early_stopping_rounds", "averaged", "extra", "variants",
)  # fmt: skip


def idle(params: Params, *, own_split: bool = False) -> Iterator[str]:
    """A sentence for each setting that is not the default and changes nothing, with the reason."""
    data, split, task = params.data, params.split, params.task
    numbers = task == "regression"
    cases = {
        "a split.py decides on the sides": (
            own_split, "split", split, ("holdout",),
        ),
        "data.source is null": (not data.source, "data", data, ("outcomes",)),
        "no data.time dates the rows": (not data.time, "split", split, ("backtest_folds",)),
        "past windows would share groups": (
            bool(data.time and split.group), "split", split, ("backtest_folds",),
        ),
        "gate.window is null": (not params.gate.window, "gate", params.gate, ("time",)),
        "the task is regression": (
            numbers, "decision", params.decision,
            ("cost_fp", "cost_fn", "threshold", "budget", "budget_rows"),
        ),
        "decision.budget is null": (
            not numbers and params.decision.budget is None, "decision", params.decision,
            ("budget_rows",),
        ),
        "a linear model has no trees": (
            params.model.kind == "linear", "model", params.model, TREES,
        ),
        "training ends before, by model.max_rounds": (
            params.model.early_stopping_rounds >= params.model.max_rounds, "model", params.model,
            ("early_stopping_rounds",),
        ),
        "the task is classification": (
            not numbers, "decision", params.decision, ("quantile", "coverage"),
        ),
        "numbers have no classes": (numbers, "data", data, ("positive", "min_class_rows")),
    }  # fmt: skip
    for why, (holds, place, section, names) in cases.items():
        for name in names if holds else ():
            if is_set(section, name):
                yield f"{place}.{name} changes nothing: {why}"


def is_set(section: Section, name: str) -> bool:
    """Whether a setting is another one than its default."""
    return bool(getattr(section, name) != type(section).model_fields[name].default)
