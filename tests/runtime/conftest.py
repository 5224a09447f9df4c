"""A factory that is trained once, in a folder of its own, and what its tests share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import EXAMPLE, Trained, train_copy, write_yaml

SKELETON = Path(__file__).parents[2] / "template" / "project"
PYPROJECT = """[project]
name = "example"

[tool.mlfactory]
contract = 2
package = "example"
"""


def make_factory(folder: Path) -> Project:
    """The code that every new factory begins with, and a name; the example's catalog is lent it."""
    package = folder / "src" / "example"
    shutil.copytree(SKELETON / "src" / "{{ package }}", package)
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    return Project(folder)


def train_variant(folder: Path, task: str, target: dict[str, Any], **data: str) -> Trained:
    """The example with another target, or with rows that a column dates."""
    own = make_factory(folder / "own")
    catalog = yaml.safe_load((EXAMPLE / "features.yaml").read_text("utf-8"))
    catalog["columns"]["churned"] |= {"values": None, **target}
    write_yaml(own.root / "features.yaml", catalog)
    known = {"path": "data/raw/rows.csv", "target": "churned", "id": "customer", **data}
    write_yaml(own.root / "params.yaml", {"task": task, "data": known})
    (folder / "factory").mkdir()
    return train_copy(own, folder / "factory")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The example's pipeline, run on made-up rows: prepare and train."""
    own = make_factory(tmp_path_factory.mktemp("own"))
    return train_copy(own, tmp_path_factory.mktemp("factory"))


@pytest.fixture
def trained_copy(trained: Trained, tmp_path: Path) -> Project:
    """The trained factory in a folder of its own, with its code and no log, to be changed."""
    left = shutil.ignore_patterns("log", "__pycache__")
    shutil.copytree(trained.folder, tmp_path / "copy", ignore=left)
    return Project(tmp_path / "copy")
