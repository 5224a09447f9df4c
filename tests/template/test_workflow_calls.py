"""What each workflow calls, when, and with which secrets at hand: act runs it with an uv that does
nothing but take notes. What the commands do is tested where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlfactory.render import copier
from mlfactory.template import choice

from .actions import Actions, needs_act
from .conftest import Factory, execute

UV = """#!/bin/bash
hand="${FACTORY_FORGE_TOKEN:+forge}${GITHUB_TOKEN:+job}${FACTORY_LOG_URL:+log}${FACTORY_DEPLOY_KEY:+deploy}"
echo "$* [$hand]" >> "$FAKE_CALLS"
case "$*" in
  *"forge due"*) echo "$FAKE_DUE" ;;
  *"forge issue"*) exit "${FAKE_ISSUE:-0}" ;;
  *"update"*--dry-run*) exit "${FAKE_CONFLICT:-0}" ;;
  *"forge stages"*) echo "$FAKE_STAGES" ;;
  *mypy*) exit "${FAKE_MYPY:-0}" ;;
esac
"""
SECRETS = {
    "FACTORY_FORGE_TOKEN": "t0ken-a",
    "GITHUB_TOKEN": "t0ken-b",
    "FACTORY_LOG_URL": "url-c",
    "FACTORY_DEPLOY_KEY": "key-d",
}
RUN = {"event": "pull_request", "head_sha": "a" * 40}


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Actions:
    """The files of a factory on the forge, and a runner whose uv takes notes."""
    needs_act()
    place = tmp_path_factory.mktemp("calls")
    (place / "factory").mkdir()
    with copier.open_sheet(choice.template("", "")) as sheet:
        answers = {"target": "churned", "mlfactory_source": "mlfactory==0.5.0"}
        copier.render(sheet, place / "factory", answers)
    execute(("git", "init", "-q", "--bare", "-b", "main", "origin"), place, env)
    for argv in (
        ("init", "-q", "-b", "main"),
        ("add", "--all"),
        ("commit", "-q", "-m", "A factory"),
        ("push", "-q", "../origin", "main"),
    ):
        execute(("git", *argv), place / "factory", env)
    (place / "tools").mkdir()
    (place / "tools/uv").write_text(UV)
    (place / "tools/uv").chmod(0o755)
    return Actions(place, Factory(place / "factory", env), "", SECRETS, RUN)


def calls(actions: Actions, workflow: str, event: str, *options: str, code: int = 0) -> list[str]:
    """What uv was called with, but for the installation, and what it held then."""
    notes = actions.folder / "calls"
    notes.unlink(missing_ok=True)
    actions.run(workflow, event, "--env", f"FAKE_CALLS={notes}", *options, code=code)
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [line.removeprefix("run factory ") for line in lines if not line.startswith("sync ")]


@pytest.mark.parametrize("workflow", ["monitor", "retrain", "batch"])
def test_what_needs_secrets_waits_until_it_is_switched_on(actions: Actions, workflow: str) -> None:
    assert calls(actions, workflow, "schedule") == []


def test_the_monitor_calls_for_a_retraining_that_is_due(actions: Actions) -> None:
    lines = calls(actions, "monitor", "workflow_dispatch", "--env", "FAKE_DUE=model")
    assert lines[-3:] == [
        "models --publish [job]",
        "forge retrain --why alarm of model [log]",
        "forge request [forge]",
    ]
    assert lines[1:4] == [
        "monitor --json --html monitor.html [log]",
        "forge issue monitor.json [job]",
        "forge due monitor.json []",
    ]
    lines = calls(actions, "monitor", "schedule", "--var", "FACTORY_MONITOR=on")
    assert lines[-1] == "models --publish [job]"


def test_a_forge_that_keeps_no_issue_stops_nothing_else(actions: Actions) -> None:
    lines = calls(
        actions, "monitor", "workflow_dispatch", "--env", "FAKE_ISSUE=1", "--env", "FAKE_DUE=model",
        code=1,
    )  # fmt: skip
    assert "models --publish [job]" in lines
    assert lines[-1] == "forge request [forge]"


def test_a_retraining_proposes_with_a_token_that_the_training_does_not_see(
    actions: Actions,
) -> None:
    lines = calls(actions, "retrain", "schedule", "--var", "FACTORY_RETRAIN=on")
    assert lines == ["forge retrain --why  [log]", "forge request [forge]"]


def test_the_newest_packages_see_no_token(actions: Actions) -> None:
    *checks, last = calls(actions, "rot", "schedule")
    assert last == "forge rot success [job]"
    assert checks[0] == "lock --upgrade []"
    assert all(line.endswith("[]") for line in checks)
    failing = calls(actions, "rot", "schedule", "--env", "FAKE_MYPY=1", code=1)
    assert failing[-1] == "forge rot failure [job]"
    assert "run pytest []" not in failing


def test_the_comment_is_of_requests_alone(actions: Actions) -> None:
    assert calls(actions, "report", "workflow_run") == ["forge comment [job]"]
    pushed = Actions(actions.folder, actions.factory, "", SECRETS, RUN | {"event": "push"})
    assert calls(pushed, "report", "workflow_run") == []


def test_promote_calls_release_for_a_stage_that_holds_something_new(actions: Actions) -> None:
    holding = ("--env", "FAKE_STAGES=prod")
    own = ["promotions apply --forge [job]", "models --publish [job]", "forge stages [job]"]
    assert calls(actions, "promote", "push", *holding) == own
    both = ("--env", "FAKE_STAGES=staging prod", "--var", "FACTORY_RELEASE=on")
    lines = calls(actions, "promote", "push", *both)
    assert lines[:3] == own
    ends = ["forge deploy [deploy]", "forge record [job]"] * 2
    assert sorted(lines[3:]) == [
        "forge build prod [job]",
        "forge build staging [job]",
        *sorted(ends),
    ]


def test_an_update_in_conflict_is_never_begun(actions: Actions) -> None:
    update = "tool run --from mlfactory==0.5.0 mlfactory update --defaults --json"
    end = ["forge template .factory/update.json []", "forge request [forge]"]
    lines = calls(actions, "template", "schedule")
    assert lines == [f"{update} --dry-run []", f"{update} []", *end]
    lines = calls(actions, "template", "schedule", "--env", "FAKE_CONFLICT=4")
    assert lines == [f"{update} --dry-run []", *end]
    lines = calls(actions, "template", "schedule", "--env", "FAKE_CONFLICT=1", code=1)
    assert lines == [f"{update} --dry-run []"]


def test_without_a_source_no_job_follows_the_template(tmp_path: Path) -> None:
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, tmp_path, {"target": "churned"})
    assert not (tmp_path / ".github/workflows/template.yml").exists()
    assert "Template" not in (tmp_path / "README.md").read_text("utf-8").split("| Rot |")[0]
    assert "mlfactory_source" not in (tmp_path / ".copier-answers.yml").read_text("utf-8")
