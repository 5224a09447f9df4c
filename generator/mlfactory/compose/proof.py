"""The checks of factories themselves, for a few combinations of answers: what a factory's CI runs,
as far as that needs no forge.

One environment serves all of them. It stands in one place, and so does each factory: packages are
installed once, and compiled once.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from mlfactory.base import git, process, uv
from mlfactory.base.answers import Answers
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Talk
from mlfactory.new import intake, steps
from mlfactory.new import run as making
from mlfactory.new.journal import Run
from mlfactory.new.request import Request
from mlfactory.render import copier, trial
from mlfactory.template import stream
from mlfactory.template.stream import Files

from .questions import about
from .trials import PROJECT

FEW, ALL, NONE = "few", "all", "none"
# As in the jobs "code" and "pipeline" of a factory's CI.
CHECKS = {
    "hooks": ("pre-commit", "run", "--all-files"),
    "types": ("mypy",),
    "tests": ("pytest",),
    "data": ("factory", "check"),
    "pipeline": ("dvc", "repro"),
}
ENVIRONMENT = (".venv", "uv.lock")
LAST_LINES = 12
NETWORK = re.compile(
    r"network|dns|connect|sending request|timed? ?out|unreachable|resolve host|proxy|offline", re.I
)
PLAIN = "the template does not keep mlfactory's contract, so that its projects have none"
WITHOUT = "mend the rule or the file; --checks none leaves a factory's own checks out"
ONLINE = (
    "mend the package index (mlfactory doctor), or publish without a factory's own checks: "
    "--checks none"
)


@dataclass(frozen=True)
class Proof:
    """A factory that passed its own checks: the answers it was made with, and which they are."""

    answers: str
    checks: tuple[str, ...]


class NoPackagesError(MlfactoryError):
    """There is no environment to check anything in."""


def prove(files: Files, rows: list[Answers], talk: Talk) -> tuple[Proof, ...]:
    """Make a factory for each of the rows, and run its checks; none where the template is no
    factory's.

    Raises MlfactoryError that names the answers and the check, and NoPackagesError where packages
    cannot be installed.
    """
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        folder, proofs = Path(scratch), list[Proof]()
        stream.unpack(files, folder / "template")
        source = trial.read(folder / "template")
        for number, row in enumerate(rows, 1):
            run = rendered(source, folder, row)
            if not run.contract:
                return ()
            title = f"Run a factory's own checks, {number} of {len(rows)}: {about(row)}"
            with talk.step(title):
                proofs.append(proof(run, folder, row))
        return tuple(proofs)


def rendered(source: trial.Source, folder: Path, row: Answers) -> Run:
    """A render in the place of the one before, of which the environment stays."""
    path = folder / PROJECT
    keep(path, folder / "kept")
    run = Run(path, Request(str(path)), "", "", released=True, trusted=True)
    questions = copier.questions_of(source.questions)
    if intake.takes_data(questions):
        run = intake.with_sample(run, {"project_name": PROJECT, **row}, questions)
    trial.render(source, path, {**row, **run.given})
    return replace(run, contract=making.keeps_contract(path))


def keep(path: Path, shelf: Path) -> None:
    """Put the environment aside, and remove the rest."""
    shelf.mkdir(exist_ok=True)
    for name in ENVIRONMENT:
        if (path / name).exists():
            (path / name).rename(shelf / name)
    if path.exists():
        shutil.rmtree(path)


def proof(run: Run, folder: Path, row: Answers) -> Proof:
    """Set a factory up, and run the checks whose programs it has."""
    try:
        set_up(run, folder / "kept")
        names = tuple(name for name in CHECKS if program(run, name).is_file())
        for name in names:
            check(run, name, folder / "mypy")
    except NoPackagesError:
        raise
    except MlfactoryError as error:
        raise MlfactoryError(f"with {about(row)}: {error.message}", WITHOUT) from error
    return Proof(about(row), names)


def set_up(run: Run, shelf: Path) -> None:
    """What `mlfactory new` does once a factory is rendered."""
    git.init(run.path)
    if run.data:
        steps.copy_data(run)
    install(run, shelf)
    if run.data:
        steps.track_data(run)
        steps.draft_catalog(run)
    steps.commit_scaffold(run)


def install(run: Run, shelf: Path) -> None:
    """Let the environment be what this factory asks for. Raises NoPackagesError."""
    for name in ENVIRONMENT:
        if (shelf / name).exists():
            (shelf / name).rename(run.path / name)
    try:
        uv.install(run.path)
    except MlfactoryError as error:
        if NETWORK.search(error.message):
            raise NoPackagesError(" ".join(error.message.split()), ONLINE) from error
        raise


def program(run: Run, name: str) -> Path:
    return run.path / ".venv/bin" / CHECKS[name][0]


def check(run: Run, name: str, types: Path) -> None:
    """One check. Raises MlfactoryError with the last lines of what it says."""
    argv = (str(program(run, name)), *CHECKS[name][1:])
    env = {**uv.environment(run.path), **steps.QUIET, "MYPY_CACHE_DIR": str(types)}
    result = process.run_whole(argv, run.path, env, timeout=1800, ok=range(-64, 256))
    if result.code:
        lines = f"{result.out.rstrip()}\n{result.err}".strip().splitlines()[-LAST_LINES:]
        text = f"`{' '.join(CHECKS[name])}` ends with code {result.code}"
        raise MlfactoryError("\n  ".join([text, *lines]))
