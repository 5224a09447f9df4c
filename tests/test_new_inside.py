"""`mlfactory new` in a repository: a part of it, in a folder, or a repository of its own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlfactory.new import directory, journal

from .evolving import SMALL, Repo, edited, init, mlfactory, template
from .test_cli import converse


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})


@pytest.fixture
def large(tmp_path: Path) -> Repo:
    return init(tmp_path / "large").commit({"app.py": "1\n", "other.py": "1\n"})


def new(source: Repo, large: Repo, *argv: str, name: str = "models/demo", code: int = 0) -> Any:
    options = ("--template", source.path, "--defaults", "--ref", "v1.0.0", "--json", *argv)
    return mlfactory("new", name, *options, cwd=large.path, code=code)


def test_it_becomes_a_part_of_the_repository_in_one_commit(source: Repo, large: Repo) -> None:
    large.write({"app.py": "2\n", "other.py": "2\n", "loose.py": "3\n"}).git("add", "app.py")
    summary = json.loads(new(source, large, "--inside").stdout)
    assert summary["path"] == str(large.path / "models/demo")
    assert large.git("show", "--name-only", "--format=").split() == [
        "models/demo/.copier-answers.yml",
        "models/demo/a.txt",
        "models/demo/b.txt",
    ]
    assert large.dirt == "M  app.py\n M other.py\n?? loose.py\n"
    assert not large.has("models/demo/.git")
    mlfactory("update", large.path / "models/demo")
    assert large.dirt == "M  app.py\n M other.py\n?? loose.py\n"
    again = new(source, large)
    assert "is there already: nothing is left to do" in again.stderr


def test_without_a_word_it_gets_its_own_and_that_is_told(source: Repo, large: Repo) -> None:
    result = new(source, large)
    assert "mlfactory new models/demo --inside" in result.stderr
    assert large.has("models/demo/.git")
    assert len(large.git("log", "--format=%h").split()) == 1


@pytest.mark.parametrize(("answer", "inside"), [("1", True), ("2", False)])
def test_at_a_terminal_it_is_asked(source: Repo, large: Repo, answer: str, inside: bool) -> None:
    terminal, child = pty.openpty()
    argv = (sys.executable, "-m", "mlfactory", "new", "demo", "--template", str(source.path))
    with subprocess.Popen(argv, cwd=large.path, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        screen = converse(terminal, ("becomes", f"{answer}\n"), *[("?", "\r")] * 3)
        process.wait()
    assert "a part of that repository" in screen
    assert large.has("demo/.git") is not inside


def test_jobs_run_on_the_main_branch_of_the_repository(large: Repo) -> None:
    large.git("branch", "--move", "trunk")
    large.git("switch", "--quiet", "--create", "topic")
    mlfactory("new", "models/churn", "--inside", "--defaults", "--no-setup", cwd=large.path)
    assert "\nbranch: trunk\n" in large.text("models/churn/.copier-answers.yml")
    jobs = [large.text(n) for n in large.tree() if n.startswith(".github/workflows/")]
    assert [text for text in jobs if "branches: [trunk]" in text]
    assert not [text for text in jobs if "refs/heads/main'" in text or "[main]" in text]


def test_a_repository_without_a_commit_takes_one(source: Repo, tmp_path: Path) -> None:
    empty = init(tmp_path / "empty")
    new(source, empty, "--inside", name="demo")
    assert list(empty.tree()) == ["demo/.copier-answers.yml", "demo/a.txt", "demo/b.txt"]


def test_an_empty_directory_is_filled(source: Repo, large: Repo) -> None:
    (large.path / "demo").mkdir()
    mlfactory(
        "new", ".", "--template", source.path, "--defaults", "--inside", cwd=large.path / "demo"
    )
    assert "demo/a.txt" in large.tree()
    assert large.dirt == ""


@pytest.mark.parametrize(
    ("before", "name", "said"),
    [
        ({".gitignore": "*.txt\n"}, "demo", "keeps 2 files of the factory out of git: demo/a.txt"),
        ({".gitignore": "/models/\n"}, "models/demo", "keeps 3 files of the factory out of git"),
        ({}, "über/demo", "cannot be named in a workflow and a tag"),
        ({}, "my models/demo", "cannot be named in a workflow and a tag"),
        ({}, "../elsewhere", "is in no git repository"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    source: Repo, large: Repo, before: dict[str, str], name: str, said: str
) -> None:
    large.commit({"x": "x\n", **before})
    files = large.everything()
    assert said in new(source, large, "--inside", name=name, code=None).stderr
    assert large.everything() == files


def test_not_in_the_midst_of_another_operation(source: Repo, large: Repo) -> None:
    (large.path / ".git/MERGE_HEAD").write_text(large.head)
    result = new(source, large, "--inside", code=1)
    assert "a git merge is in progress" in result.stderr


def test_the_repository_itself_is_no_folder_of_it(source: Repo, tmp_path: Path) -> None:
    empty = init(tmp_path / "empty")
    result = new(source, empty, "--inside", name=".", code=None)
    assert "is not empty" in result.stderr or "is the repository itself" in result.stderr


PUBLISH = """
import os, signal, sys
from mlfactory.new import directory, run
real = directory.publish
def publish(staged, to):
    if "{when}" == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(staged, to)
    os.kill(os.getpid(), signal.SIGKILL)
run.publish = publish
from mlfactory.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_run_that_is_killed_goes_on(source: Repo, large: Repo, when: str, is_there: bool) -> None:
    place = large.path / "demo"
    if is_there:
        place.mkdir()
    argv = ("new", "demo", "--template", str(source.path), "--defaults", "--inside")
    script = [sys.executable, "-c", PUBLISH.replace("{when}", when), *argv]
    result = subprocess.run(script, cwd=large.path, capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert "demo/a.txt" not in large.tree()
    mlfactory(*argv, cwd=large.path)
    assert "demo/a.txt" in large.tree()
    assert large.dirt == ""
    assert not [name for name in os.listdir(place) if name.startswith(directory.PREFIX)]  # noqa: PTH208
    assert journal.load(place) is not None


def test_a_factory_that_was_removed_can_be_made_anew(source: Repo, large: Repo) -> None:
    new(source, large, "--inside", name="demo")
    large.git("rm", "-r", "--quiet", "demo")
    large.git("commit", "--quiet", "--message", "gone")
    new(source, large, "--inside", name="demo")
    assert "demo/a.txt" in large.tree()
