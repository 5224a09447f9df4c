"""The repository around a new factory: whether it becomes a part of it, and what that takes."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from mlfactory.base import git, workflows
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.git import Repository
from mlfactory.base.operation import operation
from mlfactory.base.talk import Talk

from . import journal
from .journal import Run
from .request import Request

FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
INSIDE, OWN = "a part of that repository", "a repository of its own"
NESTED = (
    "{} lies inside the repository {}; the factory gets a repository of its own, of which that one "
    "knows nothing. To make it a part of that one: mlfactory new {} --inside"
)
HOOKS = (
    "the hooks are not installed, as a repository has one set for all: docs/how-to/subdirectory.md "
    "has the lines that call these"
)
NO_WORKFLOWS = "this template does not know that it is in a folder: a forge does not read {}/{}"
GITLAB, GITLAB_TOP = ".gitlab/factory.yml", ".gitlab-ci.yml"
NOT_INCLUDED = (
    "GitLab reads one file, at the top of the repository: its jobs run once "
    f"{GITLAB_TOP} there says `include: [{{{{local: /{{}}}}}}]`"
)


def prefix(request: Request, directory: Path, talk: Talk, *, ask: bool) -> str:
    """The factory's folder in the repository around it, with a slash at the end; empty where it
    gets its own. Raises an error where it cannot be a part of that one."""
    around = git.look_up(directory)
    if request.inside is None and around and ask:
        text = f"{directory} lies inside the repository {around[0].top}. The factory becomes"
        inside = talk.choose(text, (INSIDE, OWN)) == INSIDE
    else:
        inside = bool(request.inside)
    if not inside:
        return ""
    if around is None:
        raise UsageError(f"{directory} is in no git repository", "Leave out --inside, or: git init")
    folder = directory.resolve().relative_to(around[0].top).as_posix()
    check_folder(around[0], folder)
    return f"{folder}/"


def check_folder(repository: Repository, folder: str) -> None:
    """Raises MlfactoryError where a repository cannot take a factory there, now or ever."""
    if folder == ".":
        text = f"{repository.top} is the repository itself"
        raise UsageError(text, "Name a folder in it: mlfactory new models/churn --inside")
    if not FOLDER.fullmatch(folder):
        text = f"{folder!r} cannot be named in a workflow and a tag"
        raise UsageError(text, "Letters without accents, digits, dots, dashes and underscores can.")
    if running := operation(repository):
        raise MlfactoryError(
            f"a git {running} is in progress in {repository.top}", "Finish it first: git status"
        )


def check_taken(run: Run) -> Run:
    """Raises MlfactoryError where the repository keeps a file of the factory out of git, or has one
    that is not the factory's in its place."""
    top = run.repository.top
    files = [path.relative_to(run.path).as_posix() for path in run.path.rglob("*")]
    files = [name for name in files if not (run.path / name).is_dir()]
    if ignored := git.ignored(run.repository, [f"{run.prefix}{name}" for name in sorted(files)]):
        raise MlfactoryError(
            f"the repository's .gitignore keeps {len(ignored)} files of the factory out of git: "
            f"{', '.join(ignored[:4])}",
            f"git check-ignore --verbose --no-index {quote(ignored[0])} names the rule to change.",
        )
    names = [name for file in files if (name := workflows.name_of(known_folder(run), file))]
    if there := [name for name in names if (top / name).exists()]:
        raise MlfactoryError(f"{top / there[0]} is there already", "Move it away, or rename it.")
    has_some = any(name.startswith(f"{workflows.HOME}/") for name in files)
    unread = [NO_WORKFLOWS.format(run.folder, workflows.HOME)] if has_some and not names else []
    return journal.with_warnings(run, [*unread, *not_included(run)])


def not_included(run: Run) -> list[str]:
    """What to say of a factory's jobs that the repository's own file for GitLab does not name."""
    own, name = run.repository.top / GITLAB_TOP, f"{run.prefix}{GITLAB}"
    is_named = own.is_file() and name in own.read_text("utf-8", errors="replace")
    return [] if is_named or not (run.path / GITLAB).is_file() else [NOT_INCLUDED.format(name)]


def known_folder(run: Run) -> str:
    """The factory's folder, where its template writes it into what the forge reads."""
    return str(run.answers.get("folder") or "") if run.contract else ""


def lift(run: Run) -> Run:
    """Move what a forge reads only at the top of the repository."""
    top, folder = run.repository.top, known_folder(run)
    for path in sorted((run.path / workflows.HOME).glob("*")):
        if name := workflows.name_of(folder, path.relative_to(run.path).as_posix()):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(top / name)
    home = run.path / workflows.HOME
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()
    return run


def specs(run: Run) -> tuple[str, ...]:
    """What git is told to take for the factory's; nothing where all of the repository is."""
    if not run.folder:
        return ()
    own = workflows.names_in(run.repository.top, known_folder(run))
    return tuple(f":(top,literal){name}" for name in (run.folder, *own))


def without_hooks(run: Run) -> Run:
    """Say that the hooks are left to whoever looks after the repository."""
    return journal.with_warnings(run, [HOOKS])
