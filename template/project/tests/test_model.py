"""How the model behaves, learned from rows in which the truth was planted."""

from contextlib import chdir
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import Trained, predict_matrix
from .package import cli, errors, model, predict, signature, synth, train

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
    model.save(fitted, tmp_path)

    assert np.array_equal(model.predict(model.load(tmp_path), x), model.predict(fitted, x))


def test_training_twice_gives_the_same_predictions_to_the_last_bit(trained: Trained) -> None:
    x = predict_matrix(trained.rows, trained.signature)

    assert np.array_equal(model.predict(fit_again(trained), x), model.predict(trained.model, x))


def test_a_class_that_training_lacks_breaks_no_baseline(trained: Trained) -> None:
    x = np.arange(10.0).reshape(-1, 1)
    known = trained.signature.model_copy(
        update={"task": "binary", "classes": ("no", "yes"), "features": (NUMBER,)}
    )

    assert train.baselines.linear(model.Matrix(x, np.zeros(10)), x, known).max() == 0


def fit_again(trained: Trained) -> object:
    """Fit on the parts that the pipeline made."""
    folder = trained.folder / "data" / "prepared"
    parts = (
        train.matrix(pl.read_parquet(folder / f"{part}.parquet"), trained.signature)
        for part in ("train", "validation")
    )
    return model.fit(*parts, trained.signature, trained.params.model)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_predict_answers_what_training_saw(trained: Trained, suffix: str, tmp_path: Path) -> None:
    expected = predict.answer(
        model.predict(trained.model, train.matrix(trained.rows, trained.signature).x),
        trained.signature,
    )
    output = tmp_path / f"out{suffix}"
    with chdir(trained.folder):
        cli.app(["predict", str(trained.raw), str(output)], standalone_mode=False)
    if suffix == ".csv":
        answered = pl.read_csv(output, schema_overrides=dict(expected.schema))
    else:
        answered = pl.read_parquet(output)

    assert answered.select(expected.columns).equals(expected)


def test_predict_needs_only_what_the_model_learned_from(trained: Trained, tmp_path: Path) -> None:
    needed = trained.rows.select(*trained.catalog.inputs(trained.params))
    needed.write_parquet(tmp_path / "in.parquet")
    with chdir(trained.folder):
        scored, _ = predict.predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet")

    assert scored == trained.rows.height


def test_rows_that_lack_a_column_are_refused_and_nothing_is_written(
    trained: Trained, tmp_path: Path
) -> None:
    name = next(iter(trained.catalog.inputs(trained.params)))
    trained.rows.drop(name).write_parquet(tmp_path / "in.parquet")

    with chdir(trained.folder), pytest.raises(errors.FactoryError, match="the data lack"):
        predict.predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_a_row_that_lacks_what_training_never_lacked_is_refused_alone(trained: Trained) -> None:
    known = trained.signature.features
    rows = trained.rows[:5].with_row_index("place")
    name = next(f.name for f in known if f.name in rows.columns)
    strict = trained.signature.model_copy(
        update={
            "features": tuple(f.model_copy(update={"missing_seen": f.name != name}) for f in known)
        }
    )
    hole = pl.when(pl.col("place") == 2).then(None).otherwise(pl.col(name)).alias(name)

    answered = predict.answers(rows.with_columns(hole).drop("place"), trained.model, strict)
    whole = predict.answers(rows.drop("place"), trained.model, strict)

    assert answered["refused"].to_list()[2] == f"{name} is missing"
    assert answered["prediction"][2] is None
    assert answered[[0, 1, 3, 4]].drop("refused").equals(whole[[0, 1, 3, 4]].drop("refused"))


def test_only_refused_rows_make_an_answer_without_predictions(trained: Trained) -> None:
    known = tuple(f.model_copy(update={"missing_seen": False}) for f in trained.signature.features)
    strict = trained.signature.model_copy(update={"features": known})
    empty = trained.rows[:3].with_columns(
        pl.lit(None, trained.rows.schema[n]).alias(n)
        for n in trained.catalog.inputs(trained.params)
    )

    answered = predict.answers(empty, trained.model, strict)

    assert answered["prediction"].null_count() == answered.height == 3
    assert answered["refused"].null_count() == 0
