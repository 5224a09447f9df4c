"""Running a registered model by its own commit's code."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import NoReturn

from ..errors import FactoryError
from ..learn.keys import ANY, KEYS_ENV, key_files
from ..programs import environment
from ..project import PACKAGES, Project
from .resolve import Registered

UV = "install it: https://docs.astral.sh/uv"
RUNTIME = Path("runtime")  # where a factory keeps this library as files of its own


def command(
    project: Project, model: Registered, argv: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """How the model's own `factory` is started in its folder: by this environment if it is locked
    to the same packages, else by one of its own.
    """
    theirs = model.project
    contract = theirs.pyproject.get("tool", {}).get("mlfactory", {}).get("contract", 1)
    home = theirs.package if contract < 2 else "mlfactory_runtime"
    call = ["-c", f"from {home}.cli import main; main()", *argv]
    places = [theirs.root / RUNTIME, theirs.source.parent]
    env = environment() | {"PYTHONPATH": os.pathsep.join(str(p) for p in places if p.is_dir())}
    if trusted := key_files(project):
        env[KEYS_ENV] = ANY if model.fresh else os.pathsep.join(map(str, trusted))
    here, there = (folder / PACKAGES for folder in (project.root, theirs.root))
    if not there.is_file() or (here.is_file() and here.read_bytes() == there.read_bytes()):
        return [sys.executable, *call], env
    if not which("uv"):
        raise FactoryError(f"{model.label} is locked to other packages, and uv is not here", UV)
    env.pop("VIRTUAL_ENV", None)
    options = ["--quiet", "--locked", "--no-dev", "--project", str(theirs.root)]
    return ["uv", "run", *options, "python", *call], env


def run(
    project: Project, model: Registered, argv: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of the model's own `factory` in its folder: give paths in full."""
    line, env = command(project, model, argv)
    return subprocess.run(
        line, cwd=model.root, env=env, capture_output=True, text=True, check=False
    )


def start(
    project: Project,
    model: Registered,
    argv: Sequence[str],
    more: Mapping[str, str],
    files: Sequence[int],
) -> subprocess.Popen[bytes]:
    """Start it beside this process, with more in its environment and open files to share."""
    line, env = command(project, model, argv)
    return subprocess.Popen(line, cwd=model.root, env={**env, **more}, pass_fds=files)


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Let a process finish what it does; who takes longer is cut off."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def hand_over(project: Project, model: Registered, argv: Sequence[str]) -> NoReturn:
    """Go on as the model's own `factory`: output, signals and exit code are its."""
    line, env = command(project, model, argv)
    os.chdir(model.root)
    os.execvpe(line[0], line, env)  # noqa: S606
