"""A full disk and a log that is away: every command says so in a sentence, and loses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ..waiting import PATIENCE, own_port
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


def ended_tight(factory: Factory, room: int, *argv: str) -> int:
    """The code that a command ends with in a process that has so much room.

    Python itself would keep half of a compiled module where there is no room.
    """
    line = [sys.executable, "-B", "-c", TIGHT.format(room) + PROGRAM, *argv]
    done = subprocess.run(line, cwd=factory.path, capture_output=True, text=True, timeout=PATIENCE)
    return checked(done.returncode, done.stderr)


def ended(factory: Factory, *argv: str) -> int:
    """The code that it ends with in this process, which has room."""
    done = factory.run(*argv, code=None)
    return checked(done.code, done.err)


def checked(code: int, err: str) -> int:
    """The code; no traceback, and an error says what to do."""
    assert "Traceback" not in err, err[-3000:]
    assert code in (0, 1, 4), err
    if code == 1:
        assert "error: " in err
        assert "hint: " in err
        assert "Install git" not in err
    assert "hush" not in err
    return code


@pytest.mark.parametrize("room", [0, 30_000])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_told(filled: Factory, name: str, room: int) -> None:
    before = (filled.path / RAW).read_bytes()
    code = ended_tight(filled, room, *COMMANDS[name])
    if name.startswith("predict") and code:
        assert not (filled.path / COMMANDS[name][-1]).exists()
    assert (filled.path / RAW).read_bytes() == before
    assert ended(filled, *COMMANDS[name]) in (0, 4) or name in ("retrain", "monitor", "compare")


@pytest.mark.parametrize("name", ["predict", "label", "forget", "monitor", "retrain"])
def test_a_log_that_is_away_is_told(
    filled: Factory, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.change(log={"url_env": "LOG_URL"})
    with own_port() as port:
        monkeypatch.setenv("LOG_URL", f"postgresql://someone:hush-hush@127.0.0.1:{port}/log")
        assert ended(filled, *COMMANDS[name]) == (0 if name == "predict" else 1)


@pytest.mark.parametrize("name", ["predict", "label", "forget", "monitor", "retrain"])
def test_a_log_that_is_no_database_is_told(filled: Factory, name: str) -> None:
    file = filled.path / "log/predictions.db"
    for left in Path(file.parent).glob("*"):
        left.unlink()
    file.write_text("no database, whatever it is called" * 100)
    assert ended(filled, *COMMANDS[name]) == (0 if name == "predict" else 1)
