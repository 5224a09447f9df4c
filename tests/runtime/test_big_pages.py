"""The pages about many rows, done as they say in a factory of customers."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ..customers import customers
from ..template.pages import script
from .factories import Factory

ENDS = ("timeout", "--kill-after=10", "900")
PROGRAM_FILE = f"""#!{sys.executable}
from mlfactory_runtime.cli import main

if __name__ == "__main__":
    main()
"""


def do(page: str, factory: Factory, tmp_path: Path) -> str:
    """Do what the page says, with `factory` and `python` as an activated environment has them."""
    program = tmp_path / "bin/factory"
    program.parent.mkdir()
    program.write_text(PROGRAM_FILE)
    program.chmod(0o755)
    path = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent)])
    env = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    # a cluster that never starts is ended with all that it has started
    argv = (*ENDS, "bash", "-euo", "pipefail", "-c", script(f"how-to/{page}"))
    process = subprocess.run(argv, cwd=factory.path, env=env, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout + process.stderr


def scored(folder: Path) -> pl.DataFrame:
    """The answers of a folder, by customer."""
    stamps = ("request_id", "row", "scored_at", "model")
    parts = [pl.read_parquet(file) for file in sorted(folder.rglob("*.parquet"))]
    return pl.concat(part.drop(stamps, strict=False) for part in parts).sort("customer id")


@pytest.mark.slow
def test_what_the_page_on_many_rows_says(churn: Factory, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    table = customers().drop("revenue", "segment")
    with sqlite3.connect(churn.path / "shop.db") as shop:
        table.with_columns(pl.col(pl.Date).cast(pl.String)).write_database(
            "customers", "sqlite:///" + str(churn.path / "shop.db")
        )
        shop.commit()

    text = do("big.md", churn, tmp_path)

    assert "rows of 8 files are scored" in text
    assert_frame_equal(scored(churn.path / "scored"), scored(churn.path / "scored-there"))
    months = sorted(file.name for file in (churn.path / "months").glob("*.parquet"))
    assert months == ["2024-05.parquet", "2024-06.parquet"]


@pytest.mark.slow
def test_what_the_page_on_ray_says(churn: Factory, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: it is no dependency of this project")
    pytest.importorskip("ray.data", reason="Ray is installed without ray[data]")
    table = customers().drop("revenue", "segment", "churned")
    (churn.path / "customers").mkdir()
    for k in range(3):
        table.gather_every(3, k).write_parquet(churn.path / f"customers/{k}.parquet")
    churn.run("predict", "customers", "alone", "--no-log", "--jobs", "1")

    do("ray.md", churn, tmp_path)

    assert_frame_equal(scored(churn.path / "scored"), scored(churn.path / "alone"))
