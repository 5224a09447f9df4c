"""What is wrong with params.yaml and features.yaml is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.settings.catalog import Catalog
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.settings.yaml import read_checked

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
