"""The one request that a job keeps: opened once, written anew, and left alone once decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge import place
from mlfactory_runtime.forge.proposal import Proposal
from mlfactory_runtime.forge.request import LIMIT, keep_request
from mlfactory_runtime.forge.rest import in_words
from mlfactory_runtime.git import git

from ..github import JOB, NAME, PROPOSER, READER, GitHub, github, pull

FIRST = Proposal("retrain", "<!-- one -->", "Retrain: better", "The page.")
RULE = """#!/bin/sh
while read old new ref; do
  if [ "$ref" = refs/heads/locked ]; then echo "GH013: Repository rule violations" >&2; exit 1; fi
done
"""


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A forge whose repository is a bare origin with a protected branch, as a job meets it."""
    with github() as place:
        place.origin = tmp_path / "origin"
        git(tmp_path, "init", "--quiet", "--bare", "origin")
        hook = place.origin / "hooks/pre-receive"
        hook.write_text(RULE)
        hook.chmod(0o755)
        for name, value in {
            "GITHUB_API_URL": place.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
            "GITHUB_RUN_ID": "1",
            "FACTORY_FORGE_TOKEN": PROPOSER,
        }.items():
            monkeypatch.setenv(name, value)
        yield place


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a job has checked out, with a commit of its own."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin"))
    commit(folder)
    git(tmp_path / "origin", "fetch", "--quiet", str(folder), "main:main")
    return folder


def commit(folder: Path, message: str = "Train anew") -> None:
    who = ("-c", "user.name=factory", "-c", "user.email=factory@localhost")
    git(folder, *who, "commit", "--quiet", "--allow-empty", "--message", message)


def test_it_is_opened_once_and_written_anew_while_it_is_open(forge: GitHub, clone: Path) -> None:
    strange = [pull(n, "retrain", "mallory", {}, "mallory/churn") for n in (1, 2)]
    forge.pulls = [*strange, pull(3, "other", "alice", {"body": FIRST.mark})]
    assert keep_request(clone, FIRST) == "opened /pulls/4"
    assert forge.pulls[3]["body"] == "<!-- one -->\n\nThe page."
    assert forge.pulls[3]["base"] == {"ref": "main"}
    assert git(forge.origin, "rev-parse", "retrain") == git(clone, "rev-parse", "HEAD")
    assert keep_request(clone, FIRST) == "/pulls/4 is open, and holds this"

    commit(clone, "Train once more")
    second = replace(FIRST, mark="<!-- two -->", title="Retrain: worse")
    assert keep_request(clone, second) == "updated /pulls/4"
    assert forge.pulls[3]["title"] == "Retrain: worse"
    assert git(forge.origin, "rev-parse", "retrain") == git(clone, "rev-parse", "HEAD")
    assert len([call for call in forge.calls if call == "POST /pulls"]) == 1


def test_what_somebody_has_closed_is_not_opened_again(forge: GitHub, clone: Path) -> None:
    keep_request(clone, FIRST)
    forge.pulls[0]["state"] = "closed"
    assert keep_request(clone, FIRST) == "/pulls/1 was decided, and holds this"
    assert keep_request(clone, replace(FIRST, mark="<!-- two -->")) == "opened /pulls/2"


def test_a_long_page_is_cut_and_a_forge_that_asks_for_a_pause_gets_it(
    forge: GitHub, clone: Path
) -> None:
    forge.pauses = 1
    keep_request(clone, replace(FIRST, text="A line of the page.\n" * LIMIT))
    body = forge.pulls[0]["body"]
    assert LIMIT < len(body) < 65_536
    assert body.endswith("(https://github.com/org/churn/actions/runs/1).")


@pytest.mark.parametrize(
    ("token", "branch", "reason"),
    [
        ("", "retrain", "the secret FACTORY_FORGE_TOKEN is missing"),
        ("stranger", "retrain", "answers 401 to GET /pulls"),
        (READER, "retrain", "answers 403 to POST /pulls: Resource not accessible"),
        (PROPOSER, "locked", "`git push"),
    ],
)
def test_what_the_forge_refuses_is_said_without_the_token(
    forge: GitHub, clone: Path, monkeypatch: pytest.MonkeyPatch,
    token: str, branch: str, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("FACTORY_FORGE_TOKEN", token)
    with pytest.raises(FactoryError, match=reason) as refused:
        keep_request(clone, replace(FIRST, branch=branch))
    assert refused.value.hint
    assert not token or token not in str(refused.value)
    assert forge.pulls == []


def test_what_is_wrong_with_a_request_is_named(forge: GitHub, clone: Path) -> None:
    with pytest.raises(FactoryError, match="Validation Failed: PullRequest, head, invalid"):
        place.forge().open_request(replace(FIRST, branch="nowhere"), "text")
    keep_request(clone, FIRST)
    with pytest.raises(FactoryError, match="Validation Failed: A pull request already exists for"):
        place.forge().open_request(FIRST, "text")
    assert len(forge.pulls) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("404 Not Found", "404 Not Found"),
        (["Another open merge request exists: !1"], "Another open merge request exists: !1"),
        ({"source_branch": ["does not exist"], "base": []}, "does not exist"),
        ([{"resource": "Label", "code": "already_exists"}, "x"], "Label, already_exists, x"),
        (None, ""),
    ],
)
def test_what_a_forge_says_is_a_sentence(content: object, words: str) -> None:
    assert in_words(content) == words
