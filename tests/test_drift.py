"""`mlfactory diff` and `mlfactory restore`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .evolving import SMALL, TEXT, Repo, edited, init, mlfactory, project, render, template

FIRST = {
    "copier.yml": """
_subdirectory: tree
_skip_if_exists: [mine.txt]
name: {type: str, default: demo}
""",
    **{name: text for name, text in SMALL.items() if name != "copier.yml"},
    "tree/docs/one.txt": f"one\n{TEXT}",
    "tree/docs/two.txt": f"two\n{TEXT}",
    "tree/moved.txt": f"moved\n{TEXT}",
    "tree/mine.txt": "mine\n",
    "tree/{{ name }}/inside.txt": f"inside\n{TEXT}",
    "tree/picture.bin": bytes(range(256)),
}
SECOND = {"tree/a.txt": edited(3, "theirs"), "tree/new.txt": "new\n"}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo")


def diff(repo: Repo, *argv: object, code: int = 0) -> str:
    return mlfactory("diff", *argv, cwd=repo.path, code=code).stdout


def applied(repo: Repo, patch: str, *options: str) -> Repo:
    """The repository after `git apply`."""
    file = repo.path.parent / "change.patch"
    file.write_bytes(patch.encode("utf-8", "surrogateescape"))
    repo.git("apply", *options, file)
    return repo


# diff


def test_a_fresh_project_has_no_diff(demo: Repo) -> None:
    assert diff(demo) == ""


def test_the_diff_leads_from_the_project_to_the_template(demo: Repo) -> None:
    before = demo.tree()
    demo.commit({"a.txt": edited(3, "ours"), "docs/one.txt": None, "picture.bin": b"\0\1ours"})
    patch = diff(demo)
    assert "\n-ours\n+line 3 of twenty\n" in patch
    applied(demo, patch, "--index").git("commit", "--quiet", "--message", "back")
    assert demo.tree() == before


def test_a_renamed_file_is_shown_as_renamed(demo: Repo) -> None:
    demo.git("mv", "moved.txt", "docs/moved.txt")
    demo.commit()
    patch = diff(demo)
    assert "rename from docs/moved.txt\nrename to moved.txt\n" in patch
    assert applied(demo, patch).has("moved.txt")


def test_edits_that_are_not_committed_are_in_the_diff(demo: Repo) -> None:
    demo.write({"a.txt": edited(3, "dirty")})
    assert "\n-dirty\n" in diff(demo)


def test_files_of_the_users_and_those_of_others_are_not(demo: Repo) -> None:
    demo.commit({"mine.txt": "other\n", "more.txt": "more\n", ".copier-answers.yml": (
        demo.text(".copier-answers.yml") + "# edited\n")})  # fmt: skip
    assert diff(demo) == ""


def test_paths_choose(demo: Repo) -> None:
    demo.commit({"a.txt": "ours\n", "docs/one.txt": "ours\n", "docs/two.txt": "ours\n"})
    assert diff(demo, "docs").count("diff --git") == 2
    assert diff(demo, "docs/one.txt", "a.txt").count("diff --git") == 2
    assert diff(demo, demo.path, "docs/two.txt").count("diff --git") == 1
    assert diff(Repo(demo.path / "docs"), "one.txt").count("diff --git") == 1
    assert diff(Repo(demo.path / "docs"), "../a.txt").count("diff --git") == 1
    assert diff(demo, ".").count("diff --git") == 3


def test_a_path_of_nothing_is_a_wrong_call(demo: Repo) -> None:
    result = mlfactory("diff", "nothing.txt", cwd=demo.path, code=2)
    assert result.stderr.startswith("error: nothing.txt is not one of the template's files")


def test_another_place_is_shown_from_anywhere(demo: Repo, tmp_path: Path) -> None:
    demo.commit({"a.txt": "ours\n"})
    assert mlfactory("diff", "demo", "a.txt", cwd=tmp_path).stdout == diff(demo)


@pytest.mark.parametrize("options", [("--update",), ("--to", "v1.1.0")])
def test_what_an_update_would_change(demo: Repo, options: tuple[str, ...]) -> None:
    demo.commit({"a.txt": edited(15, "ours")})
    patch = diff(demo, *options)
    assert "\n-line 3 of twenty\n+theirs\n" in patch
    applied(demo, patch, "--index").git("commit", "--quiet", "--message", "by hand")
    by_hand = demo.tree()
    demo.git("reset", "--quiet", "--hard", "HEAD^")
    mlfactory("update", demo.path)
    assert demo.tree() == by_hand


def test_paths_choose_from_an_update_too(demo: Repo) -> None:
    assert diff(demo, "--update", "new.txt").count("diff --git") == 1


def test_reverse_is_a_patch_for_the_template(demo: Repo, source: Repo) -> None:
    """Files keep the names that they have there, with Jinja in names and folders in front."""
    demo.commit({"a.txt": edited(3, "ours"), "demo/inside.txt": f"inside\n{edited(9, 'ours')}"})
    (demo.path / "docs/one.txt").chmod(0o755)
    demo.commit({"docs/two.txt": None})
    source.git("checkout", "--quiet", "v1.0.0")
    applied(source, diff(demo, "--reverse"))
    assert source.text("tree/a.txt") == edited(3, "ours")
    assert source.text("tree/{{ name }}/inside.txt") == f"inside\n{edited(9, 'ours')}"
    assert (source.path / "tree/docs/one.txt").stat().st_mode & 0o100
    assert not source.has("tree/docs/two.txt")


def test_reverse_names_the_templates_file_of_a_rendered_one(demo: Repo) -> None:
    demo.commit({"b.txt": "ours\n"})
    assert "a/tree/b.txt.jinja" in diff(demo, "--reverse")


def test_reverse_in_a_subdirectory_of_a_repository(source: Repo, tmp_path: Path) -> None:
    repo = init(tmp_path / "mono")
    render(source, repo.path / "deep/demo")
    repo.commit({"deep/demo/a.txt": edited(3, "ours")})
    source.git("checkout", "--quiet", "v1.0.0")
    applied(source, diff(Repo(repo.path / "deep/demo"), "--reverse"))
    assert source.text("tree/a.txt") == edited(3, "ours")


def test_a_patch_does_not_depend_on_what_users_configure(demo: Repo) -> None:
    demo.commit({"a.txt": edited(3, "ours"), "docs/one.txt": f"one\n{edited(3, 'ours')}"})
    plain = diff(demo)
    for name, value in (("color.ui", "always"), ("diff.noprefix", "true"), ("diff.context", "9"),
                        ("diff.mnemonicPrefix", "true"), ("diff.algorithm", "patience"),
                        ("diff.wordRegex", "."), ("diff.orderFile", "/dev/null")):  # fmt: skip
        demo.git("config", "--global", name, value)
    patch = diff(demo)
    assert patch.replace("@@ -1,12", "") and "\x1b" not in patch
    assert [line for line in patch.splitlines() if line.startswith(("diff", "---", "+++"))] == [
        line for line in plain.splitlines() if line.startswith(("diff", "---", "+++"))
    ]


def test_without_the_executable_bit_in_the_file_system(demo: Repo) -> None:
    demo.git("config", "core.fileMode", "false")
    (demo.path / "a.txt").chmod(0o755)
    demo.write({"docs/one.txt": "ours\n"})
    (demo.path / "docs/one.txt").chmod(0o755)
    assert "mode" not in diff(demo)
    assert "mode" not in diff(demo, "--reverse")


# restore


def restore(repo: Repo, *argv: object, code: int = 0) -> Any:
    result = mlfactory("restore", *argv, "--json", cwd=repo.path, code=code)
    return [f["path"] for f in json.loads(result.stdout)["files"]] if code == 0 else result.stderr


@pytest.fixture
def drifted(demo: Repo) -> Repo:
    demo.git("mv", "moved.txt", "moved.md")
    (demo.path / "picture.bin").chmod(0o755)
    return demo.commit(
        {"a.txt": "ours\n", "docs/one.txt": None, "docs/two.txt": "ours\n", "mine.txt": "ours\n"}
    )


def test_an_edited_file(drifted: Repo) -> None:
    assert restore(drifted, "a.txt") == ["a.txt"]
    assert drifted.text("a.txt") == TEXT
    assert drifted.dirt == " M a.txt\n"


def test_a_deleted_file(drifted: Repo) -> None:
    assert restore(drifted, "docs/one.txt") == ["docs/one.txt"]
    assert drifted.text("docs/one.txt") == f"one\n{TEXT}"


def test_an_executable_bit(drifted: Repo) -> None:
    assert restore(drifted, "picture.bin") == ["picture.bin"]
    assert not (drifted.path / "picture.bin").stat().st_mode & 0o100


@pytest.mark.parametrize("name", ["docs", "docs/", "./docs", "../demo/docs"])
def test_a_folder(drifted: Repo, name: str) -> None:
    assert restore(drifted, name) == ["docs/one.txt", "docs/two.txt"]
    assert drifted.text("a.txt") == "ours\n"


def test_a_name_is_meant_from_where_one_stands(drifted: Repo) -> None:
    assert restore(Repo(drifted.path / "docs"), "two.txt") == ["docs/two.txt"]
    assert restore(Repo(drifted.path / "docs"), ".") == ["docs/one.txt"]


def test_everything(drifted: Repo) -> None:
    names = ["a.txt", "docs/one.txt", "docs/two.txt", "moved.txt", "picture.bin"]
    assert restore(drifted, ".") == names
    assert (drifted.text("mine.txt"), drifted.text("moved.txt")) == ("ours\n", f"moved\n{TEXT}")
    drifted.commit()
    assert diff(drifted) == ""


def test_a_renamed_file_comes_back_and_the_other_one_stays(drifted: Repo) -> None:
    result = mlfactory("restore", "moved.txt", cwd=drifted.path)
    assert result.stdout == "put back  moved.txt  (renamed, now moved.md, which stays)\n"
    assert drifted.text("moved.md") == drifted.text("moved.txt") == f"moved\n{TEXT}"


def test_what_is_put_back_and_committed_is_drift_no_more(drifted: Repo) -> None:
    restore(drifted, "a.txt", "docs")
    drifted.commit()
    assert restore(drifted, "a.txt", "docs") == []
    result = mlfactory("restore", "a.txt", cwd=drifted.path)
    assert "nothing has drifted there" in result.stderr


def test_a_dry_run_says_the_same_and_changes_nothing(drifted: Repo) -> None:
    before = drifted.everything()
    output = mlfactory("restore", ".", "--dry-run", cwd=drifted.path).stdout
    assert drifted.everything() == before
    assert mlfactory("restore", ".", cwd=drifted.path).stdout == output.replace("would put", "put")


def test_the_index_is_not_written(drifted: Repo) -> None:
    index = (drifted.path / ".git/index").read_bytes()
    restore(drifted, ".")
    assert (drifted.path / ".git/index").read_bytes() == index


@pytest.mark.parametrize("staged", [False, True])
def test_edits_that_are_not_committed_are_not_lost(drifted: Repo, staged: bool) -> None:
    drifted.write({"docs/two.txt": "dirty\n"})
    if staged:
        drifted.git("add", "docs/two.txt")
    for name in ("docs/two.txt", "."):
        output = restore(drifted, name, code=1)
        assert output.startswith("error: docs/two.txt has edits that are not committed")
        assert "hint: git add docs/two.txt && git commit, or git stash" in output
    assert drifted.text("docs/two.txt") == "dirty\n"
    assert drifted.text("a.txt") == "ours\n"


@pytest.mark.parametrize("what", ["file", "folder", "link", "parent", "linked parent"])
def test_nothing_that_git_does_not_know_is_lost(drifted: Repo, tmp_path: Path, what: str) -> None:
    drifted.commit({"docs/two.txt": None, ".gitignore": "docs\n"})
    docs, outside = drifted.path / "docs", tmp_path / "outside"
    outside.mkdir()
    docs.rmdir()
    if what == "parent":
        docs.write_text("precious\n")
    elif what == "linked parent":
        docs.symlink_to(outside)
    else:
        docs.mkdir()
        if what == "file":
            (docs / "one.txt").write_text("precious\n")
        elif what == "folder":
            (docs / "one.txt").mkdir()
            (docs / "one.txt/deep").write_text("precious\n")
        else:
            (docs / "one.txt").symlink_to(tmp_path / "nowhere")
    before = drifted.everything()
    output = restore(drifted, "docs/one.txt", code=1)
    assert "error: docs" in output
    assert drifted.everything() == before
    assert docs.is_symlink() == (what == "linked parent")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["mine.txt", ".copier-answers.yml", "nothing", "moved.md"])
def test_files_that_are_not_the_templates_are_refused(drifted: Repo, name: str) -> None:
    output = restore(drifted, name, code=2)
    assert output.startswith(f"error: {name} is not one of the template's files, or it is yours\n")
    assert "hint: `mlfactory status" in output


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside"])
def test_places_outside_of_the_project_are_refused(drifted: Repo, name: str) -> None:
    assert f"error: {name} is not in {drifted.path}" in restore(drifted, name, code=2)


def test_a_file_of_the_users_that_is_gone_can_be_had_again(demo: Repo) -> None:
    demo.commit({"mine.txt": None})
    assert restore(demo, "mine.txt") == ["mine.txt"]
    assert demo.text("mine.txt") == "mine\n"


def test_hooks_do_not_run(drifted: Repo) -> None:
    hook = drifted.path / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    restore(drifted, ".")
    assert not drifted.has("ran")


def test_in_a_subdirectory_of_a_repository(source: Repo, tmp_path: Path) -> None:
    repo = init(tmp_path / "mono")
    for place in ("one", "two"):
        render(source, repo.path / place)
    repo.commit({"one/a.txt": "ours\n", "two/a.txt": "ours\n", "one/docs/one.txt": None})
    assert restore(Repo(repo.path / "one"), ".") == ["a.txt", "docs/one.txt"]
    assert repo.text("two/a.txt") == "ours\n"
    assert restore(Repo(repo.path), "two/a.txt") == ["a.txt"]


def test_filters_and_line_endings_are_applied(tmp_path: Path) -> None:
    first = {**SMALL, "tree/.gitattributes": "a.txt text eol=crlf\n"}
    source = template(tmp_path / "template", first)
    repo = project(source, tmp_path / "demo").commit({"a.txt": "ours\r\n"})
    assert restore(repo, "a.txt") == ["a.txt"]
    assert repo.text("a.txt") == TEXT.replace("\n", "\r\n")
