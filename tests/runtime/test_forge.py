"""What jobs ask of the forge; factories that share a repository have issues of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime.forge import issue, place
from mlfactory_runtime.git import git
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.monitoring import Monitored
from mlfactory_runtime.records.record import parse
from mlfactory_runtime.registry.promote import branch_of

from ..stand_in import served
from .factories import Factory

MONITORED = Path(__file__).parent / "formats/monitor/1.json"


OURS = {"login": "github-actions[bot]"}


@dataclass
class Forge:
    """The issues of a repository, and the pull requests that its commits were merged by."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    approvers: dict[str, str] = field(default_factory=dict)

    def answer(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        request.send_response(200)
        request.end_headers()
        told = self.told(request.command, request.path.removeprefix("/repos/org/shop"), body)
        request.wfile.write(json.dumps(told).encode())

    def told(self, method: str, path: str, body: Any) -> Any:
        if path.startswith("/commits/"):
            commit = path.split("/")[2]
            known = commit in self.approvers
            return [{"number": commit, "merged_at": "2026-01-01T00:00:00Z"}] if known else []
        if path.startswith("/pulls/"):
            name = self.approvers[path.split("/")[2]]
            if not path.partition("?")[0].endswith("/reviews"):
                return {"user": {"login": "dave"}, "merged_by": {"login": "carol"}}
            return [{"user": {"login": name}, "state": "APPROVED"}]
        if method == "POST":
            self.issues.append({**body, "number": len(self.issues) + 1, "user": OURS})
        return self.issues[-1] if method == "POST" else self.issues


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """The forge of a repository, as a job of its CI meets it."""
    found = Forge()
    with served(found.answer) as address:
        for name, value in {
            "GITHUB_API_URL": f"http://{address}",
            "GITHUB_REPOSITORY": "org/shop",
            "GITHUB_TOKEN": "t",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SHA": "f" * 40,
            "GITHUB_ACTOR": "dave",
            "GITHUB_EVENT_NAME": "push",
        }.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def alarm() -> Monitored:
    kept = parse(Monitored, MONITORED.read_text("utf-8"), MONITORED.name)
    checks = tuple(one.model_copy(update={"status": "alarm"}) for one in kept.checks[:1])
    return kept.model_copy(update={"verdict": "alarm", "checks": checks})


def test_each_factory_of_a_repository_has_an_issue_of_its_own(
    shop: Forge, alarm: Monitored
) -> None:
    done = [issue.keep_issue(alarm, folder) for folder in ("models/a", "models/b", "models/a")]
    assert done == ["opened /issues/1", "opened /issues/2", "updated /issues/1"]
    assert "/blob/HEAD/models/a/docs/runbook.md#" in shop.issues[0]["body"]


def test_an_issue_of_another_account_is_left_alone_whatever_stands_in_it(
    shop: Forge, alarm: Monitored
) -> None:
    shop.issues = [{"number": 1, "user": {"login": "mallory"}, "body": issue.mark_of("")}]
    shop.issues.append({"number": 2, "user": None, "body": issue.mark_of("")})
    assert issue.keep_issue(alarm) == "opened /issues/3"
    assert issue.keep_issue(alarm) == "updated /issues/3"


def test_rot_has_an_issue_of_its_own_which_is_closed_when_it_is_over(
    shop: Forge, alarm: Monitored
) -> None:
    strange = {"number": 1, "user": {"login": "mallory"}, "body": issue.ROT.format("")}
    shop.issues = [strange]
    assert issue.keep_rot(is_sound=True) == "nothing is wrong, and no issue is open"
    assert issue.keep_issue(alarm) == "opened /issues/2"
    assert issue.keep_rot(is_sound=False) == "opened /issues/3"
    assert issue.keep_rot(is_sound=False) == "updated /issues/3"
    assert issue.keep_rot(is_sound=False, folder="models/b") == "opened /issues/4"
    assert "docs/runbook.md#the-newest-packages-do-not-fit" in shop.issues[2]["body"]
    assert issue.keep_rot(is_sound=True) == "closed /issues/3"


def test_a_monitor_that_fails_opens_an_issue_too(
    shop: Forge, churn: Factory, alarm: Monitored, monkeypatch: pytest.MonkeyPatch
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


def test_each_commit_has_its_own_approver(shop: Forge) -> None:
    shop.approvers = {"a" * 40: "alice", "b" * 40: "bob"}
    commits = [letter * 40 for letter in "abcf"]
    reviews = [place.forge().review(commit) for commit in commits]
    assert [one.names for one in reviews] == ["@alice", "@bob", "", "@dave"]
    assert [one.is_own for one in reviews] == [False, False, True, True]


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
