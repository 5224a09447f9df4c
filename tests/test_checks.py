"""The quick checks around an update, and the lock that goes into its commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import SMALL, Repo, edited, mlfactory, project, release, template

PACKAGE = """
[project]
name = "demo"
version = "0"
requires-python = ">=3.11"
dependencies = []
{more}
[tool.mlfactory]
contract = 1
"""
FIRST = {**SMALL, "tree/pyproject.toml": PACKAGE.format(more=""), "tree/.gitignore": ".venv\n"}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST, {"tree/a.txt": edited(3, "theirs")})


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo")


def update(repo: Repo, *options: str, code: int = 0) -> dict[str, Any]:
    result = mlfactory("update", repo.path, "--json", *options, code=code)
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def checker(repo: Repo, script: str) -> None:
    """A factory's own program, in its environment."""
    path = repo.path / ".venv/bin/factory"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$@" >> ../calls\n{script}\n')
    path.chmod(0o755)


def findings(*messages: str) -> str:
    entries = [{"level": "error", "feature": "age", "message": text} for text in messages]
    return f"echo '{json.dumps({'ok': not entries, 'findings': entries})}'"


def test_a_program_that_came_with_the_repository_is_not_started(demo: Repo) -> None:
    checker(demo, findings())
    demo.git("add", "--force", ".venv")
    demo.git("commit", "--quiet", "--message", "environment")
    assert update(demo, "--trust")["state"] == "updated"
    assert not (demo.path.parent / "calls").exists()


def test_a_check_that_fails_only_afterwards_is_told_with_4(demo: Repo) -> None:
    outcome = update(demo, "--check-command", "grep -q 'line 3 of' a.txt", code=4)
    assert outcome["state"] == "updated"
    assert outcome["failures"] == ["`grep -q 'line 3 of' a.txt` ends with code 1"]
    assert demo.text("a.txt") == edited(3, "theirs")


def test_the_failure_is_shown(demo: Repo) -> None:
    result = mlfactory("update", demo.path, "--check-command", "grep -q 'line 3 of' a.txt", code=4)
    assert "failed  passed before the update, and fails now: `grep" in result.stderr
    assert "git revert" in result.stderr


def test_a_check_that_failed_before_is_no_news(demo: Repo) -> None:
    assert update(demo, "--check-command", "false")["failures"] == []


def test_a_check_that_passes_is_silent(demo: Repo) -> None:
    assert update(demo, "--check-command", "test -f a.txt")["failures"] == []


def test_no_check_checks_nothing(demo: Repo) -> None:
    checker(demo, "exit 1")
    assert update(demo, "--no-check")["failures"] == []
    assert not (demo.path.parent / "calls").exists()


def test_a_check_that_is_killed_is_a_failure_and_not_the_end(demo: Repo) -> None:
    script = "grep -q 'line 3 of' a.txt || kill -9 $$"
    outcome = update(demo, "--check-command", f'sh -c "{script}"', code=4)
    assert outcome["state"] == "updated"
    assert "code -9" in outcome["failures"][0]
    assert "nothing to do" in mlfactory("update", demo.path).stdout


def test_a_check_that_cannot_be_started_any_more_is_a_failure_too(demo: Repo) -> None:
    checker(demo, "rm $0")
    outcome = update(demo, "--check-command", ".venv/bin/factory", code=4)
    assert (outcome["state"], outcome["failures"]) == (
        "updated",
        [".venv/bin/factory cannot be started: No such file or directory"],
    )


def test_a_factory_is_checked_before_and_after(demo: Repo) -> None:
    old, new = findings("is old"), findings("is old", "is new")
    checker(demo, f"if grep -q 'line 3 of' a.txt; then {old}; else {new}; fi; exit 1")
    assert update(demo, "--trust", code=4)["failures"] == ["age: is new"]
    assert (demo.path.parent / "calls").read_text() == "check --json\n" * 2


def test_a_factory_whose_check_breaks_is_told(demo: Repo) -> None:
    checker(demo, f"grep -q 'line 3 of' a.txt && {findings()} || {{ echo no way >&2; exit 3; }}")
    assert update(demo, "--trust", code=4)["failures"] == ["factory check: no way"]


def test_a_project_that_is_no_factory_is_not_checked(demo: Repo) -> None:
    demo.commit({"pyproject.toml": "[project]\nname = 'x'\nversion = '0'\n"})
    checker(demo, "exit 1")
    assert update(demo)["failures"] == []


def test_after_a_conflict_the_checks_run_when_it_goes_on(demo: Repo) -> None:
    demo.commit({"a.txt": edited(3, "ours")})
    update(demo, "--check-command", "grep -q '^ours$' a.txt", code=4)
    demo.git("checkout", "--theirs", "a.txt")
    demo.git("add", "a.txt")
    outcome = update(demo, "--continue", code=4)
    assert outcome["failures"] == ["`grep -q '^ours$' a.txt` ends with code 1"]


# The lock


@pytest.fixture
def locked(demo: Repo, command: Any) -> Repo:
    """A project with a lock, and a template whose packages change."""
    command("uv", "lock", "--quiet", "--offline", cwd=demo.path)
    extra = "[project.optional-dependencies]\nmore = []\n"
    release(
        Repo(demo.path.parent / "template"),
        "v1.2.0",
        {"tree/pyproject.toml": PACKAGE.format(more=extra)},
    )
    return demo.commit()


def test_the_new_lock_is_amended_into_the_commit(locked: Repo) -> None:
    old = locked.text("uv.lock")
    head = locked.head
    update(locked, "--trust")
    assert locked.text("uv.lock") != old
    assert "more" in locked.text("uv.lock")
    assert locked.dirt == ""
    assert locked.git("rev-parse", "HEAD^").strip() == head
    assert "uv.lock" in locked.git("show", "--stat", "--format=%s")


def test_a_lock_that_fails_is_a_warning(locked: Repo) -> None:
    old = locked.text("uv.lock")
    package = PACKAGE.replace(
        "dependencies = []", "dependencies = ['away @ file:///nowhere/away-1.tar.gz']"
    )
    release(
        Repo(locked.path.parent / "template"),
        "v1.3.0",
        {"tree/pyproject.toml": package.format(more="")},
    )
    outcome = update(locked, "--trust")
    assert outcome["state"] == "updated"
    assert "uv.lock is not renewed" in outcome["warnings"][0]
    assert "uv lock" in outcome["warnings"][0]
    assert (locked.text("uv.lock"), locked.dirt) == (old, "")


def test_without_new_packages_nothing_is_locked(demo: Repo) -> None:
    demo.commit({"uv.lock": "not a lock\n"})
    assert update(demo)["warnings"] == []
    assert demo.text("uv.lock") == "not a lock\n"


def test_going_on_renews_the_lock_too(locked: Repo) -> None:
    old = locked.text("uv.lock")
    locked.commit({"a.txt": edited(3, "ours")})
    update(locked, "--trust", code=4)
    locked.git("checkout", "--theirs", "a.txt")
    locked.git("add", "a.txt")
    update(locked, "--continue")
    assert locked.text("uv.lock") != old
    assert locked.dirt == ""


# Whose code runs


BACKEND = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.fixture
def hostile(locked: Repo) -> Repo:
    """A project whose template brings a build program that says when it ran."""
    text = PACKAGE.format(more="").replace('version = "0"', 'dynamic = ["version"]') + BACKEND
    harm = f"open({str(locked.path.parent / 'harm')!r}, 'w').close()\n"
    files = {"tree/pyproject.toml": text, "tree/backend.py": harm}
    release(Repo(locked.path.parent / "template"), "v1.4.0", files)
    return locked


def test_without_trust_uv_builds_nothing_and_the_command_is_said(hostile: Repo) -> None:
    old = hostile.text("uv.lock")
    outcome = update(hostile)
    assert "uv lock && git commit uv.lock" in outcome["warnings"][0]
    assert (hostile.text("uv.lock"), hostile.dirt) == (old, "")
    assert not (hostile.path.parent / "harm").exists()


def test_with_trust_it_is_built(hostile: Repo) -> None:
    update(hostile, "--trust")
    assert (hostile.path.parent / "harm").exists()


def test_without_trust_the_factory_does_not_check_itself(demo: Repo) -> None:
    checker(demo, findings())
    outcome = update(demo)
    assert "factory check" in outcome["warnings"][0]
    assert not (demo.path.parent / "calls").exists()


def test_going_on_is_trusted_no_more_than_the_update_was(hostile: Repo) -> None:
    hostile.commit({"a.txt": edited(3, "ours")})
    update(hostile, code=4)
    hostile.git("checkout", "--theirs", "a.txt")
    hostile.git("add", "a.txt")
    assert "not renewed" in update(hostile, "--continue")["warnings"][0]
    assert not (hostile.path.parent / "harm").exists()
