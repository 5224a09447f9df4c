"""The nightly workflows of a fleet's repository: valid, pinned, and with few rights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from mlfactory.base.errors import UsageError
from mlfactory.fleet import schedule

from .conftest import SCRIPTS, execute

SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}


@pytest.fixture(params=["github", "gitlab"])
def workflow(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return schedule.write(request.param, tmp_path)


def test_it_is_what_the_forge_understands(
    workflow: Path, env: dict[str, str], tmp_path: Path
) -> None:
    kind = "github" if ".github" in workflow.parts else "gitlab"
    argv = (str(SCRIPTS / "check-jsonschema"), "--builtin-schema", SCHEMAS[kind], str(workflow))
    execute(argv, tmp_path, env)


def test_an_auditor_finds_nothing(env: dict[str, str], tmp_path: Path) -> None:
    file = schedule.write("github", tmp_path)
    argv = (str(SCRIPTS / "zizmor"), "--offline", "--no-progress", str(file))
    result = execute(argv, tmp_path, env)
    assert "No findings" in result.stdout + result.stderr


def test_what_it_uses_is_pinned_and_may_do_little(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    uses = re.findall(r"uses: (\S+)", text)
    images = re.findall(r"value: (python\S+)", text)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in uses)
    assert all("@sha256:" in name for name in images)
    assert uses or images
    jobs = yaml.safe_load(text).get("jobs", {})
    rights = {name: job["permissions"] for name, job in jobs.items()}
    assert rights in (
        {},
        {"look": {"contents": "read"}, "publish": {"pages": "write", "id-token": "write"}},
    )
    scripts = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert all("${{" not in script for script in scripts)


def test_another_workflow_is_not_overwritten(tmp_path: Path) -> None:
    file = schedule.write("gitlab", tmp_path)
    assert schedule.write("gitlab", tmp_path) == file
    file.write_text("ours: {}\n")
    with pytest.raises(UsageError, match="exists, and is another one"):
        schedule.write("gitlab", tmp_path)
    with pytest.raises(UsageError, match="no forge that is known"):
        schedule.write("forgejo", tmp_path)
