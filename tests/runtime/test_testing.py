"""The checks that a factory's own tests call: they pass on a fresh one, and say what is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory_runtime.project import Project, forget
from mlfactory_runtime.testing import Trained, check_features, check_model
from mlfactory_runtime.testing.trained import train_copy

from .conftest import make_factory

FEATURES = """import polars as pl

CALLS = []


def features(rows: pl.DataFrame) -> pl.DataFrame:
    {body}
"""
BROKEN = {
    "other rows": 'return rows.with_columns(pl.col("age") - pl.col("age").mean())',
    "gives other values": (
        'CALLS.append(1); return rows.with_columns(pl.col("age") + (len(CALLS) > 42))'
    ),
    "declared": 'return rows.with_columns(pl.col("age").alias("older"))',
    "changes the rows": (
        'rows.replace_column(0, pl.Series(rows.columns[0], ["x"] * rows.height)); return rows'
    ),
}


def test_a_fresh_factory_passes_both_checks(trained: Trained) -> None:
    check_features(trained)
    check_model(trained)


@pytest.mark.parametrize("rule", BROKEN)
def test_features_that_break_a_rule_are_told_which(rule: str, tmp_path: Path) -> None:
    project = make_factory(tmp_path / "own")
    (tmp_path / "copy").mkdir()
    trained = train_copy(project, tmp_path / "copy")
    file = project.source / "features.py"
    file.write_text(FEATURES.format(body=BROKEN[rule]), "utf-8")

    with pytest.raises(AssertionError, match=rule):
        check_features(again(trained))


def again(trained: Trained) -> Trained:
    """The same model beside the code as it stands now."""
    project = Project(trained.folder)
    forget(project.package)
    return Trained(project, trained.signature, trained.model, trained.result)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("import Boosters, contributions, grow, load, predict, save",
         "import Boosters, contributions, grow, load, save\n"
         "from mlfactory_runtime.lightgbm import predict as answer",
         "the order of the rows"),
        ("import Boosters, contributions, grow, load, predict, save",
         "import Boosters, contributions, grow, predict, save\n"
         "from mlfactory_runtime.lightgbm import load as read",
         "a saved model predicts something else"),
    ],
)  # fmt: skip
def test_a_model_that_breaks_a_rule_is_told_which(
    old: str, new: str, rule: str, tmp_path: Path
) -> None:
    project = make_factory(tmp_path / "own")
    (tmp_path / "copy").mkdir()
    trained = train_copy(project, tmp_path / "copy")
    file = project.source / "model.py"
    added = (
        "def predict(model, x):\n    return answer(model, x) + np.arange(len(x)) * 1e-9"
        if "answer" in new
        else "def load(folder):\n    return read(folder)[:1]"
    )
    file.write_text(f"{file.read_text('utf-8').replace(old, new)}\n\n{added}\n", "utf-8")

    with pytest.raises(AssertionError, match=rule):
        check_model(again(trained))
