"""A folder that may not be written: the program says so, and the same command goes on later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .evolving import SMALL, edited, project, template
from .situations import begin, own_again

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
