"""This repository's own workflows: valid, pinned, audited; the cheap one is run by act."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT
from .stand_in import served
from .template.actions import ACT, Actions, needs_act
from .template.conftest import SCRIPTS, Factory, execute

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACCOUNT = {"login": "github-actions[bot]"}
JOBS = {
    "evolution": {"slow"},
    "release": {"build", "publish"},
    "rot": {"checks", "issue"},
    "tests": {"lint", "tests"},
}
# Stands for the installation: the packages are those of whoever tests.
PYTHON = """#!/bin/bash
if [ "$*" != "-m venv .venv" ]; then exec {python} "$@"; fi
mkdir -p .venv/bin && ln -s {ruff} .venv/bin/ruff && ln -s /bin/true .venv/bin/pip
ln -s /bin/true .venv/bin/mypy
"""


@dataclass(frozen=True)
class Runner(Actions):
    """A runner on which Python stands first on PATH."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "PATH": f"{self.folder / 'tools'}:/usr/bin:/bin"}


@pytest.fixture
def runner(tmp_path: Path, home: Path) -> Runner:
    """What git holds here, on a forge."""
    needs_act()
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "UV_CACHE_DIR": "", "MYPY_CACHE_DIR": ""}
    listing = execute(("git", "ls-files", "-z", "--cached"), ROOT, env).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            place = tmp_path / "tree" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place)
    execute(("git", "init", "-q", "--bare", "-b", "main", "origin"), tmp_path, env)
    for argv in (
        ("init", "-q", "-b", "main"),
        ("add", "--all", "--force"),
        ("commit", "-q", "-m", "All of it"),
        ("push", "-q", "../origin", "main"),
    ):
        execute(("git", *argv), tmp_path / "tree", env)
    (tmp_path / "tools").mkdir()
    python = tmp_path / "tools/python3"
    python.write_text(PYTHON.format(python=sys.executable, ruff=SCRIPTS / "ruff"))
    python.chmod(0o755)
    return Runner(tmp_path, Factory(tmp_path, env), "")


def test_all_are_here() -> None:
    found = {file.stem: set(yaml.safe_load(file.read_text())["jobs"]) for file in WORKFLOWS}
    assert found == JOBS


@pytest.mark.parametrize(
    ("schema", "names"),
    [("github-workflows", WORKFLOWS), ("dependabot", [ROOT / ".github/dependabot.yml"])],
)
def test_they_are_what_the_forge_understands(schema: str, names: list[Path], home: Path) -> None:
    argv = (str(SCRIPTS / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}")
    done = subprocess.run((*argv, *map(str, names)), cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_strictest_auditor_finds_nothing() -> None:
    argv = (str(SCRIPTS / "zizmor"), "--offline", "--no-progress", "--persona=auditor")
    done = subprocess.run((*argv, str(ROOT / ".github")), capture_output=True, text=True)
    assert "No findings" in done.stdout + done.stderr, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: str(file.stem))
def test_actions_are_pinned_and_scripts_take_no_text_from_outside(file: Path) -> None:
    text = file.read_text("utf-8")
    assert all(
        re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in re.findall(r"uses: (\S+)", text)
    )
    jobs = yaml.safe_load(text)["jobs"].values()
    assert all("${{" not in step.get("run", "") for job in jobs for step in job["steps"])
    assert yaml.safe_load(text)["permissions"] == {}


def test_they_call_the_commands_that_people_call() -> None:
    steps = {
        f"{file.stem}/{name}": [step.get("run", "").strip() for step in job["steps"]]
        for file in WORKFLOWS
        for name, job in yaml.safe_load(file.read_text())["jobs"].items()
    }
    assert steps["tests/tests"][-1] == ".ci/run"
    assert steps["evolution/slow"][-1] == ".ci/run -m slow"
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    form, types = steps["tests/lint"][-2:]
    assert f"{form} && {types}" in guide
    assert ".venv/bin/python tests/newest.py" in steps["rot/checks"][-1]


def test_one_issue_is_kept_while_the_newest_packages_fail(home: Path) -> None:
    issues: list[dict[str, Any]] = []

    def reply(request: BaseHTTPRequestHandler, body: Any) -> None:
        answer: Any = [one for one in issues if one["state"] == "open"]
        if request.command == "POST" and request.path.endswith("/issues"):
            answer = {**body, "number": len(issues) + 1, "state": "open", "user": ACCOUNT}
            issues.append(answer)
        elif request.command == "PATCH":
            answer = issues[int(request.path.rpartition("/")[2]) - 1]
            answer.update(body)
        request.send_response(200)
        request.end_headers()
        request.wfile.write(json.dumps(answer).encode())

    with served(reply) as address:
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "GITHUB_API_URL": f"http://{address}"}
        env |= {"GITHUB_REPOSITORY": "org/mlfactory", "GITHUB_TOKEN": "t", "GITHUB_RUN_ID": "1"}
        script = (sys.executable, str(ROOT / ".ci/issue.py"))
        output = [
            execute((*script, outcome), home, env).stdout.strip()
            for outcome in ("failure", "failure", "success", "success")
        ]
    assert output == [
        "opened /issues/1",
        "updated /issues/1",
        "closed /issues/1",
        "nothing is wrong, and no issue is open",
    ]


def test_the_cheap_one_runs(runner: Runner) -> None:
    listing = subprocess.run(
        [str(ACT), "--list", "-W", str(ROOT / ".github/workflows")],
        cwd=runner.folder / "tree",
        env=runner.env,
        capture_output=True,
        text=True,
    )
    assert all(job in listing.stdout for jobs in JOBS.values() for job in jobs), listing.stderr
    output = runner.run("tests", "push", "-j", "lint")
    assert "All checks passed!" in output
    assert "Job succeeded" in output
