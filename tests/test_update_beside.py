"""Updates of a project in a larger repository: what stands beside it does not matter, and stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .evolving import SMALL, Repo, edited, init, mlfactory, project, render, template

OURS = {"demo/a.txt": edited(3, "ours")}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})


@pytest.fixture
def large(source: Repo, tmp_path: Path) -> Repo:
    """A repository with a project in `demo` and files of others beside it."""
    large = init(tmp_path / "large")
    large.commit({"app/one.py": "1\n", "app/two.py": "2\n", "top.md": "t\n"})
    render(source, large.path / "demo")
    return large.commit(message="demo")


def disturb(large: Repo) -> None:
    """Everything that can be unfinished beside a project: changed, staged, both, new, gone."""
    large.write({"app/one.py": "staged\n", "app/new.py": "new\n", "app/promised.py": "p\n"})
    large.git("add", "app/one.py", "app/new.py")
    large.git("rm", "--quiet", "--cached", "top.md")
    large.git("add", "--intent-to-add", "app/promised.py")
    large.write(
        {"app/one.py": "staged, and more\n", "app/two.py": "changed\n", "app/loose.py": "l\n"}
    )


def beside(large: Repo) -> tuple[str, str, dict[str, str]]:
    """What git says of the files beside the project, and what they hold."""
    texts = {path.name: path.read_text() for path in (large.path / "app").iterdir()}
    argv = (":(top)", ":(top,exclude)demo")
    return large.git("status", "--porcelain", "--", *argv), large.git("diff", "--cached"), texts


def test_what_is_not_committed_beside_it_stops_no_update_and_stays(large: Repo) -> None:
    disturb(large)
    before = beside(large)
    mlfactory("update", large.path / "demo")
    assert large.git("show", "--name-only", "--format=").split() == [
        "demo/.copier-answers.yml",
        "demo/a.txt",
    ]
    assert beside(large) == before


def test_what_is_not_committed_in_it_does(large: Repo) -> None:
    large.write({"demo/b.txt": "dirty\n"})
    result = mlfactory("update", large.path / "demo", code=1)
    assert f"{large.path}/demo has changes that are not committed: demo/b.txt" in result.stderr


def test_of_a_project_around_others_theirs_do_not_stop_it(source: Repo, tmp_path: Path) -> None:
    demo = project(source, tmp_path / "demo")
    render(source, demo.path / "inner")
    demo.commit(message="inner").write({"inner/b.txt": "dirty\n"})
    mlfactory("update", demo.path)
    assert demo.dirt == " M inner/b.txt\n"


@pytest.fixture
def torn(large: Repo) -> Repo:
    """An update in conflict, with unfinished work beside it."""
    large.commit(OURS)
    disturb(large)
    return large


def test_a_conflict_that_is_resolved_commits_nothing_from_beside_it(torn: Repo) -> None:
    before = beside(torn)
    result = mlfactory("update", torn.path / "demo", code=4)
    assert "not staged until the update is over" in result.stderr
    assert "app/new.py, app/one.py, top.md, app/promised.py" in result.stderr
    torn.git("checkout", "--theirs", "demo/a.txt")
    torn.git("add", "demo/a.txt")
    mlfactory("update", "--continue", cwd=torn.path / "demo")
    assert torn.git("show", "--name-only", "--format=").split() == [
        "demo/.copier-answers.yml",
        "demo/a.txt",
    ]
    assert beside(torn) == before


def test_an_update_that_is_taken_back_leaves_what_is_beside_it(torn: Repo) -> None:
    before, head = beside(torn), torn.head
    mlfactory("update", torn.path / "demo", code=4)
    mlfactory("update", "--abort", cwd=torn.path)
    assert (beside(torn), torn.head) == (before, head)
    assert torn.text("demo/a.txt") == OURS["demo/a.txt"]


def test_what_somebody_stages_meanwhile_survives_an_abort(torn: Repo) -> None:
    mlfactory("update", torn.path / "demo", code=4)
    torn.git("add", "--all")
    result = mlfactory("update", "--continue", cwd=torn.path, code=4)
    assert "staged, and not of this project: app/" in result.stderr or "conflict" in result.stderr
    mlfactory("update", "--abort", cwd=torn.path)
    assert torn.text("app/two.py") == "changed\n"
    assert torn.text("app/loose.py") == "l\n"
    assert torn.git("show", ":app/two.py") == "changed\n"


@pytest.mark.parametrize("way", ["--abort", "--continue"])
def test_gits_own_way_out_is_noticed_by_the_next_update(torn: Repo, way: str) -> None:
    before = beside(torn)
    mlfactory("update", torn.path / "demo", code=4)
    torn.git("checkout", "--theirs", "demo/a.txt")
    torn.git("add", "demo/a.txt")
    torn.git("-c", "core.editor=true", "cherry-pick", way)
    mlfactory("update", torn.path / "demo", code=4 if way == "--abort" else 0)
    if way == "--abort":
        mlfactory("update", "--abort", cwd=torn.path)
    assert beside(torn) == before


def test_a_conflict_elsewhere_is_named(large: Repo) -> None:
    large.git("switch", "--quiet", "--create", "other")
    large.commit({"app/one.py": "other\n"})
    large.git("switch", "--quiet", "main")
    large.commit({"app/one.py": "main\n"})
    large.write({"app/one.py": "mine\n"}).git("stash", "--quiet")
    large.commit({"app/one.py": "main again\n"}).git("stash", "pop", code=1)
    result = mlfactory("update", large.path / "demo", code=1)
    assert "is in conflict: app/one.py" in result.stderr


def test_the_plan_is_the_same_whatever_stands_beside_it(large: Repo) -> None:
    outcome = json.loads(mlfactory("update", large.path / "demo", "--dry-run", "--json").stdout)
    disturb(large)
    again = json.loads(mlfactory("update", large.path / "demo", "--dry-run", "--json").stdout)
    assert (again, again["warnings"]) == (outcome, [])


def test_edits_within_a_submodule_stop_no_update_and_stay(source: Repo, tmp_path: Path) -> None:
    inner = init(tmp_path / "inner").commit({"i.txt": "i\n"})
    demo = project(source, tmp_path / "demo")
    address = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.path, "lib")
    demo.git(*address)
    demo.commit()
    demo.write({"lib/i.txt": "edited\n"})
    mlfactory("update", demo.path)
    assert (demo.text("lib/i.txt"), demo.dirt) == ("edited\n", " M lib\n")
    assert "Update demo" in demo.git("log", "-1", "--format=%s")
