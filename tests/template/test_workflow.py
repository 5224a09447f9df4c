"""The rendered workflow is valid, pinned, and trusts no text from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from .conftest import SCRIPTS, execute

PROJECT = Path(__file__).parents[2] / "template/project"
WORKFLOW = PROJECT / "{% if ci == 'github' %}.github{% endif %}/workflows/ci.yml"


def test_it_is_what_the_forge_understands(env: dict[str, str], tmp_path: Path) -> None:
    check = str(SCRIPTS / "check-jsonschema")
    execute((check, "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)), tmp_path, env)


def test_an_auditor_finds_nothing(env: dict[str, str], tmp_path: Path) -> None:
    argv = (str(SCRIPTS / "zizmor"), "--offline", "--no-progress", str(WORKFLOW))
    done = execute(argv, tmp_path, env)
    assert "No findings" in done.stdout + done.stderr


def test_every_action_is_pinned_by_commit() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW.read_text("utf-8"))
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in used)


def test_it_may_read_and_nothing_else() -> None:
    flow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert flow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in flow["jobs"].values())


@pytest.mark.parametrize("word", ["github.event", "inputs.", "github.head_ref", "secrets."])
def test_no_script_takes_text_from_outside(word: str) -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"].values()
    scripts = [step.get("run", "") for job in jobs for step in job["steps"]]
    assert all("${{" not in script and word not in script for script in scripts)
