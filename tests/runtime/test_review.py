"""Who let a change in, by all the ways in which a request can be written and merged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import place
from mlfactory_runtime.forge.review import Review, review_of
from mlfactory_runtime.records.registry import Applied
from mlfactory_runtime.registry.promote import apply

from .. import github as on_github
from .. import gitlab as on_gitlab
from .factories import Factory, commit

COMMIT = "a" * 40


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[on_github.GitHub]:
    """GitHub: pull request 1 was proposed by erin, approved by alice and merged by erin."""
    with on_github.github() as forge:
        for name, value in {
            "GITHUB_API_URL": forge.url,
            "GITHUB_REPOSITORY": on_github.NAME,
            "GITHUB_TOKEN": on_github.JOB,
            "GITHUB_SHA": "f" * 40,
            "GITHUB_ACTOR": "dave",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF_NAME": "main",
        }.items():
            monkeypatch.setenv(name, value)
        forge.pulls, forge.merges = [on_github.merged(1, "erin", "erin")], {COMMIT: [1]}
        forge.reviews = {1: [("alice", "APPROVED")]}
        yield forge


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[on_gitlab.GitLab]:
    """GitLab, with the same as merge request 1."""
    with on_gitlab.gitlab() as forge:
        for name, value in {
            "CI_API_V4_URL": forge.api,
            "CI_PROJECT_ID": "1217",
            "FACTORY_FORGE_TOKEN": on_gitlab.TOKEN,
            "CI_COMMIT_SHA": "f" * 40,
            "CI_COMMIT_BRANCH": "main",
            "CI_PIPELINE_SOURCE": "push",
            "GITLAB_USER_LOGIN": "dave",
        }.items():
            monkeypatch.setenv(name, value)
        forge.merges, forge.approved = {COMMIT: [on_gitlab.merged(1, "erin")]}, {1: ["alice"]}
        yield forge


def review() -> tuple[str, bool]:
    """Who is named, and whether a second person is missing."""
    answer = place.forge().review(COMMIT)
    return answer.names, answer.is_own


BESIDE = "Promote it\n\nCo-authored-by: Alice A. <{}>"


@pytest.mark.parametrize(
    ("commits", "expected"),
    [
        ([("erin", "Promote it", 1), (None, "By nobody that is known", 1)], ("@alice", False)),
        ([("erin", "Promote it", 1), ("alice", "Merge branch 'main'", 2)], ("@alice", False)),
        ([("erin", "Promote it", 1), ("Alice", "Another threshold", 1)], ("@erin", True)),
        ([("erin", BESIDE.format("7+alice@users.noreply.github.com"), 1)], ("@erin", True)),
        ([("erin", BESIDE.format("alice@users.noreply.git.example.org"), 1)], ("@erin", True)),
        ([("erin", BESIDE.format("alice@example.org"), 1)], ("@alice", False)),
    ],
)
def test_who_wrote_a_commit_of_it_approves_it_for_nobody_on_github(
    shop: on_github.GitHub, commits: list[tuple[str | None, str, int]], expected: tuple[str, bool]
) -> None:
    shop.commits = {1: [on_github.commit_by(*one) for one in commits]}
    assert review() == expected


@pytest.mark.parametrize(
    ("commits", "expected"),
    [
        ([("Erin", "", "Promote it", 1)], ("@alice", False)),
        ([("Erin", "", "Promote it", 1), ("Alice", "", "Merge main", 2)], ("@alice", False)),
        ([("Erin", "", "Promote it", 1), ("Alice", "", "Mend it", 1)], ("@erin", True)),
        ([("A.", "7-alice@users.noreply.gitlab.com", "Mend it", 1)], ("@erin", True)),
        ([("Erin", "", BESIDE.format("7-alice@users.noreply.gl.example.org"), 1)], ("@erin", True)),
    ],
)
def test_who_wrote_a_commit_of_it_approves_it_for_nobody_on_gitlab(
    project: on_gitlab.GitLab, commits: list[tuple[str, str, str, int]], expected: tuple[str, bool]
) -> None:
    project.commits = {1: [on_gitlab.commit_by(*one) for one in commits]}
    assert review() == expected


@pytest.mark.parametrize("program", ["mergify[bot]", "github-actions[bot]"])
def test_a_program_is_no_second_person_on_github(shop: on_github.GitHub, program: str) -> None:
    shop.reviews[1].append((program, "APPROVED"))
    assert review() == ("@alice", False)
    shop.reviews = {1: [(program, "APPROVED")]}
    assert review() == ("@erin", True)
    shop.pulls = [on_github.merged(1, "erin", program)]
    assert review() == (f"@{program}", True)
    shop.pulls = [on_github.merged(1, program, "erin")]  # a program's request, which erin merged
    assert review() == ("@erin", False)


@pytest.mark.parametrize("program", ["project_7_bot_3f", "group_12_bot", "service_account_ci"])
def test_a_program_is_no_second_person_on_gitlab(project: on_gitlab.GitLab, program: str) -> None:
    project.approved = {1: [program]}
    assert review() == ("@erin", True)
    project.merges = {COMMIT: [on_gitlab.merged(1, program)]}
    assert review() == (f"@{program}", True)
    project.merges = {COMMIT: [on_gitlab.merged(1, "erin", author=program)]}
    assert review() == ("@erin", False)


def test_a_request_into_another_branch_let_nothing_into_the_main_one(
    shop: on_github.GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a branch on a branch is merged with its commits as they are."""
    side = on_github.merged(2, "erin", "bob") | {"base": {"ref": "try"}}
    shop.pulls, shop.merges, shop.reviews = [*shop.pulls, side], {COMMIT: [2, 1]}, {}
    assert review() == ("@erin", True)
    monkeypatch.setenv("GITHUB_SHA", COMMIT)
    shop.merges = {COMMIT: [2]}
    assert review() == ("@dave", True)


def test_nor_on_gitlab(project: on_gitlab.GitLab) -> None:
    side = on_gitlab.merged(2, "bob") | {"target_branch": "try"}
    project.merges[COMMIT].insert(0, side)
    project.approved = {}
    assert review() == ("@erin", True)


@pytest.mark.parametrize(
    ("approvals", "merger", "expected"),
    [
        (["Erin"], "erin", (("@erin",), True)),
        (["alice", "alice"], "", (("@alice", "@alice"), False)),
        ([], "", ((), True)),
        (["renovate[bot]"], "", (("@renovate[bot]",), True)),
    ],
)
def test_accounts_are_the_same_in_any_case_of_letters(
    approvals: list[str], merger: str, expected: tuple[tuple[str, ...], bool]
) -> None:
    answer = review_of(approvals, ["erin"], merger)
    assert (answer.approvers, answer.is_own) == expected


@pytest.fixture
def proposed(tracked: Factory) -> Factory:
    """A factory with a CI, on whose main branch a record has come that nobody has tagged yet."""
    tracked.run("register")
    tracked.write(".copier-answers.yml", tracked.text(".copier-answers.yml") + "ci: github\n")
    commit(tracked, "Have a CI")
    branch = tracked.json("promote", "v1.0.0", "--to", "prod", "--force", "--why", "x", "--json")
    tracked.tool("git", "merge", "--quiet", "--no-ff", "--message", "Merge 1", branch["branch"])
    return tracked


def applied(factory: Factory, reviews: dict[str, Review]) -> Applied:
    """What comes of the records, by who let in the commit of each subject."""

    def answer(commit: str) -> Review:
        return reviews[factory.tool("git", "log", "-1", "--format=%s", commit).strip()]

    return apply(factory.project, answer)


def edit(factory: Factory, subject: str) -> None:
    """Change the record that was merged."""
    name = "promotions/prod-0001-v1.0.0.json"
    record: dict[str, Any] = json.loads(factory.text(name))
    factory.write(name, json.dumps(record | {"why": subject}, indent=2))
    commit(factory, subject)


ALICE, BOB, OWN = (review_of([name], ["erin"], "") for name in ("alice", "bob", "erin"))


def test_a_record_that_was_changed_needs_a_second_person_for_that_too(proposed: Factory) -> None:
    edit(proposed, "Say it better")
    result = applied(proposed, {"Merge 1": ALICE, "Say it better": OWN})
    assert (result.made, result.own) == ((), ("prod-0001-v1.0.0",))
    result = applied(proposed, {"Merge 1": OWN, "Say it better": ALICE})
    assert (result.made, result.own) == ((), ("prod-0001-v1.0.0",))
    result = applied(proposed, {"Merge 1": ALICE, "Say it better": BOB})
    assert result.made == ("churn#prod#1",)
    message = proposed.tool("git", "tag", "--list", "--format=%(contents)", "churn#prod#1")
    assert json.loads(message)["approved_by"] == "@alice, @bob"


def test_each_git_writes_a_time_its_way(proposed: Factory) -> None:
    name = "promotions/prod-0001-v1.0.0.json"
    record: dict[str, Any] = json.loads(proposed.text(name))
    moment = datetime.fromisoformat(record["trained_at"]).astimezone(timezone(timedelta(hours=5)))
    proposed.write(name, json.dumps(record | {"trained_at": moment.isoformat()}, indent=2))
    commit(proposed, "Say it better")
    result = applied(proposed, {"Merge 1": ALICE, "Say it better": BOB})
    assert result.made == ("churn#prod#1",)


FORGED: dict[str, dict[str, Any]] = {
    "another verdict": {"verdict": "accepted", "reason": "it is good"},
    "other metrics": {"metrics": {}},
    "other rows": {"rows": 10**6},
    "another model": {"model": "0" * 12},
    "a proof that nobody gave": {"forced": False, "problems": []},
    "a way back to where nothing was": {"forced": False, "kind": "rollback"},
}


def test_a_record_that_says_what_git_does_not_makes_no_tag(proposed: Factory) -> None:
    name = "promotions/prod-0001-v1.0.0.json"
    record: dict[str, Any] = json.loads(proposed.text(name))
    for case, forged in FORGED.items():
        proposed.write(name, json.dumps(record | forged, indent=2))
        commit(proposed, "Say it better")
        with pytest.raises(FactoryError, match=r"another|not forced") as caught:
            applied(proposed, {"Merge 1": ALICE, "Say it better": BOB})
        assert "propose it anew" in caught.value.hint, case
        assert "prod#" not in proposed.tool("git", "tag")
        proposed.tool("git", "reset", "--quiet", "--hard", "HEAD^")
