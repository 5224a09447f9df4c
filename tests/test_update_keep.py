"""What a project does not take from its template: a list of its own, for every kind of project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import ANSWERS, SMALL, Repo, edited, init, mlfactory, project, render, template

KEEP = '[tool.mlfactory]\nkeep = ["docs/**", "/Makefile", "*.cfg"]\n'
FIRST = {
    "copier.yml": SMALL["copier.yml"],
    ANSWERS: SMALL[ANSWERS],
    **{f"tree/{name}": edited(20, name) for name in (
        "a.txt", "Makefile", "sub/Makefile", "docs/changed.md", "docs/removed.md",
        "docs/renamed.md", "docs/deleted.md", "docs/same.md", "x/tool.cfg",
    )},
}  # fmt: skip
SECOND = {
    **{f"tree/{name}": edited(3, "theirs", of=str(FIRST[f"tree/{name}"])) for name in (
        "a.txt", "Makefile", "sub/Makefile", "docs/changed.md", "docs/deleted.md", "x/tool.cfg",
    )},
    "tree/docs/removed.md": None,
    "tree/docs/renamed.md": None,
    "tree/guide.md": FIRST["tree/docs/renamed.md"],
    "tree/docs/new.md": "new\n",
    "tree/other.md": "other\n",
}  # fmt: skip
MINE = {
    "docs/changed.md": edited(3, "mine"),
    "docs/removed.md": "mine\n",
    "docs/deleted.md": None,
    "Makefile": "all:\n",
}
LEFT = {
    "Makefile", "docs/changed.md", "docs/deleted.md", "docs/new.md", "docs/removed.md",
    "docs/renamed.md", "x/tool.cfg",
}  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo").commit({**MINE, "pyproject.toml": KEEP})


def rows(repo: Repo, *argv: str, code: int | None = 0) -> Any:
    return json.loads(mlfactory(*argv, "--json", cwd=repo.path, code=code).stdout)


def states(changes: list[dict[str, str]]) -> dict[str, str]:
    return {one["path"]: one["state"] for one in changes}


def test_an_update_leaves_alone_what_the_list_names(demo: Repo) -> None:
    before = demo.tree()
    plan = rows(demo, "update", "--dry-run")["plan"]
    paths = {path for path, state in states(plan["changes"]).items() if state == "left alone"}
    assert (paths, plan["conflicts"]) == (LEFT, [])
    mlfactory("update", demo.path)
    after = demo.tree()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == {".copier-answers.yml", "a.txt", "sub/Makefile", "guide.md", "other.md"}


def test_status_says_where_such_files_differ_and_foresees_no_conflict(demo: Repo) -> None:
    one = rows(demo, "status")["projects"][0]
    notes = {c["path"]: c["note"] for c in one["files"] if c["state"] == "left alone"}
    assert notes == {
        "Makefile": "", "docs/changed.md": "", "docs/removed.md": "",
        "docs/deleted.md": "not here",
    }  # fmt: skip
    assert (one["conflicts"], one["drift"]["left alone"]) == ([], 4)
    mlfactory("update", demo.path)
    assert rows(demo, "status")["projects"][0]["drift"]["left alone"] == 5


def test_diff_and_restore_take_them_only_by_name(demo: Repo) -> None:
    assert rows(demo, "diff")["patch"] == ""
    assert "+++ b/Makefile" in rows(demo, "diff", "Makefile")["patch"]
    mlfactory("restore", ".", cwd=demo.path)
    assert demo.dirt == ""
    mlfactory("restore", "docs/deleted.md", cwd=demo.path)
    assert demo.text("docs/deleted.md") == FIRST["tree/docs/deleted.md"]


def test_in_a_subdirectory_the_list_is_the_projects_own(source: Repo, tmp_path: Path) -> None:
    large = init(tmp_path / "large").commit({"pyproject.toml": '[tool.mlfactory]\nkeep = ["*"]\n'})
    render(source, large.path / "sub")
    large.commit({"sub/pyproject.toml": KEEP, "sub/Makefile": "all:\n"})
    mlfactory("update", large.path / "sub")
    assert large.text("sub/Makefile") == "all:\n"
    assert large.text("sub/other.md") == "other\n"


def test_what_may_stand_there_is_said(demo: Repo) -> None:
    for wrong in ("3", '["docs/", 3]', '["!"]', '[""]', "{a = 1}"):
        demo.commit({"pyproject.toml": f"[tool.mlfactory]\nkeep = {wrong}\n"})
        for argv in (("update",), ("status",)):
            result = mlfactory(*argv, cwd=demo.path, code=1)
            assert "pyproject.toml: keep cannot be" in result.stderr + result.stdout
    demo.commit({"pyproject.toml": '[tool.mlfactory]\nkeep = "docs/changed.md"\n'})
    mlfactory("update", "--dry-run", cwd=demo.path, code=None)


def test_the_record_goes_on_although_everything_is_left_alone(demo: Repo) -> None:
    demo.commit({"pyproject.toml": '[tool.mlfactory]\nkeep = ["*"]\n'})
    mlfactory("update", demo.path)
    assert demo.git("show", "--name-only", "--format=").split() == [".copier-answers.yml"]
    assert rows(demo, "update")["state"] == "current"
