"""Templates in a repository that holds more: only the tags with their prefix are their versions."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlfactory.template.repository import in_order, prefix_of

from .evolving import SMALL, Repo, edited, forked, init, mlfactory, project, release


@pytest.fixture
def mono(tmp_path: Path) -> Repo:
    """A template among other things: its versions, those of the documents, and some of both."""
    mono = init(tmp_path / "mono")
    release(mono, "report/v1.0.0", SMALL)
    release(mono, "v7.0.0", {"app.py": "7\n"})
    release(mono, "report/v1.1.0", {"tree/a.txt": edited(3, "one")})
    mono.git("tag", "--annotate", "--message", "3", "docs/v3.0.0")
    release(mono, "report/v1.10.0", {"tree/a.txt": edited(3, "ten")})
    release(mono, "report/v2.0.0rc1", {"tree/a.txt": edited(3, "two")})
    release(mono, "v8.0.0", {"app.py": "8\n"})
    return mono


@pytest.fixture
def demo(mono: Repo, tmp_path: Path) -> Repo:
    """A project that plain copier has made of its first version."""
    return project(mono, tmp_path / "demo", "report/v1.0.0")


def rows(*argv: object, cwd: Path | None = None) -> Any:
    return json.loads(mlfactory(*argv, "--json", cwd=cwd).stdout)


def recorded(repo: Repo) -> str:
    line = next(x for x in repo.text(".copier-answers.yml").splitlines() if "_commit" in x)
    return line.partition(": ")[2]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("v1.2.0", ""), ("1.2.0", ""), ("churn/v1.2.0", "churn/"), ("churn-1.2", "churn-"),
        ("churn-template-v1.2.0rc1", "churn-template-"), ("py3-lib@2.0", "py3-lib@"),
        ("@team/churn@1.0.0", "@team/churn@"), ("a/b/v1", "a/b/"), ("main", ""),
        ("2026-01-15", ""), ("ab12345", ""), ("churn/v1.2.0-3-gab12345", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_prefix_is_what_stands_before_the_number(name: str, prefix: str) -> None:
    assert prefix_of(name) == prefix


def test_versions_are_sorted_by_their_number_behind_the_prefix() -> None:
    tags = ["a/v10", "v11", "a/v9", "b/v12", "a/stable", "a/v9"]
    assert in_order(tags, "a/") == ("a/v9", "a/v10")
    assert in_order(tags) == ("v11",)


def test_a_project_follows_the_tags_that_are_named_as_its_own(demo: Repo) -> None:
    (one,) = rows("status", demo.path)["projects"]
    assert (one["version"], one["newest"], one["behind"]) == (
        "report/v1.0.0",
        "report/v1.10.0",
        True,
    )
    mlfactory("update", demo.path)
    assert (recorded(demo), demo.text("a.txt")) == ("report/v1.10.0", edited(3, "ten"))
    assert rows("update", demo.path)["state"] == "current"


def test_a_number_alone_names_one_of_them_and_a_commit_with_two_tags_has_its_own(
    demo: Repo,
) -> None:
    mlfactory("update", demo.path, "--to", "1.1.0")
    assert recorded(demo) == "report/v1.1.0"
    mlfactory("update", demo.path, "--to", "v2.0.0rc1")
    assert recorded(demo) == "report/v2.0.0rc1"
    result = mlfactory("update", demo.path, "--to", "9.9", code=2)
    assert "It has report/v1.0.0, report/v1.1.0, report/v1.10.0" in result.stderr


def test_a_project_without_a_prefix_follows_tags_without_one(mono: Repo, tmp_path: Path) -> None:
    plain = project(mono, tmp_path / "plain", "v7.0.0")
    (one,) = rows("status", plain.path)["projects"]
    assert one["newest"] == "v8.0.0"
    mlfactory("update", plain.path, "--to", "report/v2.0.0rc1")
    assert recorded(plain) == "report/v2.0.0rc1"


def test_new_takes_the_newest_with_the_prefix_and_records_it(mono: Repo, tmp_path: Path) -> None:
    argv = ("new", "made", "--template", mono.path, "--defaults", "--tag-prefix", "report/")
    mlfactory(*argv, cwd=tmp_path)
    repo = Repo(tmp_path / "made")
    assert (recorded(repo), repo.text("a.txt")) == ("report/v1.10.0", edited(3, "ten"))
    argv = ("new", "older", "--template", mono.path, "--defaults", "--ref", "report/v1.1.0")
    mlfactory(*argv, cwd=tmp_path)
    assert recorded(Repo(tmp_path / "older")) == "report/v1.1.0"
    argv = ("new", "wrong", "--template", mono.path, "--tag-prefix", "reports/")
    result = mlfactory(*argv, cwd=tmp_path, code=2)
    assert "no version of" in result.stderr
    assert "There are: docs/, report/" in result.stderr


def test_versions_and_changes_are_listed_by_the_prefix(mono: Repo) -> None:
    argv = ("--template", mono.path, "--tag-prefix", "report/")
    names = [one["version"] for one in rows("template", "versions", *argv)["versions"]]
    assert names == ["report/v2.0.0rc1", "report/v1.10.0", "report/v1.1.0", "report/v1.0.0"]
    result = rows("template", "changelog", "1.0.0..1.1.0", *argv)
    assert (result["from_version"], result["to_version"]) == ("report/v1.0.0", "report/v1.1.0")


def test_plain_copier_goes_on_from_there(demo: Repo) -> None:
    mlfactory("update", demo.path)
    forked(partial(update_by_copier, demo.path, "report/v2.0.0rc1"), code=0)
    assert (recorded(demo), demo.text("a.txt")) == ("report/v2.0.0rc1", edited(3, "two"))


def update_by_copier(project: Path, version: str) -> int:
    import copier

    copier.run_update(project, vcs_ref=version, defaults=True, overwrite=True, quiet=True)
    return 0
