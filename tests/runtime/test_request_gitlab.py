"""The one request that a job keeps, on GitLab: which refuses a second one of the same branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import gitlab as forge
from mlfactory_runtime.forge.comment import MARK, keep_own_comment
from mlfactory_runtime.forge.proposal import Proposal
from mlfactory_runtime.forge.request import keep_request
from mlfactory_runtime.git import git

from ..gitlab import CRITIC, MALLORY, REPORTER, TOKEN, GitLab, gitlab, merge_request

FIRST = Proposal("retrain/models/churn", "<!-- one -->", "Retrain: better", "The page.")
HOME = "https://gitlab.example.com/data/churn"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """A project on GitLab, as a job of a merge request's pipeline meets it."""
    with gitlab() as place:
        place.origin = tmp_path / "origin"
        for name, value in {
            "CI_API_V4_URL": place.api,
            "CI_PROJECT_ID": "1217",
            "CI_PROJECT_URL": HOME,
            "CI_JOB_URL": f"{HOME}/-/jobs/1",
            "CI_PIPELINE_URL": f"{HOME}/-/pipelines/5",
            "CI_COMMIT_SHA": "a" * 40,
            "CI_MERGE_REQUEST_IID": "3",
            "FACTORY_FORGE_TOKEN": TOKEN,
            "FACTORY_REPORT_TOKEN": REPORTER,
        }.items():
            monkeypatch.setenv(name, value)
        yield place


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a job has checked out, with a commit of its own."""
    git(tmp_path, "init", "--quiet", "--bare", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "clone")
    who = ("-c", "user.name=factory", "-c", "user.email=factory@localhost")
    git(tmp_path / "clone", *who, "commit", "--quiet", "--allow-empty", "--message", "Train anew")
    return tmp_path / "clone"


def test_it_is_opened_once_and_written_anew(project: GitLab, clone: Path) -> None:
    foreign = {"source_project_id": 99, "description": FIRST.mark}
    project.requests = [
        merge_request(n, "b" * 40, source_branch=FIRST.branch, **foreign) for n in (1, 2, 3)
    ]
    project.pauses = 1
    assert keep_request(clone, FIRST) == "opened /merge_requests/4"
    assert project.requests[3]["target_branch"] == "main"
    assert keep_request(clone, FIRST) == "/merge_requests/4 is open, and holds this"
    second = Proposal(FIRST.branch, "<!-- two -->", "Retrain: worse", "The page.\n/merge")
    assert keep_request(clone, second) == "updated /merge_requests/4"
    assert project.requests[3]["description"] == "<!-- two -->\n\nThe page.\n\\/merge"
    assert len([call for call in project.calls if call == "POST /merge_requests"]) == 1
    project.requests[3]["state"] = "closed"
    assert "/merge_requests/4 was decided" in keep_request(clone, second)


def test_what_gitlab_refuses_is_said(project: GitLab, clone: Path) -> None:
    keep_request(clone, FIRST)
    with pytest.raises(FactoryError, match="answers 409 to POST /merge_requests: "):
        forge.open_request(FIRST, "x")
    with pytest.raises(FactoryError, match="answers 422 to POST /merge_requests: "):
        forge.open_request(Proposal("nowhere", "", "Retrain", ""), "x")
    with pytest.raises(FactoryError, match="answers 404 to PUT /merge_requests/77: "):
        forge.rewrite_request("/merge_requests/77", "x", "y")
    assert len(project.requests) == 1


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    """What the jobs of a pipeline have left: one had no time for its page."""
    (tmp_path / "page.md").write_text("**Better**\n/close\n")
    return [tmp_path / "page.md", tmp_path / "code.md"]


def test_one_comment_is_written_and_then_anew(project: GitLab, pages: list[Path]) -> None:
    project.requests = [merge_request(3, "a" * 40)]
    mark = MARK.format("")
    foreign = [{"id": 90 + n, "body": mark, "author": MALLORY} for n in range(3)]
    project.comments = {3: [*foreign]}
    assert keep_own_comment(pages, "failure") == "wrote /merge_requests/3/notes/4"
    note = project.comments[3][-1]
    assert note["author"] == CRITIC
    _, first, second, third = note["body"].split("\n\n")
    assert first == f"**CI is not green.** [The run]({HOME}/-/pipelines/5) of {'a' * 12}."
    assert second == "**Better**\n\\/close"
    assert third == "There is no code.md: its job did not get so far."
    pages[1].write_text("Hooks success, types success, tests success.")
    assert keep_own_comment(pages, "success") == "updated /merge_requests/3/notes/4"
    assert "not green" not in note["body"]
    assert [one["body"] for one in foreign] == [mark] * 3
    assert keep_own_comment(pages, "success", "models/b") == "wrote /merge_requests/3/notes/5"


@pytest.mark.parametrize("change", [{"sha": "b" * 40}, {"state": "closed"}])
def test_a_pipeline_that_nobody_waits_for_says_nothing(
    project: GitLab, pages: list[Path], change: dict[str, str]
) -> None:
    project.requests = [merge_request(3, "a" * 40) | change]
    assert keep_own_comment(pages, "success").startswith("no open request has this run's commit")
    assert project.comments == {}


def test_the_commit_of_a_merge_that_is_tried_is_that_of_the_branch(
    project: GitLab, pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.requests = [merge_request(3, "c" * 40)]
    monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "c" * 40)
    keep_own_comment(pages, "success")
    assert f"of {'c' * 12}." in project.comments[3][0]["body"]


@pytest.mark.usefixtures("project")
def test_without_its_token_the_comment_names_it(
    pages: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACTORY_REPORT_TOKEN")
    with pytest.raises(FactoryError, match="the variable FACTORY_REPORT_TOKEN is missing"):
        keep_own_comment(pages, "success")


def test_a_draft_has_its_label_and_gives_way(project: GitLab, clone: Path) -> None:
    draft = replace(FIRST, draft=True, labels=("template-conflict",))
    assert keep_request(clone, draft) == "opened /merge_requests/1"
    assert project.requests[0]["title"] == "Draft: Retrain: better"
    assert project.requests[0]["labels"] == ["template-conflict"]
    fine = replace(FIRST, mark="<!-- two -->")
    assert keep_request(clone, fine) == "opened /merge_requests/2"
    assert [one["state"] for one in project.requests] == ["closed", "opened"]
