"""What is wrong with params.yaml and features.yaml is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.settings.availability import check_catalog
from mlfactory_runtime.settings.catalog import Catalog
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.settings.yaml import read_checked

SPLIT = "line 6, column 3: split.holdout: should be a number, and is "
START = "task: regression\ndata:\n  path: a.csv\n  target: y\n"
COLUMN = "columns:\n  x:\n    dtype: int\n    role: feature\n    availability: request\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  tme: t\n", "line 5, column 3: data.tme: there is no such key; did you mean 'time'?"),
        ("modle: {}\n", "line 5, column 1: modle: there is no such key; did you mean 'model'?"),
        ("learning_rate: 1\n", "did you mean 'model.learning_rate'?"),
        ("gate:\n  zzz: 1\n", "line 6, column 3: gate.zzz: there is no such key; there are metric"),
        ("split:\n  holdout: 2\n", "line 6, column 3: split.holdout: Input should be less than 1"),
        ("split: {holdout: 20%}\n", "should be a number, and is '20%'; did you mean 0.2?"),
        ("split:\n  holdout: '0,25'\n", f"{SPLIT}'0,25'; did you mean 0.25?"),
        ("split:\n  holdout: a fifth\n", f"{SPLIT}'a fifth'"),
        ("split:\n  holdout:\n", f"{SPLIT}empty"),
        ("serving: {mode: onlin}\n", "and is 'onlin'; did you mean online?"),
        ("serving: {mode: yes}\n", "Input should be 'batch' or 'online', and is 'yes'"),
        ("model: 3\n", "line 5, column 1: model: should be a group of settings, and is 3"),
        ("data.missing: x\n", "there is no such key"),
        ("report: {segments: x}\n", "should be a list, such as [a, b], and is 'x'"),
        ("report: {language: fr}\n", "is 'fr', and the languages are en, es"),
        (
            "gate: {}\ngate: {}\n",
            "column 1: the key 'gate' stands there again after line 5",
        ),
    ],
)
def test_a_mistake_in_the_settings_has_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "params.yaml").write_text(START + text)
    with pytest.raises(FactoryError) as raised:
        read_checked(tmp_path / "params.yaml", Params)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {}\n", "line 6, column 1: the key 'columns' stands there again after line 1"),
        (
            "    rol: id\n",
            "column 5: columns.x.rol: there is no such key; did you mean 'role'",
        ),
        ("derived: {}\nderived: {}\n", "the key 'derived' stands there again after line 6"),
    ],
)
def test_a_mistake_in_the_catalog_has_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "features.yaml").write_text(COLUMN + text)
    with pytest.raises(FactoryError) as raised:
        read_checked(tmp_path / "features.yaml", Catalog)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("split:\n\tholdout: 0.2\n", "line 6, column 1", "indent line 6 with spaces"),
        ("split:\n  holdout: 0.2\n    salt: a\n", "line 7, column 9", "column 3, as its"),
        ("split:\n  holdout: 0.2\n salt: a\n", "line 7, column 2", "begin line 7 in column"),
        ("split:\n  holdout:0.2\n  salt: a\n", "line 7, column 7", "colon of line 6"),
        ("gate:\n  metric: cost: in euro\n", "line 6, column 15", "text of line 6 in quotes"),
        ("report:\n  segments: [a, b\ngate: {}\n", "line 7", "bracket that opens in line 6"),
        ('gate:\n  metric: "cost\nsplit: {}\nlog: "a"\n', "line 8", "quote that begins in"),
        ("<<<<<<< ours\ngate: {}\n=======\n", "line 6", "resolve the conflict"),
        ("- a\n", "line 5, column 1", "mend that line"),
    ],
)
def test_yaml_that_cannot_be_read_has_its_place_and_what_mends_it(
    tmp_path: Path, text: str, place: str, hint: str
) -> None:
    (tmp_path / "params.yaml").write_text(START + text)
    with pytest.raises(FactoryError) as raised:
        read_checked(tmp_path / "params.yaml", Params)
    assert f"is not valid YAML: {place}" in raised.value.message
    assert "unicode string" not in raised.value.message
    assert hint in raised.value.hint


def test_a_file_in_another_encoding_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(f"{START}# Größe\n".encode("latin-1"))
    with pytest.raises(FactoryError, match="no text in UTF-8: line 5 holds the byte 0xf6"):
        read_checked(tmp_path / "params.yaml", Params)


def test_a_column_that_is_not_in_the_catalog_is_named_with_the_nearest() -> None:
    columns = {"Customer id": {"dtype": "string", "role": "identifier", "availability": "batch"}}
    catalog = Catalog.model_validate({"columns": columns})
    data = {"path": "a.csv", "target": "y", "id": "custmer ID"}
    params = Params.model_validate({"task": "regression", "data": data})
    remedies = [one.remedy for one in check_catalog(catalog, params) if one.feature == "custmer ID"]
    assert remedies[0].startswith("did you mean 'Customer id'? correct data.id in params.yaml")
