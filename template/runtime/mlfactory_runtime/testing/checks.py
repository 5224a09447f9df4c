"""The rules of features.py and model.py, each as an assertion that says what was broken."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from ..learn.synth import drivers
from .trained import Trained

FEW = 40


def check_features(trained: Trained) -> None:
    """features.py looks at one row at a time, changes nothing, and computes what is declared.

    Raises AssertionError with the rule that is broken. Polars divides a table and a single row in
    different ways, so that the last bits may differ.
    """
    compute = trained.project.compute
    rows = trained.rows.drop(trained.params.data.target).head(FEW)
    before, first = rows.clone(), compute(rows)
    same(rows, before, "computing the features changes the rows that it is given", exact=True)
    alone = pl.concat([compute(row) for row in rows.iter_slices(1)])
    same(alone, first, "the features of a row depend on other rows")
    backward = compute(rows.reverse()).reverse()
    same(backward, first, "the features of a row depend on the order of the rows")
    same(compute(rows), first, "computing the features twice gives other values", exact=True)
    columns, names = set(first.columns) - set(rows.columns), set(trained.catalog.derived)
    assert columns == names, f"features.py computes {sorted(columns)}, declared: {sorted(names)}"


def same(actual: pl.DataFrame, expected: pl.DataFrame, rule: str, *, exact: bool = False) -> None:
    """Equal, but for the last bits unless `exact`."""
    try:
        assert_frame_equal(actual, expected, check_exact=exact, rel_tol=1e-9, abs_tol=0.0)
    except AssertionError as error:
        raise AssertionError(f"{rule}: {error}") from error


def check_model(trained: Trained) -> None:
    """model.py predicts a row as it stands, the same each time, and finds what was planted.

    Raises AssertionError with the rule that is broken.
    """
    rows, scores = trained.rows, trained.scores(trained.rows)
    unused = [n for n in rows.columns if n not in trained.catalog.inputs(trained.params)]
    second = trained.scores(rows.with_columns(pl.col(unused).reverse()))
    assert np.array_equal(second, scores), "columns that it does not learn from change predictions"
    backward = trained.scores(rows.reverse())[::-1]
    assert np.array_equal(backward, scores), "the order of the rows changes predictions"
    few = rows.head(FEW // 2)
    alone = np.concatenate([trained.scores(row) for row in few.iter_slices(1)])
    assert np.allclose(alone, trained.scores(few), rtol=1e-9, atol=0), "a row alone differs"
    gain = trained.result.gain["naive"].low or 0.0
    assert gain > 0, "it does not beat a constant where there is something to learn"
    check_planted(trained)
    check_saved(trained)


def check_planted(trained: Trained) -> None:
    """The effect that stands in the made-up rows is found in its direction."""
    rows = trained.rows
    name, *_ = drivers(trained.catalog, trained.params, {n: rows[n] for n in rows.columns})
    values = rows[name].drop_nulls().sort()
    low, high = (
        trained.scores(rows.with_columns(pl.lit(value, values.dtype).alias(name))).mean()
        for value in (values.first(), values.last())
    )
    assert high > low, f"more of {name!r} does not raise the prediction, as it should"


def check_saved(trained: Trained) -> None:
    """Fitted again, and saved and loaded, it predicts the same to the last bit."""
    estimator, x = trained.project.estimator, trained.matrix(trained.rows)
    expected, again = estimator.predict(trained.model, x), trained.fit_again()
    predictions = estimator.predict(again, x)
    assert np.array_equal(predictions, expected), "fitting twice gives other predictions"
    with TemporaryDirectory(prefix="factory-") as folder:
        estimator.save(again, Path(folder))
        copy = estimator.predict(estimator.load(Path(folder)), x)
    assert np.array_equal(copy, predictions), "a saved model predicts something else"
