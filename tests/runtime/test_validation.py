"""What experiments compare: metrics of rows that are not held out; and how often those are seen."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.learn.draws import Draws
from mlfactory_runtime.learn.looks import looks
from mlfactory_runtime.learn.validation import (
    Trial,
    folds,
    parts_of,
    predict_unseen,
    score,
    validate,
    windows,
)
from mlfactory_runtime.project import EVALUATION, Project
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory, commit


def test_metrics_are_those_of_validation_and_tell_nothing_of_the_holdout(
    trained_copy: Project,
) -> None:
    found = json.loads((trained_copy.reports / "metrics.json").read_text("utf-8"))
    result = json.loads((trained_copy.root / EVALUATION).read_text("utf-8"))
    assert found.pop("baseline") == {"naive": {"log_loss": result["validation"]["naive"]}}
    assert found == result["validation"]["metrics"]
    assert found.keys() == result["models"]["model"].keys()
    assert found["log_loss"] != result["models"]["model"]["log_loss"]["value"]
    assert result["validation"]["rows"] == result["rows"]["train"] + result["rows"]["validation"]


def test_another_holdout_changes_no_metric_of_validation(trained: Trained) -> None:
    project, known = trained.project, trained.signature
    rows = {part: load_part(project, part) for part in ("train", "validation")}
    again, past = validate(predict_unseen(project, rows, known), known, project)
    assert (again, past) == (trained.result.validation, ())


def test_no_fold_has_seen_whom_it_is_about(trained: Trained) -> None:
    known = pl.DataFrame({"row": range(600), "churned": ["yes", "no"] * 300})
    whom = Draws(np.random.default_rng(0).integers(0, 60, 600), "customers")
    rows = []
    for trial in folds(known, whom, trained.project):
        seen = [set(whom.places[part["row"].to_numpy()]) for part in vars(trial).values()]
        assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
        assert all(seen)
        rows += trial.scoring["row"].to_list()
    assert sorted(rows) == list(range(600))


def test_the_target_is_spread_evenly_over_parts() -> None:
    target = pl.Series([1] * 25 + [0] * 475).sample(fraction=1, shuffle=True, seed=3)
    part = parts_of(Draws(np.arange(500)), target, 5)
    assert np.bincount(part.to_numpy(), target.to_numpy()).tolist() == [5] * 5


def test_by_time_the_past_tells_of_what_came_next(examples: Any) -> None:
    trained = examples("regression")
    known = pl.concat(load_part(trained.project, part) for part in ("train", "validation"))
    for trial in windows(known, trained.project):
        assert trial.fitting["since"].max() <= trial.stopping["since"].min()
        assert trial.stopping["since"].max() <= trial.scoring["since"].min()
    found = trained.result.validation
    assert (found.by, found.folds) == ("past windows of 'since'", 3)
    assert [fold.rows for fold in trained.result.backtest] and len(trained.result.backtest) == 3


@pytest.mark.parametrize("kind", ["own", "linear"])
def test_what_decides_is_validated(kind: str, examples: Any) -> None:
    """A linear model, and absolute errors, of which the median is the best constant."""
    trained = examples("regression")
    project = Project(trained.project.root)
    model = {"kind": kind, "objective": "regression_l1", "max_rounds": 20, "averaged": 1}
    settings = {**trained.project.params.model_dump(), "model": model}
    project.__dict__["params"] = Params.model_validate(settings)
    rows = {part: load_part(project, part) for part in ("train", "validation")}
    known = trained.signature
    found, past = validate(predict_unseen(project, rows, known), known, project)
    assert found is not None and found.metrics["mae"] < found.naive
    errors = []
    for trial, window in zip(windows(pl.concat(rows.values()), project), past, strict=True):
        known, seen = pl.concat([trial.fitting, trial.stopping]), trial.scoring
        errors.append(
            (seen[project.params.data.target] - known[project.params.data.target].median()).abs()
        )
        assert window.rows == seen.height
    assert found.naive == pytest.approx(pl.concat(errors).mean())


def test_a_trial_that_lacks_a_class_is_left_out(trained: Trained) -> None:
    rows = load_part(trained.project, "train")
    one = rows.filter(churned=rows["churned"][0])
    assert score(Trial(one, rows, rows), 2, trained.signature, trained.project) is None
    assert score(Trial(rows, rows.clear(), rows), 2, trained.signature, trained.project) is None


def test_each_model_that_was_measured_is_a_look(churn: Factory) -> None:
    assert looks(churn.project) == 1
    file = churn.path / EVALUATION
    first = json.loads(file.read_text("utf-8"))

    def evaluated(value: float, **split: Any) -> None:
        models = {**first["models"]}
        measured = {"value": value, "low": None, "high": None}
        models["model"] = {**models["model"], "log_loss": measured}
        content = {**first, "models": models, "split": {**first["split"], **split}}
        file.write_text(json.dumps(content), "utf-8")

    evaluated(0.4)
    commit(churn, "Try")
    evaluated(0.3)
    churn.tool("git", "stash", "--quiet")  # as experiments, a commit of its own below refs/
    assert looks(churn.project) == 3
    file.write_text(json.dumps(first, indent=1), "utf-8")  # the same numbers, written anew
    assert looks(churn.project) == 3
    evaluated(0.2, cutoff="2026-01-01T00:00:00")  # other rows are held out
    assert looks(churn.project) == 1
    assert "looked at once" in churn.run("summary").err


def test_a_version_says_how_often_its_holdout_was_looked_at(tracked: Factory) -> None:
    done = tracked.json("register", "--json")
    assert done["looks"] == 1
    said = json.loads(tracked.tool("git", "tag", "-l", "--format=%(contents)", done["tag"]))
    assert said["looks"] == 1


def test_without_git_nobody_can_tell(trained: Trained) -> None:
    assert looks(trained.project) is None
