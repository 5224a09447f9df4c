"""Commands of a factory killed at many points of their life, and as files can grow no more.

`KILLS=40 pytest -m slow tests/runtime/test_kill_sweep.py` looks at more points of each command.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.registry.artifact import version

from .. import kills
from ..customers import customers
from .factories import PROGRAM, WARM, Factory, kept, program_path
from .test_no_room import TIGHT

pytestmark = pytest.mark.slow
RAW = "data/raw/customers.csv"
POINTS = int(os.environ.get("KILLS", "6"))
COMMANDS = {
    "predict": ("predict", RAW, "out.csv"),
    "label": ("label", "outcomes.csv"),
    "forget": ("forget", "C00001"),
    "register": ("register",),
    "promote": ("promote", "v1.0.0", "--to", "prod", "--force", "--why", "a test"),
    "retrain": ("retrain", "--commit"),
}
LISTED = (
    "select count(*) from predictions where request_id not in (select request_id from open_runs)"
)


@pytest.fixture
def factory(tracked: Factory, warm: str, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory with answers in its log, outcomes of them, and more data in its source."""
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    monkeypatch.setenv(WARM, warm)
    monkeypatch.setenv("PATH", program_path())
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
    table = pl.read_csv(tracked.path / RAW, infer_schema=False)
    table.select("customer id", "churned").write_csv(tracked.path / "outcomes.csv")
    customers(1800).drop("revenue", "segment").write_csv(tracked.path / "delivered.csv")
    with (tracked.path / ".gitignore").open("a") as file:
        file.write("delivered.csv\noutcomes.csv\nout.csv\nbefore.csv\n")
    tracked.change(data={"source": "delivered.csv"})
    kept(tracked, "A source")
    tracked.run("predict", RAW, "before.csv")
    return tracked


def fresh(factory: Factory, sign: Path) -> None:
    """The same folder as at the beginning."""
    shutil.rmtree(factory.path)
    shutil.copytree(sign, factory.path, symlinks=True)


def state(factory: Factory) -> tuple[object, ...]:
    """What a command leaves: names, what git says, and how many outcomes there are."""
    names = sorted(
        path.relative_to(factory.path).as_posix()
        for path in factory.path.rglob("*")
        if not {".git", "cache", "tmp", "__pycache__", "log"}.intersection(path.parts)
    )
    tags = factory.tool("git", "tag", "--list")
    status = factory.tool("git", "status", "--porcelain"), factory.tool("git", "fsck")
    with closing(sqlite3.connect(factory.path / "log/predictions.db")) as log:
        labels = log.execute("select count(*) from labels").fetchone()[0]
    return names, tags, status, labels


def answers(factory: Factory) -> int:
    """How many answers count."""
    with closing(sqlite3.connect(factory.path / "log/predictions.db")) as log:
        return int(log.execute(LISTED).fetchone()[0])


def usable(factory: Factory, whole: int) -> bool:
    """Whether the model answers, and no half file is there; whether the output is."""
    factory.run("predict", RAW, "other.csv", "--no-log")
    (factory.path / "other.csv").unlink()
    output = factory.path / "out.csv"
    assert not output.exists() or pl.read_csv(output).height == whole
    return output.exists()


def goes_on(factory: Factory, name: str, goal: tuple[object, ...], count: int, point: str) -> None:
    """The same command comes to the same end."""
    whole = pl.read_csv(factory.path / RAW).height
    before, had_output = answers(factory), usable(factory, whole)
    again = kills.run(PROGRAM, *COMMANDS[name], cwd=factory.path)
    assert again.returncode == 0, (point, again.stderr)
    assert state(factory) == goal, point
    factory.run("trail", "verify")
    more = answers(factory) - before
    assert answers(factory) == count or (had_output and more == whole), point


def prepared(factory: Factory, name: str, tmp_path: Path) -> Path:
    if name == "promote":
        factory.run("register")
    sign = tmp_path / "begun"
    shutil.copytree(factory.path, sign, symlinks=True)
    return sign


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_step_it_goes_on(factory: Factory, name: str, tmp_path: Path) -> None:
    sign = prepared(factory, name, tmp_path)
    whole = kills.run(PROGRAM, *COMMANDS[name], cwd=factory.path)
    assert whole.returncode == 0, whole.stderr
    goal, count = state(factory), answers(factory)
    for last in kills.some(whole, POINTS):
        fresh(factory, sign)
        kills.run(PROGRAM, *COMMANDS[name], cwd=factory.path, last=last)
        goes_on(factory, name, goal, count, f"step {last}")


def ended_at(seconds: float, factory: Factory, *argv: str) -> None:
    """Run a program and kill it, and all that it has started, after a while."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = subprocess.Popen(argv, cwd=factory.path, start_new_session=True, **quiet)
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def timed(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


@pytest.mark.parametrize("name", ["predict", "label", "promote", "retrain"])
def test_killed_with_all_it_has_started_it_goes_on(
    factory: Factory, name: str, tmp_path: Path
) -> None:
    sign = prepared(factory, name, tmp_path)
    argv = (sys.executable, "-c", PROGRAM, *COMMANDS[name])
    lasts = timed(lambda: subprocess.run(argv, cwd=factory.path, check=True, capture_output=True))
    goal, count = state(factory), answers(factory)
    for point in range(1, POINTS + 1):
        fresh(factory, sign)
        ended_at(lasts * point / (POINTS + 1), factory, *argv)
        goes_on(factory, name, goal, count, f"{point} of {POINTS}")


def test_the_pipeline_that_is_killed_leaves_the_old_model(factory: Factory, tmp_path: Path) -> None:
    factory.change(model={"max_rounds": 60})
    sign = prepared(factory, "repro", tmp_path)
    old = version(factory.project.model_folder)
    lasts = timed(lambda: factory.tool("dvc", "repro"))
    new, whole = version(factory.project.model_folder), pl.read_csv(factory.path / RAW).height
    assert new != old
    for point in range(1, POINTS + 1):
        fresh(factory, sign)
        ended_at(lasts * point / (POINTS + 1), factory, "dvc", "repro")
        usable(factory, whole)
        assert version(factory.project.model_folder) in (old, new), point
        factory.tool("dvc", "repro")
        assert version(factory.project.model_folder) == new, point
        assert factory.tool("dvc", "status") == "Data and pipelines are up to date.\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_without_room_it_goes_on_when_there_is_some(
    factory: Factory, name: str, tmp_path: Path
) -> None:
    sign = prepared(factory, name, tmp_path)
    subprocess.run(
        (sys.executable, "-c", PROGRAM, *COMMANDS[name]), cwd=factory.path, check=True,
        capture_output=True,
    )  # fmt: skip
    goal, count = state(factory), answers(factory)
    for point in range(POINTS):
        fresh(factory, sign)
        room = TIGHT.format(4 ** (point + 3))
        argv = (sys.executable, "-B", "-c", room + PROGRAM, *COMMANDS[name])
        done = subprocess.run(argv, cwd=factory.path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        if done.returncode:
            goes_on(factory, name, goal, count, f"{4 ** (point + 3)} bytes")
