"""A model by its stage, its version or its folder; one that is registered runs by its own code."""

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import yaml

from ..errors import FactoryError
from ..files import MODEL
from ..params import PARAMS, Loader
from .git import dvc, environment, git, output
from .tags import FETCH, STAGES, registered, stages

EXPORTS = Path(".factory/versions")
LOCK, PACKAGES, SIGNATURE = "dvc.lock", "uv.lock", "signature.json"
UV = "install it: https://docs.astral.sh/uv"
VERSION = re.compile(r"v\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Registered:
    """A model, and the folder of the factory that made it: `.` for one that is not registered."""

    label: str
    version: str | None
    commit: str | None
    root: Path
    model: Path


def resolve(text: str) -> Registered:
    """The model that a stage, a version such as v1.2.0, or a path names, with all files at hand."""
    if (Path(text) / SIGNATURE).is_file() or "/" in text or os.sep in text:
        if not (Path(text) / SIGNATURE).is_file():
            raise FactoryError(f"there is no model in {text}", "train one: dvc repro")
        return Registered(text, None, None, Path(), Path(text))
    if VERSION.fullmatch(text):
        return exported(text, text, registered(text).commit)
    if found := on_stage(text):
        return found
    raise FactoryError(
        f"no version is on the stage {text}" if text in STAGES else f"there is no model {text!r}",
        f"{FETCH}; `factory models` shows stages and versions",
    )


def on_stage(stage: str) -> Registered | None:
    """The model that a stage holds, if it holds one."""
    held = stages().get(stage)
    return exported(stage, held.version, held.commit) if held else None


def exported(label: str, version: str | None, commit: str) -> Registered:
    """The commit's factory with its model, in a folder of its own that is made once."""
    root = (EXPORTS / commit).absolute()
    if not root.is_dir():
        EXPORTS.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".new-", dir=EXPORTS) as place:
            made = Path(place).absolute() / commit
            export(commit, made)
            fetch(label, commit, made)
            link_log(made)
            if not root.is_dir():
                made.rename(root)
    return Registered(label, version, commit, root, root / MODEL)


def export(commit: str, target: Path) -> None:
    """The files of the factory as the commit holds them; of a larger repository this folder."""
    content = output("git", "archive", "--format=tar", commit, hint=FETCH)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(target, filter="tar")


def lock_of(root: Path) -> dict[str, Any]:
    """The stages as dvc.lock records them; none without that file."""
    file = root / LOCK
    found = yaml.load(file.read_text("utf-8"), Loader) if file.is_file() else None  # noqa: S506
    return dict((found or {}).get("stages", {}))


def model_hash(root: Path) -> str | None:
    """DVC's hash of the model that belongs to the commit."""
    outs = lock_of(root).get("train", {}).get("outs", [])
    return next((one.get("md5") for one in outs if one["path"] == MODEL.as_posix()), None)


def version(folder: Path) -> str:
    """A name for a model that follows from its files: the same model has the same name."""
    return version_of({path.name: path for path in folder.iterdir()})


def version_of(files: dict[str, Path]) -> str:
    """The same for files that stand elsewhere under other names."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def fetch(label: str, commit: str, root: Path) -> None:
    """The model's files, from DVC's cache here or from its remote."""
    if not model_hash(root):
        raise FactoryError(
            f"{LOCK} of {label} ({commit[:12]}) holds no model",
            f"dvc repro, commit {LOCK}, and factory register",
        )
    (root / MODEL).parent.mkdir(parents=True, exist_ok=True)
    top, folder = git("rev-parse", "--show-toplevel"), git("rev-parse", "--show-prefix")
    source = (top, f"{folder}{MODEL.as_posix()}", "--rev", commit)
    try:
        dvc("get", *source, "--out", str(root / MODEL))
    except FactoryError as error:
        reason = error.message.rpartition(" failed: ")[2]
        raise FactoryError(
            f"the model of {label} is neither in DVC's cache nor in its remote: {reason}",
            "where it was made: dvc push --all-tags; `dvc pull -v` tells why a remote is silent",
        ) from error


def link_log(root: Path) -> None:
    """Predictions of a registered model go into the factory's own log."""
    settings = yaml.load((root / PARAMS).read_text("utf-8"), Loader)  # noqa: S506
    path = Path(settings.get("log", {}).get("path", "log/predictions.db"))
    first = path.parts[0]
    if not path.is_absolute() and not (root / first).exists():
        if len(path.parts) > 1:
            Path(first).mkdir(exist_ok=True)
        (root / first).symlink_to(Path("../../..") / first)


def command(model: Registered, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """How the model's own `factory` is started in its folder: by this environment if it is locked
    to the same packages, else by one of its own.
    """
    package = __package__.partition(".")[0]
    call = ["-c", f"from {package}.cli import main; main()", *argv]
    env = environment() | {"PYTHONPATH": str(model.root / "src")}
    here, there = (folder / PACKAGES for folder in (Path(), model.root))
    if not there.is_file() or (here.is_file() and here.read_bytes() == there.read_bytes()):
        return [sys.executable, *call], env
    if not which("uv"):
        raise FactoryError(f"{model.label} is locked to other packages, and uv is not here", UV)
    env.pop("VIRTUAL_ENV", None)
    project = ["--project", str(model.root)]
    return ["uv", "run", "--quiet", "--locked", "--no-dev", *project, "python", *call], env


def run(model: Registered, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the model's own `factory` in its folder: give paths in full."""
    line, env = command(model, argv)
    return subprocess.run(  # noqa: S603
        line, cwd=model.root, env=env, capture_output=True, text=True, check=False
    )


def hand_over(model: Registered, argv: Sequence[str]) -> NoReturn:
    """Go on as the model's own `factory`: output, signals and exit code are its."""
    line, env = command(model, argv)
    os.chdir(model.root)
    os.execvpe(line[0], line, env)  # noqa: S606
