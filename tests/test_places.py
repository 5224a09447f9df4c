"""Places that a command is pointed to: no name, plain folders, others' checkouts, odd names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command
from .evolving import SMALL, Repo, edited, init, mlfactory, project, release, template

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "argv",
    [
        ("new", ""),
        ("new", " "),
        ("new", "churn", "--data", ""),
        ("new", "churn", "--template", ""),
        ("new", "churn", "--ref", ""),
        ("update", ""),
        ("update", "--to", ""),
        ("status", ""),
        ("status", ".", ""),
        ("restore", ""),
        ("diff", ""),
        ("doctor", ""),
    ],
)
def test_a_variable_that_is_not_set_is_no_place(here: Path, argv: tuple[str, ...]) -> None:
    result = mlfactory(*argv, cwd=here, code=2)
    assert " is empty\n" in result.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", [".git", "a/.git/hooks", ".GIT/x", "git~1", "a\nb", "a\x1b[2J"])
def test_a_factory_is_made_neither_in_gits_folder_nor_under_a_name_that_nobody_sees(
    here: Path, plain_template: Path, name: str
) -> None:
    argv = ("new", name, "--template", plain_template, "--defaults")
    error = mlfactory(*argv, cwd=here, code=2).stderr
    assert "lies in git's own folder" in error or "characters that nobody sees" in error
    assert list(here.iterdir()) == []


def test_an_answer_may_be_empty(here: Path, plain_template: Path) -> None:
    options = ("--template", plain_template, "--set", "colour=", "--owner", "")
    result = mlfactory("new", "x", *options, "--defaults", cwd=here, code=2)
    assert "is empty" not in result.stderr


def test_a_plain_folder_has_no_versions(here: Path, tmp_path: Path) -> None:
    init(tmp_path / "folder").write(SMALL)
    (tmp_path / "folder/.git").rename(tmp_path / "away")
    argv = ("new", "x", "--template", tmp_path / "folder", "--defaults")
    result = mlfactory(*argv, "--ref", "v1.0.0", cwd=here, code=2)
    assert "is a plain folder, which has no v1.0.0" in result.stderr
    assert list(here.iterdir()) == []
    mlfactory(*argv, cwd=here)


@pytest.mark.parametrize("verb", ["status", "update", "diff"])
def test_a_checkout_of_another_user(tmp_path: Path, verb: str) -> None:
    source = template(tmp_path / "template", SMALL)
    demo = project(source, tmp_path / "demo")
    result = mlfactory(verb, demo.path, code=1, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert f"git does not open the repository {demo.path}: it belongs to" in result.stderr
    assert f"hint: If you trust it: git config --global --add safe.directory {demo.path}" in (
        result.stderr
    )


def test_a_name_with_an_umlaut_where_the_locale_knows_none(
    tmp_path: Path, command: Command
) -> None:
    """Each command begins anew in UTF-8, and what it starts does."""

    def run(*argv: object, code: int = 0) -> str:
        return str(command("python", "-m", "mlfactory", *argv, code=code, **ASCII).stdout)

    files = {**SMALL, "tree/ü.txt": "ü\n"}
    source = template(tmp_path / "Vorräte ü", files, {"tree/a.txt": edited(3)})
    place = tmp_path / "Fließband"
    run("new", place, "--template", source.path, "--ref", "v1.0.0", "--defaults", "--json")
    repo = Repo(place)
    assert json.loads(run("status", place, "--json"))["projects"][0]["path"] == str(place)
    run("update", place, "--defaults")
    assert (repo.text("a.txt"), repo.text("ü.txt"), repo.dirt) == (edited(3), "ü\n", "")
    repo.commit({"ü.txt": "ours\n"})
    assert "ü" in run("diff", place)
    release(source, "v1.2.0", {"tree/ö.txt": "ö\n"})
    assert "ö.txt" in run("update", place, "--dry-run")
    run("doctor", place, code=1)
