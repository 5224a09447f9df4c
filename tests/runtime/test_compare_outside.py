"""`factory compare FILE`: a model against what another system said of the same rows."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from mlfactory_runtime.gate import outside
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory

HELD = "data/prepared/holdout.parquet"


def say(churn: Factory, *rows: pl.Expr) -> pl.DataFrame:
    """Its own answers to the rows that it holds out, changed."""
    churn.run("predict", HELD, "own.csv", "--no-log")
    own = pl.read_csv(churn.path / "own.csv")
    own.with_columns(*rows).write_csv(churn.path / "old.csv")
    return own


def test_the_same_answers_are_no_worse_and_guesses_are(churn: Factory) -> None:
    columns = say(churn).columns
    answer = next(name for name in reversed(columns) if name.startswith("probability_"))
    same = churn.json("compare", "old.csv", "models/model", "--json", code=None)
    assert same["a_metrics"] == same["b_metrics"] != {}
    assert same["a"]["label"] == "old.csv"
    assert same["rows"] == pl.read_parquet(churn.path / HELD).height
    say(churn, pl.lit(0.5).alias(answer))
    better = churn.json("compare", "old.csv", "models/model", "--json", code=None)
    assert better["a_metrics"]["log_loss"] > better["b_metrics"]["log_loss"]
    assert "its answers do not say" in better["reason"]
    assert "old.csv" in churn.text("reports/comparison.md")


def test_rows_are_found_by_their_name_and_not_by_their_order(churn: Factory) -> None:
    own = say(churn)
    own.reverse().head(own.height - 3).write_csv(churn.path / "old.csv")
    record = churn.json("compare", "old.csv", "models/model", "--json", code=None)
    assert (record["a_metrics"], record["left_out"]) == (record["b_metrics"], 3)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda own: own.select(pl.exclude("^probability_.*$")), "has no column 'probability_"),
        (lambda own: own.select(pl.exclude("customer id")), "has no column 'customer id'"),
        (lambda own: pl.concat([own, own.head(1)]), "names a row twice"),
        (lambda own: own.clear(), "holds no row"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(churn: Factory, change: object, text: str) -> None:
    assert callable(change)
    change(say(churn)).write_csv(churn.path / "old.csv")
    assert text in churn.run("compare", "old.csv", "models/model", code=1).err


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks(examples: Callable[[str], Trained], task: str) -> None:
    project = examples(task).project
    file, rows = project.root / "old.csv", pl.read_parquet(project.root / HELD)
    signature = load_signature(project.model_folder)
    names = outside.columns_of(signature)
    guess = [pl.lit(1 / len(names)).alias(name) for name in names]
    rows.select("customer", *guess).write_csv(file)
    record = outside.measured(project, file, "models/model")
    assert record.rows == rows.height
    assert record.difference is not None
    assert record.difference.value > 0
    file.unlink()
