"""What jobs ask of GitLab, by the same commands as on GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import issue, place
from mlfactory_runtime.records.monitoring import Monitored
from mlfactory_runtime.records.record import parse

from ..gitlab import BOT, JOB_TOKEN, MALLORY, TOKEN, GitLab, gitlab, merged
from .factories import Factory

MONITORED = Path(__file__).parent / "formats/monitor/1.json"
HOME = "https://gitlab.example.com/data/models/churn"


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """A project on GitLab, as a job of its CI meets it."""
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    with gitlab() as found:
        for name, value in {
            "CI_API_V4_URL": found.api,
            "CI_PROJECT_ID": "1217",
            "CI_PROJECT_URL": HOME,
            "CI_JOB_URL": f"{HOME}/-/jobs/1",
            "CI_JOB_TOKEN": JOB_TOKEN,
            "CI_COMMIT_SHA": "f" * 40,
            "CI_PIPELINE_SOURCE": "push",
            "GITLAB_USER_LOGIN": "dave",
            "FACTORY_FORGE_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def alarm() -> Monitored:
    record = parse(Monitored, MONITORED.read_text("utf-8"), MONITORED.name)
    checks = tuple(
        one.model_copy(update={"status": "alarm", "owner": "@data/models.crm/team"})
        for one in record.checks[:1]
    )
    return record.model_copy(update={"verdict": "alarm", "checks": checks})


def test_one_issue_is_opened_rewritten_and_closed(project: GitLab, alarm: Monitored) -> None:
    project.issues = [
        {"iid": k, "state": "opened", "author": author, "description": text}
        for k, (author, text) in enumerate(
            [(MALLORY, issue.mark_of("")), (BOT, None), (BOT, "mine"), (BOT, issue.mark_of("a"))], 1
        )
    ]
    healthy = alarm.model_copy(update={"verdict": "healthy"})
    assert [issue.keep_issue(result) for result in (alarm, None, healthy, healthy)] == [
        "opened /issues/5",
        "updated /issues/5",
        "closed /issues/5",
        "nothing is wrong, and no issue is open",
    ]
    assert [one["state"] for one in project.issues] == ["opened"] * 4 + ["closed"]
    assert len(project.notes) == 1


def test_its_links_are_those_of_gitlab(project: GitLab, alarm: Monitored) -> None:
    issue.keep_issue(alarm, "models/a")
    text = project.issues[0]["description"]
    assert f"]({HOME}/-/blob/HEAD/models/a/docs/runbook.md#" in text
    assert f"]({HOME}/-/jobs/1)" in text
    assert "owner: @data/models.crm/team" in text


def test_the_approver_is_of_each_commit_by_itself(project: GitLab) -> None:
    project.merges = {
        "a" * 40: [merged(1, "carol")],
        "b" * 40: [{**merged(9, "eve"), "state": "opened"}, merged(2, "carol")],
        "e" * 40: [],
    }
    project.approved = {1: ["alice", "bob"], 9: ["mallory"]}
    names = [place.forge().review(letter * 40).names for letter in "abef"]
    assert names == ["@alice, @bob", "@carol", "", "@dave"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "the variable FACTORY_FORGE_TOKEN is missing"),
        (JOB_TOKEN, "the forge answers 403 to GET "),
        ("glpat-revoked", "the forge answers 401 to GET "),
    ],
)
def test_a_token_that_is_not_enough_is_told(
    monkeypatch: pytest.MonkeyPatch, token: str, message: str
) -> None:
    monkeypatch.setenv("FACTORY_FORGE_TOKEN", token)
    with pytest.raises(FactoryError) as caught:
        issue.keep_issue(None)
    assert message in caught.value.message
    assert caught.value.hint
    assert "glpat" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.usefixtures("project")
def test_a_merge_request_is_compared_with_the_commit_that_it_began_at(
    worse: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = worse.tool("git", "rev-parse", "HEAD^").strip()
    worse.tool("git", "commit", "--quiet", "--allow-empty", "--message", "One more commit")
    page = tmp_path / "page.md"
    monkeypatch.setenv("FACTORY_PAGE", str(page))
    worse.run("forge", "report")
    assert "The model is the same as before." in page.read_text()
    page.unlink()
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)
    worse.run("forge", "report")
    assert "| params.yaml | model.max_rounds | 1000 | 1 |" in page.read_text()
    assert f"]({HOME}/-/blob/" in page.read_text()
