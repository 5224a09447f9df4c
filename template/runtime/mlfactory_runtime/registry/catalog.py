"""What machines read of a factory: its line in a catalog."""

from contextlib import suppress
from pathlib import Path

from ..errors import FactoryError
from ..git import commit_files, git, tries
from ..project import Project
from ..records.record import parse, read, write
from ..records.registry import Catalog, Drift, Listed
from .models import models
from .tags import folder_of

CATALOG, BRANCH = Path("catalog.json"), "status"


def write_catalog(project: Project, drift: Drift | None = None) -> Catalog:
    """Write catalog.json. Without news of drift, what it told of that stays; in a fresh clone it
    told so on the branch.
    """
    answers, versions = project.answers, models(project)
    before = here(project) or published(project)
    facts = {one.version: dict(one) for one in versions.versions}
    content = Catalog(
        name=versions.name,
        owner=answers.get("owner") or "",
        task=answers.get("task"),
        target=answers.get("target"),
        serving=answers.get("serving"),
        template=answers.get("_commit"),
        versions=tuple(facts),
        stages={
            name: Listed(**facts.get(one.version, {}) | dict(one))
            for name, one in versions.stages.items()
        },
        drift=drift or (before.drift if before else None),
    )
    write(project.root / CATALOG, content)
    return content


def here(project: Project) -> Catalog | None:
    """What was written last; of a file that cannot be read nothing, for it is written anew."""
    with suppress(FactoryError):
        return read(Catalog, project.root / CATALOG)
    return None


def branch_of(project: Project) -> str:
    """The branch of catalog.json; each factory of a repository has its own."""
    return "-".join(filter(None, [BRANCH, *folder_of(project).split("/")]))


def published(project: Project) -> Catalog | None:
    """What was pushed last, as far as this clone knows."""
    text = tries(project.root, "show", f"origin/{branch_of(project)}:{CATALOG}")
    return parse(Catalog, text, CATALOG.name) if text else None


def publish(project: Project) -> str:
    """Push catalog.json as the only file of a branch of its own; gives the branch."""
    write_catalog(project)
    branch = branch_of(project)
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
