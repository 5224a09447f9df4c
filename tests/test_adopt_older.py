"""What projects say of themselves in older forms, as adopting takes it into `[project]`."""

from __future__ import annotations

import email
import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mlfactory.adopt import needs, older
from mlfactory.adopt.pyproject import Around, merge
from mlfactory.base.uv import program
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .evolving import Files, Repo, init, mlfactory

OURS = """[build-system]
requires = ["uv_build"]
build-backend = "uv_build"

[project]
name = "ours"
version = "0.1.0"
requires-python = ">=3.11,<3.14"
dependencies = [
  "mlfactory-runtime==1",
  # Yours follow.
]
"""
POETRY = """[tool.poetry]
name = "churn"
version = "1.4.0"
description = "Who leaves"
authors = ["Tester <tester@example.org>"]
readme = "README.md"
packages = [{ include = "churn" }]

[tool.poetry.dependencies]
python = "^3.11"  # of all of us
requests = "^2.31"
click = { version = "~8.1", extras = [] }
httpx = { version = ">=0.27,<1", extras = ["http2"], optional = true }
tomli = { version = "*", python = "<3.11" }
colorama = { version = "0.4.*", markers = "sys_platform == 'win32'" }
six = "1.16.0"

[tool.poetry.extras]
web = ["httpx"]

[tool.poetry.scripts]
churn = "churn.main:main"

[tool.poetry.group.dev.dependencies]
pytest = "^8.0"

[build-system]
requires = ["poetry-core>=1.9"]
build-backend = "poetry.core.masonry.api"
"""
PDM = """[project]
name = "churn"
dynamic = ["version"]
requires-python = ">=3.10"
dependencies = ["requests>=2.31", "click~=8.1"]

[project.optional-dependencies]
web = ["httpx[http2]>=0.27"]

[dependency-groups]
lint = ["ruff>=0.4"]
dev = [{ include-group = "lint" }, "pytest>=7"]

[tool.pdm.version]
source = "file"
path = "src/churn/__init__.py"

[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
"""
SETUP = """from setuptools import setup
setup(name='churn', version='1.4.0', packages=['churn'], install_requires=['requests>=2'],
      license='MIT', author='Me', url='https://example.org', python_requires='>=3.9',
      long_description=open('README.md').read(), extras_require={'web': ['httpx']},
      entry_points={'console_scripts': ['churn = churn.main:main'],
                    'ours.plugins': ['a = churn.main:main']})
"""
CONFIG = """[metadata]
name = churn
version = attr: churn.__version__
long-description = file: README.md
author = Me
[options]
packages = find:
python_requires = >=3.8
install_requires =
    requests>=2
    # not this
    click ; python_version > '3'
[options.extras_require]
web =
    httpx
[options.entry_points]
console_scripts =
    churn = churn.main:main
"""
CODE: Files = {
    "churn/__init__.py": '__version__ = "1.4.0"\n',
    "churn/main.py": "def main():\n    print('hi')\n",
    "README.md": "# churn\n",
}
SHAPES: dict[str, Files] = {
    "poetry": {**CODE, "pyproject.toml": POETRY},
    "pdm": {"README.md": "# churn\n", "pyproject.toml": PDM}
    | {f"src/{name}": text for name, text in CODE.items() if name.startswith("churn/")},
    "setup.py": {**CODE, "setup.py": SETUP},
    "setup.cfg": {
        **CODE,
        "setup.cfg": CONFIG,
        "setup.py": "import setuptools\nsetuptools.setup()\n",
    },
}


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("^1.0b2", ">=1.0b2,<2"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        ("*", ""),
        (">= 1.2, < 2", ">=1.2,<2"),
        (">=1.2 <2", ">=1.2,<2"),
        ("~=1.4", "~=1.4"),
        ("^1 || ^2", None),
        ("latest", None),
    ],
)
def test_ranges_of_poetry_are_those_of_all_others(text: str, bounds: str | None) -> None:
    assert older.versions(text) == bounds
    SpecifierSet(bounds or "")


def test_a_project_of_poetry_has_a_table_of_its_own() -> None:
    both = merge(POETRY, OURS, Around())
    new, old = tomllib.loads(both.text), tomllib.loads(POETRY)
    project = new["project"]
    assert (project["name"], project["version"]) == ("churn", "1.4.0")
    assert project["scripts"] == {"churn": "churn.main:main"}
    assert project["optional-dependencies"] == {"web": ["httpx[http2]<1,>=0.27"]}
    assert {Requirement(one) for one in project["dependencies"]} == {
        Requirement(one)
        for one in (
            "mlfactory-runtime==1", "requests>=2.31,<3", "click>=8.1,<8.2", "six==1.16.0",
            "tomli ; python_version < '3.11'", "colorama==0.4.* ; sys_platform == 'win32'",
        )
    }  # fmt: skip
    assert new["build-system"] == old["build-system"]
    # Poetry refuses a [project] that admits other Pythons than its own table.
    assert new["tool"]["poetry"]["dependencies"].pop("python") == project["requires-python"]
    old["tool"]["poetry"]["dependencies"].pop("python")
    assert new["tool"]["poetry"] == old["tool"]["poetry"]
    assert [task.text for task in both.tasks] == ["uv does not read your groups of Poetry's: dev."]


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ('a = { git = "https://git.example.org/a.git", tag = "v1" }',
         "a@ git+https://git.example.org/a.git@v1"),
        ('a = { url = "https://example.org/a.whl" }', "a@ https://example.org/a.whl"),
        ('a = { version = "^1", python = ">=3.11,<3.13" }',
         "a>=1,<2 ; python_version >= '3.11' and python_version < '3.13'"),
        ('a = { path = "../a" }', ""),
        ('a = { version = "1", source = "ours" }', ""),
        ('a = "^1 || ^3"', ""),
    ],
)  # fmt: skip
def test_what_has_no_line_is_named(line: str, requirement: str) -> None:
    table = tomllib.loads(f"[dependencies]\n{line}\n")
    facts = older.of_poetry(table)
    texts = [Requirement(requirement)] if requirement else []
    assert [Requirement(one) for one in facts.dependencies] == texts
    assert facts.rest == ([] if requirement else ["a"])
    tasks = [task.text for task in older.unread(facts, {})]
    assert ["but for these: a." in text for text in tasks] == ([] if requirement else [True])


def test_several_rows_of_one_package_are_several_lines() -> None:
    rows = [{"version": "^1", "python": "<3.12"}, {"version": "^2", "python": ">=3.12"}]
    assert len(older.of_poetry({"dependencies": {"a": rows}}).dependencies) == 2


def test_setup_is_read_and_never_run() -> None:
    script = "raise SystemExit\nimport setuptools\nsetuptools.setup(name=NAME, version=read(), "
    script += "install_requires=open('r.txt').read().split(), author='Me')\n"
    facts = older.of_setup(script, "")
    assert (facts.name, facts.version) == ("", "")
    assert (facts.dynamic, facts.rest) == (["version", "authors"], ["name", "install_requires"])
    assert older.of_setup("def broken(:\n", "no section\n") == older.Facts()
    both = older.of_setup("setup(version='2')", CONFIG)
    assert (both.name, both.version, both.python) == ("churn", "2", ">=3.8")


@pytest.mark.parametrize(
    ("theirs", "ours", "is_one"),
    [
        (">=1.4,<1.6", ">=1.8,<2", False),
        ("==1.5.*", ">=1.8", False),
        ("<3", "<2", True),
        (">1.8", "<1.9", True),
        ("==2.2.3", ">=2,<4", True),
        ("", ">=2", True),
        ("~=1.7", ">=1.8,<2", True),
        ("===odd", ">=1", True),
    ],
)
def test_ranges_that_share_no_version(theirs: str, ours: str, is_one: bool) -> None:
    assert needs.overlap(SpecifierSet(theirs), SpecifierSet(ours)) is is_one


def test_a_pin_that_the_library_cannot_be_beside_is_on_the_list(tmp_path: Path) -> None:
    text = '[project]\nname = "churn"\nversion = "1"\nrequires-python = ">=3.11,<3.12"\n'
    text += 'dependencies = ["numpy<1", "click"]\n'
    repo = init(tmp_path / "churn").commit({"pyproject.toml": text})
    report = json.loads(mlfactory("adopt", "--dry-run", "--json", cwd=repo.path).stdout)
    texts = [task["text"] for task in report["todo"] if task["about"] == "dependencies"]
    assert len(texts) == 1
    assert texts[0].startswith("pyproject.toml asks for numpy<1, and the library of a factory")


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_their_build_makes_the_same_package_and_uv_locks_it(shape: str, tmp_path: Path) -> None:
    """With the real backends: name, version, scripts and requirements are there as before."""
    repo = init(tmp_path / "churn").commit(SHAPES[shape])
    before = built(repo)
    repo.git("clean", "-fdxq")
    report = json.loads(mlfactory("adopt", "--no-setup", "--json", cwd=repo.path).stdout)
    abouts = [task["about"] for task in report["todo"]]
    assert ("dependencies" in abouts) is (shape == "pdm")  # there are two ranges of pytest
    after = built(repo)
    assert before["requires"] < after["requires"]
    more = {Requirement(one).name for one in after["requires"] - before["requires"]}
    assert more == {"mlfactory-runtime", "lightgbm"}
    assert {*before["files"]} <= {*after["files"]}
    for key in ("Name", "Version", "Author", "Summary", "License", "Provides-Extra", "scripts"):
        assert before.get(key) == after.get(key), key
    subprocess.run((program(), "lock", "--quiet"), cwd=repo.path, check=True)


def built(repo: Repo) -> dict[str, Any]:
    """What their backend makes of it."""
    out = repo.path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    argv = (program(), "build", "--wheel", "--quiet", "--out-dir", str(out))
    subprocess.run(argv, cwd=repo.path, check=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        texts = {Path(n).name: file.read(n).decode() for n in names if ".dist-info/" in n}
    headers = email.message_from_string(texts["METADATA"])
    return {
        **{key: headers.get_all(key) for key in {*headers.keys()}},
        "requires": {
            # To some backends 3 is 3.0.
            re.sub(r"(?<=<\d)\.0\b", "", str(Requirement(one)))
            for one in headers.get_all("Requires-Dist", ())
        },
        "files": [name for name in names if ".dist-info/" not in name],
        "scripts": texts.get("entry_points.txt"),
    }
