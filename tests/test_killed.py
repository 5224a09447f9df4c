"""Commands killed before any of their steps: the same command goes on, and nothing stays beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from . import kills
from .companies import conventions
from .evolving import SMALL, Repo, edited, init, template

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

    goes_on(here, sign, argv, state, 2)


def goes_on(
    here: Path, sign: Path, argv: tuple[str, ...], state: Callable[[Path], object], count: int
) -> None:
    """Kill a command at some of its steps, each time from how it stands in `sign`: the same command
    makes of what is left what it makes when nobody kills it."""

    def fresh() -> None:
        shutil.rmtree(here)
        shutil.copytree(sign, here, symlinks=True)

    fresh()
    whole = kills.run(PROGRAM, *argv, cwd=here, everything=True)
    assert whole.returncode == 0, whole.stderr
    goal = state(here)
    for last in kills.some(whole, count):
        fresh()
        kills.run(PROGRAM, *argv, cwd=here, last=last, everything=True)
        again = kills.run(PROGRAM, *argv, cwd=here)
        assert again.returncode == 0, (last, again.stderr)
        assert state(here) == goal, last


def shop_and_conventions(here: Path) -> tuple[object, ...]:
    """What the company has: its files, and each branch and version in its repository."""
    shop = Repo(here / "shop.git")
    files = {
        str(p.relative_to(here)): p.read_bytes() for p in here.glob("acme/**/*") if p.is_file()
    }
    names = sorted(path.name for path in here.iterdir())
    return names, files, shop.git("for-each-ref"), shop.git("fsck", "--no-dangling")


@pytest.mark.parametrize("way", ["publish", "next", "init"])
def test_a_composition_goes_on(here: Path, source: Repo, way: str) -> None:
    sign = here.parent / "begun"
    init(sign / "shop.git", "--bare")
    none = ("--checks", "none")
    argv = ("template", "compose", "acme/company.yml", "--publish", "shop.git", *none)
    if way == "init":
        argv = ("template", "compose", "--init", "acme")
    else:
        changes = {"upstream": str(source.path), "rules": [], "release": "v1.0.0"}
        conventions(sign / "acme", changes)
        argv = (*argv, "--next") if way == "next" else argv
    goes_on(here, sign, argv, shop_and_conventions, 2)
