"""What machines read: the card in the model's folder, and this factory's line in a catalog."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import answers, read_json, write_json
from .git import commit_files, git
from .models import models
from .tags import artifact

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..params import Params

CATALOG, BRANCH = Path("catalog.json"), "status"
EVALUATED = (
    "task", "target", "classes", "positive", "threshold", "rows", "metric", "models", "gain",
    "verdict", "reason", "segments", "importance", "backtest", "warnings", "provenance",
)  # fmt: skip
Told = dict[str, Any]


def model_card(evaluation: Told, catalog: "Catalog", params: "Params") -> Told:
    """The model card for machines: what `evaluation` found, and the lineage of every feature."""
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
    owner = answers().get("owner", "")
    about = {"format": 1, "owner": owner, "serving": params.serving.mode, "use": "docs/about.md"}
    return {**about, **known, "split": split, "features": features}


def write_catalog(drift: Told | None = None) -> Told:
    """Write catalog.json: who owns what, and what is on which stage. Drift stays as it was told."""
    known, told = answers(), models()
    by_version = {one["version"]: one for one in told["versions"]}
    stages = {
        name: by_version.get(one["version"], {}) | one for name, one in told["stages"].items()
    }
    content = {
        "format": 1,
        "name": told["name"],
        "owner": known.get("owner", ""),
        "task": known.get("task"),
        "target": known.get("target"),
        "serving": known.get("serving"),
        "template": known.get("_commit"),
        "versions": list(by_version),
        "stages": stages,
        "drift": drift or read_json(CATALOG).get("drift"),
    }
    write_json(CATALOG, content)
    return content


def drift(status: str, time: str) -> None:
    """Let the catalog tell how the model in production fares; `time` is when that was seen."""
    write_catalog({"status": status, "time": time})


def publish() -> str:
    """Push catalog.json as the only file of a branch of its own; gives the branch."""
    write_catalog()
    folder, _, _ = artifact().rpartition("=")
    branch = "-".join([BRANCH, *folder.split("/")]) if folder else BRANCH
    text = CATALOG.read_text("utf-8")
    made = commit_files({CATALOG.name: text}, "What is in use", None, "factory")
    hint = "git remote -v, and whether you may push to it"
    git("push", "--quiet", "--force", "origin", f"{made}:refs/heads/{branch}", hint=hint)
    return branch
