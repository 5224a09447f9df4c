"""`mlfactory doctor`: can this machine and this factory work? Each check proves it by running.

A check is a class: its name is the id, its docstring the title, and `check` returns what it saw.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlfactory.base import answers, git, origin, process, uv
from mlfactory.base.errors import MlfactoryError
from mlfactory.template import history, wheel

from .branch import JOB001
from .finding import ERROR, OK, WARNING, Finding, Observation
from .organisation import ORG001, ORG002, TPL001
from .token import TOK001

SYSTEM_LIBRARY = "libgomp.so.1"
SUPPORTED = ((3, 11), (3, 14))
MERGING = (2, 38)  # the git from which on `mlfactory update` works


class PY001:
    """Python can run mlfactory and its factories"""

    @staticmethod
    def check(folder: Path) -> Observation:
        version = sys.version_info[:2]
        text = f"Python {sys.version.split()[0]}"
        if SUPPORTED[0] <= version < SUPPORTED[1]:
            return Observation(OK, text)
        return Observation(WARNING, f"{text} was not tested", origin.install("--python", "3.13"))


class GIT001:
    """git runs, and knows who commits"""

    @staticmethod
    def check(folder: Path) -> Observation:
        version = git.run("--version").out.strip()
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if numbers < MERGING:
            return Observation(
                WARNING, f"{version} cannot merge updates", "Install git 2.38 or newer."
            )
        if git.has_identity(folder):
            return Observation(OK, version)
        remedy = "git config --global user.name NAME; git config --global user.email ADDRESS"
        return Observation(WARNING, f"{version}, without a name and address of yours", remedy)


class UV001:
    """uv installs what factories need"""

    @staticmethod
    def check(folder: Path) -> Observation:
        version = process.run([uv.program(), "--version"]).out.strip()
        return Observation(OK, "; ".join([version, *uv.settings().notes]))


class LIB001:
    """The system library that LightGBM needs is there"""

    @staticmethod
    def check(folder: Path) -> Observation:
        try:
            ctypes.CDLL(SYSTEM_LIBRARY)
        except OSError:
            return Observation(
                ERROR, f"{SYSTEM_LIBRARY} cannot be loaded", "apt-get install libgomp1"
            )
        return Observation(OK, f"{SYSTEM_LIBRARY} loads")


class FAC001:
    """The factory keeps the contract and its template version is known here"""

    @staticmethod
    def check(folder: Path) -> Observation:
        record = answers.read(folder / ".copier-answers.yml")
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        if project.get("tool", {}).get("mlfactory", {}).get("contract") not in (1, 2):
            return Observation(
                ERROR, "pyproject.toml does not say contract = 2", "git log -p pyproject.toml"
            )
        if history.recorded_version(folder):
            history.repository_for(folder)
        return Observation(
            OK, f"from {record.get('_src_path')} {record.get('_commit', '')}".strip()
        )


class RUN001:
    """The library that the factory runs on is one that was released"""

    @staticmethod
    def check(folder: Path) -> Observation:
        paths = sorted((folder / "vendor").glob(f"{wheel.PACKAGE}-*.whl"))
        if not paths:
            return Observation(OK, "there is no wheel of it in vendor/")
        hashes = history.released_wheels()
        observations = [_wheel(folder, path, hashes.get(path.name)) for path in paths]
        return max(observations, key=lambda one: (OK, WARNING, ERROR).index(one.state))


class ENV001:
    """The environment agrees with the lock"""

    @staticmethod
    def check(folder: Path) -> Observation:
        if not (folder / "uv.lock").is_file():
            return Observation(ERROR, "there is no uv.lock", "uv lock && uv sync")
        uv.check_own(folder)
        argv = [uv.program(), "sync", "--locked", "--check", "--directory", str(folder)]
        result = process.run(argv, env=uv.NEUTRAL, ok=range(256))
        return _by_code(result, "environment, lock and pyproject.toml agree", "uv sync")


class CAT001:
    """The catalog is valid and the data keep the contract"""

    @staticmethod
    def check(folder: Path) -> Observation:
        result = _factory(folder, "factory", "check", "--json")
        if not result.out.strip():
            return _by_code(result, "", "factory check")
        findings = json.loads(result.out)["findings"]
        errors = [f for f in findings if f["level"] == "error"]
        if errors:
            first = errors[0]
            return Observation(
                ERROR, f"{first['feature'] or ''}: {first['message']}", first["remedy"]
            )
        if findings:
            return Observation(
                WARNING, f"{len(findings)} things are assumed or open", "factory check"
            )
        return Observation(OK, "catalog and data are in order")


class DVC001:
    """The pipeline is up to date"""

    @staticmethod
    def check(folder: Path) -> Observation:
        result = _factory(folder, "dvc", "status", "--json")
        if result.code:
            return _by_code(result, "", "dvc status")
        stages = sorted(json.loads(result.out))
        if not stages:
            return Observation(OK, "nothing has changed since the model was trained")
        return Observation(WARNING, f"changed since the last run: {', '.join(stages)}", "dvc repro")


class DVC002:
    """Data and models are where colleagues can get them"""

    @staticmethod
    def check(folder: Path) -> Observation:
        if not _factory(folder, "dvc", "remote", "list").out.strip():
            mend = "dvc remote add -d storage URL && dvc push"
            return Observation(WARNING, "there is no DVC remote", mend)
        result = _factory(folder, "dvc", "status", "--cloud", "--json")
        if result.code:
            return _by_code(result, "", "dvc remote list; dvc status --cloud")
        waiting = len(json.loads(result.out))
        if waiting:
            return Observation(WARNING, f"{waiting} files are not in the remote", "dvc push")
        return Observation(OK, "the remote answers and has everything")


class HOOK001:
    """The hooks are installed and run"""

    @staticmethod
    def check(folder: Path) -> Observation:
        hook = git.run(
            "rev-parse", "--git-path", "hooks/pre-commit", cwd=folder, hooks=True
        ).out.strip()
        inside = git.run("rev-parse", "--show-prefix", cwd=folder).out.strip()
        if inside and not _calls(folder / hook, folder.parents[inside.count("/") - 1], inside):
            detail = f"the repository's own hooks do not call those of {inside.rstrip('/')}"
            return Observation(WARNING, detail, "see docs/how-to/subdirectory.md, Hooks and owners")
        if not (folder / hook).is_file():
            return Observation(WARNING, "commits are not checked", ".venv/bin/pre-commit install")
        result = _factory(folder, "pre-commit", "run", "--files", "features.yaml")
        return _by_code(result, "they start, and the catalog passes", "pre-commit run --all-files")


MACHINE: tuple[type[Any], ...] = (PY001, GIT001, UV001, LIB001, TPL001, ORG001)
FACTORY: tuple[type[Any], ...] = (
    FAC001,
    ORG002,
    RUN001,
    ENV001,
    CAT001,
    DVC001,
    DVC002,
    HOOK001,
    JOB001,
    TOK001,
)


def examine(project: Path | None) -> tuple[Finding, ...]:
    """All findings on the machine and, where there is one, on the factory.

    Raises MlfactoryError when `project` is named and is no factory.
    """
    folder = (project or Path.cwd()).resolve()
    inside = (folder / ".copier-answers.yml").is_file()
    if project is not None and not inside:
        raise MlfactoryError(
            f"{project} is no factory: it has no .copier-answers.yml", "cd FACTORY"
        )
    return tuple(_findings(folder, (*MACHINE, *FACTORY) if inside else MACHINE))


def _findings(folder: Path, checks: tuple[type[Any], ...]) -> Iterator[Finding]:
    for kind in checks:
        try:
            observation = kind.check(folder)
        except (MlfactoryError, OSError, ValueError) as error:
            remedy = error.hint if isinstance(error, MlfactoryError) else ""
            observation = Observation(ERROR, str(error), remedy)
        title = (kind.__doc__ or "").strip()
        yield Finding(
            kind.__name__, title, observation.state, observation.detail, observation.remedy
        )


def _factory(folder: Path, program: str, *args: str) -> process.Result:
    """Run a program of the factory's environment; its code is for the check to judge."""
    uv.check_own(folder)
    argv = [str(folder / ".venv" / "bin" / program), *args]
    return process.run(argv, folder, env=uv.environment(folder), ok=range(256), hint="uv sync")


def _calls(hook: Path, top: Path, inside: str) -> bool:
    """Whether the hook of a larger repository, or what is set for it, names a folder in that."""
    files = [path for path in (hook, top / ".pre-commit-config.yaml") if path.is_file()]
    return hook in files and any(inside in path.read_text("utf-8", "replace") for path in files)


def _wheel(folder: Path, path: Path, digest: str | None) -> Observation:
    """Whether a wheel has the hash that was released under its name."""
    name, version = f"vendor/{path.name}", wheel.version_of(path.name)
    if digest:
        if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            return Observation(OK, f"mlfactory-runtime {version}, as it was released")
        return Observation(ERROR, f"{name} is not what was released", f"mlfactory restore {name}")
    if ".dev" in version:
        return Observation(
            WARNING, f"mlfactory-runtime {version} was never released", "mlfactory update"
        )
    own = history.recorded_version(folder)
    return Observation(
        ERROR if own else WARNING, f"this mlfactory knows no release {name}", origin.upgrade()
    )


def _by_code(result: process.Result, fine: str, remedy: str) -> Observation:
    """OK when the program ended so, else its last words."""
    if result.code == 0:
        return Observation(OK, fine)
    words = (result.err.strip() or result.out.strip()).splitlines()[-3:]
    return Observation(ERROR, " ".join(words), remedy)
