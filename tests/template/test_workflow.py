"""The rendered workflows are valid, pinned, and trust no text from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from mlfactory.render import copier
from mlfactory.template import choice

from .conftest import SCRIPTS, execute
from .test_forges import VARIANTS, render

FOLDERS = ["", "models/churn"]
SOURCE = {"mlfactory_source": "mlfactory==0.5.0"}
READS = {"contents": "read"}
RELEASES = {"contents": "write", "packages": "write", "pull-requests": "read"}
MAY = {
    "batch": {"batch": READS},
    "ci": {"code": {}, "pipeline": {}},
    "monitor": {"monitor": {"contents": "write", "issues": "write"}, "retrain": READS},
    "promote": {
        "promote": {"contents": "write", "pull-requests": "read"},
        "staging": RELEASES,
        "prod": RELEASES,
    },
    "release": {"release": RELEASES},
    "report": {"report": {**READS, "actions": "read", "pull-requests": "write"}},
    "retrain": {"retrain": READS},
    "template": {"template": READS},
    "rot": {"checks": READS, "issue": {**READS, "issues": "write"}},
}


@pytest.fixture(scope="module", params=FOLDERS, ids=["alone", "in-a-folder"])
def workflows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workflows of a factory: of one with a repository of its own, and of one in a larger."""
    place = tmp_path_factory.mktemp("workflows")
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, place, {"target": "churned", "folder": request.param, **SOURCE})
    return place / ".github/workflows"


@pytest.fixture(params=sorted(MAY))
def workflow(request: pytest.FixtureRequest, workflows: Path) -> Path:
    return workflows / f"{request.param}.yml"


def test_there_is_no_other(workflows: Path) -> None:
    assert sorted(file.stem for file in workflows.iterdir()) == sorted(MAY)


def test_it_is_what_the_forge_understands(
    workflow: Path, env: dict[str, str], tmp_path: Path
) -> None:
    check = str(SCRIPTS / "check-jsonschema")
    execute((check, "--builtin-schema", "vendor.github-workflows", str(workflow)), tmp_path, env)


def test_an_auditor_finds_nothing(workflow: Path, env: dict[str, str], tmp_path: Path) -> None:
    argv = (str(SCRIPTS / "zizmor"), "--offline", "--no-progress", str(workflow))
    done = execute(argv, tmp_path, env)
    assert "No findings" in done.stdout + done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_combination_of_answers_is_refused_by_the_forge_or_an_auditor(
    variant: str, env: dict[str, str], tmp_path: Path
) -> None:
    files = sorted((render(tmp_path, ci="github", **VARIANTS[variant]) / ".github").rglob("*.yml"))
    flows = [str(file) for file in files if file.parent.name == "workflows"]
    check = (str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows")
    execute((*check, *flows), tmp_path, env)
    done = execute((str(SCRIPTS / "zizmor"), "--offline", "--no-progress", *flows), tmp_path, env)
    assert "No findings" in done.stdout + done.stderr


def test_the_strictest_auditor_misses_environments_alone(
    workflows: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """Secrets are of the repository, as an environment each would be seven to fill; the job that
    deploys has one. docs/how-to/jobs.md says so."""
    argv = (str(SCRIPTS / "zizmor"), "--offline", "--no-progress", "--format=json")
    done = execute((*argv, "--persona=auditor", str(workflows.parent)), tmp_path, env, code=None)
    findings = json.loads(done.stdout)
    assert {one["ident"] for one in findings} == {"secrets-outside-env"}
    files = {file.stem for file in workflows.iterdir() if file.name in done.stdout}
    assert "release" not in files


def test_every_action_is_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)", workflow.read_text("utf-8"))
    own = [name for name in used if name.startswith("./")]
    assert used
    places = (name.replace("models.churn.", "") for name in own)  # it is mounted by that name
    assert all((workflow.parents[2] / place).is_file() for place in places)
    used = [name for name in used if name not in own]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in used)


def test_it_may_do_what_it_must_and_nothing_else(workflow: Path) -> None:
    flow = yaml.safe_load(workflow.read_text("utf-8"))
    own = MAY[workflow.stem]
    assert flow["permissions"] == ({} if any(own.values()) else READS)
    assert {name: job.get("permissions", {}) for name, job in flow["jobs"].items()} == own


@pytest.mark.parametrize("word", ["github.event", "inputs.", "github.head_ref", "secrets."])
def test_no_script_takes_text_from_outside(workflow: Path, word: str) -> None:
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    scripts = [step.get("run", "") for job in jobs for step in job.get("steps", ())]
    assert all("${{" not in script and word not in script for script in scripts)
