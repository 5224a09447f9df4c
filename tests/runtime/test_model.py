"""What every model is measured by; `check_model` proves how a model behaves."""

import numpy as np
from mlfactory_runtime.learn import baselines, matrix, signature
from mlfactory_runtime.testing.trained import Trained

NUMBER = signature.Feature(name="a", dtype="float", role="numeric", missing_seen=False)


def test_a_class_that_training_lacks_breaks_no_baseline(trained: Trained) -> None:
    x = np.arange(10.0).reshape(-1, 1)
    known = trained.signature.model_copy(
        update={"task": "binary", "classes": ("no", "yes"), "features": (NUMBER,)}
    )

    assert baselines.linear(matrix.Matrix(x, np.zeros(10)), x, known).max() == 0


def test_the_target_is_among_the_columns_that_a_model_may_not_see(trained: Trained) -> None:
    assert trained.params.data.target in trained.rows.columns
    assert trained.params.data.target not in trained.catalog.inputs(trained.params)
