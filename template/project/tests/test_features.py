"""The three rules of features.py, on this factory's own columns. Add cases of your own."""

from mlfactory_runtime.testing import Trained, check_features


def test_features_look_at_one_row_and_are_what_the_catalog_declares(trained: Trained) -> None:
    check_features(trained)
