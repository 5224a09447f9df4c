"""A folder that may not be written: the program says so, and the same command goes on later."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .evolving import SMALL, Repo, edited, mlfactory, project, template
from .situations import begin, own_again
from .waiting import own_port

WRITING = {
    "update": ("update", "demo"),
    "restore": ("restore", "demo", "a.txt"),
    "use": ("template", "use", "template", "demo"),
    "new": ("new", "place/x", "--template", "template", "--defaults"),
    "here": ("new", "place", "--template", "template", "--defaults"),
    "import": ("template", "import", "template", "place/y"),
    "fleet": ("fleet", "init", ".", "--fleet", "place/fleet.yml"),
}
LOOKING = (("status", "demo"), ("diff", "demo", "--update"), ("update", "demo", "--dry-run"))


def ended(prefix: tuple[str, ...], argv: tuple[str, ...], cwd: Path) -> tuple[int, str]:
    line = [*prefix, sys.executable, "-m", "mlfactory", *argv]
    done = subprocess.run(line, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", ["read-only", "another's"])
def test_it_is_said_and_the_same_command_goes_on(here: Path, name: str) -> None:
    source = template(here / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    demo, place = project(source, here / "demo"), here / "place"
    place.mkdir()
    before, prefix = demo.everything(), begin(name, demo.path, place)
    reasons = ("Read-only file system", "Permission denied", "belongs to another user")
    for argv in WRITING.values():
        code, text = ended(prefix, argv, here)
        assert code == 1, text
        assert any(reason in text for reason in reasons), text
        assert "bug in mlfactory" not in text
        assert "Free some space and" not in text
    for argv in LOOKING:
        assert ended(prefix, argv, here)[0] == (0 if name == "read-only" else 1)
    own_again(demo.path, place)
    assert (demo.everything(), [*place.iterdir()]) == (before, [])
    for argv in (WRITING["update"], WRITING["new"]):
        assert ended((), argv, here)[0] == 0
    assert (demo.text("a.txt"), demo.dirt) == (edited(3, "theirs"), "")
    assert (place / "x/a.txt").is_file()


def test_no_package_index(here: Path) -> None:
    """The factory is kept, and the same command goes on; who may use the index is not told."""
    argv = ("new", "shop", "--defaults")
    with own_port() as port:
        index = f"http://user:hunter2@127.0.0.1:{port}/simple"
        closed = {"UV_DEFAULT_INDEX": index, "UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1"}
        done = mlfactory(*argv, cwd=here, code=1, **closed)
    assert f"127.0.0.1:{port}" in done.stderr
    assert "run `mlfactory new shop` again to resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    before = {p: p.read_bytes() for p in (here / "shop").rglob("*.toml") if ".venv" not in p.parts}
    mlfactory(*argv, "--no-setup", cwd=here)
    shop = Repo(here / "shop")
    assert (shop.dirt, shop.git("log", "--format=%s").count("\n")) == ("", 1)
    assert before == {path: path.read_bytes() for path in before}
    assert not list(here.glob(".mlfactory-*"))


def test_a_clock_that_has_jumped_back(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Template, project and files are of tomorrow."""
    later = time.time() + 86_400
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_DATE", f"{later:.0f} +0000")
    source = template(here / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    demo = project(source, here / "demo").commit({"a.txt": edited(9, "ours")})
    for path in here.rglob("*"):
        os.utime(path, (later, later))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_DATE")
    assert "behind: v1.0.0 -> v1.1.0" in mlfactory("status", demo.path).stdout
    mlfactory("update", demo.path)
    assert (demo.text("a.txt"), demo.dirt) == (edited(3, "theirs", edited(9, "ours")), "")
    assert "no drift" not in mlfactory("status", demo.path).stdout
    mlfactory("new", "more", "--template", source.path, "--defaults", cwd=here)
    assert Repo(here / "more").text("a.txt") == edited(3, "theirs")
