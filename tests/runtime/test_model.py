"""What a model may see; `check_model` proves how a model behaves."""

from mlfactory_runtime.testing.trained import Trained


def test_the_target_is_among_the_columns_that_a_model_may_not_see(trained: Trained) -> None:
    assert trained.params.data.target in trained.rows.columns
    assert trained.params.data.target not in trained.catalog.inputs(trained.params)
