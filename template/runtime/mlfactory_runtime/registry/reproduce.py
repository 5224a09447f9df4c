"""A registered model built again from its commit, data and locks, and held against the first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ..git import dvc, git
from ..learn.manifest import files_in
from ..programs import output
from ..project import MODEL, Project
from ..scratch import temporary
from .artifact import lock_of
from .models import message_json
from .register import platform_here
from .resolve import resolve
from .tags import registered


@dataclass(frozen=True)
class Difference:
    """A file that is not the same, and the first line of it that differs, from 1."""

    file: str
    line: int


@dataclass(frozen=True)
class Reproduced:
    """Whether a version was built again as it was: `differs` and `causes` are empty then."""

    version: str
    commit: str
    equal: bool
    differs: tuple[Difference, ...] = ()
    causes: tuple[str, ...] = ()


def reproduce(project: Project, version: str) -> Reproduced:
    """Build the version again; it is equal if every byte of the model is the same."""
    model = registered(project, version)
    first = resolve(project, version)
    with worktree(project, model.commit) as place:
        as_here(project, place)
        sync = "the version's own lock cannot be installed here: its message tells why"
        output(place, "uv", "sync", "--quiet", "--locked", hint=sync)
        dvc_there = ("uv", "run", "--quiet", "--locked", "dvc")
        if pointers := git(place, "ls-files", "*.dvc").splitlines():
            pushed = "where the data are: dvc push --all-tags"
            output(place, *dvc_there, "pull", *pointers, hint=pushed)
        options = ("--force", "--no-run-cache", "--no-commit", "train")
        hint = f"factory predict --model {version}"
        output(place, *dvc_there, "repro", *options, hint=hint)
        differs = tuple(differences(first.model, place / MODEL))
        causes = [*changed_outs(first.root, place), *elsewhere(model.message)] if differs else []
    return Reproduced(version, model.commit, not differs, differs, tuple(causes))


@contextmanager
def worktree(project: Project, commit: str) -> Iterator[Path]:
    """This factory as the commit holds it, in a folder that goes afterwards."""
    prefix = git(project.root, "rev-parse", "--show-prefix")
    with temporary() as folder:
        top = folder / "work"
        git(project.root, "worktree", "prune")  # of a run that was killed
        git(project.root, "worktree", "add", "--quiet", "--detach", str(top), commit)
        try:
            yield top / prefix
        finally:
            git(project.root, "worktree", "remove", "--force", str(top))


def as_here(project: Project, place: Path) -> None:
    """Let DVC find the cache and the remotes that it has here, with their credentials."""
    local = Path(".dvc/config.local")
    if (project.root / local).is_file():
        (place / local).write_bytes((project.root / local).read_bytes())
    settings = {"cache.dir": dvc(project.root, "cache", "dir")}
    for line in dvc(project.root, "remote", "list").splitlines():
        name, url = line.removesuffix("(default)").split(maxsplit=1)
        settings[f"remote.{name}.url"] = url.strip()
    for name, value in settings.items():
        dvc(place, "config", "--local", name, value)


def differences(first: Path, second: Path) -> Iterator[Difference]:
    """The files of two folders that are not the same."""
    for name in sorted({*files_in(first), *files_in(second)}):
        files = [folder / name for folder in (first, second)]
        texts = [file.read_bytes().split(b"\n") if file.is_file() else [] for file in files]
        pairs = enumerate(zip_longest(*texts), 1)
        if line := next((number for number, (a, b) in pairs if a != b), 0):
            yield Difference(name, line)


def changed_outs(first: Path, second: Path) -> Iterator[str]:
    """Which results of the pipeline are others than dvc.lock says."""
    before, after = lock_of(first), lock_of(second)
    for stage, entry in before.items():
        hashes = {one["path"]: one.get("md5") for one in after.get(stage, {}).get("outs", [])}
        for one in entry["outs"]:
            if one["path"] in hashes and hashes[one["path"]] != one.get("md5"):
                yield f"stage {stage}: {one['path']} is another"


def elsewhere(message: str) -> Iterator[str]:
    """What else was different where the version was registered."""
    for name, value in platform_here().items():
        then = message_json(message).get(name, value)
        if then != value:
            yield f"{name}: {then} then, {value} here"
