"""The linear model: the baseline that every model is compared with, and a choice in params.yaml."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.learn import linear
from mlfactory_runtime.learn.matrix import Matrix, usable
from mlfactory_runtime.learn.metrics import PRIMARY, row_losses
from mlfactory_runtime.learn.signature import Feature, Signature
from mlfactory_runtime.predict.batch import predict_file
from mlfactory_runtime.project import Project
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory, train
from .services import Service, sent

CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


def signature(task: str, columns: int) -> Signature:
    numbers = [
        Feature(name=f"x{k}", dtype="float", role="numeric", missing_seen=True)
        for k in range(columns)
    ]
    town = Feature(
        name="town", dtype="string", role="categorical", missing_seen=True, categories=("a", "b")
    )
    return Signature(task=task, target="y", classes=CLASSES[task], features=(*numbers, town))


def drawn(task: str, rows: int, columns: int, seed: int = 0) -> tuple[Matrix, np.ndarray]:
    """Numbers with gaps and a town; three numbers and the town tell of the outcome."""
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=(rows, columns)), draw.integers(-1, 3, rows)])
    score = x[:, :3].sum(axis=1) + (x[:, -1] == 0)
    y = score + draw.logistic(size=rows)
    if task != "regression":
        y = np.digitize(y, [0.5] if task == "binary" else [-1, 1]).astype(float)
    x[draw.random(x.shape) < 0.05] = np.nan
    x[:, -1] = np.nan_to_num(x[:, -1], nan=2)
    return Matrix(x, y), score


def parts(task: str, rows: int, columns: int) -> tuple[Matrix, Matrix, Matrix]:
    every, _ = drawn(task, rows, columns)
    edges = (0, int(0.6 * rows), int(0.8 * rows), rows)
    train, validation, held = (Matrix(every.x[a:b], every.y[a:b]) for a, b in pairwise(edges))
    return train, validation, held


@pytest.mark.parametrize("task", CLASSES)
def test_it_predicts_and_says_the_same_of_a_row_alone_and_from_its_file(
    task: str, tmp_path: Path
) -> None:
    train, validation, held = parts(task, 1500, 6)
    known = signature(task, 6)
    model = linear.fit(train, validation, known, Model())
    p = linear.predict(model, held.x)
    constant = np.broadcast_to(train.y.mean(), len(held.y))
    if task == "multiclass":
        constant = np.tile(np.bincount(train.y.astype(int)) / len(train.y), (len(held.y), 1))
    metric = PRIMARY[task]
    losses = [row_losses(metric, held.y, one).mean() for one in (p, constant)]
    assert losses[0] < 0.85 * losses[1]
    alone = [linear.predict(model, held.x[k : k + 1])[0] for k in range(60)]
    assert np.array_equal(alone, p[:60])
    linear.save(model, tmp_path)
    assert np.array_equal(linear.predict(linear.load(tmp_path), held.x), p)
    assert '"feature": "town"' in (tmp_path / linear.FILE).read_text("utf-8")
    assert linear.fit(train, validation, known, Model()) == model


@pytest.mark.parametrize("task", CLASSES)
def test_contributions_add_up_to_the_score(task: str) -> None:
    train, validation, held = parts(task, 1000, 4)
    known = signature(task, 4)
    model = linear.fit(train, validation, known, Model())
    moved, found = linear.contributions(model, held.x, known), linear.scores(model, held.x)
    called = found.argmax(axis=0)
    expected = found[called, np.arange(len(called))] - np.array(model.intercept)[called]
    assert moved.sum(axis=1) == pytest.approx(expected)


@pytest.mark.parametrize("task", CLASSES)
def test_many_columns_of_noise_do_not_make_it_worse_than_a_constant(task: str) -> None:
    train, validation, held = parts(task, 400, 500)
    model = linear.fit(train, validation, signature(task, 500), Model())
    nothing = model.model_copy(update={"terms": ()})
    lost, base = (linear.loss(one, held, Model()) for one in (model, nothing))
    assert lost < base
    assert model.penalty == "lasso"


def test_penalties_side_by_side_lose_what_each_loses_alone() -> None:
    train, validation, _ = parts("multiclass", 900, 8)
    known = signature("multiclass", 8)
    design = linear.table(train, list(linear.terms_of(train.x, known)))
    *_, path = linear.penalties(design, known)

    def loss(penalty: linear.Penalty) -> float:
        return linear.loss(linear.solved(design, penalty, known, Model()), validation, Model())

    with warnings.catch_warnings(action="ignore"), ThreadPoolExecutor(2) as pool:
        assert [*linear.losses(path, loss, pool)] == [*linear.losses(path, loss, None)]


def test_classes_that_training_lacks_have_hardly_a_chance() -> None:
    x = np.random.default_rng(0).normal(size=(60, 4))
    part, known = Matrix(x, np.zeros(60)), signature("binary", 3)
    assert linear.predict(linear.fit(part, part, known, Model()), x).max() < 1e-9
    part, known = Matrix(x, np.ones(60)), signature("binary", 3)
    assert linear.predict(linear.fit(part, part, known, Model()), x).min() > 1 - 1e-9
    several = signature("multiclass", 3)
    for y in (np.full(60, 2.0), (x[:, 0] > 0) * 2.0):
        p = linear.predict(linear.fit(Matrix(x, y), Matrix(x, y), several, Model()), x)
        assert p[np.arange(60), y.astype(int)].mean() > 0.7
        assert p[:, 1].max() < 1e-9


@pytest.fixture
def line(churn: Factory) -> Factory:
    """The factory of customers with a linear model."""
    churn.change(model={"kind": "linear"})
    return train(churn)


def test_a_factory_learns_predicts_and_explains_with_it(line: Factory) -> None:
    folder = line.path / "models/model"
    assert {path.name for path in folder.iterdir()} == {
        "card.json", "linear.json", "manifest.json", "profile.json", "signature.json",
    }  # fmt: skip
    found = line.json("summary", "--json")
    assert found["verdict"] == "accepted", found["reason"]
    assert found["metrics"]["model"] == found["metrics"]["linear"]
    raw = line.path / "data/raw/customers.csv"
    line.run("predict", str(raw), "scored.csv", "--explain", "2", "--no-log")
    scored = pl.read_csv(line.path / "scored.csv")
    assert {"because_1", "because_2_by"} <= set(scored.columns)
    line.run("check", code=None)


def test_service_batch_and_training_agree_to_the_last_bit(
    services: Callable[[str], Service], tmp_path: Path
) -> None:
    service = services("linear")
    trained, project = service.trained, Project(service.folder)
    rows = usable(load_part(project, "holdout"), trained.signature, project.compute)[:60]
    rows.write_parquet(tmp_path / "in.parquet")
    predict_file(project, tmp_path / "in.parquet", tmp_path / "out.parquet", max_invalid=0)
    expected = linear.predict(trained.model, trained.matrix(rows))
    positive = trained.signature.classes[1]
    batch = pl.read_parquet(tmp_path / "out.parquet")[f"probability_{positive}"]
    asked = sent(rows, trained)
    alone = [service.json("/predict", row)["predictions"][0] for row in asked[:20]]
    several = service.json("/predict", asked)["predictions"]
    assert batch.to_list() == expected.tolist()
    assert [one["probabilities"][positive] for one in several] == expected.tolist()
    assert alone == several[:20]


def test_a_model_of_another_kind_is_named(churn: Factory) -> None:
    churn.change(model={"kind": "linear"})
    done = churn.run("predict", "data/raw/customers.csv", "scored.csv", "--no-log", code=1)
    assert "linear.json is not here, and model.kind is linear" in done.err
    assert "dvc repro" in done.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"place": 0', '"place": 99'), "is not of its signature"),
        (lambda text: text.replace('"place": 0', '"place": -9'), "cannot be read"),
        (lambda text: text.replace('"task": "binary"', '"task": "regression"'), "not of its sig"),
        (lambda text: text[:200], "cannot be read"),
        (lambda text: text.replace('"middle": ', '"middle": 1e999, "x": '), "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(
    change: Callable[[str], str], said: str, trained: Trained, tmp_path: Path
) -> None:
    x = trained.part("train")
    linear.save(linear.fit(x, x, trained.signature, Model()), tmp_path)
    (tmp_path / "signature.json").write_text(trained.signature.model_dump_json(), "utf-8")
    linear.load(tmp_path)
    file = tmp_path / linear.FILE
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    with pytest.raises(FactoryError, match=said):
        linear.load(tmp_path)


def test_a_kind_that_says_nothing_reaches_no_estimator() -> None:
    assert "kind" not in Model().model_dump()
    dumped: dict[str, Any] = json.loads(Model(kind="linear").model_dump_json())
    assert dumped["kind"] == "linear"


def test_rows_of_two_parts_are_drawn_as_from_one_table() -> None:
    draw = np.random.default_rng(0)
    first, second = (Matrix(draw.normal(size=(n, 3)), draw.normal(size=n)) for n in (500, 200))
    both = Matrix(np.concatenate([first.x, second.x]), np.append(first.y, second.y))
    for most in (90, 700):
        expected, sample = (
            linear.sample(both, most, 7),
            linear.sample_of_both(first, second, most, 7),
        )
        assert np.array_equal(sample.x, expected.x)
        assert np.array_equal(sample.y, expected.y)
