"""What git makes of a template's change, and how the plan tells it, edge by edge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import SMALL, TEXT, Files, Repo, edited, mlfactory, project, release, template


def body(name: str) -> str:
    return "".join(f"{name}, line {number}\n" for number in range(1, 21))


def evolved(
    tmp_path: Path, first: Files, second: Files, mine: Files, settings: str = ""
) -> tuple[Repo, dict[str, str]]:
    """A project after the update, and the state of each file in the plan, the record aside."""
    start = {**SMALL, "copier.yml": f"{SMALL['copier.yml']}{settings}\n", **first}
    source = template(tmp_path / "template", start, second)
    repo = project(source, tmp_path / "demo")
    if mine:
        repo.commit(mine)
    planned = mlfactory("update", repo.path, "--dry-run", "--json", code=None)
    plan: dict[str, Any] = json.loads(planned.stdout)["plan"]
    result = mlfactory("update", repo.path, "--json", code=planned.returncode)
    assert json.loads(result.stdout)["plan"] == plan
    unmerged = repo.git("diff", "--name-only", "--diff-filter=U", "-z").split("\0")
    assert {c["path"] for c in plan["conflicts"]} == set(filter(None, unmerged))
    states = {c["path"]: c["state"] for c in plan["changes"]}
    assert states.pop(".copier-answers.yml") == "changed"
    return repo, states


def test_deleted_here_and_edited_there_is_kept_deleted(tmp_path: Path) -> None:
    repo, states = evolved(tmp_path, {}, {"tree/a.txt": edited(3)}, {"a.txt": None})
    assert states == {"a.txt": "kept deleted"}
    assert not repo.has("a.txt")


def test_deleted_on_both_sides_is_nothing_to_tell(tmp_path: Path) -> None:
    _, states = evolved(tmp_path, {}, {"tree/a.txt": None}, {"a.txt": None})
    assert states == {}


def test_edited_here_and_deleted_there_is_a_conflict(tmp_path: Path) -> None:
    repo, states = evolved(tmp_path, {}, {"tree/a.txt": None}, {"a.txt": edited(3, "ours")})
    assert states == {"a.txt": "conflict"}
    assert repo.text("a.txt") == edited(3, "ours")
    (status,) = json.loads(mlfactory("status", repo.path, "--json").stdout)["projects"]
    reason = status["conflicts"][0]["reason"]
    assert reason == "modify/delete: a.txt deleted in the template and modified in the project."


def test_renamed_on_both_sides_is_a_conflict(tmp_path: Path) -> None:
    second: Files = {"tree/a.txt": None, "tree/theirs.txt": TEXT}
    _, states = evolved(tmp_path, {}, second, {"a.txt": None, "ours.txt": TEXT})
    assert set(states.values()) == {"conflict"}


def test_renamed_here_and_deleted_there_is_a_conflict(tmp_path: Path) -> None:
    mine: Files = {"a.txt": None, "ours.txt": edited(3, "ours")}
    repo, states = evolved(tmp_path, {}, {"tree/a.txt": None}, mine)
    assert states == {"ours.txt": "conflict"}
    assert repo.text("ours.txt") == edited(3, "ours")


def test_the_same_change_on_both_sides_is_none(tmp_path: Path) -> None:
    change = edited(3, "same")
    _, states = evolved(tmp_path, {}, {"tree/a.txt": change}, {"a.txt": change})
    assert states == {}


def test_a_new_file_that_is_there_already(tmp_path: Path) -> None:
    second: Files = {"tree/same.txt": body("same"), "tree/other.txt": body("theirs")}
    mine: Files = {"same.txt": body("same"), "other.txt": body("ours")}
    _, states = evolved(tmp_path, {}, second, mine)
    assert states == {"other.txt": "conflict"}


def test_a_new_file_of_the_users_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    second: Files = {"tree/mine.txt": body("theirs")}
    settings = "_skip_if_exists: [mine.txt]"
    repo, _ = evolved(tmp_path, {}, second, {"mine.txt": body("ours")}, settings)
    assert repo.text("mine.txt") == body("ours")


def test_a_file_of_the_users_that_was_deleted_stays_deleted(tmp_path: Path) -> None:
    first: Files = {"tree/mine.txt": body("mine")}
    second: Files = {"tree/mine.txt": body("theirs")}
    settings = "_skip_if_exists: [mine.txt]"
    repo, states = evolved(tmp_path, first, second, {"mine.txt": None}, settings)
    assert not repo.has("mine.txt")
    assert states == {"mine.txt": "kept deleted"}


def test_patterns_of_ownership_are_copiers(tmp_path: Path) -> None:
    """gitignore's patterns, with answers in them, in folders as well."""
    names = ("docs/a.md", "demo/model.py", "deep/er/keep.cfg")
    first: Files = {f"tree/{name}": body(name) for name in names}
    second: Files = {f"tree/{name}": edited(3, "theirs", of=body(name)) for name in names}
    settings = '_skip_if_exists: [docs/, "{{ name }}/model.py", "*.cfg"]'
    repo, states = evolved(tmp_path, first, second, {}, settings)
    assert states == dict.fromkeys(names, "yours")
    assert [repo.text(name) for name in names] == [body(name) for name in names]


def test_an_ownership_that_begins_with_the_new_version_holds_for_the_update(
    tmp_path: Path,
) -> None:
    second: Files = {
        "copier.yml": f"{SMALL['copier.yml']}_skip_if_exists: [a.txt]\n",
        "tree/a.txt": edited(3, "theirs"),
    }
    repo, states = evolved(tmp_path, {}, second, {"a.txt": edited(15, "ours")})
    assert states == {"a.txt": "yours"}
    assert repo.text("a.txt") == edited(15, "ours")


def test_a_file_that_the_new_version_excludes_stays(tmp_path: Path) -> None:
    """As with copier: it no longer looks at it."""
    second: Files = {"copier.yml": f"{SMALL['copier.yml']}_exclude: [a.txt]\n"}
    repo, _ = evolved(tmp_path, {}, second, {"a.txt": edited(15, "ours")})
    assert repo.text("a.txt") == edited(15, "ours")


def test_a_file_that_becomes_a_folder_and_back(tmp_path: Path) -> None:
    first: Files = {"tree/one": body("one"), "tree/two/x": body("two")}
    second: Files = {
        "tree/one": None, "tree/one/x": body("other"), "tree/two/x": None, "tree/two": body("new"),
    }  # fmt: skip
    source = template(tmp_path / "template", {**SMALL, **first})
    source.git("rm", "--quiet", "-r", "tree/one", "tree/two")
    release(source, "v1.1.0", {name: text for name, text in second.items() if text})
    repo = project(source, tmp_path / "demo")
    mlfactory("update", repo.path)
    assert (repo.text("one/x"), repo.text("two")) == (body("other"), body("new"))
    assert repo.dirt == ""


@pytest.mark.parametrize("ours", ["new", "new/x/y"])
def test_a_file_here_and_a_folder_there_of_one_name(tmp_path: Path, ours: str) -> None:
    source = template(tmp_path / "template", SMALL, {"tree/new/x": body("theirs")})
    repo = project(source, tmp_path / "demo").commit({ours: body("ours")})
    before = repo.tree()
    outcome = json.loads(mlfactory("update", repo.path, "--json", code=4).stdout)
    (conflict,) = outcome["plan"]["conflicts"]
    assert conflict["path"] == ("new" if ours == "new" else "new/x")
    assert conflict["reason"].startswith("file/directory: ")
    assert not any(len(word) == 40 for word in conflict["reason"].replace("~", " ").split())
    mlfactory("update", repo.path, "--abort")
    assert (repo.tree(), repo.git("status", "--porcelain", "--ignored")) == (before, "")


def test_a_folder_that_the_template_moves_takes_no_file_of_the_users_along(
    tmp_path: Path,
) -> None:
    first: Files = {f"tree/old/{n}": body(n) for n in "xyz"}
    second: Files = {f"tree/old/{n}": None for n in "xyz"} | {
        f"tree/new/{n}": body(n) for n in "xyz"
    }
    repo, states = evolved(tmp_path, first, second, {"old/ours": body("ours")})
    assert repo.text("old/ours") == body("ours")
    assert states == dict.fromkeys(["new/x", "new/y", "new/z"], "renamed")


def test_a_question_that_rules_files_out(tmp_path: Path) -> None:
    """An answer that changes takes its files away, and brings others."""
    settings = "docs: {type: bool, default: true}"
    name = "tree/{% if docs %}docs{% endif %}/index.md"
    first: Files = {name: body("docs")}
    start = {**SMALL, "copier.yml": f"{SMALL['copier.yml']}{settings}\n", **first}
    source = template(tmp_path / "template", start)
    repo = project(source, tmp_path / "demo")
    assert repo.has("docs/index.md")
    mlfactory("update", repo.path, "--set", "docs=false")
    assert not repo.has("docs/index.md")
    mlfactory("update", repo.path, "--set", "docs=true")
    assert repo.text("docs/index.md") == body("docs")


def test_an_answer_that_is_valid_no_more_takes_the_default(tmp_path: Path) -> None:
    first = {**SMALL, "copier.yml": "_subdirectory: tree\nname: {type: str, choices: [demo, x]}\n"}
    second: Files = {
        "copier.yml": "_subdirectory: tree\nname: {type: str, choices: [y], default: y}\n"
    }
    source = template(tmp_path / "template", first, second)
    repo = project(source, tmp_path / "demo", data={"name": "x"})
    mlfactory("update", repo.path)
    assert repo.text("b.txt") == "y\n"


def test_a_question_that_is_gone_leaves_the_record(tmp_path: Path) -> None:
    first = {**SMALL, "copier.yml": SMALL["copier.yml"] + "old: {type: str, default: o}\n"}
    source = template(tmp_path / "template", first, {"copier.yml": SMALL["copier.yml"]})
    repo = project(source, tmp_path / "demo")
    mlfactory("update", repo.path)
    assert "old" not in repo.text(".copier-answers.yml")


@pytest.mark.parametrize("answer", ["{{ 1 + 1 }}", "{% raw %}", "a: b # c", "'\"", "ü\n\tx"])
def test_answers_are_taken_literally(tmp_path: Path, answer: str) -> None:
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3)})
    repo = project(source, tmp_path / "demo", data={"name": answer})
    assert repo.text("b.txt") == f"{answer}\n"
    mlfactory("update", repo.path)
    assert repo.text("b.txt") == f"{answer}\n"
    assert repo.text("a.txt") == edited(3)


def test_the_reason_of_a_conflict_is_gits(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    repo = project(source, tmp_path / "demo").commit({"a.txt": edited(3, "ours")})
    outcome = json.loads(mlfactory("update", repo.path, "--json", code=4).stdout)
    assert outcome["plan"]["conflicts"] == [
        {"path": "a.txt", "reason": "content: Merge conflict in a.txt"}
    ]
