"""The schemas by which editors complete params.yaml and features.yaml."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from mlfactory_runtime.settings.editor import MODELS, editor_schema
from mlfactory_runtime.testing.trained import Trained

from .factories import SKELETON, Factory

FOLDER = SKELETON / "docs" / "schemas"


def mistakes(name: str, content: dict[str, Any]) -> list[str]:
    return [one.message for one in Draft202012Validator(schema(name)).iter_errors(content)]


def schema(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return content


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_is_of_the_model_that_checks_the_file(name: str) -> None:
    path = FOLDER / f"{name}.json"
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(editor_schema(name), "utf-8")
    assert path.read_text("utf-8") == editor_schema(name), "UPDATE_DOCS=1 pytest " + __file__
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    ("name", "file"), [("params", "params.yaml.jinja"), ("features", "features.yaml")]
)
def test_the_first_line_of_the_file_names_its_schema(name: str, file: str) -> None:
    first = (SKELETON / file).read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=docs/schemas/{name}.json"


def test_what_a_factory_holds_is_right_by_the_schema(churn: Factory, trained: Trained) -> None:
    for folder in (churn.path, trained.folder):
        for name in MODELS:
            assert (
                mistakes(name, yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8"))) == []
            )


def test_a_key_a_value_and_a_type_that_are_wrong_are_named() -> None:
    wrong = {"task": "clustering", "data": {"path": "a.csv", "target": "y"}, "modle": {}}
    assert len(mistakes("params", wrong)) == 2
    column = {"dtype": "int", "role": "numeric", "availability": "tomorrow", "values": [1]}
    found = mistakes("features", {"columns": {"a": column}})
    assert len(found) == 1
    assert "'tomorrow' is not one of" in found[0]
