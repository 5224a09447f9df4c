"""How the model behaves, learned from rows in which the truth was planted."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import lightgbm
from mlfactory_runtime.learn import baselines, matrix, signature, synth

from .conftest import Trained, predict_matrix

NUMBER = signature.Feature(name="a", dtype="float", role="numeric", missing_seen=False)


def test_columns_that_are_not_learned_from_change_no_prediction(trained: Trained) -> None:
    unused = [n for n in trained.rows.columns if n not in trained.catalog.inputs(trained.params)]
    changed = trained.rows.with_columns(pl.col(unused).reverse())

    assert trained.params.data.target in unused
    assert np.array_equal(trained.scores(changed), trained.scores(trained.rows))


def test_the_order_of_rows_changes_no_prediction(trained: Trained) -> None:
    turned = trained.scores(trained.rows.reverse())[::-1]

    assert np.array_equal(turned, trained.scores(trained.rows))


def test_a_row_alone_is_scored_as_in_the_table(trained: Trained) -> None:
    few = trained.rows.head(20)
    alone = np.concatenate([trained.scores(row) for row in few.iter_slices(1)])

    assert alone == pytest.approx(trained.scores(few), rel=1e-9)


def test_the_planted_effect_is_found_in_its_direction(trained: Trained) -> None:
    columns = {name: trained.rows[name] for name in trained.rows.columns}
    name, *_ = synth.drivers(trained.catalog, trained.params, columns)
    values = columns[name].drop_nulls().sort()
    low, high = (
        trained.scores(trained.rows.with_columns(pl.lit(value, values.dtype).alias(name)))
        for value in (values.first(), values.last())
    )

    assert high.mean() > low.mean()


def test_the_model_beats_a_constant_where_there_is_something_to_learn(trained: Trained) -> None:
    assert trained.result["gain"]["naive"]["low"] > 0


def test_a_saved_model_predicts_the_same_to_the_last_bit(trained: Trained, tmp_path: Path) -> None:
    x = predict_matrix(trained.rows, trained.signature)
    fitted = fit_again(trained)
    lightgbm.save(fitted, tmp_path)

    assert np.array_equal(lightgbm.predict(lightgbm.load(tmp_path), x), lightgbm.predict(fitted, x))


def test_training_twice_gives_the_same_predictions_to_the_last_bit(trained: Trained) -> None:
    x = predict_matrix(trained.rows, trained.signature)

    assert np.array_equal(
        lightgbm.predict(fit_again(trained), x), lightgbm.predict(trained.model, x)
    )


def test_a_class_that_training_lacks_breaks_no_baseline(trained: Trained) -> None:
    x = np.arange(10.0).reshape(-1, 1)
    known = trained.signature.model_copy(
        update={"task": "binary", "classes": ("no", "yes"), "features": (NUMBER,)}
    )

    assert baselines.linear(matrix.Matrix(x, np.zeros(10)), x, known).max() == 0


def fit_again(trained: Trained) -> object:
    """Fit on the parts that the pipeline made."""
    folder = trained.folder / "data" / "prepared"
    parts = (
        matrix.matrix(pl.read_parquet(folder / f"{part}.parquet"), trained.signature)
        for part in ("train", "validation")
    )
    return lightgbm.fit(*parts, trained.signature, trained.params.model)
