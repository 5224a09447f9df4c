"""`mlfactory new` killed at some step: nothing stays beside it, and the next run goes on."""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from mlfactory.base import index, uv
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import plain
from mlfactory.new import directory as place

from .evolving import SMALL, Repo, Started, forked, mlfactory, program, started, template


@pytest.fixture
def small(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL)


@pytest.fixture
def slow(tmp_path: Path) -> Repo:
    """A template that renders for a long time."""
    loop = "{% for a in range(9999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n"
    return template(tmp_path / "slow", {**SMALL, "tree/z.txt.jinja": loop})


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".mlfactory-*"))


def rendering(slow: Repo, folder: Path, name: str) -> AbstractContextManager[Started]:
    """A run in the midst of its rendering; it is killed at the end."""
    argv = ("new", name, "--template", str(slow.path), "--defaults")
    return started(argv, folder, lambda: any(one.is_dir() for one in folder.glob(".mlfactory-*")))


@pytest.mark.parametrize("name", ["demo", "other"])
def test_what_a_killed_run_leaves_is_removed_by_the_next(
    here: Path, slow: Repo, small: Repo, name: str
) -> None:
    with rendering(slow, here, "demo"):
        pass
    assert len(leftovers(here)) == 2
    mlfactory("new", name, "--template", small.path, "--defaults", cwd=here)
    assert [path.name for path in here.iterdir()] == [name]


def test_in_the_directory_itself_too(here: Path, slow: Repo, small: Repo) -> None:
    with rendering(slow, here, "."):
        pass
    mlfactory("new", ".", "--template", small.path, "--defaults", cwd=here)
    assert leftovers(here) == []
    assert "a.txt" in Repo(here).tree()
    assert Repo(here).dirt == ""


def test_what_a_living_run_needs_stays(here: Path, slow: Repo, small: Repo) -> None:
    with rendering(slow, here, "demo") as process:
        before = leftovers(here)
        mlfactory("new", "other", "--template", small.path, "--defaults", cwd=here)
        assert (leftovers(here), process.poll()) == (before, None)


def test_the_second_of_two_says_who_makes_it(here: Path, slow: Repo, small: Repo) -> None:
    with rendering(slow, here, "demo") as first:
        result = mlfactory("new", "demo", "--template", small.path, "--defaults", cwd=here, code=1)
        beginning = (
            f"error: {here / 'demo'} is being worked on by `mlfactory new`, process {first.pid}"
        )
        assert result.stderr.startswith(beginning)


def test_leftovers_of_earlier_releases_go_when_they_are_old(here: Path, small: Repo) -> None:
    for name, hours in ((".mlfactory-old", 2), (".mlfactory-new", 0)):
        (here / name / "demo").mkdir(parents=True)
        then = time.time() - hours * 3600
        os.utime(here / name, (then, then))
    mlfactory("new", "demo", "--template", small.path, "--defaults", cwd=here)
    assert leftovers(here) == [".mlfactory-new"]


def stopping(folder: Path, moved: int, *argv: str) -> int:
    """The program that is killed when so many entries of the folder are there."""
    usual = Path.rename

    def stop(self: Path, target: Path) -> Path:
        if sum(1 for child in folder.iterdir() if not place.is_ours(child)) == moved:
            os.kill(os.getpid(), signal.SIGKILL)
        return usual(self, target)

    Path.rename = stop  # type: ignore[assignment,method-assign]
    return program(*argv)


@pytest.mark.parametrize("moved", [0, 1, 2, 3, 4])
def test_killed_while_it_is_put_into_an_empty_directory(
    here: Path, small: Repo, moved: int
) -> None:
    """The next run finishes the move, and then the rest; what was edited meanwhile stays."""
    folder = here / "demo"
    folder.mkdir()
    argv = ("new", "demo", "--template", small.path, "--defaults")
    killed = -signal.SIGKILL if moved < 4 else 0
    forked(partial(stopping, folder, moved, *map(str, argv)), here, killed)
    if edited := [p for p in folder.iterdir() if p.name == "a.txt"]:
        edited[0].write_text("mine\n")
    mlfactory(*argv, cwd=here)
    assert leftovers(folder) == []
    assert (folder / "a.txt").read_text() == ("mine\n" if edited else SMALL["tree/a.txt"])
    assert Repo(folder).git("log", "-1", "--format=%s").startswith("Start demo")


def test_a_lock_of_gits_that_a_killed_run_left(here: Path, small: Repo) -> None:
    argv = ("new", "demo", "--template", small.path, "--defaults")
    mlfactory(*argv, cwd=here)
    repository = plain(here / "demo")
    index.take(repository)
    mlfactory(*argv, cwd=here)
    index.check_free(repository)


# Environments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that needs no package, with an environment."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "0"\nrequires-python = ">=3.11"\n'
    )
    uv.install(tmp_path)
    (tmp_path / ".venv/half").touch()
    return tmp_path


def test_a_whole_environment_is_kept(folder: Path) -> None:
    uv.install(folder)
    assert (folder / ".venv/half").exists()


def test_one_in_which_an_install_was_killed_is_made_anew(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), uv.unfinished(folder):
        raise KeyboardInterrupt
    uv.install(folder)
    assert not (folder / ".venv/half").exists()
    assert not (folder / ".venv" / uv.UNFINISHED).exists()
    assert (folder / ".venv/bin/python").exists()


def test_an_install_that_uv_refuses_leaves_it_as_it_was(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[project]\nname = 1\n")
    with pytest.raises(MlfactoryError):
        uv.install(folder)
    assert not (folder / ".venv" / uv.UNFINISHED).exists()
    assert (folder / ".venv/half").exists()
