from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.project import record

from .evolving import Repo, init

COPIER = "_commit: v1.0.0\n_src_path: gh:acme/template\nname: demo\n"
CRUFT = {
    "template": "https://example.org/t",
    "commit": "abc",
    "checkout": "main",
    "context": {"cookiecutter": {"name": "demo"}},
    "directory": "sub",
    "skip": ["docs"],
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return init(tmp_path / "repo").commit({".copier-answers.yml": COPIER})


def test_copiers_file_is_read(repo: Repo) -> None:
    project = record.find(repo.path)
    assert (project.kind, project.source, project.version) == (
        "copier",
        "gh:acme/template",
        "v1.0.0",
    )
    assert (project.answers, project.prefix, project.name) == ({"name": "demo"}, "", "repo")


def test_crufts_file_is_read(tmp_path: Path) -> None:
    repo = init(tmp_path / "repo").commit({".cruft.json": json.dumps(CRUFT)})
    project = record.find(repo.path)
    assert (project.kind, project.source, project.version) == (
        "cruft",
        "https://example.org/t",
        "abc",
    )
    assert (project.directory, project.checkout, project.skip) == ("sub", "main", ("/docs",))
    assert project.answers == {"name": "demo"}


def test_head_counts_and_not_the_work_tree(repo: Repo) -> None:
    repo.write({".copier-answers.yml": COPIER.replace("v1.0.0", "v2.0.0")})
    assert record.find(repo.path).version == "v1.0.0"


def test_the_nearest_project_around_is_found(repo: Repo) -> None:
    repo.commit({"a/b/.copier-answers.yml": COPIER, "a/b/c/d/x": ""})
    assert record.find(repo.path / "a/b/c/d").prefix == "a/b/"
    assert record.find(repo.path / "a").prefix == ""


def test_a_project_is_not_looked_for_outside_of_the_repository(repo: Repo) -> None:
    inner = init(repo.path / "inner").commit({"x": "x\n"})
    with pytest.raises(MlfactoryError, match=r"has no \.copier-answers"):
        record.find(inner.path)


def test_a_link_to_a_project_leads_to_it(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    assert record.find(tmp_path / "link").path == repo.path


@pytest.mark.parametrize("name", [".copier-answers.yaml", ".copier-answers.web.yml"])
def test_an_answers_file_of_another_name(tmp_path: Path, name: str) -> None:
    repo = init(tmp_path / "repo").commit({name: COPIER})
    assert record.find(repo.path).file == name


def test_copiers_usual_name_comes_first(repo: Repo) -> None:
    repo.commit({".copier-answers.web.yml": COPIER, ".cruft.json": json.dumps(CRUFT)})
    assert record.find(repo.path).file == ".copier-answers.yml"
    assert record.find(repo.path, ".copier-answers.web.yml").file == ".copier-answers.web.yml"
    assert record.find(repo.path, ".cruft.json").kind == "cruft"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"context": 1}', '{"context": {}}', "{"])
def test_a_damaged_cruft_file(tmp_path: Path, text: str) -> None:
    repo = init(tmp_path / "repo").commit({".cruft.json": text})
    with pytest.raises(MlfactoryError, match=r"\.cruft\.json"):
        record.find(repo.path)


@pytest.mark.parametrize("key", ["_src_path", "_commit"])
def test_a_record_that_does_not_say_which_template(repo: Repo, key: str) -> None:
    text = "".join(f"{x}\n" for x in COPIER.splitlines() if not x.startswith(key))
    repo.commit({".copier-answers.yml": text})
    with pytest.raises(MlfactoryError, match=f"has no {key}"):
        record.find(repo.path)


@pytest.mark.parametrize("line", ["_commit: --upload-pack=x", '_src_path: "a\\nb"'])
def test_a_record_that_git_would_misread(repo: Repo, line: str) -> None:
    key = line.partition(":")[0]
    text = "".join(
        f"{x}\n" for x in [*COPIER.splitlines(), line] if x == line or not x.startswith(key)
    )
    repo.commit({".copier-answers.yml": text})
    with pytest.raises(MlfactoryError, match="cannot be"):
        record.find(repo.path)
