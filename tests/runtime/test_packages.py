"""What training depends on, of all that is locked; and what is installed against the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mlfactory_runtime import packages
from mlfactory_runtime.project import Project

from .conftest import make_factory

LOCK = """[[package]]
name = "churn"
version = "0.1.0"
source = { editable = "." }
dependencies = [{ name = "lightgbm" }, { name = "mlfactory-runtime", extra = ["online"] }]

[package.dev-dependencies]
dev = [{ name = "ruff" }]
train = [{ name = "mlfactory-runtime", extra = ["train"] }]

[[package]]
name = "lightgbm"
version = "4.7.0"
dependencies = [{ name = "numpy", version = "2.3.0" }]

[[package]]
name = "mlfactory-runtime"
version = "0.5.0"
dependencies = [{ name = "polars" }]

[package.optional-dependencies]
online = [{ name = "uvicorn" }]
train = [{ name = "dvc" }]
signing = [{ name = "cryptography" }]
"""
NAMES = ("ruff", "polars", "uvicorn", "dvc", "cryptography", "jupyter")
OTHERS = "".join(f'\n[[package]]\nname = "{name}"\nversion = "1.0"\n' for name in NAMES)
NUMPY = "".join(f'\n[[package]]\nname = "numpy"\nversion = "{one}"\n' for one in ("2.2.0", "2.3.0"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_factory(tmp_path / "made").root
    (made / "pyproject.toml").write_text('[project]\nname = "Churn"\n', "utf-8")
    (made / "uv.lock").write_text(LOCK + OTHERS + NUMPY, "utf-8")
    return Project(made)


def test_training_depends_on_what_it_imports_and_on_no_tool(project: Project) -> None:
    assert packages.write(project).read_text("utf-8").splitlines() == [
        "dvc 1.0", "lightgbm 4.7.0", "mlfactory-runtime 0.5.0", "numpy 2.3.0", "polars 1.0",
        "uvicorn 1.0",
    ]  # fmt: skip


def test_a_tool_changes_nothing_and_a_version_does(project: Project) -> None:
    before = packages.training_packages(project)
    lock = project.root / "uv.lock"
    lock.write_text(
        lock.read_text("utf-8").replace('name = "jupyter"', 'name = "ipython"'), "utf-8"
    )
    assert packages.training_packages(Project(project.root)) == before
    lock.write_text(lock.read_text("utf-8").replace("4.7.0", "4.8.0"), "utf-8")
    assert packages.training_packages(Project(project.root)) != before


def test_nothing_is_said_of_an_environment_that_is_not_the_factorys(project: Project) -> None:
    assert list(packages.differences(project)) == []


def test_what_differs_from_the_lock_is_named_with_the_command(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(project.root / ".venv"))
    told = dict(packages.differences(project))
    (other, foreign), (sync, add) = told, told.values()
    assert "is installed, and 1.0 is locked (and " in other
    assert sync == "uv sync"
    assert "is installed, and not in uv.lock (and " in foreign
    assert add.startswith("uv add ")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [(["install", "--upgrade", "holidays"], "uv add holidays "), ([], "uv add PACKAGE ")],
)
def test_pip_refuses_with_the_command_where_there_is_none(typed: list[str], hint: str) -> None:
    program = (
        "import sys; sys.modules['pip'] = None; import importlib.util as u; "
        "u.find_spec = lambda name: None; from mlfactory_runtime import pip; "
        "pip.find_spec = u.find_spec; pip.main()"
    )
    done = subprocess.run([sys.executable, "-c", program, *typed], capture_output=True, text=True)
    assert done.returncode == 1
    assert hint in done.stderr
