"""Whether a project can be changed now: nothing is begun, nothing uncommitted, git knows who."""

from __future__ import annotations

from collections.abc import Mapping

from mlfactory.base import git, index
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.operation import operation
from mlfactory.project.record import Project

from . import unfinished, workbench

IDENTITY = "git config --global user.name NAME && git config --global user.email ADDRESS"


def dirt_warning(project: Project) -> tuple[str, ...]:
    dirty = dirt_of(project)
    return (f"not committed, and so not looked at: {shorten(dirty)}",) if dirty else ()


def dirt_of(project: Project) -> list[str]:
    """What is not committed of a project; that of others inside of it, or beside it, is theirs."""
    dirty = git.dirt(project.repository, *project.specs)
    if not dirty:
        return []
    names = (project.name_of(name) for _, name in git.files(project.top, project.spec("")))
    nested = workbench.nested_in(name for name in names if name != project.file)
    return [name for name in dirty if not workbench.below(project.name_of(name), nested)]


def shorten(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_ready(project: Project) -> Mapping[str, str]:
    """Who commits. Raises MlfactoryError unless the repository is at rest, clean, and knows it."""
    repository = project.repository
    if update := unfinished.load(repository):
        if unfinished.observe(repository, update).is_running:
            raise MlfactoryError(
                f"an update to {update.to_version} is not finished yet",
                "mlfactory update --continue, or mlfactory update --abort",
            )
        unfinished.close(repository, update)
    index.check_free(repository)
    if running := operation(repository):
        hint = f"git {running} --continue, or git {running} --abort"
        hint = "git bisect reset" if running == "bisect" else hint
        raise MlfactoryError(f"a git {running} is in progress in {project.top}", hint)
    if conflicts := git.unmerged(repository):
        hint = f"Edit, then: git add {conflicts[0]} && git commit"
        raise MlfactoryError(f"{project.top} is in conflict: {shorten(conflicts)}", hint)
    if dirty := dirt_of(project):
        raise MlfactoryError(
            f"{project.path} has changes that are not committed: {shorten(dirty)}",
            "git commit --all, or git stash; then update again.",
        )
    author = git.identity(project.top, "AUTHOR")
    if not author or not git.identity(project.top, "COMMITTER"):
        raise MlfactoryError("git does not know who commits", IDENTITY)
    name, _, rest = author.partition(" <")
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": rest.partition("> ")[0]}
