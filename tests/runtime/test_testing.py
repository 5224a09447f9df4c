"""The checks that a factory's own tests call: they pass on a fresh one, and say what is broken."""

from __future__ import annotations

from mlfactory_runtime.testing import Trained, check_features, check_model


def test_a_fresh_factory_passes_both_checks(trained: Trained) -> None:
    check_features(trained)
    check_model(trained)
