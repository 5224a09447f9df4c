from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import git, objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import Repository

from .evolving import init


@pytest.fixture
def repository(tmp_path: Path, build_file_tree: Any) -> Repository:
    build_file_tree(tmp_path / "repo", {"a.txt": "a\n", "run": "x\n"})
    fresh = git.init(tmp_path / "repo")
    git.add_all(fresh)
    return fresh


def log(command: Any, repository: Repository, form: str) -> list[str]:
    return command("git", "log", f"--format={form}", cwd=repository.top).stdout.splitlines()


def test_the_branch_is_main(repository: Repository) -> None:
    assert (repository.top / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


def test_a_commit_is_the_users(repository: Repository, command: Any) -> None:
    assert git.commit(repository, "first") == ""
    assert log(command, repository, "%an <%ae> %s") == ["Tester <tester@example.org> first"]


def test_without_an_identity_mlfactory_commits_and_says_how_to_set_one(
    repository: Repository, home: Path, command: Any
) -> None:
    (home / ".gitconfig").unlink()
    assert "git config --global user.name" in git.commit(repository, "first")
    assert log(command, repository, "%an <%ae>") == ["mlfactory <mlfactory@localhost>"]


def test_with_nothing_staged_nothing_is_committed(repository: Repository, command: Any) -> None:
    git.commit(repository, "first")
    git.commit(repository, "second")
    assert log(command, repository, "%s") == ["first"]


def test_a_signature_that_fails_is_explained(repository: Repository, home: Path) -> None:
    with (home / ".gitconfig").open("a") as config:
        config.write("[commit]\ngpgsign = true\n[gpg]\nprogram = /bin/false\n")
    with pytest.raises(MlfactoryError) as caught:
        git.commit(repository, "first")
    assert "commit.gpgsign false" in caught.value.hint


def test_hooks_of_the_user_do_not_run(repository: Repository, home: Path, command: Any) -> None:
    hook = home / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    command("git", "config", "--global", "core.hooksPath", hook.parent)
    git.commit(repository, "first")
    assert log(command, repository, "%s") == ["first"]


def test_the_users_ignore_list_makes_no_holes(
    repository: Repository, home: Path, command: Any
) -> None:
    (home / "ignore").write_text("*.cfg\n")
    command("git", "config", "--global", "core.excludesFile", home / "ignore")
    (repository.top / "b.cfg").write_text("b")
    git.add_all(repository)
    assert "b.cfg" in [name for _, name in git.files(repository.top)]


def test_files_have_modes_and_untracked_ones_a_question_mark(repository: Repository) -> None:
    (repository.top / "new").touch()
    assert list(git.files(repository.top, untracked=True)) == [
        ("100644", "a.txt"),
        ("100644", "run"),
        ("?", "new"),
    ]


def test_toplevel_of_a_directory_that_is_not_there_yet(repository: Repository) -> None:
    assert git.toplevel(repository.top / "x" / "y") == repository.top


def test_outside_of_repositories_there_is_no_toplevel(tmp_path: Path) -> None:
    assert git.toplevel(tmp_path) is None


def test_fetch_copies_one_ref_and_no_tags(
    repository: Repository, tmp_path: Path, command: Any
) -> None:
    git.commit(repository, "first")
    command("git", "tag", "v1", cwd=repository.top)
    (tmp_path / "other").mkdir()
    other = git.init(tmp_path / "other")
    git.fetch(other, repository.top, "refs/tags/v1", "refs/mlfactory/x")
    refs = command("git", "for-each-ref", "--format=%(refname)", cwd=tmp_path / "other").stdout
    assert refs.split() == ["refs/mlfactory/x"]


def test_a_commit_is_read_as_soon_as_it_is_there(tmp_path: Path) -> None:
    """What a commit lacks it will never have; a commit that is not here yet may come."""
    there = init(tmp_path / "there").commit({"a.txt": "one\n"})
    here = init(tmp_path / "here").commit({"b.txt": "two\n"})
    repository = git.plain(here.path)
    assert objects.text_at(repository, there.head, "a.txt") is None
    here.git("fetch", "--quiet", str(there.path), "main")
    assert objects.text_at(repository, there.head, "a.txt") == "one\n"
    assert objects.text_at(repository, here.head, "a.txt") is None
    here.commit({"a.txt": "three\n"})
    assert objects.text_at(repository, here.head, "a.txt") == "three\n"
    assert objects.text_at(repository, "HEAD", "a.txt") == "three\n"
    here.commit({"a.txt": "four\n"})
    assert objects.text_at(repository, "HEAD", "a.txt") == "four\n"
