"""The contract that producers get says what the factory's own check says."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from mlfactory_runtime.data.contract import read_rows
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project

from .factories import Factory

EXTRA = {
    "note": {"dtype": "string", "role": "ignored", "nullable": False},
    "seen at": {"dtype": "datetime", "role": "ignored"},
    "score": {"dtype": "float", "role": "ignored", "range": [None, 1], "nullable": False},
}
GOOD = {"note": "a <b> & c", "seen at": "2025-01-31T12:30:00.5Z", "score": -3}
# What may stand in a column in place of a good value, and whether the contract allows it.
CASES: list[tuple[str, Any, bool]] = [
    ("Tenure (months)", 121, False),
    ("Tenure (months)", -1, False),
    ("Tenure (months)", 7.0, True),
    ("Tenure (months)", 7.5, False),
    ("Tenure (months)", "seven", False),
    ("plan", "Basic", False),
    ("plan", None, True),
    ("# calls 📞", None, True),
    ("is_mobile", "perhaps", False),
    ("is_mobile", True, True),
    ("signup date", "2024-13-01", False),
    ("signup date", "2024-02-30", False),
    ("signup date", "0999-01-01", False),
    ("signup date", "2024-02-29", True),
    ("note", None, False),
    ("note", "NA", False),
    ("note", "  ", False),
    ("score", 1.5, False),
    ("score", -1e300, True),
    ("seen at", None, True),
    ("seen at", "noon", False),
    ("seen at", "2025-01-31T25:00", False),
    ("seen at", "2025-01-31 23:59", True),
    ("seen at", "2025-01-31", True),
    ("seen at", "2025-01-31T12:00:00+05:30", True),
]


@pytest.fixture
def agreed(churn: Factory) -> Factory:
    """A factory with columns of every kind."""
    more = {"availability": "batch", "owner": "@org/crm"}
    churn.column("Tenure (months)", range=[0, 120])
    churn.column("plan", unseen="refuse")
    churn.change("features.yaml", columns={name: rule | more for name, rule in EXTRA.items()})
    return churn


def sample(factory: Factory) -> list[dict[str, Any]]:
    """Rows as producers deliver them."""
    rows = load_part(factory.project, "holdout").head(150)
    return [row | GOOD for row in json.loads(json.dumps(rows.to_dicts(), default=str))]


def broken(project: Project, row: dict[str, Any]) -> set[str]:
    """The columns of a row that break the factory's contract."""
    try:
        raw = pl.DataFrame({name: pl.Series([value]) for name, value in row.items()})
        return set(read_rows(raw, project.catalog.columns, project.params.data)[1]["column"])
    except (FactoryError, OverflowError):
        return {"all"}


def test_the_schema_agrees_with_the_factory_on_real_and_on_bad_rows(agreed: Factory) -> None:
    schema = agreed.json("contract", "export")
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema, format_checker=FormatChecker())
    real = sample(agreed)
    assert len(real) > 100
    bad = [deepcopy(real[0]) | {name: value} for name, value, _ in CASES]
    rows = [*real, *bad]

    schemas = [{str(error.path[0]) for error in check.iter_errors(row)} for row in rows]

    assert schemas[: len(real)] == [set()] * len(real)
    assert schemas[len(real) :] == [set() if ok else {name} for name, _, ok in CASES]
    project = agreed.project
    assert [broken(project, row) for row in rows] == schemas


def test_a_column_that_is_missing_is_refused_by_both(agreed: Factory) -> None:
    row = sample(agreed)[0]
    del row["plan"]
    found = list(Draft202012Validator(agreed.json("contract", "export")).iter_errors(row))

    assert [error.message for error in found] == ["'plan' is a required property"]
    assert broken(agreed.project, row) == {"all"}


def test_it_names_who_answers_for_a_column(agreed: Factory) -> None:
    done = agreed.run("contract", "export", "contract.json")
    assert "columns in contract.json" in done.err
    note = json.loads(agreed.text("contract.json"))["properties"]["note"]
    assert note["x-owner"] == "@org/crm"
