"""This repository's own workflows: valid, pinned, audited, and run by act. What takes an hour
(`.ci/run`, the runtime's tests with the newest packages) only says there that it was called."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT
from .github import JOB, github
from .template.actions import ACT, Actions, needs_act
from .template.conftest import SCRIPTS, Factory, execute

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
JOBS = {
    "evolution": {"slow"},
    "release": {"build", "publish"},
    "rot": {"checks", "issue"},
    "tests": {"lint", "tests"},
}
# Stands for the installation: the packages are those of whoever tests.
PYTHON = """#!/bin/bash
case "$*" in
  "-m venv .venv")
    mkdir -p .venv/bin && ln -s {ruff} .venv/bin/ruff && ln -s /bin/true .venv/bin/pip
    ln -s /bin/true .venv/bin/uv && ln -s /bin/true .venv/bin/mypy && ln -s "$0" .venv/bin/python ;;
  tests/newest.py*) echo "called $*" && exit "${{FAKE_NEWEST:-0}}" ;;
  *) exec {python} "$@" ;;
esac
"""
RUN = '#!/bin/sh\necho "called .ci/run $* with ${PATH%%:*}"\n'
# What the machines of the forge have beside it, and a uv that has built what the tag names.
TOOLS = {
    "sudo": "#!/bin/sh\n",
    "gh": '#!/bin/sh\necho "called gh $*"\n',
    "uv": """#!/bin/sh
case "$1" in
  build) mkdir dist && touch dist/mlfactory-9.9.9-py3-none-any.whl dist/mlfactory-9.9.9.tar.gz ;;
  python) [ "$2" = install ] || echo "/opt/python-$4/bin/python3" ;;
esac
""",
}


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
    python = PYTHON.format(python=sys.executable, ruff=SCRIPTS / "ruff")
    for name, text in {**TOOLS, "python3": python}.items():
        (tmp_path / "tools" / name).write_text(text)
        (tmp_path / "tools" / name).chmod(0o755)
    return Runner(tmp_path, Factory(tmp_path, env), "")


def put_run(runner: Runner) -> None:
    """Let `.ci/run` say that it was called."""
    tree, env = runner.folder / "tree", runner.factory.env
    (tree / ".ci/run").write_text(RUN)
    execute(("git", "commit", "-q", "-a", "-m", "Say so"), tree, env)
    execute(("git", "push", "-q", "../origin", "main"), tree, env)


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


def test_one_issue_is_kept_while_the_newest_packages_fail(runner: Runner) -> None:
    with github() as forge:
        forge.rights[JOB] = {"issues"}
        runner = replace(runner, api=forge.url, secrets={"GITHUB_TOKEN": JOB})
        failing = ("--env", "FAKE_NEWEST=1")
        output = runner.run("rot", "schedule", *failing, code=1)
        assert "called tests/newest.py -n 2" in output
        assert "opened /issues/1" in output
        assert "updated /issues/1" in runner.run("rot", "schedule", *failing, code=1)
        assert "closed /issues/1" in runner.run("rot", "workflow_dispatch")
        assert "no issue is open" in runner.run("rot", "schedule")


def test_a_change_is_tested_on_each_python_and_slow_tests_by_themselves(runner: Runner) -> None:
    put_run(runner)
    output = runner.run("tests", "pull_request", "-j", "tests")
    for minor in (11, 12, 13):
        assert f"called .ci/run  with /opt/python-3.{minor}/bin" in output
    assert "called .ci/run -m slow with" in runner.run("evolution", "schedule")


def test_a_tag_becomes_a_release_of_what_was_built_for_it(runner: Runner) -> None:
    tag = ("--env", "GITHUB_REF_NAME=v9.9.9")
    output = runner.run("release", "push", *tag)
    files = "dist/mlfactory-9.9.9-py3-none-any.whl dist/mlfactory-9.9.9.tar.gz"
    assert "called gh release create v9.9.9 --verify-tag" in output
    assert files in output
    assert "called gh" not in runner.run("release", "push", "--env", "GITHUB_REF_NAME=v1", code=1)


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
