"""The checks that a factory's own tests call: they pass on a fresh one, and say what is broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory_runtime.predict.batch import predict_file
from mlfactory_runtime.project import Project, forget
from mlfactory_runtime.testing import Trained, check_features, check_model
from mlfactory_runtime.testing.trained import EXAMPLE, train_copy, write_yaml

from .conftest import make_factory, train_variant

FEATURES = """import polars as pl

CALLS = []


def features(rows: pl.DataFrame) -> pl.DataFrame:
    CALLS.append(1)
    calls, customers, frame = len(CALLS), rows["customer"], rows
    {}
"""
ADDED = 'frame = rows.with_columns(pl.col("age").{}.alias("older"))'
BALANCE = 'frame = rows.with_columns(pl.col("balance") {})'
OTHER_ROWS = "the features of a row depend on other rows"
ORDER = "the features of a row depend on the order of the rows"
CHANGED = "computing the features changes the rows that it is given"
TWICE = "computing the features twice gives other values"
UNDECLARED = r"features\.py computes \['older'\], declared: \[\]"


def test_a_fresh_factory_passes_both_checks(trained: Trained) -> None:
    check_features(trained)
    check_model(trained)


@pytest.mark.parametrize(
    ("task", "target", "more"),
    [
        ("regression", {"dtype": "float", "range": [0, 100]}, {}),
        ("classification", {"values": ["high", "low", "middle"]}, {}),
        ("classification", {"values": ["no", "yes"]}, {"time": "since", "refit": True}),
    ],
    ids=["regression", "classes", "time"],
)
def test_a_fresh_factory_of_any_task_passes_both_checks(
    task: str, target: dict[str, Any], more: dict[str, Any], tmp_path: Path
) -> None:
    fresh = train_variant(tmp_path, task, target, **more)

    check_features(fresh)
    check_model(fresh)


def test_a_number_about_persons_and_a_log_elsewhere_break_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sensitive number has no range in the catalog; the log's database is not at hand in CI."""
    monkeypatch.delenv("FACTORY_LOG_URL", raising=False)
    own = make_factory(tmp_path / "own")
    sensitive = {"range": None, "usual": None, "sensitive": "special"}
    catalog = yaml.safe_load((EXAMPLE / "features.yaml").read_text("utf-8"))
    catalog["columns"]["age"] |= sensitive
    write_yaml(own.root / "features.yaml", catalog)
    settings = yaml.safe_load((EXAMPLE / "params.yaml").read_text("utf-8"))
    write_yaml(own.root / "params.yaml", settings | {"log": {"url_env": "FACTORY_LOG_URL"}})
    (tmp_path / "factory").mkdir()
    fresh = train_copy(own, tmp_path / "factory")

    check_features(fresh)
    check_model(fresh)
    predict_file(fresh.project, fresh.raw, tmp_path / "scored.csv")
    assert (fresh.folder / "log/predictions.db").is_file()


def edited(trained: Trained, project: Project, name: str, text: str) -> Trained:
    """The same model in a copy of its factory, with other code."""
    (project.source / name).write_text(text, "utf-8")
    forget(project.package)
    return replace(trained, project=Project(project.root))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (ADDED.format("rank()"), OTHER_ROWS),
        (ADDED.format("shift(1)"), OTHER_ROWS),
        (BALANCE.format('- pl.col("balance").mean()'), OTHER_ROWS),
        ('frame = rows.sort("age")', OTHER_ROWS),
        (BALANCE.format("+ int(customers[0] <= customers[-1])"), ORDER),
        ('rows.replace_column(0, rows["customer"].reverse())', CHANGED),
        ('rows.insert_column(0, pl.lit("x").alias("older"))', CHANGED),
        (BALANCE.format("+ (calls > 42)"), TWICE),
        (BALANCE.format("* (1 + 1e-15 * calls)"), TWICE),
        (ADDED.format("neg()"), UNDECLARED),
    ],
)
def test_features_that_break_a_rule_are_told_which(
    line: str, rule: str, trained: Trained, trained_copy: Project
) -> None:
    text = FEATURES.format(f"{line}\n    return frame")
    broken = edited(trained, trained_copy, "features.py", text)

    with pytest.raises(AssertionError, match=rule):
        check_features(broken)


def test_a_declared_feature_that_is_not_computed_is_told(
    trained: Trained, trained_copy: Project
) -> None:
    columns = trained.catalog.model_dump(mode="json", exclude_none=True)
    columns["derived"] = {"older": {"parents": ["age"]}}
    write_yaml(trained_copy.root / "features.yaml", columns)

    with pytest.raises(AssertionError, match=r"computes \[\], declared: \['older'\]"):
        check_features(replace(trained, project=Project(trained_copy.root)))


MODEL = """import itertools

import numpy as np
from mlfactory_runtime import lightgbm

from .model_as_made import *
from .model_as_made import fit as fit_well

SEEDS = itertools.count(1)


{}
"""


@pytest.mark.parametrize(
    ("verb", "rule"),
    [
        (
            "def predict(model, x): return lightgbm.predict(model, x) + np.arange(len(x)) * 1e-9",
            "the order of the rows changes predictions",
        ),
        (
            "def predict(model, x): return lightgbm.predict(model, x) + (len(x) == 1)",
            "a row alone differs",
        ),
        (
            "def predict(model, x): return 1 - lightgbm.predict(model, x)",
            "more of 'plan' does not raise the prediction",
        ),
        (
            "def fit(train, validation, signature, settings):\n"
            "    other = settings.model_copy(update={'seed': next(SEEDS)})\n"
            "    return fit_well(train, validation, signature, other)",
            "fitting twice gives other predictions",
        ),
        (
            "def save(model, folder): lightgbm.save(model[:1], folder)",
            "a saved model predicts something else",
        ),
        (
            "def load(folder): return lightgbm.load(folder)[1:]",
            "a saved model predicts something else",
        ),
    ],
    ids=["order", "alone", "planted", "seed", "save", "load"],
)
def test_a_model_that_breaks_a_rule_is_told_which(
    verb: str, rule: str, trained: Trained, trained_copy: Project
) -> None:
    (trained_copy.source / "model.py").rename(trained_copy.source / "model_as_made.py")
    broken = edited(trained, trained_copy, "model.py", MODEL.format(verb))

    with pytest.raises(AssertionError, match=rule):
        check_model(broken)


def test_a_model_of_columns_that_it_may_not_see_is_told(
    trained: Trained, trained_copy: Project
) -> None:
    line = BALANCE.format('+ pl.col("branch").fill_null(0)')
    text = FEATURES.format(f"{line}\n    return frame")

    with pytest.raises(AssertionError, match="columns that it does not learn from"):
        check_model(edited(trained, trained_copy, "features.py", text))


def test_a_model_that_has_learned_nothing_is_told(trained: Trained) -> None:
    gain = trained.result.gain
    none = {**gain, "naive": replace(gain["naive"], low=0.0)}
    same = trained.result.model_copy(update={"gain": none})

    with pytest.raises(AssertionError, match="does not beat a constant"):
        check_model(replace(trained, result=same))
