"""What `factory check` says to somebody whose template has become a newer one."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project
from mlfactory_runtime.upkeep import upkeep

from .conftest import make_factory

PYPROJECT = """[project]
name = "Example_One"
dependencies = ["lightgbm>=4.7,<5", "mlfactory-runtime[online]==0.4.0"]

[dependency-groups]
dev = ["pre_commit>=4", {include-group = "train"}]
train = ["mlfactory-runtime[train]"]

[tool.mlfactory]
contract = 2
package = "example"
"""
LOCK = """[[package]]
name = "example-one"

[package.metadata]
requires-dist = [{ name = "lightgbm" }, { name = "mlfactory-runtime" }]

[package.metadata.requires-dev]
dev = [{ name = "pre-commit" }]

[[package]]
name = "mlfactory-runtime"
version = "0.4.0"
"""
STAGES = "stages: {train: {cmd: factory train, deps: ['${data.path}', src/example, vendor]}}\n"
MADE = """stages:
  train:
    deps: [{path: data/raw/a.csv}, {path: src/example}, {path: vendor}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A factory with nothing left to do."""
    made = make_factory(tmp_path / "made")
    files = {"pyproject.toml": PYPROJECT, "uv.lock": LOCK, "dvc.yaml": STAGES, "dvc.lock": MADE}
    for name, text in files.items():
        (made.root / name).write_text(text, "utf-8")
    (made.root / "tests").mkdir()
    return made


def told(project: Project) -> dict[str, str]:
    return {str(one.feature): one.remedy for one in upkeep(project)}


def test_where_nothing_is_left_nothing_is_said(project: Project) -> None:
    assert told(project) == {}


@pytest.mark.parametrize(
    ("old", "new"), [("==0.4.0", "==0.5.0"), ('"lightgbm>=4.7,<5"', '"lightgbm", "skops"')]
)
def test_a_lock_that_is_not_of_the_packages_is_told(project: Project, old: str, new: str) -> None:
    (project.root / "pyproject.toml").write_text(PYPROJECT.replace(old, new), "utf-8")

    assert told(project) == {"uv.lock": "uv lock && uv sync"}


def test_stages_that_are_not_those_of_the_model_are_told(project: Project) -> None:
    made = MADE.replace("{path: vendor}", "{path: src/example/train.py}")
    (project.root / "dvc.lock").write_text(made, "utf-8")

    assert told(project) == {"dvc.lock": "dvc repro"}


def test_a_file_of_the_template_that_nobody_reads_any_more_is_named(project: Project) -> None:
    (project.source / "alerts.py").write_text("OURS = 1\n", "utf-8")
    (project.source / "cli").mkdir()
    (project.source / "cli/data.py").write_text("OURS = 1\n", "utf-8")
    (project.source / "words.py").write_text("OURS = 1\n", "utf-8")
    (project.source / "own.py").write_text("from .words import OURS\n", "utf-8")
    (project.root / "tests/test_split.py").write_text("from .package import split\n", "utf-8")
    found = told(project)

    assert "mlfactory update --set runtime=source" in found["src/example/alerts.py"]
    assert {"src/example/cli/data.py", "tests/test_split.py"} <= found.keys()
    assert "src/example/words.py" not in found


def test_imports_of_old_are_told_with_what_rewrites_them(project: Project) -> None:
    own = "from .errors import FactoryError\nfrom .params import Nothing\n"
    (project.source / "own.py").write_text(own, "utf-8")

    assert told(project) == {
        "src/example/own.py": "factory migrate",
        "src/example/own.py, line 2": "look for it in mlfactory_runtime",
    }


@pytest.mark.parametrize("name", ["uv.lock", "dvc.lock", "pyproject.toml", ".copier-answers.yml"])
@pytest.mark.parametrize(
    ("content", "hint"),
    [(b"<<<<<<< HEAD\na = 1\n", "resolve the conflict"), (b"\xe9\n", "save it as UTF-8")],
)
def test_a_file_that_cannot_be_read_is_named(
    project: Project, name: str, content: bytes, hint: str
) -> None:
    (project.root / name).write_bytes(content)
    fresh = Project(project.root)

    with pytest.raises(FactoryError, match=name) as error:
        _ = (fresh.answers, fresh.pyproject, upkeep(fresh))
    assert hint in error.value.hint


def test_an_empty_lock_of_the_stages_is_no_lock(project: Project) -> None:
    (project.root / "dvc.lock").write_text("")

    assert told(project) == {}
