"""Every dirty table goes from the file to a trained model, and nobody touches it on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..dirty import DIRTY, Dirty
from .conftest import execute

pytestmark = pytest.mark.xdist_group("dirty")
# Drafts, prepares and trains in each folder: one process for all, since imports take seconds.
RUN = """
import json, sys
from pathlib import Path
from mlfactory_runtime.draft.columns import draft
from mlfactory_runtime.learn.split import prepare
from mlfactory_runtime.learn.train import train
from mlfactory_runtime.project import Project

for folder in map(Path, sys.argv[1:]):
    try:
        draft(Project(folder))
        split, result = prepare(Project(folder)), train(Project(folder))
        told = {"split": split.model_dump(), "train": result.model_dump()}
    except Exception as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    (folder / "told.json").write_text(json.dumps(told))
"""


# Makes a factory of each table, as `mlfactory new` does before anything is installed.
RENDER = """
import json, os, sys
from mlfactory.cli.app import app

for folder, argv in json.load(sys.stdin):
    os.chdir(folder)
    app(argv, standalone_mode=False)
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> dict[str, Path]:
    """A factory for each table, rendered by itself and run in one environment."""
    home = tmp_path_factory.mktemp("dirty")
    todo = [written(table, home / table.name) for table in DIRTY]
    subprocess.run(
        [sys.executable, "-c", RENDER], input=json.dumps(todo), env=env, text=True, check=True
    )
    folders = {table.name: quick(home / table.name / "churn") for table in DIRTY}
    execute((sys.executable, "-c", RUN, *map(str, folders.values())), home, env)
    return folders


def written(table: Dirty, folder: Path) -> tuple[str, list[str]]:
    """The folder with the table in it, and the command that makes a factory of it there."""
    folder.mkdir()
    (folder / table.filename).write_bytes(table.content)
    data = ("--data", table.filename, *table.argv)
    return str(folder), ["new", "churn", *data, "--defaults", "--no-setup"]


def quick(factory: Path) -> Path:
    """The factory with settings under which it learns in few rounds."""
    settings = factory / "params.yaml"
    text = settings.read_text("utf-8").replace("max_rounds: 1000", "max_rounds: 30")
    settings.write_text(text.replace("learning_rate: 0.05", "learning_rate: 0.2"), "utf-8")
    return factory


@pytest.mark.parametrize("table", DIRTY, ids=lambda table: table.name)
def test_a_dirty_table_is_learned_from(table: Dirty, trained: dict[str, Path]) -> None:
    told = json.loads((trained[table.name] / "told.json").read_text("utf-8"))
    assert "error" not in told, told
    split, result = told["split"], told["train"]
    assert sum(split["rows"].values()) + split["unlabelled"] == table.rows
    assert result["task"] == table.task or table.task == "classification"
    gain = result["gain"]["naive"]["value"]
    assert gain > 0, f"no better than a constant: {gain}"
