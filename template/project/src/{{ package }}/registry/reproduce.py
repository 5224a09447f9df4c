"""A registered model built again from its commit, data and locks, and held against the first."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..files import MODEL
from .git import dvc, git, output
from .models import told_of
from .register import platform_here
from .resolve import lock_of, resolve
from .tags import registered

Told = dict[str, Any]


def reproduce(version: str) -> Told:
    """Build the version again; `equal` if every byte of the model is the same, else `differs`."""
    known = registered(version)
    first = resolve(version)
    with worktree(known.commit) as place:
        as_here(place)
        sync = "the version's own lock cannot be installed here: its message tells why"
        output("uv", "sync", "--quiet", "--locked", cwd=place, hint=sync)
        dvc_there = ("uv", "run", "--quiet", "--locked", "dvc")
        if noted := git("ls-files", "*.dvc", cwd=place).splitlines():
            pushed = "where the data are: dvc push --all-tags"
            output(*dvc_there, "pull", *noted, cwd=place, hint=pushed)
        options = ("--force", "--no-run-cache", "--no-commit", "train")
        output(*dvc_there, "repro", *options, cwd=place, hint=f"factory predict --model {version}")
        differs = differences(first.model, place / MODEL)
        causes = [*changed_outs(first.root, place), *elsewhere(known.message)] if differs else []
    told = {"version": version, "commit": known.commit, "equal": not differs}
    return {**told, "differs": differs, "causes": causes}


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """This factory as the commit holds it, in a folder that goes afterwards."""
    folder = git("rev-parse", "--show-prefix")
    with TemporaryDirectory(prefix="factory-") as place:
        top = Path(place) / "work"
        git("worktree", "add", "--quiet", "--detach", str(top), commit)
        try:
            yield top / folder
        finally:
            git("worktree", "remove", "--force", str(top))


def as_here(place: Path) -> None:
    """Let DVC find the cache and the remotes that it has here, with their credentials."""
    local = Path(".dvc/config.local")
    if local.is_file():
        (place / local).write_bytes(local.read_bytes())
    settings = {"cache.dir": dvc("cache", "dir")}
    for line in dvc("remote", "list").splitlines():
        name, url = line.removesuffix("(default)").split(maxsplit=1)
        settings[f"remote.{name}.url"] = url.strip()
    for name, value in settings.items():
        dvc("config", "--local", name, value, cwd=place)


def differences(first: Path, second: Path) -> list[Told]:
    """The files that are not the same, and the first line in which they differ, from 1."""
    found = []
    for name in sorted({path.name for folder in (first, second) for path in folder.iterdir()}):
        files = [folder / name for folder in (first, second)]
        texts = [file.read_bytes().split(b"\n") if file.is_file() else [] for file in files]
        pairs = enumerate(zip_longest(*texts), 1)
        if line := next((number for number, (a, b) in pairs if a != b), 0):
            found.append({"file": name, "line": line})
    return found


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
        then = told_of(message).get(name, value)
        if then != value:
            yield f"{name}: {then} then, {value} here"
