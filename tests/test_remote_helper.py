"""The helper through real git and real copier, as this checkout has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import origin
from mlfactory.template import history

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the PATH with the console script, wherever mlfactory is installed."""
    script = tmp_path / "bin" / "git-remote-mlfactory"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m mlfactory.template.remote_helper "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{Path(sys.executable).parent}:/usr/bin:/bin")
    return script


def test_git_clones_the_template(tmp_path: Path, command: Any) -> None:
    command("git", "clone", "--quiet", history.URL, tmp_path / "clone")
    assert (tmp_path / "clone" / "copier.yml").is_file()


def test_git_lists_every_version(command: Any) -> None:
    output = command("git", "ls-remote", "--tags", history.URL).stdout
    assert all(f"refs/tags/v{name}\n" in output for name in history.load().names)


def test_copier_copies_the_template_and_records_where_it_came_from(
    tmp_path: Path, command: Any
) -> None:
    newest = f"v{history.load().newest}"
    options = ("--quiet", "--defaults", f"--vcs-ref={newest}")
    command("copier", "copy", *options, history.SOURCE, tmp_path / "churn")
    recorded = (tmp_path / "churn" / ".copier-answers.yml").read_text()
    assert f"_commit: {newest}\n_src_path: {history.SOURCE}\n" in recorded


def test_a_factory_that_is_newer_ends_in_a_sentence(tmp_path: Path, command: Any) -> None:
    answers = f"_commit: v99.0.0\n_src_path: {history.SOURCE}\n"
    (tmp_path / ".copier-answers.yml").write_text(answers)
    (tmp_path / "src").mkdir()
    result = command("git", "ls-remote", history.URL, cwd=tmp_path / "src", code=128)
    newest = history.load().newest
    assert result.stderr.startswith(
        "mlfactory: this factory records template version 99.0.0, "
        f"and the newest that this mlfactory has is {newest}. Renew it: {origin.upgrade()}"
    )


def test_another_address_is_refused(command: Any) -> None:
    result = command("git", "ls-remote", "mlfactory::other", code=128)
    assert "unknown address 'other': use mlfactory::template" in result.stderr


def test_pushing_is_refused(tmp_path: Path, command: Any) -> None:
    command("git", "clone", "--quiet", history.URL, tmp_path / "clone")
    result = command("git", "push", "origin", "main", cwd=tmp_path / "clone", code=None)
    assert result.returncode != 0
    assert "the template can only be read" in result.stderr


def test_repository_variables_of_a_caller_do_not_mislead_it(
    command: Any, plain_template: Path
) -> None:
    env = {"GIT_DIR": str(plain_template / ".git")}
    output = command("git", "ls-remote", "--tags", history.URL, **env).stdout
    assert "refs/tags/v1.0.0\n" not in output


def test_it_starts_without_slow_libraries() -> None:
    script = "import sys, mlfactory.template.remote_helper; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    loaded = {name.split(".")[0] for name in out.split()}
    assert loaded.isdisjoint({"copier", "rich", "typer", "polars", "yaml", "packaging"})
