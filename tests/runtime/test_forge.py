"""Factories that share a repository: each has its own issue, and its own branches."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime import forge
from mlfactory_runtime.git import git
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.monitoring import Monitored
from mlfactory_runtime.records.record import parse
from mlfactory_runtime.registry.promote import branch_of

from ..stand_in import served

MONITORED = Path(__file__).parent / "formats/monitor/1.json"


def test_each_factory_of_a_repository_has_an_issue_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issues: list[dict[str, Any]] = []

    def answer(request: BaseHTTPRequestHandler, body: Any) -> None:
        if request.command == "POST":
            issues.append({**body, "number": len(issues) + 1})
        told = issues[-1] if request.command == "POST" else issues
        request.send_response(200)
        request.end_headers()
        request.wfile.write(json.dumps(told).encode())

    kept = parse(Monitored, MONITORED.read_text("utf-8"), MONITORED.name)
    checks = tuple(one.model_copy(update={"status": "alarm"}) for one in kept.checks[:1])
    result = kept.model_copy(update={"verdict": "alarm", "checks": checks})
    with served(answer) as address:
        for name, value in {
            "GITHUB_API_URL": f"http://{address}",
            "GITHUB_REPOSITORY": "org/shop",
            "GITHUB_TOKEN": "t",
            "GITHUB_RUN_ID": "1",
        }.items():
            monkeypatch.setenv(name, value)
        done = [forge.keep_issue(result, folder) for folder in ("models/a", "models/b", "models/a")]
    assert done == ["opened /issues/1", "opened /issues/2", "updated /issues/1"]
    assert "/blob/HEAD/models/a/docs/runbook.md#" in issues[0]["body"]


@pytest.mark.parametrize(
    ("folder", "branch"),
    [("", "promote/prod-v1.0.0"), ("models/of a", "promote/models/of-a/prod-v1.0.0")],
)
def test_each_proposes_on_a_branch_of_its_own(tmp_path: Path, folder: str, branch: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    git(tmp_path, "init", "--quiet")
    assert branch_of(Project(tmp_path / folder), "promote", "prod", "v1.0.0") == branch
