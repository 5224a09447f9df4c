"""The jobs of a factory on GitHub, run by act in fresh clones, with a stand-in for the forge."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ..customers import customers
from ..github import JOB, PROPOSER, GitHub, archive, github, merged, pull
from .actions import Actions, needs_act
from .breaks import BREAKS, propose
from .conftest import Factory, execute
from .dates import at_origin, date_back
from .proposed import catalog, commit, deliver, deployed, is_online, push, set_to
from .releases import release, titled

pytestmark = pytest.mark.xdist_group("jobs")
MONITORED = Path(__file__).parents[1] / "runtime/formats/monitor/1.json"
MARK = "<!-- kept by the workflow Monitor: one issue while something is wrong -->"
REVIEWS = [("alice", "CHANGES_REQUESTED"), ("alice", "APPROVED"), ("bob", "COMMENTED")]


@pytest.fixture
def forge(proposed: Factory) -> Iterator[GitHub]:
    """The stand-in, on the loopback address: a job's own token may keep an issue and a comment."""
    with github() as place:
        place.origin = proposed.path.parent / "origin"
        place.rights[JOB] = {"issues", "comments"}
        place.pulls = [merged(7, author="erin", by="carol")]
        place.merges, place.reviews = {"*": [7]}, {7: REVIEWS}
        yield place


@pytest.fixture
def actions(proposed: Factory, forge: GitHub) -> Actions:
    """The factory's repository on the forge, with the secrets that its jobs ask for."""
    needs_act()
    secrets = {
        "GITHUB_TOKEN": JOB,
        "FACTORY_FORGE_TOKEN": PROPOSER,
        "FACTORY_LOG_URL": f"sqlite:///{proposed.path.parent / 'log.db'}",
        "FACTORY_ALERT_URLS": f"{forge.url.replace('http', 'json')}/alerts",
    }
    return Actions(proposed.path.parent, proposed, forge.url, secrets)


def test_the_first_push_is_green_though_the_log_is_elsewhere(actions: Actions) -> None:
    said = replace(actions, secrets={"GITHUB_TOKEN": JOB}).run("ci", "push")
    assert "Hooks success, types success, tests success." in said
    assert "The model is the same as before." in said
    assert "# Model card: churned" in said
    assert "made-up rows" not in said


def test_a_merged_record_becomes_a_tag_and_the_monitor_watches_it(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    added = proposed.run("git", "rev-parse", "HEAD").stdout.strip()
    proposed.run("git", "commit", "--quiet", "--allow-empty", "--message", "Another change (#8)")
    proposed.run("git", "push", "--quiet", "origin", "HEAD:main")
    forge.merges = {added: [7]}
    said = actions.run("promote", "push", "--var", "FACTORY_RELEASE=on")
    (tag,) = [name for name in at_origin(proposed, "tag").split() if "#prod#" in name]
    assert f"Tags made: `{tag}`." in said
    message = at_origin(proposed, "tag", "--list", "--format=%(contents)", tag)
    assert json.loads(message)["approved_by"] == "@alice"
    assert catalog(proposed)["stages"]["prod"]["approved_by"] == "@alice"
    record = deployed(proposed)
    assert (record["tag"], record["approved_by"]) == (tag, "@alice")
    assert bool(record["digest"]) == is_online(proposed)

    date_back(proposed, tag)
    said = actions.run("monitor", "workflow_dispatch")
    (issue,) = forge.issues
    assert issue["title"].startswith("Monitor: alarm of ")
    assert "[what to do](https://github.com/org/churn/blob/HEAD/docs/runbook.md#" in issue["body"]
    assert "opened /issues/8" in said
    assert "The monitor: **alarm**." in said
    assert catalog(proposed)["drift"]["status"] == "alarm"
    assert [title for title in forge.alerts if "freshness" in title] == forge.alerts
    assert len(forge.alerts) == 1
    assert (actions.artifacts / "monitor.html").is_file()

    database = proposed.path.parent / "log.db"
    url = {"FACTORY_LOG_URL": f"sqlite:///{database}"}
    rows = str(proposed.path / "data/raw/customers.csv")
    proposed.run("git", "fetch", "--quiet", "--tags", "origin")
    watched = Factory(proposed.path, {**proposed.env, **url})
    watched.run("factory", "predict", "--model", "prod", rows, str(database.with_suffix(".csv")))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"update predictions set time = time - {7 * 86_400_000_000}")
    said = actions.run("monitor", "schedule", "--var", "FACTORY_MONITOR=on")
    assert "closed /issues/8" in said
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert len(forge.comments[issue["number"]]) == 1
    assert forge.alerts[1:] == ["churn: over: freshness"]


@pytest.mark.slow
def test_without_issues_the_page_and_the_status_are_there_all_the_same(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    proposed.run("factory", "promotions", "apply", "--approver", "@alice")
    proposed.run("git", "push", "--quiet", "origin", "--tags")
    page = actions.artifacts / "monitor.html"
    page.unlink(missing_ok=True)
    forge.has_issues = False
    said = actions.run("monitor", "workflow_dispatch", code=1)
    assert "the forge answers 410 to GET /issues?" in said
    assert "Issues are disabled for this repo" in said
    assert page.is_file()
    assert catalog(proposed)["drift"]["status"]


def test_a_log_that_is_away_is_red_and_has_an_issue(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    foreign = {"number": 1, "state": "open", "user": {"login": "mallory"}, "body": MARK}
    forge.issues = [{**foreign, "title": "x"}]
    away = {"FACTORY_LOG_URL": f"sqlite:///{proposed.path.parent / 'away/log.db'}"}
    said = replace(actions, secrets=actions.secrets | away).run(
        "monitor", "workflow_dispatch", code=1
    )
    assert [issue["title"] for issue in forge.issues] == ["x", "Monitor: it fails"]
    assert "**Failed**: there is no database" in said
    assert catalog(proposed)["name"] == "churn"


@pytest.mark.parametrize(
    ("pulls", "reviews", "name"),
    [
        (True, [("alice", "APPROVED"), ("bob", "APPROVED")], "@alice, @bob"),
        (True, [("alice", "APPROVED"), ("alice", "DISMISSED")], "@carol"),
        (False, [], "@dave"),
    ],
)
def test_the_approver_is_who_approved_else_who_merged_else_who_pushed(
    proposed: Factory, forge: GitHub, pulls: bool, reviews: list[tuple[str, str]], name: str
) -> None:
    forge.merges, forge.reviews = forge.merges if pulls else {}, {7: reviews}
    runner = Factory(proposed.path, clone_env(proposed, forge))
    assert runner.run("factory", "forge", "approver").stdout == f"{name}\n"


def clone_env(factory: Factory, forge: GitHub) -> dict[str, str]:
    told = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "org/churn", "GITHUB_SHA": "a" * 40}
    job = {"GITHUB_ACTOR": "dave", "GITHUB_EVENT_NAME": "push", "GITHUB_TOKEN": JOB}
    return {**factory.env, **told, **job}


def test_a_forge_that_refuses_is_told_without_the_token(proposed: Factory, forge: GitHub) -> None:
    env = clone_env(proposed, forge) | {"GITHUB_TOKEN": "another-t0ken"}
    done = Factory(proposed.path, env).run("factory", "forge", "approver", code=1)
    assert "the forge answers 401 to GET /commits/" in done.stderr
    assert "t0ken" not in done.stderr
    away = env | {"GITHUB_API_URL": "http://127.0.0.1:1"}
    done = Factory(proposed.path, away).run("factory", "forge", "approver", code=1)
    assert "cannot be reached" in done.stderr


def test_names_from_data_are_no_markup_and_call_nobody(proposed: Factory, forge: GitHub) -> None:
    found = json.loads(MONITORED.read_text("utf-8"))
    check = {"status": "alarm", "message": "<b>@all* #1", "runbook": "x", "owner": "@org/crm"}
    found |= {"verdict": "alarm", "checks": [found["checks"][0] | check]}
    (proposed.path.parent / "found.json").write_text(json.dumps(found), "utf-8")
    env = clone_env(proposed, forge) | {"GITHUB_RUN_ID": "42"}
    runner = Factory(proposed.path, env)
    runner.run("factory", "forge", "issue", str(proposed.path.parent / "found.json"))
    body = forge.issues[0]["body"]
    assert "\\<b\\>@\u200ball\\* #\u200b1" in body
    assert "owner: @org/crm," in body


def test_git_gets_the_jobs_token_and_nothing_keeps_it(proposed: Factory, tmp_path: Path) -> None:
    text = (proposed.path / ".github/workflows/promote.yml").read_text("utf-8")
    (line,) = (line.strip() for line in text.splitlines() if "credential.helper" in line)
    execute(("git", "init", "--quiet", "."), tmp_path, proposed.env)
    ask = "printf 'protocol=https\\nhost=example.org\\n\\n' | git credential fill"
    env = {**proposed.env, "GITHUB_TOKEN": JOB}
    done = execute(("bash", "-e", "-c", f"{line}\n{ask}"), tmp_path, env)
    assert f"username=x-access-token\npassword={JOB}\n" in done.stdout
    assert JOB not in (tmp_path / ".git/config").read_text()


def test_what_ci_has_seen_becomes_one_comment(forge: GitHub, actions: Actions) -> None:
    forge.pulls = [pull(1, "try", "dave", {}, "mallory/churn")]
    forge.artifacts = {"report-pipeline": archive(b"**Better**, says @all.")}
    forge.pauses = 2  # of either kind that the forge has
    run = {
        "id": 5,
        "event": "pull_request",
        "head_sha": "a" * 40,
        "head_branch": "try",
        "head_repository": {"full_name": "mallory/churn"},
        "conclusion": "failure",
        "html_url": "https://github.com/org/churn/actions/runs/5",
    }
    said = replace(actions, run_before=run).run("report", "workflow_run")
    assert "wrote /issues/comments/1" in said
    assert "**CI is not green.**" in forge.comments[1][0]["body"]
    assert "says @\u200ball." in forge.comments[1][0]["body"]


def test_a_conflict_with_the_template_is_a_draft(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    book = "docs/runbook.md"
    proposed.write(book, titled(proposed.text(book), "Our own"))
    commit(proposed, "Call the runbook ours")
    push(proposed)
    release(proposed.path.parent, "v1.1.0", "Yours", proposed.env)
    forge.pulls = []
    actions.run("template", "schedule")
    (request,) = forge.pulls
    assert request["title"].startswith("Template: v1.1.0, in conflict")
    assert (request["draft"], request["labels"]) == (True, [{"name": "template-conflict"}])
    assert at_origin(proposed, "diff", "main", "template") == ""


@pytest.mark.slow
def test_a_version_of_the_template_is_proposed_once(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    release(proposed.path.parent, "v1.2.0", "What to do", proposed.env)
    forge.pulls = []
    assert "opened /pulls/1" in actions.run("template", "schedule")
    (request,) = forge.pulls
    assert (request["title"], request["draft"]) == ("Template: v1.2.0", False)
    assert at_origin(proposed, "show", "template:docs/runbook.md").startswith("# What to do\n")
    said = actions.run("template", "workflow_dispatch")
    assert "/pulls/1 is open, and holds this" in said
    assert len(forge.pulls) == 1


def test_the_newest_packages_that_do_not_fit_open_one_issue(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    file = next((proposed.path / "src").glob("*/features.py"))
    text = file.read_text("utf-8")
    file.write_text(f'{text}\n\nROWS: int = "many"\n', "utf-8")
    commit(proposed, "Let the types be wrong")
    push(proposed)
    said = actions.run("rot", "schedule", code=1)
    assert "opened /issues/" in said
    (issue,) = forge.issues
    assert issue["title"].startswith("Rot: ")


@pytest.mark.slow
def test_the_issue_is_closed_when_they_fit(forge: GitHub, actions: Actions) -> None:
    mark = "<!-- kept by the workflow Rot: one issue while the newest packages do not fit -->"
    account = {"login": "github-actions[bot]"}
    forge.issues = [{"number": 1, "state": "open", "user": account, "title": "x", "body": mark}]
    assert "closed /issues/1" in actions.run("rot", "workflow_dispatch")
    assert forge.issues[0]["state"] == "closed"


def test_what_is_new_is_scored_once(proposed: Factory, actions: Actions, tmp_path: Path) -> None:
    if is_online(proposed):
        pytest.skip("it is made for online serving, and has no such job")
    folder = tmp_path / "deliveries"
    folder.mkdir()
    customers(30).drop("revenue", "segment", "churned").write_csv(folder / "june.csv")
    target = str(tmp_path / "scores")
    set_to(proposed, "batch", source=f"{folder}/*.csv", target=target, model="v1.0.0")
    assert "june.csv: 30 rows scored, 0 could not be" in actions.run("batch", "workflow_dispatch")
    said = actions.run("batch", "schedule", "--var", "FACTORY_BATCH=on")
    assert "Nothing is new: 1 files have their answers." in said
    assert len([*Path(target).iterdir()]) == 1


@pytest.mark.slow
def test_a_new_model_becomes_one_request(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    deliver(proposed)
    forge.pulls = []
    main = at_origin(proposed, "rev-parse", "main")
    poor = {name: text for name, text in actions.secrets.items() if name != "FACTORY_FORGE_TOKEN"}
    said = replace(actions, secrets=poor).run("retrain", "workflow_dispatch", code=1)
    assert "the secret FACTORY_FORGE_TOKEN is missing" in said
    assert "Retrain: " in (actions.artifacts / "request.patch").read_text()
    assert "opened /pulls/1" in actions.run("retrain", "workflow_dispatch")
    again = actions.run("retrain", "schedule", "--var", "FACTORY_RETRAIN=on")
    assert "/pulls/1 is open, and holds this" in again
    assert len(forge.pulls) == 1
    assert at_origin(proposed, "rev-parse", "main", "retrain^") == main * 2


@pytest.mark.slow
def test_what_a_record_put_on_a_stage_is_released(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    actions.run("promote", "push")
    proposed.write("deploy.sh", 'test -n "$FACTORY_DEPLOY_KEY" && echo "it is on $RELEASE_STAGE"\n')
    proposed.run("git", "add", "deploy.sh")
    place = "registry.example.com/org/churn" if is_online(proposed) else None
    set_to(proposed, "release", deploy="deploy.sh", image=place)
    keys = actions.secrets | {"FACTORY_DEPLOY_KEY": "a-key-for-the-script"}
    again = ("promote", "workflow_dispatch", "--var", "FACTORY_RELEASE=on")
    said = replace(actions, secrets=keys).run(*again)
    assert "Tags made: none." in said
    assert "it is on prod" in said
    record = deployed(proposed)
    assert (record["version"], record["approved_by"]) == ("v1.0.0", "@alice")
    assert (record["script"], record["bill"] != "") == ("deploy.sh", True)
    assert record["run"].startswith("https://github.com/org/churn/actions/runs/")
    bill = json.loads(at_origin(proposed, "show", "deployments:prod.cdx.json"))
    assert bill["metadata"]["component"]["version"] == "v1.0.0"
    if place:
        assert record["image"] == f"{place}@{record['digest']}"
        context = actions.folder / "tools" / f"{place}:v1.0.0"
        assert not (context / "deploy.sh").exists()  # it is younger than the version
        assert (context / "models/model/signature.json").is_file()
    forge.reviews = {}
    forge.pulls[0]["merged_by"] = forge.pulls[0]["user"]
    again = replace(actions, inputs={"stage": "prod"})
    said = again.run("release", "workflow_dispatch", code=1)
    assert "nobody but its author approved promotions/prod-0001-v1.0.0.json" in said
    proposed.run("git", "fetch", "--quiet", "origin", "main")
    message = ("--annotate", "--message", "{}", "churn#prod#7", "FETCH_HEAD")
    proposed.run("git", "tag", *message)
    proposed.run("git", "push", "--quiet", "origin", "churn#prod#7")
    said = again.run("release", "workflow_dispatch", code=1)
    assert "churn#prod#7 was made without a record that is merged here" in said


@pytest.fixture
def branch(proposed: Factory) -> Iterator[str]:
    """A branch for a pull request; what is done on it is taken back."""
    proposed.run("git", "checkout", "--quiet", "-b", "try")
    yield "try"
    proposed.run("git", "reset", "--quiet", "--hard")
    proposed.run("git", "checkout", "--quiet", "-")
    proposed.run("git", "branch", "--quiet", "-D", "try")
    proposed.run("dvc", "checkout", "--quiet", "--force")


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_a_bad_change_fails_with_the_reason_on_its_page(
    proposed: Factory, actions: Actions, branch: str, name: str
) -> None:
    own = propose(proposed, name)
    proposed.run("git", "push", "--quiet", "--force", "origin", f"HEAD:{branch}")
    output = actions.run("ci", "pull_request", "--job", own.job, code=1, branch=branch)
    assert own.reason in output


@pytest.mark.slow
def test_an_alarm_calls_for_a_retraining(
    proposed: Factory, forge: GitHub, actions: Actions
) -> None:
    proposed.run("factory", "promotions", "apply", "--approver", "@alice")
    proposed.run("git", "push", "--quiet", "origin", "--tags")
    date_back(proposed, at_origin(proposed, "tag", "--list", "*#prod#*").strip())
    forge.pulls, forge.merges = [], {}
    deliver(proposed)
    set_to(proposed, "monitor", retrain=["freshness"])
    output = actions.run("monitor", "workflow_dispatch")
    assert len(forge.issues) == 1
    (request,) = forge.pulls
    assert f"opened /pulls/{request['number']}" in output
    assert "because of alarm of freshness" in request["body"]
