"""What every model is measured by."""

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
