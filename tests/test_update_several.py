"""Several projects in one call: each for itself, and the worst of them is the exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .evolving import SMALL, Repo, edited, init, mlfactory, project, render, template


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})


@pytest.fixture
def one(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "one")


def test_one_that_fails_does_not_keep_the_others_back(one: Repo, tmp_path: Path) -> None:
    two = Path(shutil.copytree(one.path, tmp_path / "two"))
    conflict = Repo(Path(shutil.copytree(one.path, tmp_path / "torn")))
    conflict.commit({"a.txt": edited(3, "ours")})
    places = (conflict.path, tmp_path / "nowhere", one.path, two)
    result = mlfactory("update", *places, "--json", code=1)
    content = json.loads(result.stdout)["projects"]
    assert [row["project"] for row in content] == [str(place) for place in places]
    assert [row["state"] for row in content] == ["conflicts", "failed", "updated", "updated"]
    assert content[1]["error"] == f"{tmp_path / 'nowhere'} is not a directory"
    result = mlfactory("update", conflict.path, one.path, "--abort", code=1)
    assert f"error: no update is in progress in {one.path}" in result.stderr
    assert "everything is as it was" in result.stderr


def test_the_exit_code_is_that_of_the_worst(one: Repo, tmp_path: Path) -> None:
    conflict = Repo(Path(shutil.copytree(one.path, tmp_path / "torn")))
    conflict.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", one.path, conflict.path, "--dry-run", code=4)
    mlfactory("update", conflict.path, one.path, "--to", "v9", code=2)
    mlfactory("update", conflict.path, tmp_path, one.path, code=1)
    mlfactory("update", one.path, one.path, code=0)


def test_two_projects_of_one_repository_need_no_commit_in_between(
    source: Repo, tmp_path: Path
) -> None:
    large = init(tmp_path / "large").commit({"app.py": "1\n"})
    for name in ("north", "south"):
        render(source, large.path / name)
    large.commit(message="both").write({"app.py": "2\n"})
    mlfactory("update", "north", "south", cwd=large.path)
    assert large.git("log", "--format=%s", "--max-count=2").splitlines() == [
        "Update south from v1.0.0 to v1.1.0",
        "Update north from v1.0.0 to v1.1.0",
    ]
    status = json.loads(mlfactory("status", "north", "south", "--json", cwd=large.path).stdout)
    assert [row["version"] for row in status["projects"]] == ["v1.1.0", "v1.1.0"]
    assert large.dirt == " M app.py\n"


def test_one_project_alone_prints_what_it_always_did(one: Repo) -> None:
    outcome = json.loads(mlfactory("update", one.path, "--json").stdout)
    assert (outcome["state"], outcome["plan"]["to_version"]) == ("updated", "v1.1.0")
