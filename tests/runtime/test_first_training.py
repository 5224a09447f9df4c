"""What a first training costs: rows that are scored, models that are fitted, words meanwhile."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import lightgbm, progress
from mlfactory_runtime.learn.draws import Draws
from mlfactory_runtime.learn.importance import permutation_importance
from mlfactory_runtime.learn.matrix import Matrix
from mlfactory_runtime.learn.signature import Feature, Signature
from mlfactory_runtime.learn.validation import folds
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory

# A constant, which refuses to be fitted while the rows of an earlier fit are held.
CONSTANT = """
import weakref
import numpy as np

FITTED = []


def fit(train, validation, signature, settings):
    assert all(rows() is None for rows in FITTED)
    FITTED.append(weakref.ref(train.x))
    return float(train.y.mean())


def predict(model, x):
    return np.full(len(x), model)


def save(model, folder):
    (folder / "model.txt").write_text(str(model))


def load(folder):
    return float((folder / "model.txt").read_text())
"""
PARAMS = Params.model_validate({"task": "regression", "data": {"path": "y.csv", "target": "y"}})


def signature(features: int, classes: tuple[str, ...] = ()) -> Signature:
    names = (f"x{k}" for k in range(features))
    described = (Feature(name=n, dtype="float", role="numeric", missing_seen=True) for n in names)
    task = "multiclass" if classes else "regression"
    return Signature(task=task, target="y", classes=classes, features=tuple(described))


def test_what_the_target_is_made_of_is_important() -> None:
    x = np.random.default_rng(0).normal(size=(3000, 3))
    part = Matrix(x, 3 * x[:, 0] + x[:, 1])
    told = permutation_importance(
        lambda rows: 3 * rows[:, 0] + rows[:, 1], part, signature(3), PARAMS
    )
    assert [line.feature for line in told] == ["x0", "x1", "x2"]
    assert [line.gain for line in told] == pytest.approx([0.75, 0.25, 0], abs=0.02)


def test_many_features_and_classes_are_asked_of_fewer_rows() -> None:
    asked = []
    classes = tuple(f"c{k}" for k in range(10))

    def score(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return np.full((len(rows), 10), 0.1)

    part = Matrix(np.zeros((3000, 60)), np.zeros(3000))
    permutation_importance(score, part, signature(60, classes), PARAMS)
    assert sum(asked) == 61 * 83
    assert len(asked) == 2


def test_boosters_that_grow_side_by_side_are_those_that_grow_alone() -> None:
    draw = np.random.default_rng(0)
    x = np.where(draw.random((300, 3)) < 0.1, np.nan, draw.normal(size=(300, 3)))
    rows = Matrix(x, np.nan_to_num(x[:, 0]) + draw.normal(size=300))
    known, settings = signature(3), Model(max_rounds=20)
    base = {"objective": "regression", "verbosity": -1, "num_threads": 1, "extra_trees": True}
    several = [base | {"seed": k} for k in range(3)]
    for validation in (None, rows):
        together = lightgbm.grow_each(rows, several, known, settings, validation)
        alone = [lightgbm.grow(rows, one, known, settings, validation) for one in several]
        texts = [[one.model_to_string() for one in some] for some in (together, alone)]
        assert texts[0] == texts[1] and len({*texts[0]}) == 3


def test_many_classes_take_fewer_rounds_unless_somebody_has_chosen(trained: Trained) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(150, 4))
    rows = Matrix(x, np.digitize(x[:, 0], [-1.0, -0.5, 0.0, 0.5, 1.0]).astype(float))
    known = signature(4, tuple("abcdef"))

    def fit(settings: Model) -> lightgbm.Boosters:
        grown: lightgbm.Boosters = trained.project.estimator.fit(rows, rows, known, settings)
        return grown

    assert {one.current_iteration() for one in fit(Model(averaged=2))} == {354}
    (first, _) = fit(Model(averaged=2, max_rounds=20))
    assert (first.current_iteration(), first.params["learning_rate"]) == (20, 0.05)


@pytest.mark.parametrize(("rows", "count"), [(1000, 5), (1001, 3)])
def test_more_rows_are_validated_in_fewer_folds(rows: int, count: int, trained: Trained) -> None:
    known = pl.DataFrame({"churned": ["yes", "no"] * rows}).head(rows)
    assert len([*folds(known, Draws(np.arange(rows)), trained.project)]) == count


def test_a_log_has_lines_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OFTEN", 0.02)
    monkeypatch.setattr(progress, "monotonic", iter([0.0, 0.01, 0.05]).__next__)
    with progress.progress("train") as tell:
        tell("fit the model", 0.1)
        progress.within(tell, 0.2, 0.6)("fold 2 of 4", 0.75)
    assert capsys.readouterr().err == "train: fold 2 of 4 (0 s, about 0 s left)\n"


@pytest.mark.parametrize(
    ("classes", "extra", "bins"), [(10, {}, 63), (10, {"max_bin": 31}, 31), (2, {}, None)]
)
def test_few_rows_of_many_columns_and_classes_are_put_into_fewer_bins(
    trained: Trained, classes: int, extra: dict[str, int], bins: int | None
) -> None:
    draw, names = np.random.default_rng(0), tuple(f"c{k}" for k in range(classes))
    described = signature(260, names)
    if classes == 2:
        described = described.model_copy(update={"task": "binary"})
    part = Matrix(draw.normal(size=(1000, 260)), np.arange(1000) % float(classes))
    settings = Model(max_rounds=1, averaged=2, extra=extra).fitting
    boosters = trained.project.estimator.fit(part, part, described, settings)
    assert {booster.params.get("max_bin") for booster in boosters} == {bins}


def test_the_rows_of_the_fit_are_let_go_before_validation_makes_its_own(churn: Factory) -> None:
    churn.write("src/churn/model.py", CONSTANT)
    churn.run("train")
    assert '"log_loss"' in (churn.path / "reports/metrics.json").read_text("utf-8")
