"""The contract that producers get says what the factory's own check says."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from .conftest import Factory

pytestmark = pytest.mark.xdist_group("lab")
# Reads rows from rows.json, and prints for each the columns that break the factory's contract.
JUDGE = """
import json
import polars as pl
from pathlib import Path
from mlfactory_runtime.data.contract import read_rows
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project

project = Project(Path.cwd())
columns, data = project.catalog.columns, project.params.data
for row in json.load(open("rows.json")):
    try:
        raw = pl.DataFrame({name: pl.Series([value]) for name, value in row.items()})
        print(json.dumps(sorted(set(read_rows(raw, columns, data)[1]["column"]))))
    except (FactoryError, OverflowError):
        print('["all"]')
"""
SAMPLE = """
import json
from mlfactory_runtime import load
print(json.dumps(load("holdout").head(150).to_dicts(), default=str))
"""
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
def agreed(lab: Factory) -> Factory:
    """A factory with columns of every kind."""
    catalog = yaml.safe_load(lab.text("features.yaml"))
    for name, rule in EXTRA.items():
        catalog["columns"][name] = {**rule, "availability": "batch", "owner": "@org/crm"}
    lab.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))
    return lab


def broken(factory: Factory, rows: list[dict[str, Any]]) -> list[set[str]]:
    """The columns of each row that break the factory's contract."""
    factory.write("rows.json", json.dumps(rows))
    told = factory.run("python", "-c", JUDGE).stdout
    return [set(json.loads(line)) for line in told.splitlines()]


def test_the_schema_agrees_with_the_factory_on_real_and_on_bad_rows(agreed: Factory) -> None:
    schema = agreed.json("factory", "contract", "export")
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema, format_checker=FormatChecker())
    real = [row | GOOD for row in json.loads(agreed.run("python", "-c", SAMPLE).stdout)]
    assert len(real) > 100
    bad = [deepcopy(real[0]) | {name: value} for name, value, _ in CASES]
    rows = [*real, *bad]

    schemas = [{str(error.path[0]) for error in check.iter_errors(row)} for row in rows]

    assert schemas[: len(real)] == [set()] * len(real)
    assert schemas[len(real) :] == [set() if ok else {name} for name, _, ok in CASES]
    assert broken(agreed, rows) == schemas


def test_a_column_that_is_missing_is_refused_by_both(agreed: Factory) -> None:
    row = json.loads(agreed.run("python", "-c", SAMPLE).stdout)[0] | GOOD
    del row["plan"]
    found = list(
        Draft202012Validator(agreed.json("factory", "contract", "export")).iter_errors(row)
    )

    assert [error.message for error in found] == ["'plan' is a required property"]
    assert broken(agreed, [row]) == [{"all"}]


def test_it_names_who_answers_for_a_column(agreed: Factory) -> None:
    done = agreed.run("factory", "contract", "export", "contract.json")
    assert "columns in contract.json" in done.stderr
    note = json.loads(agreed.text("contract.json"))["properties"]["note"]
    assert note["x-owner"] == "@org/crm"
