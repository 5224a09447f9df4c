"""The report for programs: what the page says, as JSON, in the same language and words."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..languages import language
from ..records.evaluation import Interval

PLAIN = (
    "target",
    "task",
    "positive",
    "classes",
    "verdict",
    "reason",
    "metric",
    "threshold",
    "rows",
)


def twin(values: Mapping[str, Any]) -> dict[str, Any]:
    """The twin of the page that is made of the same values; the same values give the same bytes."""
    snapshot = values["snapshot"]
    return {
        "format": 1,
        "language": language().code,
        **{name: values[name] for name in PLAIN},
        "owner": values["owner"],
        "data": snapshot.model_dump() if snapshot else None,
        "cutoff": values["split"].cutoff,
        "until": values["split"].until,
        "metrics": [_metric(one) for one in values["metrics"]],
        "compared": values["compared"],
        "use": [text for text in (values["lift_text"], *values["decision_texts"]) if text],
        "coverage": values["coverage_text"],
        "groups": [values["segments_text"], *values["worst"], *values["off"]],
        "importance": {one.feature: one.gain for one in values["importance"]},
        "effects": {one["feature"]: one["text"] for one in values["acting"]},
        "mind": [*values["cautions"], *values["warnings"]],
        "assumed": values["assumed"],
        "unanswered": values["unanswered"],
        "next": values["steps"],
        "provenance": values["provenance"],
    }


def _metric(one: Mapping[str, Any]) -> dict[str, Any]:
    """A metric with the values of all models and their intervals."""
    models: Mapping[str, Interval] = one["values"]
    own = {name: asdict(value) for name, value in models.items()}
    return {"name": one["key"], "label": one["label"], "better": one["better"], "models": own}
