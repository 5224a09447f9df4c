"""What machines read of a factory: its line in a catalog."""

from pathlib import Path

from ..git import commit_files, git
from ..project import Project
from ..records.record import read, write
from ..records.registry import Catalog, Drift, Listed
from .models import models
from .tags import folder_of

CATALOG, BRANCH = Path("catalog.json"), "status"


def write_catalog(project: Project, drift: Drift | None = None) -> Catalog:
    """Write catalog.json. Without news of drift, what it told of that stays."""
    answers, known = project.answers, models(project)
    before = read(Catalog, project.root / CATALOG)
    facts = {one.version: dict(one) for one in known.versions}
    content = Catalog(
        name=known.name,
        owner=answers.get("owner") or "",
        task=answers.get("task"),
        target=answers.get("target"),
        serving=answers.get("serving"),
        template=answers.get("_commit"),
        versions=tuple(facts),
        stages={
            name: Listed(**facts.get(one.version, {}) | dict(one))
            for name, one in known.stages.items()
        },
        drift=drift or (before.drift if before else None),
    )
    write(project.root / CATALOG, content)
    return content


def publish(project: Project) -> str:
    """Push catalog.json as the only file of a branch of its own; gives the branch."""
    write_catalog(project)
    folder = folder_of(project)
    branch = "-".join([BRANCH, *folder.split("/")]) if folder else BRANCH
    text = (project.root / CATALOG).read_text("utf-8")
    commit = commit_files(project.root, {CATALOG.name: text}, "What is in use", None, "factory")
    hint = "git remote -v, and whether you may push to it"
    git(
        project.root,
        "push",
        "--quiet",
        "--force",
        "origin",
        f"{commit}:refs/heads/{branch}",
        hint=hint,
    )
    return branch
