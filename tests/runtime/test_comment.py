"""The one comment that says what a change does; what a fork's run reports is not believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge.comment import MARK, keep_comment
from mlfactory_runtime.forge.github_run import LIMIT

from ..github import JOB, NAME, GitHub, archive, github, pull

FORK = "mallory/churn"
RUN = {
    "id": 5,
    "head_sha": "a" * 40,
    "head_branch": "try",
    "head_repository": {"full_name": NAME},
    "conclusion": "success",
    "html_url": "https://github.com/org/churn/actions/runs/5",
}
HEAD = {"ref": "try", "sha": "a" * 40}


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A forge with two requests of branches that are called the same, one of a fork."""
    with github() as place:
        place.rights = {JOB: {"comments"}}
        place.pulls = [pull(n + 1, "try", "dave", {}, name) for n, name in enumerate((FORK, NAME))]
        place.artifacts = {
            "report-code": archive(b"Hooks success, types success, tests success."),
            "monitor": b"no archive",
            "report-pipeline": archive(b"**Better**, says <b>@all</b>."),
        }
        for name, value in {
            "GITHUB_API_URL": place.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
            "GITHUB_RUN_ID": "6",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        }.items():
            monkeypatch.setenv(name, value)
        happen(tmp_path)
        yield place


def happen(folder: Path, **changes: Any) -> None:
    (folder / "event.json").write_text(json.dumps({"workflow_run": RUN | changes}), "utf-8")


def test_it_is_written_once_and_then_anew(forge: GitHub, tmp_path: Path) -> None:
    mark = MARK.format("")
    strange = [{"id": 90 + n, "body": mark, "user": {"login": "mallory"}} for n in range(3)]
    forge.comments = {2: [*strange]}
    assert keep_comment() == "wrote /issues/comments/4"
    comment = forge.comments[2][-1]
    first, second, third = comment["body"].removeprefix(mark).strip().split("\n\n")
    assert first == f"[The run]({RUN['html_url']}) of {'a' * 12}."
    assert second == "**Better**, says <b>@all</b>."
    assert third.startswith("Hooks success")

    happen(tmp_path, conclusion="failure")
    forge.artifacts["report-pipeline"] = archive(b"**Worse**")
    assert keep_comment() == "updated /issues/comments/4"
    assert comment["body"].startswith(f"{mark}\n\n**CI is not green.** [The run]")
    assert [one["body"] for one in strange] == [mark] * 3
    assert keep_comment("models/b") == "wrote /issues/comments/5"


def test_a_forks_report_is_text_and_stands_on_its_own_request(
    forge: GitHub, tmp_path: Path
) -> None:
    happen(tmp_path, head_repository={"full_name": FORK})
    keep_comment()
    assert list(forge.comments) == [1]
    assert "&lt;b>@\u200ball&lt;/b>" in forge.comments[1][0]["body"]


def test_a_run_of_an_older_commit_says_nothing(forge: GitHub, tmp_path: Path) -> None:
    happen(tmp_path, head_sha="b" * 40)
    assert keep_comment() == "no open request has this run's commit as its newest"
    assert not any(call.startswith("POST") for call in forge.calls)


def test_a_run_of_a_fork_that_is_gone_says_nothing(forge: GitHub, tmp_path: Path) -> None:
    forge.pulls = [pull(1, "try", "dave", {}, NAME) | {"head": {**HEAD, "repo": None}}]
    happen(tmp_path, head_repository=None)
    assert keep_comment() == "no open request has this run's commit as its newest"
    assert not any(call.startswith("POST") for call in forge.calls)


@pytest.mark.parametrize(
    "content",
    [b"no archive", archive(b"x", "../report.md"), archive(b"\xff" * 3 * LIMIT)],
    ids=["text", "another-place", "too-much"],  # an archive has the time in it
)
def test_no_artifact_does_harm(forge: GitHub, content: bytes) -> None:
    forge.artifacts = {"report-code": content}
    keep_comment()
    body = forge.comments[2][0]["body"]
    assert len(body) < 65_536
    assert "A report cannot be read." in body or "The rest stands in" in body


def test_a_job_without_the_right_says_so(forge: GitHub) -> None:
    forge.rights = {}
    with pytest.raises(FactoryError, match="answers 403 to POST /issues/2/comments: Resource"):
        keep_comment()
