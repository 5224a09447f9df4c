"""A factory of every release, in which somebody has worked, follows the template to the newest."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlfactory.template import history

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute

RELEASES = history.releases_in(history.HISTORY).versions
LOOK = "notebooks/look.ipynb"
OWN = (
    "params.yaml",
    "features.yaml",
    "src/churn/features.py",
    "src/churn/model.py",
    "src/churn/ours.py",
    "tests/test_ours.py",
    LOOK,
    "CODEOWNERS",
    "docs/about.md",
    ".dvc/config",
)
LAST = RELEASES[-1]
LIBRARIES = ("holidays", "rapidfuzz", "xxhash")  # first, in between and last in the alphabet
DERIVED = "derived:\n  on a holiday: {dtype: bool, role: boolean, parents: [signup date]}\n"
FEATURES = """
import polars as pl

from .ours import closed


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("signup date").is_in(closed()).alias("on a holiday"))
"""
OURS = """
import datetime

import holidays

{imports}


def closed() -> list[datetime.date]:
    days = list(holidays.country_holidays("DE", years=[2023, 2024]))
    if not days or not Settings.model_fields:
        raise FactoryError("no day is closed", "open the calendar")
    return days
"""
TEST = """
from churn.ours import closed


def test_days_are_closed() -> None:
    assert len(closed()) > 10
"""
OF_THE_PACKAGE = """
from churn.errors import FactoryError

from .package import contract, errors


def test_what_is_used() -> None:
    assert errors.FactoryError is FactoryError
    assert contract.read_rows
"""


@dataclass(frozen=True)
class Written:
    """What somebody wrote: the imports of a module, a test of it, and lines of a notebook."""

    imports: str
    test: str
    load: str

    @property
    def cell(self) -> list[str]:
        return [f"from {self.load} import load\n", "print(load().height)\n"]


BEFORE_LIBRARY = ("0.1.0", "0.2.0", "0.3.0")
FLAT = Written(
    "from .errors import FactoryError\nfrom .params import Params as Settings",
    TEST + OF_THE_PACKAGE,
    "churn.data",
)
ON_LIBRARY = Written(
    "from mlfactory_runtime import FactoryError\n"
    "from mlfactory_runtime import ModelSettings as Settings",
    TEST,
    "mlfactory_runtime",
)
PARAGRAPH = "\nOurs: ask the retention team before you change a threshold.\n"
WORKFLOW, JOB = ".github/workflows/ci.yml", "      - run: echo 'a step of ours'\n"


def grown(version: str, folder: Path, env: dict[str, str]) -> Factory:
    """A factory of a release, with an environment, that somebody has worked in."""
    customers().drop("revenue", "segment").write_csv(folder / "customers.csv")
    options = ("--target", "churned", "--id", "customer id", "--ci", "github", "--owner", "@org/ds")
    argv = ("new", "churn", "--data", "customers.csv", "--ref", version, "--defaults", "--no-train")
    execute((str(SCRIPTS / "mlfactory"), *argv, *options), folder, env)
    factory = Factory(folder / "churn", env)
    factory.run("uv", "add", "--quiet", *LIBRARIES)
    edit(factory, "params.yaml", "num_leaves: 31", "num_leaves: 15")
    edit(factory, "features.yaml", "derived: {}\n", DERIVED)
    factory.write("src/churn/features.py", FEATURES)
    written = FLAT if version in BEFORE_LIBRARY else ON_LIBRARY
    factory.write("src/churn/ours.py", OURS.format(imports=written.imports))
    factory.write("tests/test_ours.py", written.test)
    (factory.path / LOOK).parent.mkdir()
    cell = {"cell_type": "code", "source": written.cell, "metadata": {}, "outputs": []}
    factory.write(LOOK, json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    factory.write("README.md", factory.text("README.md") + PARAGRAPH)
    *first, prepare, report = re.split(r"(?m)^(?=      - )", factory.text(WORKFLOW))
    factory.write(WORKFLOW, "".join((*first, JOB, prepare, report)))
    (factory.path / "docs/runbook.md").unlink()
    factory.run("git", "add", "--all")
    factory.run("git", "commit", "--quiet", "--no-verify", "--message", "ours")
    return factory


def edit(factory: Factory, name: str, old: str, new: str) -> None:
    text = factory.text(name)
    assert old in text
    factory.write(name, text.replace(old, new))


def git(factory: Factory, *argv: str) -> str:
    return factory.run("git", *argv).stdout.strip()


def check_kept(factory: Factory, own: dict[str, str]) -> None:
    """All that was written is there, and the template's news as well."""
    assert {name: factory.text(name) for name in OWN} == own
    added = tomllib.loads(factory.text("pyproject.toml"))["project"]["dependencies"]
    assert all(any(line.startswith(name) for line in added) for name in LIBRARIES)
    assert PARAGRAPH in factory.text("README.md")
    assert JOB in factory.text(WORKFLOW)
    assert not (factory.path / "docs/runbook.md").exists()
    assert history.recorded_version(factory.path) == history.load().newest


def of_release(version: str) -> Any:
    """The newest release on each run, those before with `pytest -m slow`."""
    group = pytest.mark.xdist_group(f"evolution-{version}")
    return pytest.param(version, marks=[group, *([pytest.mark.slow] if version != LAST else [])])


@pytest.mark.parametrize("version", [of_release(version) for version in RELEASES])
def test_a_factory_of_every_release_goes_to_the_newest_and_works(
    version: str, tmp_path: Path, env: dict[str, str]
) -> None:
    if history.load().newest == version:
        pytest.skip("this is the newest")
    factory = grown(version, tmp_path, env)
    own = {name: factory.text(name) for name in OWN}
    from_files = version in BEFORE_LIBRARY
    with_copier(factory, own, tmp_path / "by-copier" / "churn", from_files=from_files)
    update(factory, own, from_files=from_files)
    if from_files:
        migrate(factory)
    work(factory)


def with_copier(factory: Factory, own: dict[str, str], place: Path, *, from_files: bool) -> None:
    """Plain copier works on it too."""
    factory.run("git", "clone", "--quiet", ".", str(place))
    clone = Factory(place, factory.env)
    clone.run("copier", "update", "--defaults", "--quiet", "--prereleases")
    if from_files:
        add_libraries(clone)
    check_kept(clone, own)
    clone.run("git", "commit", "--quiet", "--no-verify", "--all", "--message", "the update")
    clone.run("uv", "sync", "--quiet")
    assert clone.json("factory", "check", "--json")["ok"]


def update(factory: Factory, own: dict[str, str], *, from_files: bool) -> None:
    """One commit, with the new lock in it, and nothing fails that did not fail before."""
    before = git(factory, "rev-parse", "HEAD")
    command = (str(SCRIPTS / "mlfactory"), "update", "--json")
    told: dict[str, Any] = factory.json(*command, "--defaults", code=4 if from_files else 0)
    states = {change["path"]: change["state"] for change in told["plan"]["changes"]}
    if from_files:  # a later release need not have changed the page
        assert states["docs/runbook.md"] == "kept deleted"
        add_libraries(factory)
        told = factory.json(*command, "--continue")
        steps = {text.rpartition("Next: ")[2] for text in told["warnings"]}
        assert "factory migrate" in steps, told["warnings"]
    assert (told["state"], told["failures"]) == ("updated", [])
    check_kept(factory, own)
    assert git(factory, "rev-parse", "HEAD^") == before
    assert git(factory, "status", "--porcelain") == ""
    assert "uv.lock" in git(factory, "diff", "--name-only", "HEAD^").splitlines()
    factory.run("uv", "lock", "--check", "--quiet")


def add_libraries(factory: Factory) -> None:
    """The one conflict: libraries of our own stand between those that the template has no more."""
    assert git(factory, "diff", "--name-only", "--diff-filter=U") == "pyproject.toml"
    factory.run("git", "checkout", "--quiet", "--theirs", "pyproject.toml")
    factory.run("uv", "add", "--quiet", *LIBRARIES)
    factory.run("git", "add", "pyproject.toml", "uv.lock")


def migrate(factory: Factory) -> None:
    """Imports of old go on to work, until the command that was printed has rewritten them."""
    factory.run("dvc", "repro", "train")
    read_notebook(factory)
    factory.run("factory", "migrate")


def work(factory: Factory) -> None:
    """What is left by hand are the commands that were printed; then all of it works."""
    assert steps_left(factory) == set()
    factory.run("dvc", "repro")
    read_notebook(factory, "-W", "error")
    assert factory.json("factory", "summary", "--json")["verdict"] == "accepted"
    settings = factory.json("factory", "params", "--json")["settings"]
    assert {one["name"]: one["value"] for one in settings}["model.num_leaves"] == 15
    assert not [one["name"] for one in settings if not one["meaning"]]
    learned = json.loads(factory.text("models/model/signature.json"))["features"]
    assert "on a holiday" in {feature["name"] for feature in learned}
    factory.run("factory", "predict", "data/raw/customers.csv", "scored.csv")
    factory.run("pytest", "--quiet")
    factory.run("mypy")


def read_notebook(factory: Factory, *options: str) -> None:
    """Run its cell where it stands."""
    cell = json.loads(factory.text(LOOK))["cells"][0]["source"]
    python = str(factory.path / ".venv/bin/python")
    Factory(factory.path / "notebooks", factory.env).run(python, *options, "-c", "".join(cell))


def steps_left(factory: Factory) -> set[str]:
    """The commands that `factory check` names, those about the catalog aside."""
    findings = factory.json("factory", "check", "--json")["findings"]
    return {one["remedy"] for one in findings if "catalog" not in one["remedy"]}
