"""Files of factories that were made by releases 0.1 to 0.3, under the library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlfactory_runtime.migrate import migrate
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing import check_model
from mlfactory_runtime.testing.trained import train_copy

from .conftest import make_factory

OLD_IMPORTS = """from .params import Model
from .signature import Signature
"""
SETTINGS = "task: regression\ndata: {path: data/raw/a.csv, target: y}\n"
OWN_MODULE = """import numpy as np

from .errors import FactoryError
from .metrics import LOWER_IS_BETTER as LOWER, measure


def refuse(x: np.ndarray) -> None:
    if not len(x):
        raise FactoryError("no row")
"""


@pytest.fixture
def old(tmp_path: Path) -> Project:
    """A factory whose model.py and own module import as those of 0.3 did."""
    project = make_factory(tmp_path / "old")
    model = project.source / "model.py"
    text = model.read_text("utf-8")
    text = text.replace("from mlfactory_runtime import Matrix, ModelSettings, Signature\n", "")
    text = text.replace("__all__ =", f"{OLD_IMPORTS}\n{MATRIX}\n\n__all__ =")
    model.write_text(text.replace("ModelSettings", "Model"), "utf-8")
    (project.source / "own.py").write_text(OWN_MODULE, "utf-8")
    return project


MATRIX = """

class Matrix:
    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
"""


@pytest.mark.filterwarnings("ignore:.* is part of the library:DeprecationWarning")
def test_old_imports_work_with_a_matrix_of_its_own(old: Project, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    check_model(train_copy(old, tmp_path / "new"))


def test_the_warning_names_the_command_that_ends_it(old: Project) -> None:
    with pytest.warns(DeprecationWarning, match="factory migrate"):
        assert old.module("own").LOWER


def test_migrate_rewrites_each_import_once(old: Project) -> None:
    planned = migrate(old, dry_run=True)
    done = migrate(old)
    text = (old.source / "own.py").read_text("utf-8")

    assert planned == done
    assert "from mlfactory_runtime import FactoryError\n" in text
    assert "from mlfactory_runtime.learn.metrics import LOWER_IS_BETTER as LOWER, measure\n" in text
    assert migrate(old) == []
    assert "ModelSettings as Model" in (old.source / "model.py").read_text("utf-8")


def test_a_notebook_and_a_test_are_rewritten_too(old: Project) -> None:
    cell = {"cell_type": "code", "source": ["from example.data import load\n", "load()\n"]}
    magic = {"cell_type": "code", "source": ["%matplotlib inline\n"]}
    (old.root / "notebooks").mkdir()
    notebook = old.root / "notebooks" / "look.ipynb"
    notebook.write_text(json.dumps({"cells": [cell, magic], "nbformat": 4}), "utf-8")
    (old.root / "tests").mkdir()
    own = old.root / "tests" / "test_own.py"
    own.write_text("from example.errors import FactoryError\n\nassert FactoryError\n", "utf-8")

    files = {change.file for change in migrate(old)}
    cells = json.loads(notebook.read_text("utf-8"))["cells"]

    assert {"notebooks/look.ipynb", "tests/test_own.py"} <= files
    assert cells[0]["source"][0] == "from mlfactory_runtime import load\n"
    assert cells[1] == magic
    assert own.read_text("utf-8").startswith("from mlfactory_runtime import FactoryError\n")


def lines(project: Project, file: str, text: str) -> list[tuple[str, str]]:
    """What becomes of the imports in a file of the old factory: after, and by hand."""
    path = project.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return [(one.after, one.by_hand) for one in migrate(project) if one.file == file]


def test_modules_under_test_come_from_where_they_are_now(old: Project) -> None:
    names = "catalog, errors, features as ours, signature"
    used = "catalog.Catalog, signature.Feature, signature.featured, ours.features"
    (after, by_hand), *rest = lines(
        old, "tests/test_own.py", f"from .package import {names}\n\nprint({used})\n"
    )

    assert after.split("; ") == [
        "from mlfactory_runtime.settings import catalog",
        "from mlfactory_runtime import errors",
        "from example import features as ours, signature",  # two modules now
    ]
    assert (by_hand, rest) == ("", [])
    assert not [one for one in migrate(old) if one.file == "tests/test_own.py"]


def test_modules_of_the_package_do_too(old: Project) -> None:
    text = "from . import data, model\nfrom example import errors\n\nprint(data.load, model)\n"

    assert lines(old, "src/example/own.py", text) == [
        ("from mlfactory_runtime import notebook as data; from example import model", ""),
        ("from mlfactory_runtime import errors", ""),
    ]


def test_what_cannot_be_rewritten_is_told_and_stays(old: Project) -> None:
    text = (
        "from .package import registry\nfrom .params_of_ours import x\n"
        "from example.params import load_params\n\nprint(load_params())\n"
    )
    told = lines(old, "tests/test_own.py", text)

    assert [after for after, _ in told] == ["", "", ""]
    assert [by_hand.split(": ")[0] for _, by_hand in told] == [
        "look for it in mlfactory_runtime",
        "tests/ is no package any more",
        "give each call the file, such as Path('params.yaml'); then",
    ]
    assert (old.root / "tests/test_own.py").read_text("utf-8") == text


@pytest.mark.filterwarnings("ignore:.* is part of the library:DeprecationWarning")
def test_settings_are_read_without_a_file_as_they_were(
    old: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old.source / "own.py").write_text("from .params import load_params\n", "utf-8")
    (old.root / "params.yaml").write_text(SETTINGS, "utf-8")
    monkeypatch.chdir(old.root)

    assert old.module("own").load_params().data.target == "y"


def test_what_a_module_of_old_does_not_have_is_an_attribute_error(old: Project) -> None:
    (old.source / "own.py").write_text("from .params import Nothing\n", "utf-8")
    program = f"import sys; sys.path.insert(0, {str(old.source.parent)!r}); import example.own"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert "cannot import name 'Nothing'" in done.stderr
    assert done.returncode


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1; from .errors import FactoryError\n", "x = 1; {errors}\n"),
        ("from .errors import FactoryError; x = 1\n", "{errors}; x = 1\n"),
        ("if True: from .errors import FactoryError\n", "if True: {errors}\n"),
        ("if True: from . import errors, data\n", "if True: {both}\n"),
        ("from .errors import FactoryError  # noqa: F401\n", "{errors}  # noqa: F401\n"),
        (
            "from .errors import (  # ours\n    FactoryError,  # noqa: F401\n)\n",
            "{errors}  # ours  # noqa: F401\n",
        ),
        ("é = 'é'; from .errors import FactoryError  # é\n", "é = 'é'; {errors}  # é\n"),
        ("x = 'a\x0cb'\nfrom .errors import FactoryError", "x = 'a\x0cb'\n{errors}"),
        ("x = 1\r\nfrom .errors import FactoryError\r\n", "x = 1\r\n{errors}\r\n"),
        ("try:\n\tfrom .errors import FactoryError\nfinally:\n\tpass\n", None),
    ],
)
def test_what_stands_around_an_import_stays(old: Project, before: str, after: str | None) -> None:
    expected = (after or before.replace("from .errors import FactoryError", "{errors}")).format(
        errors="from mlfactory_runtime import FactoryError",
        both="from mlfactory_runtime import errors, notebook as data",
    )
    path = old.source / "own.py"
    path.write_bytes(before.encode())
    migrate(old)

    assert path.read_bytes().decode() == expected


def test_a_module_that_is_imported_whole_is_left_to_a_person(old: Project) -> None:
    text = "import example.params as p\nimport example.features\n"

    assert lines(old, "tests/test_own.py", text) == [("", "look for it in mlfactory_runtime")]


@pytest.mark.parametrize("name", ["empty.ipynb", "list.ipynb", "conflict.ipynb", "old.py"])
def test_what_nobody_can_read_stays_as_it_is(old: Project, name: str) -> None:
    content = {"empty.ipynb": b"", "list.ipynb": b"[]", "old.py": "é = 1\n".encode("latin-1")}
    path = old.root / "notebooks" / name
    path.parent.mkdir()
    path.write_bytes(content.get(name, b"<<<<<<< HEAD\n{}\n"))
    migrate(old)

    assert path.read_bytes() == content.get(name, b"<<<<<<< HEAD\n{}\n")
