"""A full disk and a log that is away: every command says so in a sentence, and loses nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from .factories import PROGRAM, Factory

RAW = "data/raw/customers.csv"
# No file may grow beyond so many bytes: what a full disk answers, without filling one.
TIGHT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
COMMANDS = {
    "prepare": ("prepare",),
    "train": ("train",),
    "report": ("report",),
    "predict": ("predict", RAW, "out.csv"),
    "predict-parquet": ("predict", RAW, "out.parquet"),
    "label": ("label", "outcomes.csv"),
    "forget": ("forget", "C00001"),
    "monitor": ("monitor", "--html", "page.html"),
    "pull": ("data", "pull", "--from", "more.csv"),
    "synth": ("synth", "made.csv", "--rows", "5000"),
    "export": ("contract", "export", "schema.json"),
    "retrain": ("retrain",),
    "compare": ("compare", "models/model", "models/model"),
    "models": ("models",),
    "draft": ("catalog", "draft"),
    "params": ("params", "add"),
}


@pytest.fixture
def filled(tracked: Factory, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory with predictions and files to take in."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    table = pl.read_csv(tracked.path / RAW, infer_schema=False)
    table.select("customer id", "churned").write_csv(tracked.path / "outcomes.csv")
    table.head(800).write_csv(tracked.path / "more.csv")
    tracked.run("predict", RAW, "before.csv")
    return tracked


def ended(factory: Factory, before: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """How a command ends; no traceback, and an error that says what to do.

    Python itself would keep half of a compiled module where there is no room.
    """
    line = [sys.executable, "-B", "-c", before + PROGRAM, *argv]
    done = subprocess.run(line, cwd=factory.path, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    assert done.returncode in (0, 1, 4), done.stderr
    if done.returncode == 1:
        assert "error: " in done.stderr
        assert "hint: " in done.stderr
        assert "Install git" not in done.stderr
    return done


@pytest.mark.parametrize("room", [0, 30_000])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_told(filled: Factory, name: str, room: int) -> None:
    before = (filled.path / RAW).read_bytes()
    done = ended(filled, TIGHT.format(room), *COMMANDS[name])
    if name.startswith("predict") and done.returncode:
        assert not (filled.path / COMMANDS[name][-1]).exists()
    assert (filled.path / RAW).read_bytes() == before
    again = ended(filled, "", *COMMANDS[name])
    assert again.returncode in (0, 4) or name in ("retrain", "monitor", "compare"), again.stderr


@pytest.mark.parametrize("name", ["predict", "label", "forget", "monitor", "retrain"])
def test_a_log_that_is_away_is_told(
    filled: Factory, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("LOG_URL", f"postgresql://someone:hush-hush@127.0.0.1:{port}/log")
    filled.change(log={"url_env": "LOG_URL"})
    done = ended(filled, "", *COMMANDS[name])
    assert done.returncode == (0 if name == "predict" else 1)
    assert "hush" not in done.stderr


@pytest.mark.parametrize("name", ["predict", "label", "forget", "monitor", "retrain"])
def test_a_log_that_is_no_database_is_told(filled: Factory, name: str) -> None:
    file = filled.path / "log/predictions.db"
    for left in Path(file.parent).glob("*"):
        left.unlink()
    file.write_text("no database, whatever it is called" * 100)
    done = ended(filled, "", *COMMANDS[name])
    assert done.returncode == (0 if name == "predict" else 1)
