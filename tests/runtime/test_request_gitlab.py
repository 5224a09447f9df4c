"""The one request that a job keeps, on GitLab: which refuses a second one of the same branch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime.forge.proposal import Proposal
from mlfactory_runtime.forge.request import keep_request
from mlfactory_runtime.git import git

from ..stand_in import served

FIRST = Proposal("retrain/models/churn", "<!-- one -->", "Retrain: better", "The page.")
IDS = {"project_id": 1217, "source_project_id": 1217}


@pytest.fixture
def merges(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The merge requests of a project; those of forks are listed with its own, as there."""
    requests: list[dict[str, Any]] = []

    def reply(request: BaseHTTPRequestHandler, body: Any) -> None:
        rest, _, query = request.path.removeprefix("/projects/1217").partition("?")
        code, answer = 200, dict[str, Any]()
        if request.command == "POST":
            own = [one for one in requests if one["source_project_id"] == one["project_id"]]
            code = 409 if any(one["state"] == "opened" for one in own) else 201
            draft = body["title"].startswith("Draft: ")
            opened = {"iid": len(requests) + 1, "state": "opened", "draft": draft}
            answer = {**opened, **IDS, **body}
            requests.extend([answer] * (code == 201))
        elif request.command == "PUT":
            answer = requests[int(rest.rpartition("/")[2]) - 1]
            answer.update(body)
            if body.get("state_event") == "close":
                answer["state"] = "closed"
        elif rest == "":
            answer = {"default_branch": "main"}
        request.send_response(code)
        request.end_headers()
        if rest == "/merge_requests" and request.command == "GET":
            assert "source_branch=retrain%2Fmodels%2Fchurn" in query
            request.wfile.write(json.dumps(requests[::-1]).encode())
        else:
            request.wfile.write(json.dumps(answer).encode())

    with served(reply) as address:
        monkeypatch.setenv("CI_API_V4_URL", f"http://{address}")
        monkeypatch.setenv("CI_PROJECT_ID", "1217")
        monkeypatch.setenv("FACTORY_FORGE_TOKEN", "glpat-of-the-project")
        yield requests


def test_it_is_opened_once_and_written_anew(merges: list[dict[str, Any]], tmp_path: Path) -> None:
    fork = {"iid": 1, "state": "opened", "project_id": 1217, "source_project_id": 99}
    merges.append({**fork, "source_branch": FIRST.branch, "description": FIRST.mark})
    git(tmp_path, "init", "--quiet", "--bare", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "clone")
    who = ("-c", "user.name=factory", "-c", "user.email=factory@localhost")
    git(tmp_path / "clone", *who, "commit", "--quiet", "--allow-empty", "--message", "Train anew")

    assert keep_request(tmp_path / "clone", FIRST) == "opened /merge_requests/2"
    assert merges[1]["target_branch"] == "main"
    assert keep_request(tmp_path / "clone", FIRST) == "/merge_requests/2 is open, and holds this"
    second = Proposal(FIRST.branch, "<!-- two -->", "Retrain: worse", "The page.")
    assert keep_request(tmp_path / "clone", second) == "updated /merge_requests/2"
    assert merges[1]["description"] == "<!-- two -->\n\nThe page."
    merges[1]["state"] = "closed"
    assert "/merge_requests/2 was decided" in keep_request(tmp_path / "clone", second)


def test_a_draft_has_its_label_and_gives_way(merges: list[dict[str, Any]], tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "clone")
    who = ("-c", "user.name=factory", "-c", "user.email=factory@localhost")
    git(tmp_path / "clone", *who, "commit", "--quiet", "--allow-empty", "--message", "Update")
    draft = replace(FIRST, draft=True, labels=("template-conflict",))
    assert keep_request(tmp_path / "clone", draft) == "opened /merge_requests/1"
    assert merges[0]["title"] == "Draft: Retrain: better"
    assert merges[0]["add_labels"] == "template-conflict"
    fine = replace(FIRST, mark="<!-- two -->")
    assert keep_request(tmp_path / "clone", fine) == "opened /merge_requests/2"
    assert [one["state"] for one in merges] == ["closed", "opened"]
