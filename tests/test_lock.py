"""Two processes at once: the second says who is at work, and nobody takes another's lock away."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from mlfactory.base import index, lock
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository, plain

from .evolving import SMALL, Repo, Started, edited, init, mlfactory, project, started, template


@pytest.fixture
def demo(tmp_path: Path) -> Repo:
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    return project(source, tmp_path / "demo")


def at_work(demo: Repo, seconds: int = 600) -> AbstractContextManager[Started]:
    """An update that is checking the project before it begins."""
    check = f"sh -c 'touch ../begun; sleep {seconds}'"
    sign = (demo.path.parent / "begun").exists
    return started(("update", "--check-command", check), demo.path, sign)


def test_the_second_says_who_is_at_work(demo: Repo) -> None:
    with at_work(demo) as first:
        for argv in (("update",), ("update", "--abort"), ("update", "--continue")):
            result = mlfactory(*argv, cwd=demo.path, code=1)
            beginning = rf"error: {demo.path} is being worked on by `mlfactory update`, process"
            assert re.match(rf"{beginning} {first.pid} on \S+ since \d{{4}}-", result.stderr)
            assert f"hint: {lock.WAIT}" in result.stderr
        mlfactory("restore", "a.txt", cwd=demo.path, code=1)
        mlfactory("template", "use", "elsewhere", cwd=demo.path, code=1)


def test_who_only_looks_is_not_kept_out(demo: Repo) -> None:
    with at_work(demo):
        assert "behind" in mlfactory("status", demo.path).stdout
        mlfactory("update", demo.path, "--dry-run")
        mlfactory("diff", demo.path)


def test_the_lock_of_a_process_that_was_killed_keeps_nobody_out(demo: Repo) -> None:
    with at_work(demo):
        pass
    assert (demo.path / ".git" / lock.FILE).exists()
    mlfactory("update", demo.path)
    assert demo.text("a.txt") == edited(3, "theirs")
    assert not (demo.path / ".git" / lock.FILE).exists()


def test_a_lock_that_says_nothing_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        lock.hold(path, "mlfactory update", "it"),
        pytest.raises(MlfactoryError, match="it is being worked on by"),
    ):
        path.write_text("")
        lock.take(path, "mlfactory update", "it")


# git's own lock


def test_a_lock_that_another_program_took_just_now_is_not_removed(demo: Repo) -> None:
    """Before the update, and while it checks the project."""
    theirs = demo.path / ".git/index.lock"
    head = demo.head
    theirs.touch()
    result = mlfactory("update", demo.path, code=1)
    assert f"it holds {theirs}" in result.stderr
    assert theirs.exists()
    theirs.unlink()
    mlfactory("update", demo.path, "--check-command", f"touch {theirs}", code=1)
    assert (theirs.exists(), demo.head) == (True, head)
    theirs.unlink()
    assert demo.dirt == ""
    mlfactory("update", demo.path)


def test_an_abort_does_not_remove_it_either(demo: Repo) -> None:
    demo.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", demo.path, code=4)
    theirs = demo.path / ".git/index.lock"
    theirs.touch()
    result = mlfactory("update", demo.path, "--abort", code=1)
    assert f"rm {theirs}" in result.stderr
    assert theirs.exists()
    theirs.unlink()
    mlfactory("update", demo.path, "--abort")
    assert demo.text("a.txt") == edited(3, "ours")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return plain(init(tmp_path / "repo").commit({"a.txt": "a\n"}).path)


def test_what_git_stages_is_in_the_index_at_the_end(repository: Repository) -> None:
    (repository.top / "b.txt").write_text("b\n")
    with index.hold(repository) as mine:
        mine.run("add", "b.txt")
        assert "b.txt" not in repository.run("ls-files").out
        with pytest.raises(MlfactoryError, match="ended with code 128"):
            repository.run("add", "b.txt")
    assert "b.txt" in repository.run("ls-files").out
    assert not list(repository.folder.glob("*.lock"))
    assert not list(repository.folder.glob("mlfactory-*"))


def test_what_a_kill_leaves_is_given_back(repository: Repository) -> None:
    index.take(repository)
    index.copy(repository)
    repository.path_of("mlfactory-index.lock").write_bytes(b"half")
    index.give_back(repository)
    assert repository.run("status", "--porcelain").out == ""
    assert not list(repository.folder.glob("mlfactory-*"))
    index.check_free(repository)


def test_what_is_not_ours_is_not_given_back(repository: Repository) -> None:
    repository.path_of("index.lock").write_bytes(b"DIRC")
    index.give_back(repository)
    assert repository.path_of("index.lock").exists()
