"""What jobs ask of the forge; factories that share a repository have issues of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import issue, place, rest
from mlfactory_runtime.git import git
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.monitoring import Monitored
from mlfactory_runtime.records.record import parse
from mlfactory_runtime.registry.promote import branch_of

from ..github import JOB, NAME, GitHub, github, merged
from .factories import Factory

MONITORED = Path(__file__).parent / "formats/monitor/1.json"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The forge of a repository, as a job of its CI meets it."""
    with github() as place:
        place.rights[JOB] = {"issues"}
        for name, value in {
            "GITHUB_API_URL": place.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
            "GITHUB_RUN_ID": "1",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_ACTOR": "dave",
            "GITHUB_EVENT_NAME": "push",
        }.items():
            monkeypatch.setenv(name, value)
        yield place


@pytest.fixture
def alarm() -> Monitored:
    kept = parse(Monitored, MONITORED.read_text("utf-8"), MONITORED.name)
    checks = tuple(one.model_copy(update={"status": "alarm"}) for one in kept.checks[:1])
    return kept.model_copy(update={"verdict": "alarm", "checks": checks})


def test_each_factory_of_a_repository_has_an_issue_of_its_own(
    shop: GitHub, alarm: Monitored
) -> None:
    done = [issue.keep_issue(alarm, folder) for folder in ("models/a", "models/b", "models/a")]
    assert done == ["opened /issues/1", "opened /issues/2", "updated /issues/1"]
    assert "/blob/HEAD/models/a/docs/runbook.md#" in shop.issues[0]["body"]


def test_an_issue_of_another_account_is_left_alone_whatever_stands_in_it(
    shop: GitHub, alarm: Monitored
) -> None:
    shop.issues = [
        {"number": n, "state": "open", "user": account, "body": issue.mark_of("")}
        for n, account in ((1, {"login": "mallory"}), (2, None))
    ]
    assert issue.keep_issue(alarm) == "opened /issues/3"
    assert issue.keep_issue(alarm) == "updated /issues/3"


def test_rot_has_an_issue_of_its_own_which_is_closed_when_it_is_over(
    shop: GitHub, alarm: Monitored
) -> None:
    strange = {"number": 1, "user": {"login": "mallory"}, "body": issue.ROT.format("")}
    shop.issues = [{**strange, "state": "open"}]
    assert issue.keep_rot(is_sound=True) == "nothing is wrong, and no issue is open"
    assert issue.keep_issue(alarm) == "opened /issues/2"
    assert issue.keep_rot(is_sound=False) == "opened /issues/3"
    assert issue.keep_rot(is_sound=False) == "updated /issues/3"
    assert issue.keep_rot(is_sound=False, folder="models/b") == "opened /issues/4"
    assert "docs/runbook.md#the-newest-packages-do-not-fit" in shop.issues[2]["body"]
    assert issue.keep_rot(is_sound=True) == "closed /issues/3"


def test_a_monitor_that_fails_opens_an_issue_too(
    shop: GitHub, churn: Factory, alarm: Monitored, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = churn.path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("FACTORY_LOG_URL", f"sqlite:///{churn.path}/away/log.db")
    churn.change(log={"url_env": "FACTORY_LOG_URL"})
    churn.write("monitor.json", churn.run("monitor", "--json", code=1).out)
    assert page.read_text().startswith("**Failed**: there is no database ")
    churn.run("forge", "issue", "monitor.json")
    (only,) = shop.issues
    assert only["title"] == "Monitor: it fails"
    assert "docs/runbook.md#the-monitor-fails" in only["body"]
    assert "away" not in only["body"]
    churn.write("monitor.json", alarm.model_dump_json(by_alias=True))
    churn.run("forge", "issue", "monitor.json")
    assert len(shop.issues) == 1
    assert "The monitor: **alarm**." in page.read_text()


def test_each_commit_has_its_own_approver(shop: GitHub) -> None:
    shop.pulls = [merged(n, author="erin", by="carol") for n in (1, 2)]
    shop.merges = {"a" * 40: [1], "b" * 40: [2]}
    shop.reviews = {1: [("alice", "APPROVED")], 2: [("bob", "APPROVED")]}
    commits = [letter * 40 for letter in "abcf"]
    reviews = [place.forge().review(commit) for commit in commits]
    assert [one.names for one in reviews] == ["@alice", "@bob", "", "@dave"]
    assert [one.is_own for one in reviews] == [False, False, True, True]


def test_an_approval_by_a_stranger_is_none(shop: GitHub) -> None:
    shop.pulls, shop.merges = [merged(1, author="erin", by="erin")], {"a" * 40: [1]}
    shop.reviews = {1: [("mallory", "APPROVED")]}
    review = place.forge().review("a" * 40)
    assert (review.names, review.is_own) == ("@erin", True)
    shop.reviews[1].append(("alice", "APPROVED"))
    review = place.forge().review("a" * 40)
    assert (review.names, review.is_own) == ("@alice", False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"has_issues": False}, "answers 410 to GET /issues?.*: Issues are disabled"),
        ({"rights": {JOB: {"comments"}}}, "answers 403 to POST /issues: Resource not accessible"),
        ({"is_empty": True}, "answers 409 to GET /commits/a+/pulls: Git Repository is empty"),
    ],
)
def test_what_the_forge_refuses_is_said_in_its_words(
    shop: GitHub, change: dict[str, Any], reason: str
) -> None:
    for name, value in change.items():
        setattr(shop, name, value)
    with pytest.raises(FactoryError, match=reason) as refusal:
        issue.keep_issue(None)
        place.forge().review("a" * 40)
    assert JOB not in str(refusal.value)


def test_what_is_not_there_or_has_no_title_is_refused(shop: GitHub) -> None:
    with pytest.raises(FactoryError, match="answers 404 to PATCH /issues/5: Not Found"):
        place.forge().rewrite_issue("/issues/5", "title", "text")
    with pytest.raises(FactoryError, match="answers 422 to POST /issues: Validation Failed"):
        place.forge().open_issue("", "text")
    assert shop.issues == []


@pytest.mark.parametrize("pauses", [1, 2])
def test_a_forge_that_asks_to_wait_is_asked_again(shop: GitHub, pauses: int) -> None:
    shop.pauses = pauses
    assert issue.keep_issue(None) == "opened /issues/1"


@pytest.mark.parametrize(
    ("folder", "branch"),
    [("", "promote/prod-v1.0.0"), ("models/of a", "promote/models/of-a/prod-v1.0.0")],
)
def test_each_proposes_on_a_branch_of_its_own(tmp_path: Path, folder: str, branch: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    git(tmp_path, "init", "--quiet")
    assert branch_of(Project(tmp_path / folder), "promote", "prod", "v1.0.0") == branch


def test_outside_of_a_job_it_is_said_what_to_do_instead(
    churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_REPOSITORY", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    for argv in (("forge", "approver"), ("forge", "issue", "monitor.json")):
        said = churn.run(*argv, code=1).err
        assert "this is no job of a forge" in said
        assert "hint: by hand: factory promotions apply --approver NAME" in said


@pytest.mark.parametrize(
    ("headers", "reason", "expected"),
    [
        ({"Retry-After": "7"}, "", 7),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{later}"}, "", 30),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "{later}"}, "", 30),
        ({"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "{later}"}, "", 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, "", 1),
        ({}, "You have exceeded a secondary rate limit.", 60),
        ({}, "Resource not accessible by integration", 0),
    ],
)
def test_the_time_to_wait_is_read_as_either_forge_names_it(
    headers: dict[str, str], reason: str, expected: int
) -> None:
    later = int(time.time()) + 30
    message = Message()
    for name, value in headers.items():
        message[name] = value.format(later=later)
    error = HTTPError("https://forge.example.org", 403, "", message, None)
    pause = rest.pause_of(error, reason)
    assert pause <= expected
    assert bool(pause) == bool(expected)


@pytest.mark.usefixtures("shop")
def test_a_token_that_is_void_is_named_by_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken-of-last-year")
    with pytest.raises(FactoryError) as refusal:
        issue.keep_issue(None)
    assert "GITHUB_TOKEN has expired" in refusal.value.hint
    monkeypatch.setenv("FACTORY_FORGE_TOKEN", "t0ken-of-last-year")
    with pytest.raises(FactoryError) as refusal:
        [*place.forge().requests("retrain")]
    assert "FACTORY_FORGE_TOKEN has expired" in refusal.value.hint
    assert "t0ken" not in f"{refusal.value}{refusal.value.hint}"


def test_a_list_that_goes_on_elsewhere_gets_no_token(shop: GitHub) -> None:
    api = rest.Api(shop.url, JOB)
    with pytest.raises(FactoryError, match=r"names http://127\.0\.0\.1:1/x, which is not its own"):
        rest.call(api, "GET", "http://127.0.0.1:1/x")
    assert shop.calls == []
