"""The encoder: the same value gives the same number, in training and ever after."""

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.data import computed
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.learn import signature
from pydantic import ValidationError


def known(role: str, dtype: str, values: list[object]) -> signature.Feature:
    """A feature as training rows with these values show it."""
    return signature.describe("x", dtype, role, pl.Series("x", values))


def encoded(feature: signature.Feature, values: list[object]) -> list[float]:
    """The codes of values."""
    column = pl.Series("x", values, dtype=pl.String if feature.role == "categorical" else None)
    return signature.encode(column.to_frame(), (feature,))[:, 0].tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ("no",)},
        {"classes": ("no", "no")},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"features": (known("numeric", "int", [1]),) * 2},
        {"features": (known("whatever", "int", [1]),)},
    ],
)
def test_a_signature_that_contradicts_itself_is_none(change: dict[str, Any]) -> None:
    plain = {"task": "binary", "target": "y", "classes": ("no", "yes"), "features": ()}
    signature.Signature(**plain)
    with pytest.raises(ValidationError):
        signature.Signature(**{**plain, **change})


PLAN = known("categorical", "string", ["pro", None, "basic"])


def test_a_category_has_its_code_whatever_else_is_in_the_batch() -> None:
    assert encoded(PLAN, ["pro", "basic"]) == [1.0, 0.0]
    assert encoded(PLAN, ["pro"]) == [1.0]


def test_an_unseen_category_is_neither_a_known_one_nor_missing() -> None:
    assert encoded(PLAN, ["gold", None]) == [-1.0, 2.0]


def test_rare_categories_beyond_the_limit_count_as_unseen() -> None:
    often = [str(number) for number in range(signature.MAX_CATEGORIES)] * 2
    feature = known("categorical", "string", [*often, "once"])

    assert encoded(feature, ["once"]) == [-1.0]


def test_categories_of_a_sensitive_feature_are_kept_as_digests() -> None:
    rows = pl.Series("x", ["pro", None, "basic"])
    feature = signature.describe("x", "string", "categorical", rows, "salt")

    assert not {"pro", "basic"} & set(feature.categories)
    assert sorted(encoded(feature, ["pro", "basic"])) == [0.0, 1.0]
    assert encoded(feature, ["gold", None]) == [-1.0, 2.0]


def test_a_missing_number_is_not_a_number() -> None:
    assert np.isnan(encoded(known("numeric", "float", [1.0, None]), [None, 2.0])[0])


@pytest.mark.parametrize(
    ("role", "dtype", "seen"),
    [
        ("numeric", "float", 1.0),
        ("categorical", "string", "a"),
        ("boolean", "bool", True),
        ("datetime", "date", date(2024, 1, 1)),
    ],
)
def test_a_feature_that_was_never_missing_refuses_a_missing_value(
    role: str, dtype: str, seen: object
) -> None:
    with pytest.raises(errors.FactoryError, match="was never missing in training"):
        encoded(known(role, dtype, [seen]), [seen, None])


@pytest.mark.parametrize("role", ["numeric", "datetime"])
def test_a_column_that_is_of_another_type_than_in_training_is_named(role: str) -> None:
    with pytest.raises(FactoryError, match="'x' holds String, and the model learned from it as a"):
        encoded(known(role, "int", [1]), ["a", "b"])


def test_moments_are_days_and_a_date_is_its_midnight() -> None:
    moment = known("datetime", "datetime", [datetime(1970, 1, 2, 12)])

    assert encoded(moment, [datetime(1970, 1, 2, 12)]) == [1.5]
    assert encoded(moment, [date(1970, 1, 3)]) == [2.0]


def test_large_whole_numbers_stay_apart() -> None:
    feature = known("numeric", "int", [1])

    assert encoded(feature, [2**40, 2**40 + 1]) == [2.0**40, 2.0**40 + 1]


def test_a_mistake_in_features_is_told_in_a_sentence() -> None:
    with pytest.raises(errors.FactoryError, match=r"line \d+: ColumnNotFoundError: .*gone"):
        computed.featured(pl.DataFrame({"x": [1]}), ["x"], lambda rows: rows.select("gone"))
