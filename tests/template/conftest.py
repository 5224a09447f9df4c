"""Real factories: rendered, installed and trained once per combination of answers, then examined.

Environments are made by uv from one shared package cache; everything else is isolated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..customers import customers
from ..warm import put_clients
from .environments import linked, share_bytecode

SCRIPTS = Path(sys.executable).parent
USER_CACHE = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
DROPPED = ("GIT_", "XDG_", "COPIER_", "MLFACTORY_", "UV_", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")


COMPILING = ("mlfactory", "pytest", "pre-commit")  # what imports packages that no other does
INSTALLING = (("mlfactory", ("new",)), ("uv", ("sync",)), ("uv", ("lock",)))
COMPILED: set[tuple[str, ...]] = set()


@dataclass(frozen=True)
class Factory:
    """A rendered project, and a way to run programs in it as its user would."""

    path: Path
    env: dict[str, str]
    told: dict[str, Any] = field(default_factory=dict)

    def run(self, *argv: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a program of the factory's environment; `code` is what it must end with."""
        places = [*filter(None, [self.env.get("WARM")]), str(self.path / ".venv/bin")]
        programs = os.pathsep.join([*places, self.env["PATH"]])
        return execute(argv, self.path, {**self.env, "PATH": programs}, code)

    def json(self, *argv: str, code: int = 0) -> Any:
        return json.loads(self.run(*argv, code=code).stdout)

    def text(self, name: str) -> str:
        return (self.path / name).read_text("utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, "utf-8")


def execute(
    argv: tuple[str, ...], cwd: Path, env: dict[str, str], code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    done = started(argv, cwd, env)
    assert code is None or done.returncode == code, f"{argv}\n{done.stdout}\n{done.stderr}"
    if Path(argv[0]).name in COMPILING and argv not in COMPILED:
        COMPILED.add(argv)
        for environment in (*cwd.glob(".venv"), *cwd.glob("*/.venv")):
            share_bytecode(environment, Path(env["UV_CACHE_DIR"]))
    return done


def started(
    argv: tuple[str, ...], cwd: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program; what installs packages takes those at hand, and only then asks an index.

    It can be started twice: `mlfactory new` goes on where it was.
    """
    installs = (Path(argv[0]).name, argv[1:2]) in INSTALLING
    for more in ({"UV_OFFLINE": "1"}, {}) if installs else ({},):
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**env, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if not done.returncode:
            break
    return done


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, str]:
    """An empty HOME with a git identity; packages come from the cache of whoever runs the tests."""
    home, place = tmp_path_factory.mktemp("template-home"), tmp_path_factory.getbasetemp()
    shared = place if worker_id == "master" else place.parent
    (home / ".gitconfig").write_text("[user]\nname = Tester\nemail = tester@example.org\n")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "UV_CACHE_DIR": str(linked(Path(USER_CACHE), shared / "packages")),
        "MYPY_CACHE_DIR": str(home / "mypy"),  # of the packages' types, which are the same for all
    }


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> dict[str, str]:
    """The same, for tests that are not about how programs start: these need not import packages."""
    return {**env, "WARM": str(put_clients(tmp_path_factory.mktemp("warm")))}


# Chosen pairwise: task, key, time, file, serving, CI and remote each meet in some factory.
COMBINATIONS: dict[str, dict[str, Any]] = {
    "binary": {
        "drop": ["revenue", "segment"],
        "suffix": ".csv",
        "options": ["--target", "churned", "--id", "customer id", "--ci", "github"],
    },
    "multiclass": {
        "drop": ["customer id", "churned", "revenue"],
        "suffix": ".parquet",
        "options": ["--target", "segment", "--serving", "online", "--ci", "gitlab", "--remote"],
    },
    "regression": {
        "drop": ["churned", "segment"],
        "suffix": ".csv",
        "options": ["--target", "revenue", "--id", "customer id", "--time", "signup date",
                    "--serving", "online", "--ci", "github", "--owner", "@org/data"],
    },
    "sample": {"options": ["--task", "regression", "--ci", "none", "--remote"]},
}  # fmt: skip


def make(name: str, folder: Path, env: dict[str, str], *more: str) -> Factory:
    """Run `mlfactory new` for one of the combinations; what is given more holds."""
    combination = COMBINATIONS[name]
    options = list(combination["options"])
    if options[-1] == "--remote":
        options.append(str(folder / "storage"))
        (folder / "storage").mkdir(exist_ok=True)
    if "suffix" in combination:
        file = folder / f"customers{combination['suffix']}"
        table = customers().drop(combination["drop"])
        table.write_csv(file) if file.suffix == ".csv" else table.write_parquet(file)
        options += ["--data", str(file)]
    argv = (str(SCRIPTS / "mlfactory"), "new", "churn", *options, *more, "--defaults", "--json")
    done = execute(argv, folder, env)
    return Factory(folder / "churn", env, json.loads(done.stdout))


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in COMBINATIONS],
)
def factory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]
) -> Factory:
    """A trained factory; tests leave it as they found it."""
    return make(request.param, tmp_path_factory.mktemp(request.param), env)


@pytest.fixture(scope="session")
def _lab(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Factory:
    return make("binary", tmp_path_factory.mktemp("lab"), warm)


@pytest.fixture
def lab(_lab: Factory) -> Iterator[Factory]:
    """A trained factory to change; whatever a test does to it is taken back."""
    before = _lab.run("git", "rev-parse", "HEAD").stdout.strip()
    yield _lab
    _lab.run("git", "reset", "--quiet", "--hard", before)
    _lab.run("git", "clean", "--quiet", "--force", "-d")
    _lab.run("dvc", "checkout", "--quiet", "--force")


@pytest.fixture(scope="session", params=["batch", pytest.param("online", marks=pytest.mark.slow)])
def _proposed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]
) -> Factory:
    from .proposed import build  # it imports this module

    return build(tmp_path_factory.mktemp("jobs"), request.param, env)


@pytest.fixture
def proposed(_proposed: Factory) -> Iterator[Factory]:
    """A factory on GitHub whose first version is proposed and merged, the same for each test."""
    from .kept import kept

    with kept(_proposed) as factory:
        yield factory
