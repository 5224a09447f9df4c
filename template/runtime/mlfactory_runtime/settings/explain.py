"""What each setting means, and for which factories."""

from dataclasses import dataclass
from typing import Any

from .params import Params
from .section import Section

# Settings that mean something for one task, or one way of serving, only.
ONLY = {
    "data.min_class_rows": "classification",
    "data.positive": "classification",
    "decision.cost_fp": "classification",
    "decision.cost_fn": "classification",
    "decision.threshold": "classification",
    "decision.budget": "classification",
    "decision.budget_rows": "classification",
    "decision.quantile": "regression",
    "decision.coverage": "regression",
    "model.objective": "regression",
    "batch.source": "batch",
    "batch.target": "batch",
    "batch.format": "batch",
    "batch.model": "batch",
    "batch.max_invalid": "batch",
    "serving.max_rows": "online",
    "serving.max_body": "online",
    "serving.timeout": "online",
    "serving.key_env": "online",
    "serving.keys_env": "online",
    "serving.max_connections": "online",
    "serving.max_rate": "online",
}


@dataclass(frozen=True)
class Setting:
    """One setting, named with its section; it has no default where one is `required`."""

    name: str
    value: Any
    default: Any
    required: bool
    meaning: str


def settings(params: Params) -> list[Setting]:
    """Every setting with its value, its default and its meaning, in the order of the file."""
    entries = []
    for name, field in Params.model_fields.items():
        value = getattr(params, name)
        inner = type(value).model_fields.items() if isinstance(value, Section) else ()
        lines = [(f"{name}.{key}", getattr(value, key), one) for key, one in inner]
        for path, now, one in lines or [(name, value, field)]:
            default = None if one.is_required() else one.default
            meaning = one.description or ""
            entries.append(Setting(path, now, default, one.is_required(), meaning))
    return entries


def applies(name: str, params: Params) -> bool:
    """Whether a setting means something for the task and the way of serving."""
    return ONLY.get(name) in (None, params.task, params.serving.mode)
