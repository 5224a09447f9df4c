"""A factory of every release, in which somebody has worked, follows the template to the newest."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mlfactory.template import history

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute

RELEASES = history.released(history.HISTORY).versions
OWN = (
    "params.yaml",
    "features.yaml",
    "src/churn/features.py",
    "src/churn/model.py",
    "src/churn/ours.py",
    "tests/test_ours.py",
    "CODEOWNERS",
    "docs/about.md",
    ".dvc/config",
)
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


def closed() -> list[datetime.date]:
    return list(holidays.country_holidays("DE", years=[2023, 2024]))
"""
TEST = """
from churn.ours import closed


def test_days_are_closed() -> None:
    assert len(closed()) > 10
"""
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
    factory.write("src/churn/ours.py", OURS)
    factory.write("tests/test_ours.py", TEST)
    factory.write("README.md", factory.text("README.md") + PARAGRAPH)
    factory.write(WORKFLOW, factory.text(WORKFLOW) + JOB)
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


@pytest.mark.parametrize(
    "version",
    [pytest.param(v, marks=pytest.mark.xdist_group(f"evolution-{v}")) for v in RELEASES],
)
def test_a_factory_of_every_release_goes_to_the_newest_and_works(
    version: str, tmp_path: Path, env: dict[str, str]
) -> None:
    if history.load().newest == version:
        pytest.skip("this is the newest")
    factory = grown(version, tmp_path, env)
    own = {name: factory.text(name) for name in OWN}
    with_copier(factory, own, tmp_path / "by-copier" / "churn")
    update(factory, own)
    work(factory)


def with_copier(factory: Factory, own: dict[str, str], place: Path) -> None:
    """Plain copier works on it too."""
    factory.run("git", "clone", "--quiet", ".", str(place))
    clone = Factory(place, factory.env)
    clone.run("copier", "update", "--defaults", "--quiet", "--prereleases")
    assert git(clone, "diff", "--name-only", "--diff-filter=U") == ""
    check_kept(clone, own)


def update(factory: Factory, own: dict[str, str]) -> None:
    """One commit, with the new lock in it, and nothing fails that did not fail before."""
    before = git(factory, "rev-parse", "HEAD")
    told: dict[str, Any] = factory.json(
        str(SCRIPTS / "mlfactory"), "update", "--defaults", "--json"
    )
    assert (told["state"], told["failures"]) == ("updated", [])
    states = {change["path"]: change["state"] for change in told["plan"]["changes"]}
    assert states["docs/runbook.md"] == "kept deleted"
    assert states["pyproject.toml"] == "merged"
    check_kept(factory, own)
    assert git(factory, "rev-parse", "HEAD^") == before
    assert git(factory, "status", "--porcelain") == ""
    assert "uv.lock" in git(factory, "diff", "--name-only", "HEAD^").splitlines()
    factory.run("uv", "lock", "--check", "--quiet")


def work(factory: Factory) -> None:
    """The contract holds, the pipeline runs, the model has the feature, the tests pass."""
    factory.run("uv", "sync", "--quiet")
    factory.run("factory", "check")
    factory.run("dvc", "repro")
    assert factory.json("factory", "summary", "--json")["verdict"] == "accepted"
    settings = factory.json("factory", "params", "--json")["settings"]
    assert {one["name"]: one["value"] for one in settings}["model.num_leaves"] == 15
    assert not [one["name"] for one in settings if not one["meaning"]]
    learned = json.loads(factory.text("models/model/signature.json"))["features"]
    assert "on a holiday" in {feature["name"] for feature in learned}
    factory.run("factory", "predict", "data/raw/customers.csv", "scored.csv")
    factory.run("pytest", "--quiet")
