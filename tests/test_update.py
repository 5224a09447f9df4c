"""`mlfactory update` on plain copier templates: the plan, the merge, conflicts and ways back."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.git import plain
from mlfactory.render import cache

from .evolving import (
    ANSWERS,
    SMALL,
    Repo,
    edited,
    init,
    mlfactory,
    project,
    release,
    template,
)
from .test_cli import converse


def body(name: str) -> str:
    """Twenty lines that no other file has."""
    return "".join(f"{name}, line {number}\n" for number in range(1, 21))


def theirs(name: str, of: str = "") -> str:
    return edited(3, "theirs", of=of or body(name))


def ours(name: str) -> str:
    return edited(15, "ours", of=body(name))


OWN_SETTINGS = '[tool.mlfactory]\nsettings = "params.yaml"\n'
FIRST = {
    "copier.yml": """
_subdirectory: tree
_skip_if_exists: [mine.txt, dropped.txt, moved.txt]
name: {type: str, default: demo}
""",
    "CHANGELOG.md": "# Changelog\n\n## 1.0.0\n\n- First.\n",
    ANSWERS: "{{ _copier_answers | to_nice_yaml }}",
    "tree/pyproject.toml": OWN_SETTINGS,
    "tree/params.yaml": "model:\n  depth: 3\n",
    **{
        f"tree/{name}.txt": body(name)
        for name in (
            "changed", "merged", "torn", "old", "old-edited", "removed",
            "unwanted", "unwanted-old", "mine", "dropped", "moved", "quiet", "followed",
        )
    },
}  # fmt: skip
SECOND = {
    "copier.yml": """
_subdirectory: tree
_skip_if_exists: [mine.txt, dropped.txt, moved.txt, moved-on.txt]
name: {type: str, default: demo}
colour: {type: str, default: "light red"}
""",
    "CHANGELOG.md": "# Changelog\n\n## 1.1.0\n\n- Second, with colour.\n\n## 1.0.0\n\n- First.\n",
    "tree/params.yaml": "model:\n  depth: 3\n  leaves: 31\nseed: 7\n",
    "tree/colour.txt.jinja": "{{ colour }}\n",
    "tree/changed.txt": theirs("changed"),
    "tree/merged.txt": theirs("merged"),
    "tree/torn.txt": theirs("torn"),
    "tree/old.txt": None,
    "tree/new.txt": body("old"),
    "tree/old-edited.txt": None,
    "tree/new-edited.txt": theirs("old-edited"),
    "tree/removed.txt": None,
    "tree/unwanted.txt": theirs("unwanted"),
    "tree/unwanted-old.txt": None,
    "tree/unwanted-new.txt": body("unwanted-old"),
    "tree/mine.txt": theirs("mine"),
    "tree/dropped.txt": None,
    "tree/moved.txt": None,
    "tree/moved-on.txt": body("moved"),
    "tree/followed.txt": theirs("followed"),
}
MINE = {
    "merged.txt": ours("merged"),
    "torn.txt": edited(3, "ours", of=body("torn")),
    "old-edited.txt": ours("old-edited"),
    "unwanted.txt": None,
    "unwanted-old.txt": None,
    "mine.txt": ours("mine"),
    "dropped.txt": ours("dropped"),
    "moved.txt": ours("moved"),
    "quiet.txt": ours("quiet"),
    "followed.txt": None,
    "notes/followed.md": body("followed"),
}
STATES = {
    ".copier-answers.yml": "changed",
    "params.yaml": "changed",
    "colour.txt": "added",
    "moved-on.txt": "added",
    "changed.txt": "changed",
    "notes/followed.md": "changed",
    "merged.txt": "merged",
    "torn.txt": "conflict",
    "new.txt": "renamed",
    "new-edited.txt": "renamed",
    "removed.txt": "deleted",
    "unwanted.txt": "kept deleted",
    "unwanted-old.txt": "kept deleted",
    "mine.txt": "yours",
}


@pytest.fixture
def evolved(tmp_path: Path) -> Repo:
    """A template of two versions in which everything happens to some file."""
    return template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def demo(evolved: Repo, tmp_path: Path) -> Repo:
    """A project of its first version that somebody has worked in, in every way."""
    return project(evolved, tmp_path / "demo").commit(MINE)


@pytest.fixture
def peaceful(demo: Repo) -> Repo:
    """The same without the edit that is in conflict."""
    return demo.commit({"torn.txt": body("torn")})


@pytest.fixture
def small(tmp_path: Path) -> Repo:
    """The smallest project that is one version behind."""
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    return project(source, tmp_path / "small")


@pytest.fixture
def torn(small: Repo) -> Repo:
    """The same with an edit that is in conflict, and an update that was begun."""
    small.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", small.path, code=4)
    return small


def plan(repo: Repo, *options: str, code: int = 0) -> dict[str, Any]:
    result = mlfactory("update", repo.path, "--dry-run", "--json", *options, code=code)
    content: dict[str, Any] = json.loads(result.stdout)["plan"]
    return content


# The plan


def test_every_file_has_its_state(demo: Repo) -> None:
    content = plan(demo, code=4)
    assert {change["path"]: change["state"] for change in content["changes"]} == STATES


def test_what_becomes_of_a_file_is_noted_where_the_state_does_not_say_it(demo: Repo) -> None:
    notes = {c["path"]: c["note"] for c in plan(demo, code=4)["changes"] if c["note"]}
    assert notes.pop("torn.txt")
    assert notes == {
        "new.txt": "was old.txt",
        "new-edited.txt": "was old-edited.txt",
        "unwanted-old.txt": "the template has it as unwanted-new.txt now",
    }


def test_the_plan_says_from_where_to_where(demo: Repo, evolved: Repo) -> None:
    content = plan(demo, code=4)
    assert (content["from_version"], content["to_version"]) == ("v1.0.0", "v1.1.0")
    assert (content["project"], content["source"]) == (str(demo.path), str(evolved.path))


def test_the_plan_has_what_the_templates_changelog_gained(demo: Repo) -> None:
    assert plan(demo, code=4)["changelog"] == "## 1.1.0\n\n- Second, with colour."


def test_without_a_changelog_the_plan_has_the_subjects(small: Repo) -> None:
    assert plan(small)["changelog"] == "- Release v1.1.0"


def test_the_plan_has_new_questions_and_settings_with_their_defaults(demo: Repo) -> None:
    content = plan(demo, code=4)
    assert content["questions"] == {"colour": "light red"}
    assert content["settings"] == {"model.leaves": 31, "seed": 7}


def test_a_setting_that_the_project_has_is_not_new(demo: Repo) -> None:
    demo.commit({"params.yaml": "model:\n  depth: 3\nseed: 9\n"})
    assert plan(demo, code=4)["settings"] == {"model.leaves": 31}


def test_a_dry_run_prints_the_plan_of_the_real_run(demo: Repo) -> None:
    output = mlfactory("update", demo.path, "--dry-run", code=4).stdout
    assert mlfactory("update", demo.path, code=4).stdout == output
    for text in ("v1.0.0 -> v1.1.0", "Second, with colour.", 'colour: "light red"', "seed: 7"):
        assert text in output
    for name, state in STATES.items():
        assert f"  {state:<12}  {name}" in output


def test_a_dry_run_changes_nothing_not_even_the_index(demo: Repo) -> None:
    os.utime(demo.path / "changed.txt")  # for git the index is stale now
    before = demo.everything(), demo.git("count-objects", "-v")
    mlfactory("update", demo.path, "--dry-run", code=4)
    assert (demo.everything(), demo.git("count-objects", "-v")) == before


def test_a_dry_run_of_a_dirty_project_says_what_it_did_not_look_at(small: Repo) -> None:
    small.write({"a.txt": "dirty\n"})
    result = mlfactory("update", small.path, "--dry-run")
    assert "not committed, and so not looked at: a.txt" in result.stderr


def test_a_dry_run_needs_nobodys_name(small: Repo, home: Path) -> None:
    (home / ".gitconfig").unlink()
    assert "changed       a.txt" in mlfactory("update", small.path, "--dry-run").stdout


# The merge


def test_a_clean_update_is_one_commit_on_top(peaceful: Repo) -> None:
    before = peaceful.head
    outcome = json.loads(mlfactory("update", peaceful.path, "--json").stdout)
    assert (outcome["state"], outcome["commit"]) == ("updated", peaceful.head)
    assert peaceful.git("rev-parse", "HEAD^").strip() == before
    assert peaceful.dirt == ""
    assert peaceful.git("log", "-1", "--format=%an %cn").strip() == "Tester Tester"


def test_a_clean_update_does_what_the_plan_says(peaceful: Repo) -> None:
    mlfactory("update", peaceful.path)
    assert peaceful.text("changed.txt") == theirs("changed")
    assert peaceful.text("merged.txt") == theirs("merged", of=ours("merged"))
    assert peaceful.text("new-edited.txt") == theirs("old-edited", of=ours("old-edited"))
    assert peaceful.text("new.txt") == body("old")
    assert peaceful.text("colour.txt") == "light red\n"
    assert peaceful.text("notes/followed.md") == theirs("followed")
    for names in ("old.txt", "old-edited.txt", "removed.txt", "followed.txt"):
        assert not peaceful.has(names)


def test_what_the_user_deleted_stays_deleted_under_every_name(peaceful: Repo) -> None:
    mlfactory("update", peaceful.path)
    assert not [n for n in ("unwanted.txt", "unwanted-old.txt", "unwanted-new.txt")
                if peaceful.has(n)]  # fmt: skip


def test_files_of_the_users_never_change_once_they_exist(peaceful: Repo) -> None:
    """Not when the template changes, drops or moves them."""
    mlfactory("update", peaceful.path)
    for name in ("mine", "dropped", "moved", "quiet"):
        assert peaceful.text(f"{name}.txt") == ours(name)


def test_a_file_of_the_users_does_not_change_under_another_name_either(peaceful: Repo) -> None:
    peaceful.git("mv", "mine.txt", "my-own.txt")
    peaceful.commit()
    mlfactory("update", peaceful.path)
    assert peaceful.text("my-own.txt") == ours("mine")
    assert not peaceful.has("mine.txt")


def test_the_commit_says_what_changed(peaceful: Repo) -> None:
    mlfactory("update", peaceful.path)
    message = peaceful.git("log", "-1", "--format=%B")
    assert message.startswith("Update demo from v1.0.0 to v1.1.0\n")
    assert "- Second, with colour." in message
    assert "colour: 'light red'" in message


def test_the_answers_file_takes_the_new_version(peaceful: Repo) -> None:
    """Also when the user has edited it."""
    text = peaceful.text(".copier-answers.yml")
    peaceful.commit({".copier-answers.yml": text.replace("name: demo", "# mine\nname: other")})
    mlfactory("update", peaceful.path)
    assert "_commit: v1.1.0" in peaceful.text(".copier-answers.yml")
    assert "name: other" in peaceful.text(".copier-answers.yml")


def test_the_second_time_there_is_nothing_to_do(small: Repo) -> None:
    mlfactory("update", small.path)
    before = small.everything()
    result = mlfactory("update", small.path)
    assert result.stdout == f"{small.path} is at v1.1.0: nothing to do\n"
    assert small.everything() == before


def test_an_update_that_changes_no_file_but_the_record_is_one_too(tmp_path: Path) -> None:
    source = template(tmp_path / "template", SMALL, {"README.md": "more\n"})
    repo = project(source, tmp_path / "demo")
    mlfactory("update", repo.path)
    assert "_commit: v1.1.0" in repo.text(".copier-answers.yml")


def test_several_versions_are_taken_in_one_go(tmp_path: Path) -> None:
    source = template(
        tmp_path / "template", SMALL, {"tree/a.txt": edited(3)}, {"tree/c.txt": "c\n"}
    )
    repo = project(source, tmp_path / "demo")
    mlfactory("update", repo.path)
    assert (repo.text("a.txt"), repo.text("c.txt")) == (edited(3), "c\n")
    assert repo.git("rev-list", "--count", "HEAD").strip() == "2"


def test_the_base_is_kept_in_the_project(tmp_path: Path, home: Path) -> None:
    """A second update renders only the new version, though the user's cache is gone."""
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3)})
    repo = project(source, tmp_path / "demo")
    mlfactory("update", repo.path)
    assert repo.git("for-each-ref", "--format=%(refname)").count("refs/mlfactory/base/") == 1
    release(source, "v1.2.0", {"tree/a.txt": edited(9, of=edited(3))})
    mlfactory("update", repo.path, XDG_CACHE_HOME=str(home / "other"))
    assert repo.text("a.txt") == edited(9, of=edited(3))


def test_in_a_fresh_clone_without_the_base_an_update_is_the_same(small: Repo) -> None:
    mlfactory("update", small.path)
    release(Repo(small.path.parent / "template"), "v1.2.0", {"tree/c.txt": "c\n"})
    other = Repo(small.path.parent / "elsewhere" / "small")
    small.git("clone", "--quiet", small.path, other.path)
    mlfactory("update", small.path)
    mlfactory("update", other.path)
    assert other.tree() == small.tree()


# Options


def test_to_names_a_version_a_branch_or_a_commit(small: Repo) -> None:
    source = Repo(small.path.parent / "template")
    source.git("switch", "--quiet", "--create", "next")
    commit = source.commit({"tree/c.txt": "c\n"}).head
    source.git("switch", "--quiet", "main")
    for ref in ("next", commit, commit[:9]):
        assert (
            "added         c.txt"
            in mlfactory("update", small.path, "--dry-run", "--to", ref).stdout
        )
    mlfactory("update", small.path, "--to", "1.1.0")
    assert "_commit: v1.1.0" in small.text(".copier-answers.yml")


def test_to_head_is_the_newest_commit_of_the_template(small: Repo) -> None:
    Repo(small.path.parent / "template").commit({"tree/c.txt": "c\n"})
    mlfactory("update", small.path, "--to", "HEAD")
    assert small.has("c.txt")


def test_to_an_older_version_goes_back(small: Repo) -> None:
    before = small.tree()
    mlfactory("update", small.path)
    mlfactory("update", small.path, "--to", "v1.0.0")
    assert small.tree() == before


def test_a_prerelease_is_taken_only_when_named(small: Repo) -> None:
    release(Repo(small.path.parent / "template"), "v2.0.0rc1", {"tree/c.txt": "c\n"})
    assert plan(small)["to_version"] == "v1.1.0"
    mlfactory("update", small.path, "--to", "v2.0.0rc1")
    assert small.has("c.txt")


def test_set_answers_new_questions_and_old_ones(peaceful: Repo) -> None:
    mlfactory("update", peaceful.path, "--set", "colour=blue = green", "--set", "name=other")
    assert peaceful.text("colour.txt") == "blue = green\n"
    assert "name: other" in peaceful.text(".copier-answers.yml")


def test_set_at_the_same_version_answers_anew(small: Repo) -> None:
    mlfactory("update", small.path)
    mlfactory("update", small.path, "--set", "name=other")
    assert small.text("b.txt") == "other\n"
    assert "anew" in small.git("log", "-1", "--format=%s")


def test_an_answer_that_is_there_already_is_nothing_to_do(small: Repo) -> None:
    mlfactory("update", small.path)
    result = mlfactory("update", small.path, "--set", "name=demo")
    assert result.stdout == f"{small.path} is at v1.1.0: nothing to do\n"


def test_defaults_are_taken_and_listed(peaceful: Repo) -> None:
    result = mlfactory("update", peaceful.path, "--defaults")
    assert 'New questions, with their answers:\n  colour: "light red"' in result.stdout
    assert "colour: light red" in peaceful.text(".copier-answers.yml")


def test_on_a_terminal_new_questions_are_asked_and_old_ones_are_not(peaceful: Repo) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execlp("mlfactory", "mlfactory", "update", str(peaceful.path))
    screen = converse(terminal, ("colour", "\x15green\r"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, screen
    assert peaceful.text("colour.txt") == "green\n"
    assert "name: demo" in peaceful.text(".copier-answers.yml")
    assert 'colour: "green"' in screen


def test_with_json_there_is_one_object_on_stdout(demo: Repo) -> None:
    result = mlfactory("update", demo.path, "--json", code=4)
    content = json.loads(result.stdout)
    assert content["state"] == "conflicts"
    assert [conflict["path"] for conflict in content["plan"]["conflicts"]] == ["torn.txt"]
    assert any("cherry-pick --abort" in command for command in content["next"])


# Conflicts


def test_a_conflict_ends_with_4_a_list_and_the_ways_on(demo: Repo) -> None:
    result = mlfactory("update", demo.path, code=4)
    assert "  conflict      torn.txt" in result.stdout
    for way in ("git mergetool", "git cherry-pick --continue", "git cherry-pick --abort",
                "mlfactory update --continue", "mlfactory update --abort"):  # fmt: skip
        assert way in result.stderr
    assert "UU torn.txt" in demo.dirt
    assert "<<<<<<<" in demo.text("torn.txt")


def test_a_dry_run_foretells_conflicts_with_4(demo: Repo) -> None:
    assert [c["path"] for c in plan(demo, code=4)["conflicts"]] == ["torn.txt"]


def resolved(repo: Repo) -> Repo:
    repo.write({"a.txt": edited(3, "both")})
    repo.git("add", "a.txt")
    return repo


def check_resolved(repo: Repo) -> None:
    assert repo.text("a.txt") == edited(3, "both")
    assert "_commit: v1.1.0" in repo.text(".copier-answers.yml")
    assert (repo.dirt, repo.git("log", "-1", "--format=%s").startswith("Update small")) == (
        "",
        True,
    )
    assert "nothing to do" in mlfactory("update", repo.path).stdout


def test_git_goes_on(torn: Repo) -> None:
    resolved(torn).git("cherry-pick", "--continue", GIT_EDITOR="true")
    check_resolved(torn)


def test_mlfactory_goes_on(torn: Repo) -> None:
    result = mlfactory("update", "--continue", cwd=resolved(torn).path)
    assert "git revert" in result.stderr
    check_resolved(torn)


def test_mlfactory_goes_on_after_git_has(torn: Repo) -> None:
    resolved(torn).git("cherry-pick", "--continue", GIT_EDITOR="true")
    mlfactory("update", "--continue", cwd=torn.path)
    check_resolved(torn)


def test_a_mergetool_can_resolve_it(torn: Repo) -> None:
    text = edited(3, "both").replace("\n", "\\n")
    torn.git("config", "mergetool.robot.cmd", f"printf '{text}' > \"$MERGED\"")
    torn.git("config", "mergetool.robot.trustExitCode", "true")
    torn.git("config", "mergetool.keepBackup", "false")
    torn.git("mergetool", "--no-prompt", "--tool=robot")
    mlfactory("update", torn.path, "--continue")
    check_resolved(torn)


def test_the_message_of_a_resolved_update_keeps_its_headings(demo: Repo) -> None:
    mlfactory("update", demo.path, code=4)
    demo.git("checkout", "--theirs", "torn.txt")
    demo.git("add", "torn.txt")
    mlfactory("update", demo.path, "--continue")
    assert "\n\n1.1.0\n\n- Second, with colour." in demo.git("log", "-1", "--format=%B")


@pytest.mark.parametrize(
    "back", [("git", "cherry-pick", "--abort"), ("mlfactory", "update", "--abort")]
)
def test_both_ways_back_leave_everything_as_it_was(small: Repo, back: tuple[str, ...]) -> None:
    small.commit({"a.txt": edited(3, "ours")})
    release(Repo(small.path.parent / "template"), "v1.2.0", {"tree/new/c.txt": "c\n"})
    before, head = small.tree(), small.head
    mlfactory("update", small.path, code=4)
    small.git(*back[1:]) if back[0] == "git" else mlfactory(*back[1:], cwd=small.path)
    assert (small.tree(), small.head, small.dirt) == (before, head, "")
    assert not small.has("new")
    result = mlfactory("update", small.path, code=4)
    assert "conflict      a.txt" in result.stdout


def test_the_update_is_refused_while_another_is_not_finished(torn: Repo) -> None:
    result = mlfactory("update", torn.path, code=1)
    assert "is not finished yet" in result.stderr
    assert "hint: mlfactory update --continue, or mlfactory update --abort" in result.stderr


def test_going_on_is_refused_while_files_are_in_conflict(torn: Repo) -> None:
    before = torn.everything()
    result = mlfactory("update", torn.path, "--continue", code=4)
    assert result.stderr.startswith("error: still in conflict: a.txt\nhint: ")
    assert torn.everything() == before


def test_going_on_is_refused_while_markers_are_left(torn: Repo) -> None:
    torn.git("add", "a.txt")
    result = mlfactory("update", torn.path, "--continue", code=4)
    assert result.stderr.startswith("error: conflict markers are left in a.txt\nhint: ")
    check_resolved(mlfactory("update", resolved(torn).path, "--continue") and torn)


def test_an_underlined_heading_is_no_conflict_marker(small: Repo) -> None:
    heading = "Changes\n=======\n"
    release(Repo(small.path.parent / "template"), "v1.2.0", {"tree/é news.rst": heading})
    small.commit({"a.txt": edited(3, "ours")})
    mlfactory("update", small.path, code=4)
    mlfactory("update", resolved(small).path, "--continue")
    assert small.text("é news.rst") == heading


def test_without_an_update_there_is_nothing_to_go_on_with(small: Repo) -> None:
    for option in ("--continue", "--abort"):
        result = mlfactory("update", small.path, option, code=1)
        assert result.stderr.startswith("error: no update is in progress in ")


def test_only_one_of_continue_and_abort(torn: Repo) -> None:
    mlfactory("update", torn.path, "--continue", "--abort", code=2)
    assert "UU a.txt" in torn.dirt


# The user's own commits


def test_abort_after_the_users_own_commits_loses_none(torn: Repo) -> None:
    resolved(torn).git("cherry-pick", "--continue", GIT_EDITOR="true")
    head = torn.commit({"more.txt": "more\n"}).head
    result = mlfactory("update", torn.path, "--abort", code=1)
    assert "it is over" in result.stderr
    assert (torn.head, torn.dirt) == (head, "")
    assert "nothing to do" in mlfactory("update", torn.path).stdout


def test_abort_after_git_has_gone_on_keeps_what_the_user_resolved(torn: Repo) -> None:
    resolved(torn).git("cherry-pick", "--continue", GIT_EDITOR="true")
    head = torn.head
    result = mlfactory("update", torn.path, "--abort", code=1)
    assert f"git revert {head[:10]}" in result.stderr
    assert torn.head == head


def test_abort_keeps_edits_elsewhere(torn: Repo) -> None:
    torn.write({"b.txt": "mine\n"})
    mlfactory("update", torn.path, "--abort")
    assert torn.text("b.txt") == "mine\n"
    assert torn.text("a.txt") == edited(3, "ours")


def test_another_cherry_pick_is_not_taken_for_the_update(torn: Repo) -> None:
    torn.git("cherry-pick", "--abort")
    torn.git("switch", "--quiet", "--create", "other", "HEAD^")
    other = torn.commit({"a.txt": edited(3, "other")}).head
    torn.git("switch", "--quiet", "main")
    torn.git("cherry-pick", other, code=1)
    for options in ((), ("--continue",), ("--abort",)):
        mlfactory("update", torn.path, *options, code=1)
        assert "UU a.txt" in torn.dirt
        assert torn.git("rev-parse", "CHERRY_PICK_HEAD").strip() == other


# Hooks


def hook(repo: Repo, name: str, text: str) -> None:
    path = repo.path / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "name",
    [
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-checkout",
        "post-commit",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
    ],
)
def test_hooks_do_not_block_a_clean_update(small: Repo, name: str) -> None:
    hook(small, name, "touch ran; exit 1")
    mlfactory("update", small.path)
    assert small.text("a.txt") == edited(3, "theirs")
    assert not small.has("ran")


def test_an_import_that_fails_leaves_no_report(small: Repo) -> None:
    repository = plain(small.path)
    small.write({".git/fast_import_crash_1": "of others\n"})
    with pytest.raises(MlfactoryError, match="1234"), cache.no_reports(repository):
        repository.run("fast-import", "--quiet", stdin=b"reset refs/heads/x\nfrom 1234\n")
    assert [p.name for p in small.path.glob(".git/fast_import_crash_*")] == ["fast_import_crash_1"]


def test_hooks_run_when_it_goes_on_and_what_they_refuse_can_be_mended(torn: Repo) -> None:
    hook(torn, "pre-commit", "touch ran; test -e allowed || { echo not tidy >&2; exit 1; }")
    result = mlfactory("update", resolved(torn).path, "--continue", code=1)
    assert "not tidy" in result.stderr
    assert torn.has("ran")
    torn.write({"allowed": ""})
    mlfactory("update", torn.path, "--continue")
    assert torn.git("log", "-1", "--format=%s").startswith("Update small")


# Taking it back


def test_the_message_says_how_to_take_it_back_and_it_works(peaceful: Repo) -> None:
    before = peaceful.tree()
    result = mlfactory("update", peaceful.path)
    line = next(text for text in result.stderr.splitlines() if "git revert" in text)
    peaceful.git("revert", "--no-edit", line.split()[3])
    assert peaceful.tree() == before


def test_after_a_revert_the_update_can_be_had_again(peaceful: Repo) -> None:
    mlfactory("update", peaceful.path)
    after = peaceful.tree()
    peaceful.git("revert", "--no-edit", "HEAD")
    mlfactory("update", peaceful.path)
    assert peaceful.tree() == after


# When git itself cannot go on


def test_a_signature_that_fails_leaves_everything_as_it_was(small: Repo) -> None:
    small.git("config", "commit.gpgsign", "true")
    small.git("config", "gpg.program", "/bin/false")
    before = small.tree(), small.head
    result = mlfactory("update", small.path, code=1)
    assert "hint: Nothing was changed; mend this and update again." in result.stderr
    assert (small.tree(), small.head, small.dirt) == (*before, "")
    small.git("config", "commit.gpgsign", "false")
    mlfactory("update", small.path)


def test_an_index_that_another_program_holds(small: Repo) -> None:
    lock = small.path / ".git/index.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    before = small.everything()
    result = mlfactory("update", small.path, code=1)
    assert "index.lock" in result.stderr
    assert lock.exists()
    after = small.everything()
    assert {n: c for n, c in after.items() if ".git" not in n} == {
        n: c for n, c in before.items() if ".git" not in n
    }
    lock.unlink()
    mlfactory("update", small.path)
    assert small.text("a.txt") == edited(3, "theirs")


def test_what_git_remembers_of_conflicts_does_not_decide_for_the_user(torn: Repo) -> None:
    """With rerere a second update writes the old resolution; a person still has to say so."""
    torn.git("config", "rerere.enabled", "true")
    torn.git("config", "rerere.autoUpdate", "true")
    mlfactory("update", torn.path, "--abort")
    mlfactory("update", torn.path, code=4)
    resolved(torn)
    mlfactory("update", torn.path, "--continue")
    torn.git("reset", "--quiet", "--hard", "HEAD^")
    mlfactory("update", torn.path, code=4)
    assert torn.text("a.txt") == edited(3, "both")
    torn.git("add", "a.txt")
    mlfactory("update", torn.path, "--continue")
    check_resolved(torn)


def test_a_reset_by_hand_ends_the_update(torn: Repo) -> None:
    torn.git("reset", "--quiet", "--hard")
    assert "conflict      a.txt" in mlfactory("update", torn.path, code=4).stdout


def test_a_cherry_pick_that_was_quit_can_be_taken_back(torn: Repo) -> None:
    torn.git("cherry-pick", "--quit")
    assert "UU a.txt" in torn.dirt
    mlfactory("update", torn.path, "--abort")
    assert (torn.text("a.txt"), torn.dirt) == (edited(3, "ours"), "")


def test_work_after_going_back_by_hand_is_no_update(torn: Repo) -> None:
    torn.git("cherry-pick", "--abort")
    torn.write({"a.txt": "work in progress\n"})
    result = mlfactory("update", torn.path, code=1)
    assert "has changes that are not committed: a.txt" in result.stderr
    assert torn.text("a.txt") == "work in progress\n"


def test_a_branch_that_was_switched_to_meanwhile_is_not_touched(torn: Repo) -> None:
    torn.git("cherry-pick", "--abort")
    torn.git("switch", "--quiet", "--create", "other")
    head = torn.commit({"c.txt": "c\n"}).head
    for option in ("--continue", "--abort"):
        mlfactory("update", torn.path, option, code=1)
        assert (torn.head, torn.dirt) == (head, "")


# Submodules of a template


def test_a_submodule_in_the_templates_folder_is_only_files(tmp_path: Path, home: Path) -> None:
    (home / ".gitconfig").write_text(
        (home / ".gitconfig").read_text() + '[protocol "file"]\nallow = always\n'
    )
    inner = init(tmp_path / "inner").commit({"deep.txt": "deep\n"})
    outer = init(tmp_path / "outer").commit({"shared.txt": "one\n"})
    outer.git("submodule", "--quiet", "add", inner.path, "inner")
    outer.commit()
    source = init(tmp_path / "template").write(SMALL)
    source.git("submodule", "--quiet", "add", outer.path, "tree/vendor")
    release(source, "v1.0.0", {})
    mlfactory("new", tmp_path / "demo", "--template", source.path, "--defaults")
    demo = Repo(tmp_path / "demo")
    tracked = demo.git("ls-files", "vendor").splitlines()
    assert tracked == ["vendor/.gitmodules", "vendor/inner/deep.txt", "vendor/shared.txt"]
    assert "no drift" in mlfactory("status", demo.path).stdout
    outer.commit({"shared.txt": "two\n"})
    source.git("submodule", "--quiet", "update", "--remote", "tree/vendor")
    release(source, "v1.1.0", {})
    mlfactory("update", demo.path)
    assert demo.text("vendor/shared.txt") == "two\n"
