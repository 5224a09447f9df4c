"""Commands of a factory killed at many points of their life, and as files can grow no more.

`KILLS=40 pytest -m slow tests/runtime/test_kill_sweep.py` looks at more points of each command.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.registry.artifact import version

from .. import kills
from ..customers import customers
from ..warm import put_environment
from .factories import PROGRAM, WARM, Factory, kept, program_path
from .test_no_room import TIGHT

pytestmark = pytest.mark.slow
RAW = "data/raw/customers.csv"
POINTS = int(os.environ.get("KILLS", "6"))
ROOM = 1 << 19  # bytes; every file of a run fits
PIPELINE = "import sys; from dvc.cli import main; sys.exit(main())"
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
def factory(tracked: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Factory:
    """A factory with answers in its log, outcomes of them, and more data in its source.

    Its programs are started anew each time: those that are warm would outlive who is killed.
    """
    monkeypatch.setenv("FACTORY_LOG_KEY", "a key of the tests")
    monkeypatch.setenv(WARM, str(put_environment(tmp_path / "own")))
    monkeypatch.setenv("PATH", program_path())
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
    table = pl.read_csv(tracked.path / RAW, infer_schema=False)
    table.select("customer id", "churned").write_csv(tracked.path / "outcomes.csv")
    customers(1800).drop("revenue", "segment").write_csv(tracked.path / "delivered.csv")
    with (tracked.path / ".gitignore").open("a") as file:
        file.write("delivered.csv\noutcomes.csv\nout.csv\nbefore.csv\n")
    tracked.change(data={"source": "delivered.csv"}, model={"max_rounds": 10})
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


@pytest.mark.parametrize(
    ("name", "everything"), [*((name, True) for name in COMMANDS), ("retrain", False)]
)
def test_killed_at_any_step_it_goes_on(
    factory: Factory, name: str, everything: bool, tmp_path: Path
) -> None:
    """With all that it has started, and alone."""
    sign, command = prepared(factory, name, tmp_path), COMMANDS[name]
    whole = kills.run(PROGRAM, *command, cwd=factory.path, everything=everything)
    assert whole.returncode == 0, whole.stderr
    goal, count = state(factory), answers(factory)
    for last in kills.some(whole, POINTS):
        fresh(factory, sign)
        kills.run(PROGRAM, *command, cwd=factory.path, last=last, everything=everything)
        goes_on(factory, name, goal, count, f"step {last} of {whole.steps}")


def test_the_pipeline_that_is_killed_leaves_the_old_model(factory: Factory, tmp_path: Path) -> None:
    """`dvc repro` and its stages, which end together."""
    factory.change(model={"max_rounds": 20})
    sign, old = prepared(factory, "repro", tmp_path), version(factory.project.model_folder)
    run = partial(kills.run, PIPELINE, "repro", cwd=factory.path, everything=True)
    whole, rows = run(), pl.read_csv(factory.path / RAW).height
    assert whole.returncode == 0, whole.stderr
    new = version(factory.project.model_folder)
    assert new != old
    for last in kills.some(whole, POINTS):
        fresh(factory, sign)
        run(last=last)
        usable(factory, rows)
        assert version(factory.project.model_folder) in (old, new), last
        factory.tool("dvc", "repro")
        assert version(factory.project.model_folder) == new, last
        assert factory.tool("dvc", "status") == "Data and pipelines are up to date.\n"


def rooms(count: int) -> Iterator[int]:
    """Sizes beyond which no file may grow, from a record's to a table's."""
    yield from (int(64 * (ROOM / 64) ** (index / max(count - 1, 1))) for index in range(count))


@pytest.mark.parametrize("name", COMMANDS)
def test_without_room_it_goes_on_when_there_is_some(
    factory: Factory, name: str, tmp_path: Path
) -> None:
    sign = prepared(factory, name, tmp_path)
    whole = kills.run(PROGRAM, *COMMANDS[name], cwd=factory.path)
    assert whole.returncode == 0, whole.stderr
    goal, count = state(factory), answers(factory)
    for room in rooms(POINTS):
        fresh(factory, sign)
        argv = (sys.executable, "-B", "-c", TIGHT.format(room) + PROGRAM, *COMMANDS[name])
        done = subprocess.run(argv, cwd=factory.path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        if done.returncode:
            goes_on(factory, name, goal, count, f"{room} bytes")
