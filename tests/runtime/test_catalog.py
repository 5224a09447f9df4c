"""The catalog: what may be learned from, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.settings import availability as settings_availability
from mlfactory_runtime.settings import catalog, params

PARAMS = params.Params.model_validate(
    {"task": "regression", "data": {"path": "data.csv", "target": "y"}}
)
ONLINE = PARAMS.model_copy(update={"serving": params.Serving(mode="online")})
TARGET = {"dtype": "float", "role": "target", "availability": "after_outcome"}


def number(availability: str = "online", **more: Any) -> dict[str, Any]:
    """A numeric column."""
    return {"dtype": "float", "role": "numeric", "availability": availability, **more}


def made(columns: dict[str, Any], derived: dict[str, Any] | None = None) -> catalog.Catalog:
    """A catalog with these columns and the target."""
    return catalog.Catalog.model_validate(
        {"columns": {**columns, "y": TARGET}, "derived": derived or {}}
    )


def refused(found: list[settings_availability.Finding]) -> list[str | None]:
    """The features that errors are about."""
    return [finding.feature for finding in found if finding.level == "error"]


@pytest.mark.parametrize(
    ("availability", "mode", "refusal"),
    [
        ("online", PARAMS, []),
        ("batch", PARAMS, []),
        ("after_outcome", PARAMS, ["x"]),
        ("online", ONLINE, []),
        ("batch", ONLINE, ["x"]),
        ("after_outcome", ONLINE, ["x"]),
    ],
)
def test_a_feature_is_refused_where_the_serving_mode_cannot_have_it(
    availability: str, mode: params.Params, refusal: list[str]
) -> None:
    assert (
        refused(settings_availability.check_catalog(made({"x": number(availability)}), mode))
        == refusal
    )


def test_a_refusal_names_feature_source_reason_and_remedy() -> None:
    columns = {"refund": number("after_outcome", source="billing.refunds")}

    (found,) = settings_availability.check_catalog(made(columns), PARAMS)

    assert (found.feature, found.source) == ("refund", "billing.refunds")
    assert "after the outcome" in found.message
    assert "refund" in found.remedy


def test_a_derived_feature_is_available_when_its_weakest_parent_is() -> None:
    derived = {"half": {"parents": ["early"]}, "whole": {"parents": ["half", "late"]}}
    columns = {"early": number(), "late": number("batch")}

    found = settings_availability.check_catalog(made(columns, derived), ONLINE)

    assert refused(found) == ["late", "whole"]


def test_an_ignored_parent_still_weakens_its_child() -> None:
    columns = {"x": number(), "late": number("after_outcome", role="ignored")}

    found = settings_availability.check_catalog(
        made(columns, {"made": {"parents": ["late"]}}), PARAMS
    )

    assert refused(found) == ["made"]


@pytest.mark.parametrize(
    ("derived", "reason"),
    [
        ({"a": {"parents": ["b"]}, "b": {"parents": ["a"]}}, "its own ancestor"),
        ({"a": {"parents": ["a"]}}, "its own ancestor"),
        ({"a": {"parents": ["nowhere"]}}, "not in the catalog"),
        ({"x": {"parents": ["y"]}}, "have a column of that name"),
        ({"a": {"parents": []}}, "at least 1"),
    ],
)
def test_a_derived_feature_that_cannot_be_is_refused(derived: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        made({"x": number()}, derived)


def test_a_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "features.yaml"
    path.write_text(
        "columns: {x: {dtype: int, role: numeric, availability: batch, nulable: true}}", "utf-8"
    )

    with pytest.raises(errors.FactoryError, match=r"x\.nulable"):
        catalog.load_catalog(path)


def test_what_is_assumed_is_a_warning_and_under_strict_an_error() -> None:
    assumed = made({"x": number(assumed=True)})

    assert [f.level for f in settings_availability.check_catalog(assumed, PARAMS)] == ["warning"]
    assert refused(settings_availability.check_catalog(assumed, PARAMS, strict=True)) == ["x"]


def test_where_all_columns_are_suspect_the_refusal_says_so() -> None:
    """They have roles, so nobody is asked to give them one."""
    columns = {"mass": number(suspect="made of y"), "volume": number(suspect="made of y")}
    found = settings_availability.check_catalog(made(columns), PARAMS)
    (refusal,) = (one for one in found if one.level == "error")
    assert "'mass', 'volume' are left out" in refusal.message
    assert "factory catalog review" in refusal.remedy


def test_the_target_of_the_settings_and_of_the_catalog_are_the_same_column() -> None:
    columns = made({"x": number(), "z": TARGET})

    assert refused(settings_availability.check_catalog(columns, PARAMS)) == ["z"]


def test_a_prediction_needs_the_parents_of_what_is_learned_and_nothing_else() -> None:
    columns = {"x": number(role="ignored"), "unused": number(role="ignored"), "plain": number()}

    needed = made(columns, {"made": {"parents": ["x"]}}).inputs(PARAMS)

    assert list(needed) == ["x", "plain"]
