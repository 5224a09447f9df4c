"""A model that is the average of several with other parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlfactory_runtime import lightgbm
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.extensions import averaging
from mlfactory_runtime.learn.overrides import overrides
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.testing.trained import Trained
from pydantic import ValidationError

SETTINGS: dict[str, Any] = {
    "max_rounds": 5,
    "averaged": 3,
    "extra": {"bagging_fraction": 0.7, "bagging_freq": 1},
    "variants": [{"seed": 1, "num_leaves": 7}, {"lambda_l1": 2.0, "path_smooth": 1.0}],
}


@pytest.fixture(scope="module")
def model(trained: Trained) -> Any:
    parts = [trained.part(name) for name in ("train", "validation")]
    settings = Model.model_validate(SETTINGS).fitting
    return trained.project.estimator.fit(*parts, trained.signature, settings)


def test_each_variant_is_fitted_with_its_own_parameters(model: Any) -> None:
    parameters = [
        (b.params["num_leaves"], b.params.get("lambda_l1"), b.params["bagging_fraction"])
        for b in model
    ]
    assert parameters == [(31, None, 0.7), (7, None, 0.7), (31, 2.0, 0.7)]
    assert not {"variants", "extra", "without"} & {*model[0].params}


def test_it_is_text_and_a_row_alone_gets_what_it_gets_in_a_table(
    model: Any, trained: Trained, tmp_path: Path
) -> None:
    x = trained.part("validation").x[:1200]
    lightgbm.save(model, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "model.txt", "model_2.txt", "model_3.txt",
    ]  # fmt: skip
    again = lightgbm.load(tmp_path)
    table = lightgbm.predict(again, x)
    assert table.tobytes() == lightgbm.predict(model, x).tobytes()
    alone = np.array([lightgbm.predict(again, x[i : i + 1])[0] for i in range(50)])
    assert alone.tobytes() == table[:50].tobytes()


def test_it_is_explained_by_the_mean_of_what_explains_each(model: Any, trained: Trained) -> None:
    x = trained.part("validation").x[:20]
    moved = lightgbm.contributions(model, x, trained.signature)
    each = [lightgbm.contributions((one,), x, trained.signature) for one in model]
    assert np.allclose(moved, np.mean(each, axis=0))


def test_it_is_fitted_anew_with_the_same_parameters(model: Any, trained: Trained) -> None:
    rows = trained.part("train")
    again = lightgbm.refit(model, rows, trained.signature, Model.model_validate(SETTINGS).fitting)
    assert [b.params["num_leaves"] for b in again] == [31, 7, 31]


def test_other_libraries_say_that_they_cannot() -> None:
    fit = averaging(lambda *_: "a model of another kind")
    with pytest.raises(FactoryError, match=r"gives no boosters"):
        fit(None, None, None, Model.model_validate(SETTINGS).fitting)
    assert fit(None, None, None, Model()) == "a model of another kind"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"extra": {"num_leaves": 3}}, "write it below `model`"),
        ({"variants": [{"averaged": 3}]}, "share their averaged"),
        ({"variants": [{"num_leaves": 1}]}, "greater than or equal to 2"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Model.model_validate(settings)


def test_a_parameter_that_lightgbm_does_not_know_is_named(model: Any, tmp_path: Path) -> None:
    lightgbm.save(model, tmp_path)
    settings = Model.model_validate({"extra": {"bagging_fraction": 0.7, "bagging_fractoin": 0.7}})
    assert [*overrides(tmp_path, settings)] == [
        "model.extra.bagging_fractoin changes nothing: LightGBM has no parameter of that name"
    ]
