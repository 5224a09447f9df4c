"""A factory in a larger repository has its workflows at the top of that, and updates know it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .evolving import ANSWERS, LINES, Repo, edited, init, mlfactory, render, template

HOME = "tree/.github/workflows"
FLOW = "".join(["folder: {{ folder }}\n", *LINES])
FIRST = {
    "copier.yml": "_subdirectory: tree\nfolder: {type: str, default: ''}\n",
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/pyproject.toml": "[tool.mlfactory]\ncontract = 2\n",
    "tree/a.txt": "a\n",
    f"{HOME}/ci.yml.jinja": FLOW,
    f"{HOME}/old.yml.jinja": FLOW.replace("line", "old"),
    "tree/.github/help.sh": "true\n",
}
SECOND = {
    f"{HOME}/ci.yml.jinja": edited(5, "theirs", of=FLOW),
    f"{HOME}/old.yml.jinja": None,
    f"{HOME}/fresh.yml.jinja": FLOW.replace("line", "fresh"),
    "tree/a.txt": "b\n",
}
CI, OLD, FRESH = (f".github/workflows/models.demo.{name}.yml" for name in ("ci", "old", "fresh"))


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST, SECOND)


def add(source: Repo, large: Repo, folder: str) -> None:
    """A factory of the first version as `new` puts it into a repository."""
    place = large.path / folder
    render(source, place, data={"folder": folder})
    for path in (place / ".github/workflows").iterdir():
        at_top = f".github/workflows/{folder.replace('/', '.')}.{path.name}"
        path.rename(large.path / at_top)
    large.commit(message=folder)


@pytest.fixture
def large(source: Repo, tmp_path: Path) -> Repo:
    large = init(tmp_path / "large").commit({"app.py": "1\n", ".github/workflows/app.yml": "on:\n"})
    add(source, large, "models/demo")
    return large


def rows(large: Repo, *argv: str, code: int | None = 0, cwd: str = "models/demo") -> Any:
    return json.loads(mlfactory(*argv, "--json", cwd=large.path / cwd, code=code).stdout)


def test_new_puts_them_there_and_commits_them(large: Repo) -> None:
    options = ("--defaults", "--no-setup", "--inside")
    mlfactory("new", "teams/churn", *options, cwd=large.path)
    tree = large.tree()
    flows = {name for name in tree if "workflows" in name and "churn" in name}
    jobs = ("batch", "ci", "monitor", "promote", "release", "report", "retrain", "rot")
    assert flows == {f".github/workflows/teams.churn.{name}.yml" for name in jobs}
    assert 'working-directory: "teams/churn"' in large.text(".github/workflows/teams.churn.ci.yml")
    assert "teams/churn/.github/storage.sh" in tree
    assert large.dirt == ""
    mlfactory("new", "teams/churn", *options, cwd=large.path)
    (one,) = rows(large, "status", cwd="teams/churn")["projects"]
    assert set(one["drift"]) == {"clean"}
    large.commit({".github/workflows/two.ci.yml": "mine\n"})
    result = mlfactory("new", "two", *options, cwd=large.path, code=1)
    assert "two.ci.yml is there already" in result.stderr
    assert large.dirt == ""


def test_gitlab_is_told_of_its_jobs_by_a_line_of_the_repository(large: Repo) -> None:
    argv = ("new", "teams/lab", "--defaults", "--no-setup", "--inside", "--ci", "gitlab")
    line = "include: [{local: /teams/lab/.gitlab/factory.yml}]"
    told = mlfactory(*argv, cwd=large.path)
    assert line in told.stderr
    assert not large.has(".gitlab-ci.yml")
    jobs = large.text("teams/lab/.gitlab/factory.yml")
    assert "teams/lab:promote:\n" in jobs
    assert '    - cd "teams/lab"\n' in jobs
    large.commit({".gitlab-ci.yml": f"{line.replace('/lab/', '/two/')}\n"})
    told = mlfactory(argv[0], "teams/two", *argv[2:], cwd=large.path)
    assert "GitLab reads one file" not in told.stderr


def test_status_and_diff_and_restore_look_at_them(large: Repo) -> None:
    large.write({CI: "mine\n", OLD: None})
    (one,) = rows(large, "status")["projects"]
    states = {c["path"]: c["state"] for c in one["files"] if c["state"] != "clean"}
    assert states == {f"../../{CI}": "diverged", f"../../{OLD}": "missing"}
    assert f"+++ b/{CI}" in rows(large, "diff", f"../../{CI}")["patch"]
    assert "folder: models/demo" in rows(large, "diff")["patch"]
    mlfactory("restore", f"../../{OLD}", cwd=large.path / "models/demo")
    assert large.dirt == f" M {CI}\n"
    assert "app.yml is not one of" in mlfactory(
        "restore", "../../.github/workflows/app.yml", cwd=large.path / "models/demo", code=2
    ).stderr  # fmt: skip


def test_an_edit_goes_back_into_the_template_under_the_name_there(large: Repo) -> None:
    large.commit({CI: edited(10, "mine", of=large.text(CI))})
    assert f"+++ b/{HOME}/ci.yml.jinja" in rows(large, "diff", "--reverse")["patch"]


def test_an_update_merges_them(large: Repo) -> None:
    large.commit({CI: edited(15, "ours", of=large.text(CI))}).write({"app.py": "2\n"})
    plan = rows(large, "update", "--dry-run")["plan"]
    assert {c["path"]: c["state"] for c in plan["changes"]} == {
        ".copier-answers.yml": "changed",
        "a.txt": "changed",
        f"../../{CI}": "merged",
        f"../../{OLD}": "deleted",
        f"../../{FRESH}": "added",
    }
    assert f"+++ b/{FRESH}" in rows(large, "diff", "--update")["patch"]
    mlfactory("update", large.path / "models/demo")
    assert "ours" in large.text(CI)
    assert "theirs" in large.text(CI)
    assert (large.has(OLD), large.has(FRESH)) == (False, True)
    assert large.dirt == " M app.py\n"
    large.git("stash", "--quiet")
    (one,) = rows(large, "status")["projects"]
    assert {c["path"] for c in one["files"] if c["state"] != "clean"} == {f"../../{CI}"}


def test_plain_copier_leaves_them_to_status_and_restore(large: Repo) -> None:
    """It knows the folder only; what its update left behind is named, and brought one by one."""
    update = ("update", "--defaults", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "copier", *update], cwd=large.path / "models/demo", check=True
    )
    large.commit(message="with copier")
    assert "theirs" not in large.text(CI)
    (one,) = rows(large, "status")["projects"]
    assert {c["path"] for c in one["files"] if c["state"] != "clean"} == {
        f"../../{CI}",
        f"../../{FRESH}",
    }
    mlfactory("restore", f"../../{CI}", cwd=large.path / "models/demo")
    assert "theirs" in large.text(CI)


def test_another_address_is_recorded_in_the_folder_alone(source: Repo, large: Repo) -> None:
    other = init(source.path.parent / "other")
    other.git("pull", "--quiet", "--tags", source.path, "HEAD")
    large.write({"app.py": "2\n", "loose.py": "3\n"}).git("add", "app.py")
    assert rows(large, "template", "use", str(other.path))["done"]
    assert large.git("show", "--name-only", "--format=").split() == [
        "models/demo/.copier-answers.yml"
    ]
    assert large.dirt == "M  app.py\n?? loose.py\n"


def test_a_conflict_in_one_is_taken_back(large: Repo) -> None:
    large.commit({CI: edited(5, "ours", of=large.text(CI))}).write({"app.py": "2\n"})
    before, head = large.text(CI), large.head
    result = rows(large, "update", code=4)
    assert [c["path"] for c in result["plan"]["conflicts"]] == [f"../../{CI}"]
    mlfactory("update", "--abort", cwd=large.path)
    assert (large.text(CI), large.head, large.dirt) == (before, head, " M app.py\n")
    assert not large.has(FRESH)


def test_a_dirty_one_stops_an_update_and_that_of_another_project_does_not(large: Repo) -> None:
    large.write({".github/workflows/app.yml": "on: push\n", CI: "dirty\n"})
    result = mlfactory("update", large.path / "models/demo", code=1)
    assert f"has changes that are not committed: {CI}" in result.stderr
    large.git("checkout", CI)
    mlfactory("update", large.path / "models/demo")
    assert large.dirt == " M .github/workflows/app.yml\n"


def test_a_factory_that_was_moved_is_told_how_its_workflows_follow(large: Repo) -> None:
    large.git("mv", "models/demo", "demo")
    large.commit(message="moved")
    (one,) = rows(large, "status", cwd="demo")["projects"]
    assert any("--set folder=demo" in text for text in one["warnings"])
    mlfactory("update", "--to", ":current:", "--set", "folder=demo", cwd=large.path / "demo")
    assert large.text(".github/workflows/demo.ci.yml").startswith("folder: demo\n")
    assert not large.has(CI)


def test_two_projects_keep_their_own(source: Repo, large: Repo) -> None:
    add(source, large, "models")
    add(source, large, "models/two")
    mlfactory("update", "models/two", cwd=large.path)
    assert "theirs" in large.text(".github/workflows/models.two.ci.yml")
    assert "theirs" not in large.text(CI)
    mlfactory("update", "models", cwd=large.path)
    assert "theirs" in large.text(".github/workflows/models.ci.yml")
    assert "theirs" not in large.text(CI)
