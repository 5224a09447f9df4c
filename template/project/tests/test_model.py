"""How the model behaves, learned from rows in which the truth was planted. Add cases of your own.

`trained.rows` are those rows, and `trained.scores(rows)` what the model says of them.
"""

from mlfactory_runtime.testing import Trained, check_model


def test_the_model_is_deterministic_and_finds_what_was_planted(trained: Trained) -> None:
    check_model(trained)
