"""The last evaluation in short."""

from typing import Any

from ..errors import FactoryError
from ..files import read_json
from ..project import EVALUATION, Project


def summary(project: Project) -> dict[str, Any]:
    """The last evaluation in short."""
    told = read_json(project.root / EVALUATION)
    if not told:
        raise FactoryError("no model has been evaluated here", "train one: dvc repro")
    kept = ("task", "target", "rows", "metric", "verdict", "reason", "gain", "warnings")
    return {
        **{key: told[key] for key in kept},
        "metrics": told["models"],
        "report": "reports/report.html",
    }
