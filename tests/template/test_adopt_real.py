"""A repository that is adopted and set up with real packages, and its old model beside the new."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from ..adopting import DATA_SCIENCE
from ..customers import customers
from ..evolving import init
from .conftest import SCRIPTS, Factory, execute

OLD = """
import polars as pl

rows = pl.read_parquet("data/prepared/holdout.parquet")
rows.select("customer id", pl.lit(0.5).alias("probability_yes")).write_csv("old.csv")
"""


@pytest.mark.slow
def test_from_a_repository_to_a_comparison(tmp_path: Path, warm: dict[str, str]) -> None:
    customers().drop("segment", "revenue").write_csv(tmp_path / "customers.csv")
    here = ".".join(map(str, sys.version_info[:2]))  # the Python that they have
    pyproject = str(DATA_SCIENCE["pyproject.toml"]).replace("~=3.12.0", f"~={here}.0")
    repo = init(tmp_path / "churn").commit({**DATA_SCIENCE, "pyproject.toml": pyproject})
    theirs = repo.tree()
    argv = ("--data", "../customers.csv", "--target", "churned", "--id", "customer id", "--json")
    program = str(SCRIPTS / "mlfactory")
    report = json.loads(execute((program, "adopt", *argv), repo.path, warm).stdout)
    assert report["setup"]["metrics"]
    assert repo.dirt == ""
    churn = Factory(repo.path, warm)
    churn.run("factory", "check")
    churn.run("ruff", "check")
    churn.run("mypy")
    churn.run("pytest", "-q", "tests")
    churn.run("python", "-m", "churn.modeling.train")

    name = (
        pl.read_parquet(repo.path / "data/prepared/holdout.parquet")["churned"].unique().sort()[-1]
    )
    churn.run("python", "-c", OLD.replace("yes", str(name)))
    verdict = churn.json("factory", "compare", "old.csv", "models/model", "--json", code=None)
    assert verdict["a_metrics"]["log_loss"] > verdict["b_metrics"]["log_loss"]
    (repo.path / "old.csv").unlink()

    repo.git("checkout", "--quiet", "--", ".")
    repo.git("clean", "--quiet", "--force", "-d")
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "mlfactory-adopt", "-m", "Adopt")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert repo.tree() == theirs
