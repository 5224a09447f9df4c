"""A folder that may not be written: each command says so in a sentence, and goes on afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ..situations import begin, own_again
from ..waiting import PATIENCE
from .factories import PROGRAM, Factory

RAW = "data/raw/customers.csv"
COMMANDS = {
    "predict": ("predict", RAW, "out.csv"),
    "label": ("label", "outcomes.csv"),
    "promote": ("promote", "v1.0.0", "--to", "prod", "--force", "--why", "a try"),
    "retrain": ("retrain",),
    "monitor": ("monitor",),
    "models": ("models",),
}


@pytest.fixture
def filled(tracked: Factory, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory with a version, predictions, and outcomes to take in."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    table = pl.read_csv(tracked.path / RAW, infer_schema=False)
    table.select("customer id", "churned").write_csv(tracked.path / "outcomes.csv")
    tracked.run("register")
    tracked.run("predict", RAW, "before.csv")
    return tracked


def state(factory: Factory) -> dict[str, bytes]:
    files = (path for path in factory.path.rglob("*") if path.is_file())
    kept = (path for path in files if "__pycache__" not in path.parts)
    return {path.relative_to(factory.path).as_posix(): path.read_bytes() for path in kept}


@pytest.mark.parametrize("name", ["read-only", "another's"])
def test_it_is_said_and_nothing_is_half_written(filled: Factory, name: str) -> None:
    prefix, before = begin(name, filled.path), state(filled)
    for argv in COMMANDS.values():
        line = [*prefix, sys.executable, "-B", "-c", PROGRAM, *argv]
        done = subprocess.run(
            line, cwd=filled.path, capture_output=True, text=True, timeout=PATIENCE
        )
        print("##", name, argv, done.returncode, done.stderr[-600:], done.stdout[-200:])
    after = state(filled)
    print(
        "## changed",
        [k for k in before if after.get(k) != before[k]],
        [k for k in after if k not in before],
    )
    own_again(filled.path)
    for argv in COMMANDS.values():
        d = filled.run(*argv, code=None)
        print("## again", argv, d.code, d.err[-300:])
    assert 0
