"""What machines read of a factory: its line in a catalog."""

from pathlib import Path
from typing import Any

from ..files import read_json, write_json
from ..git import commit_files, git
from ..project import Project
from .models import models
from .tags import artifact

CATALOG, BRANCH = Path("catalog.json"), "status"
Told = dict[str, Any]


def write_catalog(project: Project, drift: Told | None = None) -> Told:
    """Write catalog.json: who owns what, and what is on which stage. Drift stays as it was told."""
    known, told = project.answers, models(project)
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
        "drift": drift or read_json(project.root / CATALOG).get("drift"),
    }
    write_json(project.root / CATALOG, content)
    return content


def drift(project: Project, status: str, time: str) -> None:
    """Let the catalog tell how the model in production fares; `time` is when that was seen."""
    write_catalog(project, {"status": status, "time": time})


def publish(project: Project) -> str:
    """Push catalog.json as the only file of a branch of its own; gives the branch."""
    write_catalog(project)
    folder, _, _ = artifact(project).rpartition("=")
    branch = "-".join([BRANCH, *folder.split("/")]) if folder else BRANCH
    text = (project.root / CATALOG).read_text("utf-8")
    made = commit_files(project.root, {CATALOG.name: text}, "What is in use", None, "factory")
    hint = "git remote -v, and whether you may push to it"
    git(
        project.root,
        "push",
        "--quiet",
        "--force",
        "origin",
        f"{made}:refs/heads/{branch}",
        hint=hint,
    )
    return branch
