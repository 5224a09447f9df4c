"""What a killed run leaves: the next one removes it, and nothing of one that lives."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.data.source import pull
from mlfactory_runtime.project import Project
from mlfactory_runtime.scratch import AWAY, LOCK, YOUNG, locked, sweep


def left(folder: Path) -> Path:
    """A folder with data, as a kill leaves it."""
    folder.mkdir()
    (folder / LOCK).touch()
    (folder / "rows.csv").write_text("a\n1\n", "utf-8")
    return folder


def test_copies_of_data_go_with_the_next_run(
    trained_copy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (trained_copy.root / "rows.csv").write_text("a\n1\n", "utf-16")
    dead = [left(tmp_path / f"{AWAY}1"), left(trained_copy.raw.parent / ".pull-1")]
    alive = left(tmp_path / f"{AWAY}2")
    with locked(alive / LOCK), pytest.raises(errors.FactoryError, match="breaks the contract"):
        pull(trained_copy, "rows.csv")
    assert [one.exists() for one in (*dead, alive)] == [False, False, True]


def test_one_that_is_being_made_stays_for_a_while_whatever_the_clock_says(tmp_path: Path) -> None:
    for number, age in enumerate((1, -1, YOUNG + 9, -YOUNG - 9)):
        folder = tmp_path / f"{AWAY}{number}"
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)
    (tmp_path / f"{AWAY}link").symlink_to(tmp_path)
    sweep(tmp_path, AWAY)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [f"{AWAY}0", f"{AWAY}1", f"{AWAY}link"]
