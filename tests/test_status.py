"""`mlfactory status`: versions, questions, drift and what an update would meet."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .evolving import SMALL, TEXT, Repo, edited, mlfactory, project, release, template

FIRST = {
    "copier.yml": """
_subdirectory: tree
_skip_if_exists: [mine.txt]
name: {type: str, default: demo}
""",
    **{name: text for name, text in SMALL.items() if name != "copier.yml"},
    **{
        f"tree/{name}.txt": f"{name}\n{TEXT}"
        for name in ("clean", "edited", "missing", "moved", "diverged", "torn", "mine")
    },
}
SECOND = {
    "copier.yml": FIRST["copier.yml"] + "colour: {type: str, default: red}\n",
    "tree/diverged.txt": f"diverged\n{edited(3, 'theirs')}",
    "tree/torn.txt": f"torn\n{edited(3, 'theirs')}",
}
MINE = {
    "edited.txt": f"edited\n{edited(3, 'ours')}",
    "missing.txt": None,
    "moved.txt": None,
    "notes/moved.md": f"moved\n{TEXT}",
    "diverged.txt": f"diverged\n{edited(15, 'ours')}",
    "torn.txt": f"torn\n{edited(3, 'ours')}",
    "mine.txt": "mine\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def demo(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "demo").commit(MINE)


@pytest.fixture
def fresh(source: Repo, tmp_path: Path) -> Repo:
    return project(source, tmp_path / "fresh", "v1.1.0")


def status(*places: Path, options: tuple[str, ...] = (), code: int = 0) -> list[dict[str, Any]]:
    result = mlfactory("status", *places, "--json", *options, code=code)
    content: list[dict[str, Any]] = json.loads(result.stdout)["projects"]
    return content


def states(repo: Repo) -> dict[str, str]:
    return {file["path"]: file["state"] for file in status(repo.path)[0]["files"]}


def test_recorded_and_newest_version(demo: Repo, source: Repo) -> None:
    (report,) = status(demo.path)
    assert (report["version"], report["newest"], report["behind"]) == ("v1.0.0", "v1.1.0", True)
    assert (report["path"], report["source"]) == (str(demo.path), str(source.path))


def test_questions_that_are_not_answered_yet(demo: Repo, fresh: Repo) -> None:
    assert status(demo.path)[0]["questions"] == {"colour": "red"}
    assert status(fresh.path)[0]["questions"] == {}


def test_each_file_of_the_template_has_its_state(demo: Repo) -> None:
    assert states(demo) == {
        "edited.txt": "edited",
        "missing.txt": "missing",
        "moved.txt": "renamed",
        "diverged.txt": "diverged",
        "torn.txt": "diverged",
    }
    (report,) = status(demo.path)
    assert report["drift"] == {"clean": 3, "diverged": 2, "edited": 1, "missing": 1, "renamed": 1}
    assert [f["note"] for f in report["files"] if f["note"]] == ["now notes/moved.md"]


def test_conflicts_are_foretold(demo: Repo) -> None:
    assert [c["path"] for c in status(demo.path)[0]["conflicts"]] == ["torn.txt"]


def test_files_of_the_users_are_not_looked_at(demo: Repo) -> None:
    assert "mine.txt" not in states(demo)
    assert ".copier-answers.yml" not in states(demo)


def test_edits_that_are_not_committed_are_drift_too(fresh: Repo) -> None:
    fresh.write({"edited.txt": "dirty\n", "missing.txt": None})
    assert {n for n, state in states(fresh).items() if state != "clean"} == {
        "edited.txt",
        "missing.txt",
    }


def test_what_drifts_beside_the_content(fresh: Repo) -> None:
    (fresh.path / "a.txt").chmod(0o755)
    (fresh.path / "b.txt").unlink()
    (fresh.path / "b.txt").symlink_to("a.txt")
    (fresh.path / "clean.txt").unlink()
    (fresh.path / "clean.txt").mkdir()
    rows = states(fresh)
    assert (rows["a.txt"], rows["b.txt"], rows["clean.txt"]) == ("edited", "edited", "missing")


@pytest.mark.parametrize("drifted", [False, True])
def test_the_exit_code_is_4_on_demand_when_behind(demo: Repo, fresh: Repo, drifted: bool) -> None:
    status(demo.path)
    status(demo.path, options=("--exit-code",), code=4)
    if drifted:
        fresh.commit({"a.txt": "ours\n"})
    status(fresh.path, options=("--exit-code",))
    status(fresh.path, demo.path, options=("--exit-code",), code=4)


def test_the_table_says_what_the_object_says(demo: Repo) -> None:
    (report,) = status(demo.path)
    first, *lines = mlfactory("status", demo.path).stdout.splitlines()
    assert first.startswith(f"{demo.path}: behind: v1.0.0 -> v1.1.0 of {report['source']}; ")
    for state, count in report["drift"].items():
        assert state == "clean" or f"{count} {state}" in first
    rows = {(line[2:14].strip(), line[16:].split("  (")[0]) for line in lines}
    entries = {(f["state"], f["path"]) for f in report["files"] if f["state"] != "clean"}
    entries |= {("conflict", "torn.txt"), ("question", 'colour: "red"')}
    assert rows == entries


def test_one_line_for_a_project_without_news(fresh: Repo, source: Repo) -> None:
    output = mlfactory("status", cwd=fresh.path).stdout
    assert output == f"{fresh.path}: at v1.1.0 of {source.path}; no drift\n"


def test_several_projects_of_which_one_is_broken(demo: Repo, fresh: Repo, tmp_path: Path) -> None:
    first, broken, last = status(demo.path, tmp_path / "nowhere", fresh.path, code=1)
    assert (first["newest"], last["newest"]) == ("v1.1.0", "v1.1.0")
    assert broken["error"] == f"{tmp_path / 'nowhere'} is not a directory"
    output = mlfactory("status", demo.path, tmp_path / "nowhere", code=1).stdout
    assert f"\n{tmp_path / 'nowhere'}: error: " in output


def test_one_broken_project_is_an_error(tmp_path: Path) -> None:
    result = mlfactory("status", tmp_path / "nowhere", code=1)
    assert result.stderr.startswith(f"error: {tmp_path / 'nowhere'} is not a directory")


def two(demo: Repo, tmp_path: Path, usual: bool = True) -> Repo:
    """A project of two templates, the second of which is behind, too."""
    text = SMALL | {"tree/ci.txt": TEXT}
    second = template(tmp_path / "second", {k: v for k, v in text.items() if "/a" not in k})
    release(second, "v1.1.0", {"tree/ci.txt": edited(3)})
    other = project(second, tmp_path / "other", answers_file=".copier-answers.ci.yml")
    for name in (".copier-answers.ci.yml", "ci.txt"):
        demo.write({name: other.text(name)})
    if not usual:
        demo.git("mv", ".copier-answers.yml", ".copier-answers.main.yml")
    return demo.commit()


@pytest.mark.parametrize("usual", [True, False])
def test_all_templates_of_a_folder_are_looked_at(demo: Repo, tmp_path: Path, usual: bool) -> None:
    two(demo, tmp_path, usual)
    (demo.path / "deep").mkdir()
    sources = {one["answers_file"]: one["source"] for one in status(demo.path / "deep")}
    first = ".copier-answers.yml" if usual else ".copier-answers.main.yml"
    assert sources == {
        first: str(tmp_path / "template"),
        ".copier-answers.ci.yml": str(tmp_path / "second"),
    }
    assert f"{demo.path} (.copier-answers.ci.yml): behind" in mlfactory("status", demo.path).stdout


def test_an_update_names_the_other_templates(demo: Repo, tmp_path: Path) -> None:
    result = mlfactory("update", two(demo, tmp_path).path, "--dry-run", code=4)
    assert "mlfactory update --answers-file .copier-answers.ci.yml" in result.stdout
    mlfactory("update", demo.path, "--answers-file", ".copier-answers.ci.yml")
    assert demo.text("ci.txt") == edited(3)


def test_one_broken_template_of_two_does_not_hide_the_other(demo: Repo, tmp_path: Path) -> None:
    record = f"_src_path: {tmp_path / 'gone'}\n_commit: v1.0.0\nname: demo\n"
    two(demo, tmp_path).commit({".copier-answers.ci.yml": record})
    first, second = status(demo.path, code=1)
    assert (first["newest"], "gone" in second["error"]) == ("v1.1.0", True)


def test_a_version_newer_than_the_newest_release_is_not_behind(fresh: Repo, source: Repo) -> None:
    release(source, "v2.0.0rc1", {"tree/a.txt": "next\n"})
    mlfactory("update", fresh.path, "--to", "v2.0.0rc1")
    (report,) = status(fresh.path, options=("--exit-code",))
    assert (report["version"], report["newest"], report["behind"]) == ("v2.0.0rc1", "v1.1.0", False)


def test_a_template_that_needs_trust_is_not_run(fresh: Repo, source: Repo) -> None:
    settings = source.text("copier.yml") + "_tasks: ['touch ran']\n"
    release(source, "v1.2.0", {"copier.yml": settings})
    one = status(fresh.path)[0]
    assert (one["newest"], one["skipped_tasks"]) == ("v1.2.0", ["touch ran"])
    assert status(fresh.path, options=("--trust",))[0]["skipped_tasks"] == []
    settings = source.text("copier.yml") + "_jinja_extensions: [jinja2.ext.do]\n"
    release(source, "v1.3.0", {"copier.yml": settings})
    assert "add --trust" in mlfactory("status", fresh.path, code=1).stderr
    assert status(fresh.path, options=("--trust",))[0]["newest"] == "v1.3.0"


def spies(repo: Repo, mark: Path) -> None:
    """Everything in a repository that git or we could run by mistake leaves a mark."""
    script = f"#!/bin/sh\ntouch {mark}\n"
    hooks = ("post-index-change", "pre-commit", "post-checkout", "reference-transaction")
    for name in (*(f".git/hooks/{hook}" for hook in hooks), ".venv/bin/factory", ".venv/bin/git"):
        path = repo.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
    repo.git("config", "core.fsmonitor", str(repo.path / ".venv/bin/factory"))
    repo.git("config", "diff.spy.command", f"touch {mark}")
    repo.git("config", "diff.spy.textconv", f"touch {mark}; cat")
    repo.git("config", "merge.spy.driver", f"touch {mark}; false")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* diff=spy\n")


def test_no_code_of_the_project_is_run(demo: Repo, tmp_path: Path) -> None:
    spies(demo, tmp_path / "ran")
    demo.write({"a.txt": "dirty\n"})
    (tmp_path / "ran").unlink(missing_ok=True)
    status(demo.path)
    mlfactory("update", demo.path, "--dry-run", code=4)
    mlfactory("diff", demo.path)
    mlfactory("restore", "--dry-run", "missing.txt", cwd=demo.path)
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written(demo: Repo) -> None:
    os.utime(demo.path / "a.txt", (1, 1))  # for git the index is stale now
    before = demo.everything(), demo.git("count-objects", "-v"), demo.git("for-each-ref")
    status(demo.path)
    mlfactory("diff", demo.path)
    mlfactory("diff", demo.path, "--update")
    assert (demo.everything(), demo.git("count-objects", "-v"), demo.git("for-each-ref")) == before


def test_a_repository_that_cannot_be_written(demo: Repo) -> None:
    for path in (demo.path / ".git", *(demo.path / ".git").rglob("*")):
        if path.is_dir():
            path.chmod(0o555)
    try:
        assert status(demo.path)[0]["behind"]
    finally:
        for path in (demo.path / ".git", *(demo.path / ".git").rglob("*")):
            if path.is_dir():
                path.chmod(0o755)


def test_status_while_an_update_is_in_conflict(demo: Repo) -> None:
    mlfactory("update", demo.path, code=4)
    (report,) = status(demo.path)
    assert report["version"] == "v1.0.0"
    assert any("mlfactory update --continue" in text for text in report["warnings"])


def test_status_when_warm_does_not_import_copier(demo: Repo, mlfactory_imports: Any) -> None:
    status(demo.path)
    assert "copier" not in mlfactory_imports("status", str(demo.path))


@pytest.fixture
def mlfactory_imports(command: Any) -> Any:
    """The libraries that a command has loaded at its end."""

    def imports(*argv: str) -> set[str]:
        script = (
            f"import sys; sys.argv = ['mlfactory', *{argv!r}]; from mlfactory.cli import main;"
            "main(); print(*sys.modules, file=sys.stderr)"
        )
        return {name.split(".")[0] for name in command("python", "-c", script).stderr.split()}

    return imports
