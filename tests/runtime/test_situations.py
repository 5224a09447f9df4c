"""Situations around a factory: each command says so in a sentence, and goes on when it is over."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import polars as pl
import pytest

from ..situations import begin, own_again
from ..waiting import PATIENCE
from .factories import Factory

RAW = "data/raw/customers.csv"
COMMANDS = {
    "predict": ("predict", RAW, "out.csv"),
    "label": ("label", "outcomes.csv"),
    "promote": ("promote", "v1.0.0", "--to", "prod", "--force", "--why", "a try"),
    "retrain": ("retrain",),
    "monitor": ("monitor",),
}
EACH = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from mlfactory_runtime.cli import main

results = {}
for name, argv in json.loads(sys.argv[1]).items():
    sys.argv, text, code = ["factory", *argv], io.StringIO(), 0
    with redirect_stderr(text), redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    results[name] = code, text.getvalue()
print(json.dumps(results))
"""
REASONS = ("Read-only file system", "Permission denied", "belongs to another user", "readonly")
DAY = 86_400


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


def goes_on(factory: Factory) -> None:
    """What was begun comes to its end: answers, outcomes, and a promotion."""
    factory.run(*COMMANDS["predict"])
    assert "900 new" in factory.run(*COMMANDS["label"]).err
    assert "prod is v1.0.0 now" in factory.run(*COMMANDS["promote"]).err
    factory.run(*COMMANDS["retrain"])
    assert factory.run(*COMMANDS["monitor"], code=None).code in (0, 4)
    assert factory.json("trail", "verify", "--json")["faults"] == []


def ended(factory: Factory, prefix: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """What each command comes to, one after the other in one process that is in the situation."""
    line = [*prefix, sys.executable, "-B", "-c", EACH, json.dumps(COMMANDS)]
    done = subprocess.run(line, cwd=factory.path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return {name: (code, text) for name, (code, text) in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", ["read-only", pytest.param("another's", marks=pytest.mark.slow)])
def test_a_folder_that_may_not_be_written(filled: Factory, name: str) -> None:
    prefix, before = begin(name, filled.path), state(filled)
    for command, (code, text) in ended(filled, prefix).items():
        assert code == 1, (command, text)
        assert "Traceback" not in text, text[-3000:]
        assert any(reason in text for reason in REASONS), text
        assert "hint: " in text
    own_again(filled.path)
    assert state(filled) == before
    filled.run(*COMMANDS["predict"])
    if name == "read-only":
        goes_on(filled)


@pytest.mark.slow
def test_a_clock_that_has_jumped_back(filled: Factory) -> None:
    """All that is here was written tomorrow: files, commits, tags, and the log."""
    later = time.time() + DAY
    for path in filled.path.rglob("*"):
        os.utime(path, (later, later), follow_symlinks=False)
    with closing(sqlite3.connect(filled.path / "log/predictions.db")) as log, log:
        log.execute(f"update predictions set time = time + {DAY * 10**6}")
    filled.write("docs.txt", "tomorrow")
    filled.tool("git", "add", "docs.txt")
    filled.tool("env", f"GIT_COMMITTER_DATE={later:.0f} +0000", "git", "commit", "-qm", "Tomorrow")
    goes_on(filled)
