"""The repository that is adopted, as its last commit has it, and what must not be adopted."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from mlfactory.base import answers, git, mainline, objects
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.git import Repository
from mlfactory.base.objects import Leaves
from mlfactory.base.operation import operation
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.template import history

COOKIECUTTER = ".cookiecutter.json"
BRANCH, LINKED = "mlfactory-adopt", "mlfactory-link"
PIPELINE = ("dvc.yaml", "params.yaml", "features.yaml")
# What the pipeline writes: DVC refuses an output that git tracks.
OUTPUTS = ("data/prepared", "models/model", "reports/plots")


@dataclass(frozen=True)
class Place:
    """A folder of a repository at a commit. `prefix` is its place there, with a slash at the end;
    `leaves` are all files of the commit by their path from the top."""

    path: Path
    repository: Repository
    head: str
    branch: str
    prefix: str
    leaves: Leaves

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The project's own files by their path from it."""
        inside = (name for name in self.leaves if name.startswith(self.prefix))
        return tuple(name.removeprefix(self.prefix) for name in inside)

    @cached_property
    def main_branch(self) -> str:
        """What a forge would call its main branch; empty where nothing tells."""
        return mainline.main_branch(self.repository)

    def text(self, name: str) -> str:
        """A file of the project as text; empty where it has none."""
        return objects.text_at(self.repository, self.head, f"{self.prefix}{name}") or ""

    def has(self, *names: str) -> bool:
        return any(f"{self.prefix}{name}" in self.leaves for name in names)


def place(start: str) -> Place:
    """The repository around a folder. Raises MlfactoryError where nothing can be merged."""
    path = Path(start).expanduser().resolve()
    if not path.is_dir():
        raise UsageError(f"{start} is not a directory", "Name the folder of a project.")
    around = git.look_up(path)
    if around is None and record.is_bare(path):
        hint = f"Adopt a clone of it: git clone {quote(str(path))}"
        raise MlfactoryError(f"{path} is a bare repository: no files stand in it", hint)
    if around is None:
        hint = f"cd {quote(str(path))} && git init && git add --all && git commit"
        raise MlfactoryError(f"{path} is in no git repository", hint)
    repository, head = around
    if not head:
        raise MlfactoryError(f"{path} has no commit yet", "git add --all && git commit")
    inside = path.relative_to(repository.top).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    branch = repository.run("branch", "--show-current").out.strip()
    return Place(path, repository, head, branch, prefix, objects.leaves(repository, head))


def check_quiet(here: Place) -> None:
    """Raises MlfactoryError where something is not committed: the set-up commits all there is."""
    if running := operation(here.repository):
        hint = "Finish it first: git status"
        raise MlfactoryError(f"a git {running} is in progress in {here.path}", hint)
    argv = ("status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames")
    entries = here.repository.run(*argv, "--", f":(top){here.prefix}", passive=True).out.split("\0")
    names = [entry[3:] for entry in entries if entry and not entry[3:].startswith(".mlfactory-")]
    if names:
        more = f", and {len(names) - 1} more" if len(names) > 1 else ""
        raise MlfactoryError(
            f"{names[0]}{more}: not committed",
            "Commit it, put it aside (git stash --include-untracked), or into .gitignore.",
        )


def unready(here: Place, *, dry_run: bool) -> tuple[str, ...]:
    """What is not committed: a warning where nothing is done, since it may be until then. Raises
    MlfactoryError else."""
    try:
        check_quiet(here)
    except MlfactoryError as error:
        if not dry_run:
            raise
        return (f"as it is now it would be refused: {error}",)
    return ()


def check_branch(here: Place, name: str) -> None:
    """Raises MlfactoryError where the branch is there already."""
    if git.ref_exists(here.repository, f"refs/heads/{name}"):
        hint = f"Look at it, or do it anew: git branch -D {name}"
        raise MlfactoryError(f"the branch {name} is there already", hint)


def old_record(here: Place) -> Project | None:
    """What says which template it was made from. Raises MlfactoryError for a factory."""
    names = record.files_in(here.path)
    if not names or not here.has(names[0]):
        return cookiecutter_record(here)
    project = record.read(here.path, here.repository, here.head, names[0])
    settings = answers.tool_table(here.text(record.PYPROJECT), "mlfactory")
    if project.source == history.SOURCE or "contract" in settings:
        raise MlfactoryError(
            f"{here.path} is a factory already", f"mlfactory status {quote(str(here.path))}"
        )
    return project


def cookiecutter_record(here: Place) -> Project | None:
    """What a template of cookiecutter leaves where it writes its variables down, as many do; the
    version is empty where it does not name one."""
    try:
        document = dict(json.loads(here.text(COOKIECUTTER) or "{}"))
        context = dict(document.get("cookiecutter") or document)
    except (ValueError, TypeError):
        return None
    source, version = str(context.get("_template") or ""), str(context.get("_commit") or "")
    if not source or source.startswith("-") or version.startswith("-"):
        return None
    place = (here.path, here.repository, here.head, here.prefix)
    return Project(*place, COOKIECUTTER, "{}", record.CRUFT, source, version, context)


def check_apart(here: Place) -> None:
    """Raises MlfactoryError for a pipeline of its own in the place of the factory's."""
    for name in PIPELINE:
        if here.has(name):
            raise MlfactoryError(
                f"{here.path} has a {name} of its own, and a factory has one there, too",
                "A factory in a folder of its own keeps both apart: "
                f"cd {quote(str(here.path))} && mlfactory new NAME --inside --data FILE",
            )
    tracked = [n for n in here.names if any(n == o or n.startswith(f"{o}/") for o in OUTPUTS)]
    if tracked:
        raise MlfactoryError(
            f"git tracks {tracked[0]}, and the pipeline of a factory writes there",
            f"Move it elsewhere first: git mv {quote(tracked[0])} …",
        )


def check_alone(here: Place) -> None:
    """Raises MlfactoryError for a member of a workspace of uv's: that has one lock and one
    environment for all, at its top, and a factory has its own."""
    inside = PurePosixPath(here.prefix or ".")
    for above in inside.parents if here.prefix else ():
        at = "" if above.name == "" else f"{above.as_posix()}/"
        text = objects.text_at(here.repository, here.head, f"{at}{record.PYPROJECT}")
        workspace = answers.table(text, "tool", "uv", "workspace")
        name = inside.relative_to(above).as_posix()
        if has(workspace.get("members"), name) and not has(workspace.get("exclude"), name):
            raise MlfactoryError(
                f"{name} is a member of the uv workspace of {at}{record.PYPROJECT}, which has one "
                "lock and one environment for all members, and a factory has its own",
                f'Take it out there: [tool.uv.workspace] exclude = ["{name}"]',
            )


def has(globs: Any, name: str) -> bool:
    """Whether one of a workspace's patterns is meant; they say each folder on the way."""
    texts = [one for one in globs if isinstance(one, str)] if isinstance(globs, list) else []
    path, patterns = PurePosixPath(name), map(PurePosixPath, texts)
    return any(len(p.parts) == len(path.parts) and path.match(str(p)) for p in patterns)


def check_data(here: Place, data: str, name: str) -> None:
    """Raises MlfactoryError where the data would take the place of a file, ignored or not."""
    target = here.path / "data/raw" / name
    is_same = target.exists() and target.samefile(Path(data).expanduser())
    if name and os.path.lexists(target) and not is_same:
        text = f"{target} is there, and the data would take its place"
        raise MlfactoryError(text, f"Move it, or adopt with it: --data {quote(str(target))}")
