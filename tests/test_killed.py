"""Commands killed before any of their steps: the same command goes on, and nothing stays beside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from . import kills
from .evolving import SMALL, Repo, edited, template

PROGRAM = "from mlfactory.cli import main; raise SystemExit(main())"


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})


def state(here: Path) -> tuple[list[str], str, str, str]:
    """What is in the folder, and in the project's repository."""
    demo = Repo(here / "demo")
    names = sorted(path.name for path in here.iterdir())
    status = demo.git("status", "--porcelain"), demo.git("log", "--format=%s %T")
    return names, *status, demo.git("fsck", "--no-dangling")


@pytest.mark.parametrize("command", ["new", "update"])
def test_the_same_command_goes_on(here: Path, source: Repo, command: str) -> None:
    new = ("new", "demo", "--template", str(source.path), "--defaults", "--ref", "v1.0.0")
    sign = here.parent / "begun"
    sign.mkdir()
    if command == "update":
        assert kills.run(PROGRAM, *new, cwd=sign).returncode == 0
    argv = new if command == "new" else ("update", "demo")

    def fresh() -> None:
        shutil.rmtree(here)
        shutil.copytree(sign, here, symlinks=True)

    fresh()
    whole = kills.run(PROGRAM, *argv, cwd=here, everything=True)
    assert whole.returncode == 0, whole.stderr
    goal = state(here)
    for last in kills.some(whole, 2):
        fresh()
        kills.run(PROGRAM, *argv, cwd=here, last=last, everything=True)
        again = kills.run(PROGRAM, *argv, cwd=here)
        assert again.returncode == 0, (last, again.stderr)
        assert state(here) == goal, last
