from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlfactory.base import git, uv
from mlfactory.base.errors import MlfactoryError
from mlfactory.doctor.run import HOOK001, JOB001, examine

from .conftest import Build


def test_a_machine_that_works_has_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [f for f in examine(None) if f.state == "error"] == []


def test_a_missing_identity_is_a_warning_with_its_remedy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".gitconfig").unlink()
    monkeypatch.chdir(tmp_path)
    (finding,) = [f for f in examine(None) if f.id == "GIT001"]
    assert finding.state == "warning"
    assert "git config --global user.name" in finding.remedy


def test_a_folder_that_is_no_factory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlfactoryError, match="no factory"):
        examine(tmp_path)


def test_a_factory_that_cannot_work_gets_an_error_and_a_remedy_each(
    tmp_path: Path, build_file_tree: Build, commit_all: Callable[[Path], None]
) -> None:
    build_file_tree(
        tmp_path,
        {
            ".copier-answers.yml": "_src_path: git+mlfactory::template\n_commit: v99.0.0\n",
            "pyproject.toml": "[tool.mlfactory]\ncontract = 1\n",
        },
    )
    commit_all(tmp_path)
    findings = {finding.id: finding for finding in examine(tmp_path)}
    assert "99.0.0" in findings["FAC001"].detail
    for name in ("FAC001", "ENV001", "CAT001", "DVC001"):
        assert (findings[name].state, bool(findings[name].remedy)) == ("error", True)
    assert findings["HOOK001"].state == "warning"


@pytest.mark.parametrize(
    ("hook", "settings", "said"),
    [
        (None, "", "do not call those of models/churn"),
        ("pre-commit", "entry: ruff\n", "do not call those of models/churn"),
        ("pre-commit", "--config models/churn/.pre-commit-config.yaml\n", ""),
        ("cd models/churn/ && make check", "", ""),
    ],
)
def test_hooks_of_a_factory_in_a_folder_are_the_repositorys(
    tmp_path: Path, build_file_tree: Build, commit_all: Callable[[Path], None],
    hook: str | None, settings: str, said: str,
) -> None:  # fmt: skip
    build_file_tree(tmp_path, {".pre-commit-config.yaml": settings, "models/churn/a.txt": "a\n"})
    commit_all(tmp_path)
    place = tmp_path / ".git/hooks/pre-commit"
    place.unlink(missing_ok=True)
    if hook:
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{hook}\n")
    if said:
        observation = HOOK001.check(tmp_path / "models/churn")
        assert (observation.state, said in observation.detail) == ("warning", True)
        assert "subdirectory.md" in observation.remedy
    else:
        with pytest.raises(MlfactoryError, match="pre-commit"):  # it is to run, and is not here
            HOOK001.check(tmp_path / "models/churn")


def test_programs_that_came_with_a_repository_are_not_started(
    tmp_path: Path, build_file_tree: Build, commit_all: Callable[[Path], None]
) -> None:
    factory = tmp_path / "factory"
    record = {
        ".copier-answers.yml": "_src_path: git+mlfactory::template\n",
        "pyproject.toml": "[tool.mlfactory]\ncontract = 2\n",
        "uv.lock": "version = 1\n",
    }
    programs = [f".venv/bin/{name}" for name in ("factory", "dvc", "python", "pre-commit")]
    script = f"#!/bin/sh\ntouch {tmp_path}/ran\n"
    build_file_tree(factory, {**record, **dict.fromkeys(programs, script)})
    for name in programs:
        (factory / name).chmod(0o755)
    commit_all(factory)
    findings = {finding.id: finding for finding in examine(factory)}
    for name in ("ENV001", "CAT001", "DVC001", "DVC002"):
        assert ".venv is committed" in findings[name].detail
    with pytest.raises(MlfactoryError, match="is committed"):
        uv.install(factory)
    assert not (tmp_path / "ran").exists()


def test_a_git_that_cannot_merge_updates_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.37.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    (finding,) = [f for f in examine(None) if f.id == "GIT001"]
    assert (finding.state, "2.38" in finding.remedy) == ("warning", True)


@pytest.mark.parametrize(
    ("answers", "there", "remedy"),
    [
        ("ci: github", "trunk", "mlfactory update --set branch=trunk"),
        ("ci: github\nbranch: release/1.0", "main", "mlfactory update --set branch=main"),
        ("ci: github\nbranch: trunk", "trunk", ""),
        ("ci: github", "", ""),
        ("ci: gitlab", "trunk", ""),
    ],
)
def test_a_main_branch_of_another_name_than_the_jobs_begin_for_is_told(
    tmp_path: Path, build_file_tree: Build, commit_all: Callable[[Path], None],
    answers: str, there: str, remedy: str,
) -> None:  # fmt: skip
    build_file_tree(tmp_path, {"models/churn/.copier-answers.yml": f"{answers}\n"})
    commit_all(tmp_path)
    if there:
        head = ("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{there}")
        git.run(*head, cwd=tmp_path)
    observation = JOB001.check(tmp_path / "models/churn")
    assert (observation.state, observation.remedy) == ("warning" if remedy else "ok", remedy)
