"""The jobs of a factory on GitLab, run by gitlab-ci-local in fresh clones, with stand-ins for the
forge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ..customers import customers
from ..git_server import git_server, protect, unprotect
from ..gitlab import BOT, MALLORY, REPORTER, TOKEN, GitLab, gitlab, merge_request, merged
from .breaks import BREAKS, propose
from .conftest import Factory, execute
from .dates import at_origin as ask
from .dates import date_back
from .kept import kept
from .pipelines import Pipeline, Pipelines, needs_gitlab_ci_local
from .proposed import (
    catalog,
    commit,
    deliver,
    deployed,
    is_online,
    move_to_gitlab,
    push,
    set_to,
)
from .releases import release, titled

pytestmark = pytest.mark.xdist_group("jobs")
RECORD = "prod-0001-v1.0.0.json"
MARK = "<!-- kept by the workflow Monitor: one issue while something is wrong -->"


@pytest.fixture(scope="module")
def _churn(_proposed: Factory) -> Iterator[Factory]:
    """A factory that has moved from GitHub to GitLab, after a version was proposed and merged."""
    needs_gitlab_ci_local()
    with kept(_proposed) as factory:
        move_to_gitlab(factory)
        protect(factory.path.parent / "origin")
        yield factory
        unprotect(factory.path.parent / "origin")


@pytest.fixture
def churn(_churn: Factory) -> Iterator[Factory]:
    """The same for each test, whatever the ones before did to it."""
    with kept(_churn) as factory:
        yield factory


@pytest.fixture
def project(churn: Factory) -> Iterator[GitLab]:
    """The stand-in for GitLab's API."""
    with gitlab() as place:
        place.origin = churn.path.parent / "origin"
        yield place


@pytest.fixture
def runner(churn: Factory, project: GitLab) -> Iterator[Pipelines]:
    """The project with all variables that its jobs ask for."""
    folder = churn.path.parent
    variables = {
        "FACTORY_FORGE_TOKEN": TOKEN,
        "FACTORY_REPORT_TOKEN": REPORTER,
        "FACTORY_LOG_URL": f"sqlite:///{folder / 'log.db'}",
        "FACTORY_ALERT_URLS": f"{project.url.replace('http', 'json')}/alerts",
    }
    with git_server(folder / "origin", TOKEN) as address:
        yield Pipelines(folder, churn, project, address, variables)


@pytest.fixture
def branch(churn: Factory) -> Iterator[str]:
    """A branch for a merge request; what is done on it is taken back."""
    churn.run("git", "checkout", "--quiet", "-b", "try")
    yield "try"
    churn.run("git", "reset", "--quiet", "--hard")
    churn.run("git", "checkout", "--quiet", "-")
    churn.run("git", "branch", "--quiet", "-D", "try")
    churn.run("dvc", "checkout", "--quiet", "--force")


def request(runner: Pipelines, *jobs: str, code: int = 0) -> Pipeline:
    """Push the branch, and run the pipeline of its merge request."""
    runner.factory.run("git", "push", "--quiet", "--force", "origin", "HEAD:try")
    sha = ask(runner.factory, "rev-parse", "try").strip()
    runner.place.requests = [merge_request(1, sha, source_branch="try")]
    return runner.run("merge_request_event", *jobs, branch="try", code=code)


@pytest.mark.usefixtures("branch")
def test_a_good_change_passes_and_has_one_comment(runner: Pipelines) -> None:
    runner.factory.write("docs/note.md", "Nothing of weight.\n")
    runner.factory.run("git", "add", "--all")
    commit(runner.factory, "Write a note")
    strange = [{"id": 90 + k, "author": MALLORY, "body": f"note {k}"} for k in range(3)]
    runner.place.comments[1] = [*strange]  # more than a page of them
    runner.place.pauses = 1
    pipeline = request(runner)
    assert pipeline.verdicts == {"code": "PASS", "pipeline": "PASS", "report": "PASS"}
    *others, note = runner.place.comments[1]
    assert others == strange
    assert runner.place.pauses == 0
    assert "Hooks success, types success, tests success." in note["body"]
    assert "The model is the same as before." in note["body"]
    assert "# Model card: churned" in note["body"]
    assert "made-up rows" not in note["body"]


@pytest.mark.usefixtures("branch")
def test_a_broken_contract_fails_with_the_reason_on_the_page(runner: Pipelines) -> None:
    own = propose(runner.factory, "contract")
    pipeline = request(runner, "pipeline", code=1)
    assert pipeline.verdicts == {"pipeline": "FAIL"}
    assert own.reason in pipeline.page()


@pytest.mark.slow
@pytest.mark.usefixtures("branch")
@pytest.mark.parametrize("name", BREAKS)
def test_a_bad_change_fails_with_the_reason_in_its_comment(runner: Pipelines, name: str) -> None:
    own = propose(runner.factory, name)
    pipeline = request(runner, code=1)
    assert pipeline.verdicts[own.job] == "FAIL"
    assert pipeline.verdicts["report-failure"] == "PASS"
    assert "report" not in pipeline.verdicts
    (note,) = runner.place.comments[1]
    assert "**CI is not green.** [The run]" in note["body"]
    assert own.reason in note["body"]


@pytest.mark.slow
@pytest.mark.usefixtures("branch")
def test_without_their_tokens_jobs_say_which_one_is_missing(runner: Pipelines) -> None:
    poor = replace(runner, variables={"FACTORY_LOG_URL": runner.variables["FACTORY_LOG_URL"]})
    runner.factory.run("git", "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    assert "There is no FACTORY_REPORT_TOKEN" in request(poor).output
    pipeline = poor.run("web", code=1, FACTORY_JOB="promote")
    assert "the variable FACTORY_FORGE_TOKEN is missing" in pipeline.output


def let_in(runner: Pipelines, *names: str) -> None:
    """Let a merge request of erin's have brought the record, which others let in, or nobody."""
    log = ("log", "--first-parent", "--format=%H", "main", "--", f"promotions/{RECORD}")
    (added,) = ask(runner.factory, *log).split()
    merger = next(iter(names), "erin")
    runner.place.merges = {added: [merged(3, merger)]}
    runner.place.approved = {3: [*names]}


def test_a_merged_record_becomes_a_tag_and_a_release(runner: Pipelines) -> None:
    let_in(runner, "alice")
    pipeline = runner.run("push", "promote")
    (tag,) = [name for name in ask(runner.factory, "tag").split() if "#prod#" in name]
    assert f"Tags made: `{tag}`." in pipeline.page()
    assert catalog(runner.factory)["stages"]["prod"]["approved_by"] == "@alice"
    again = runner.run("web", FACTORY_JOB="promote")
    assert again.verdicts == {"promote": "PASS"}
    assert "Tags made: none." in again.page()
    pipeline = runner.run("push", "release-prod", FACTORY_RELEASE="on")
    assert "Approved by @alice" in pipeline.page()
    record = deployed(runner.factory)
    assert (record["version"], record["approved_by"]) == ("v1.0.0", "@alice")
    assert (record["tag"], bool(record["digest"])) == (tag, is_online(runner.factory))


def test_a_version_of_the_template_is_proposed_once(runner: Pipelines) -> None:
    release(runner.folder, "v1.1.0", "What to do", runner.factory.env)
    pipeline = runner.run("schedule", FACTORY_JOB="template")
    assert pipeline.verdicts == {"template": "PASS"}
    (request,) = runner.place.requests
    assert (request["title"], request["draft"]) == ("Template: v1.1.0", False)
    assert ask(runner.factory, "show", "template:docs/runbook.md").startswith("# What to do\n")
    assert "docs/runbook.md" in pipeline.page()
    again = runner.run("web", FACTORY_JOB="template")
    assert "/merge_requests/1 is open, and holds this" in again.output
    assert len(runner.place.requests) == 1


@pytest.mark.slow
def test_a_conflict_with_the_template_is_a_draft(runner: Pipelines) -> None:
    book = "docs/runbook.md"
    runner.factory.write(book, titled(runner.factory.text(book), "Our own"))
    commit(runner.factory, "Call the runbook ours")
    push(runner.factory)
    release(runner.folder, "v1.2.0", "Yours", runner.factory.env)
    pipeline = runner.run("schedule", FACTORY_JOB="template")
    (request,) = runner.place.requests
    assert request["title"].startswith("Draft: Template: v1.2.0, in conflict")
    assert (request["draft"], request["labels"]) == (True, ["template-conflict"])
    assert ask(runner.factory, "diff", "main", "template") == ""
    assert "**It cannot be merged by itself**" in pipeline.page()


@pytest.mark.slow
def test_a_loose_tag_and_an_approval_by_the_author_are_not_released(runner: Pipelines) -> None:
    put_into_production(runner.factory)
    let_in(runner)
    by_hand = {"FACTORY_JOB": "release"}
    pipeline = runner.run("web", "release-staging", code=1, **by_hand)
    assert "no version is on the stage staging" in pipeline.output
    pipeline = runner.run("web", "release-prod", code=1, **by_hand)
    assert "nobody but its author approved promotions/prod-0001-v1.0.0.json" in pipeline.output
    tag = "churn#prod#7"
    runner.factory.run("git", "fetch", "--quiet", "origin", "main")
    runner.factory.run("git", "tag", "--annotate", "--message", "{}", tag, "FETCH_HEAD")
    runner.factory.run("git", "push", "--quiet", "origin", tag)
    let_in(runner, "alice")
    pipeline = runner.run("web", "release-prod", code=1, **by_hand)
    assert f"{tag} was made without a record that is merged here" in pipeline.output


@pytest.mark.slow
def test_a_release_builds_its_versions_image_and_runs_the_script(runner: Pipelines) -> None:
    put_into_production(runner.factory)
    let_in(runner, "alice")
    script = 'test -n "$FACTORY_DEPLOY_KEY" && echo "$RELEASE_VERSION to $RELEASE_STAGE"\n'
    runner.factory.write("deploy.sh", script)
    runner.factory.run("git", "add", "deploy.sh")
    place = "registry.example.com/data/churn" if is_online(runner.factory) else None
    set_to(runner.factory, "release", deploy="deploy.sh", image=place)
    keys = {"FACTORY_DEPLOY_KEY": "a-key", "CI_REGISTRY_PASSWORD": "glcbt-of-the-job"}
    pipeline = runner.run("web", "release-prod", FACTORY_JOB="release", **keys)
    assert "v1.0.0 to prod" in pipeline.output
    record = deployed(runner.factory)
    assert record["script"] == "deploy.sh"
    if is_online(runner.factory):
        assert record["image"] == f"{place}@{record['digest']}"
        assert "docker-cli" in (runner.tools() / "apt-get.calls").read_text()
        context = runner.folder / "docker" / f"{place}:v1.0.0"
        assert not (context / "deploy.sh").exists()  # it is younger than the version
        assert (context / "models/model/signature.json").is_file()


def test_the_monitor_keeps_one_issue_and_leaves_a_foreign_one_alone(runner: Pipelines) -> None:
    foreign = {"iid": 1, "state": "opened", "author": MALLORY, "title": "x", "description": MARK}
    others = [{**foreign, "iid": k, "author": BOT, "description": None} for k in (2, 3)]
    before = {**foreign, "iid": 4, "author": BOT, "title": "Monitor: alarm of v0.9.0"}
    runner.place.issues = [{**foreign}, *map(dict, others), before]  # which is on the second page
    runner.place.pauses = 1
    away = {"FACTORY_LOG_URL": f"sqlite:///{runner.folder / 'away/log.db'}"}
    pipeline = runner.run("schedule", code=1, FACTORY_JOB="monitor", **away)
    assert pipeline.verdicts["monitor"] == "FAIL"
    assert "Monitor calls for no retraining." in pipeline.output
    assert "**Failed**: there is no database" in pipeline.page()
    *rest, own = runner.place.issues
    assert rest == [foreign, *others]
    assert own["title"] == "Monitor: it fails"
    assert runner.place.pauses == 0
    assert catalog(runner.factory)["name"] == "churn"


def put_into_production(factory: Factory) -> None:
    """Tag the version of the merged record, as if that had been done weeks ago."""
    factory.run("factory", "promotions", "apply", "--approver", "@alice")
    factory.run("git", "push", "--quiet", "origin", "--tags")
    date_back(factory, ask(factory, "tag", "--list", "*#prod#*").strip())


@pytest.mark.slow
def test_tags_that_may_not_be_pushed_are_left_as_an_artifact(runner: Pipelines) -> None:
    let_in(runner, "alice")
    (runner.origin / "protected-tags").touch()
    pipeline = runner.run("web", code=1, FACTORY_JOB="promote")
    (runner.origin / "protected-tags").unlink()
    assert "You are not allowed to create this tag" in pipeline.output
    assert "**The tags could not be pushed**" in pipeline.page()
    assert (pipeline.folder / "tags.bundle").is_file()
    assert "#prod#" not in ask(runner.factory, "tag")


@pytest.mark.slow
def test_a_new_model_becomes_one_request(runner: Pipelines) -> None:
    deliver(runner.factory)
    main = ask(runner.factory, "rev-parse", "main")
    variables = {k: v for k, v in runner.variables.items() if k != "FACTORY_FORGE_TOKEN"}
    poor = replace(runner, variables=variables)
    pipeline = poor.run("web", code=1, FACTORY_JOB="retrain")
    assert "the variable FACTORY_FORGE_TOKEN is missing" in pipeline.output
    assert "FORGE\\_TOKEN is missing" in pipeline.page("retrain.md")
    assert "Retrain: " in pipeline.page("request.patch")
    pipeline = runner.run("schedule", FACTORY_JOB="retrain")
    assert "opened /merge_requests/1" in pipeline.output
    again = runner.run("web", FACTORY_JOB="retrain")
    assert "/merge_requests/1 is open, and holds this" in again.output
    (request,) = runner.place.requests
    assert request["source_branch"] == "retrain"
    assert ask(runner.factory, "rev-parse", "main", "retrain^") == main * 2
    with pytest.raises(AssertionError, match="You are not allowed to push code to protected"):
        push_as_a_job(pipeline.folder)


def push_as_a_job(clone: Path) -> None:
    """Try what no job may: its token gets to no protected branch."""
    helper = f"credential.helper=!printf 'username=factory\\npassword={TOKEN}\\n' #"
    argv = ("git", "-c", helper, "push", "--quiet", "origin", "HEAD~1:refs/heads/main", "--force")
    execute(argv, clone, {"PATH": "/usr/bin:/bin", "HOME": str(clone)})


@pytest.mark.slow
def test_an_alarm_opens_one_issue_and_calls_for_a_retraining(runner: Pipelines) -> None:
    put_into_production(runner.factory)
    set_to(runner.factory, "monitor", retrain=["freshness"])
    deliver(runner.factory)
    pipeline = runner.run("schedule", FACTORY_JOB="monitor")
    assert pipeline.verdicts == {"monitor": "PASS", "retrain": "PASS"}
    (issue,) = runner.place.issues
    assert issue["title"].startswith("Monitor: alarm of ")
    assert "The monitor: **alarm**." in pipeline.page()
    assert (pipeline.folder / "monitor.html").is_file()
    assert len(runner.place.alerts) == 1
    (request,) = runner.place.requests
    assert "because of alarm of freshness" in request["description"]


@pytest.mark.slow
def test_what_is_new_is_scored_once(runner: Pipelines, tmp_path: Path) -> None:
    if is_online(runner.factory):
        pytest.skip("it is made for online serving, and has no such job")
    folder = tmp_path / "deliveries"
    folder.mkdir()
    customers(30).drop("revenue", "segment", "churned").write_csv(folder / "june.csv")
    target = str(tmp_path / "scores")
    set_to(runner.factory, "batch", source=f"{folder}/*.csv", target=target, model="v1.0.0")
    pipeline = runner.run("schedule", FACTORY_JOB="batch")
    assert "june.csv: 30 rows scored, 0 could not be" in pipeline.output
    assert "| june.csv | 30 | 0 |" in pipeline.page()
    again = runner.run("web", FACTORY_JOB="batch")
    assert "Nothing is new: 1 files have their answers." in again.page()
    assert len([*Path(target).iterdir()]) == 1


@pytest.mark.slow
def test_rot_opens_one_issue_and_closes_it(runner: Pipelines) -> None:
    file = next((runner.factory.path / "src").glob("*/features.py"))
    text = file.read_text("utf-8")
    file.write_text(f'{text}\n\nROWS: int = "many"\n', "utf-8")
    commit(runner.factory, "Let the types be wrong")
    push(runner.factory)
    for _ in range(2):
        pipeline = runner.run("schedule", code=1, FACTORY_JOB="rot")
        assert pipeline.verdicts == {"rot": "FAIL", "rot-fails": "PASS"}
    (issue,) = runner.place.issues
    assert issue["title"].startswith("Rot: ")
    file.write_text(text, "utf-8")
    commit(runner.factory, "Mend them")
    push(runner.factory)
    pipeline = runner.run("web", FACTORY_JOB="rot")
    assert pipeline.verdicts == {"rot": "PASS", "rot-passes": "PASS"}
    assert issue["state"] == "closed"
    assert len(runner.place.notes) == 1
