"""The model card for machines."""

from typing import Any

from ..project import Project

Told = dict[str, Any]

EVALUATED = (
    "task", "target", "classes", "positive", "threshold", "rows", "metric", "models", "gain",
    "verdict", "reason", "segments", "importance", "backtest", "warnings", "provenance",
)  # fmt: skip


def model_card(project: Project, evaluation: Told) -> Told:
    """The model card for machines: what `evaluation` found, and the lineage of every feature."""
    params, catalog = project.params, project.catalog
    features = {
        name: {
            "dtype": column.dtype,
            "role": column.role,
            "owner": column.owner,
            "from": {root: catalog.columns[root].source for root in catalog.roots(name)},
            "availability": catalog.columns[catalog.weakest(name)].availability,
        }
        for name, column in catalog.features(params).items()
    }
    split = {key: evaluation["split"][key] for key in ("kind", "cutoff")}
    known = {key: evaluation[key] for key in EVALUATED}
    owner = project.answers.get("owner", "")
    about = {"format": 1, "owner": owner, "serving": params.serving.mode, "use": "docs/about.md"}
    return {**about, **known, "split": split, "features": features}
