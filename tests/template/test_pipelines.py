"""The jobs of a factory on GitLab, run by gitlab-ci-local in fresh clones, with stand-ins for the
forge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ..git_server import git_server, protect
from ..gitlab import MALLORY, REPORTER, TOKEN, GitLab, gitlab, merge_request, merged
from .conftest import Factory, execute, make
from .pipelines import Pipelines, needs_gitlab_ci_local

pytestmark = pytest.mark.xdist_group("pipelines")
MARK = "<!-- kept by the workflow Monitor: one issue while something is wrong -->"


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Factory:
    """A factory with a remote and an origin; v1.0.0 is registered, proposed, and merged."""
    needs_gitlab_ci_local()
    folder = tmp_path_factory.mktemp("pipelines")
    factory = make("binary", folder, env, "--ci", "gitlab")
    settings = factory.text("params.yaml").replace("url_env: null", "url_env: FACTORY_LOG_URL")
    factory.write("params.yaml", settings)
    factory.run("dvc", "remote", "add", "--default", "storage", str(folder / "storage"))
    factory.run("dvc", "repro", "--quiet")
    factory.run("dvc", "push", "--quiet")
    commit(factory, "Keep data and models in storage")
    factory.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "origin"))
    factory.run("git", "remote", "add", "origin", str(folder / "origin"))
    factory.run("git", "push", "--quiet", "origin", "HEAD:main")
    tag = factory.json("factory", "register", "--json")["tag"]
    options = ("--to", "prod", "--force", "--why", "the first one", "--json")
    branch = factory.json("factory", "promote", tag.rpartition("@")[2], *options)["branch"]
    factory.run("git", "merge", "--quiet", "--no-ff", "--message", "Merge", branch)
    factory.run("git", "push", "--quiet", "origin", "HEAD:main", tag)
    protect(folder / "origin")
    (folder / "log.db").touch()
    return factory


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


def commit(factory: Factory, message: str) -> None:
    factory.run("git", "commit", "--quiet", "--all", "--no-verify", "--message", message)


def ask(factory: Factory, *argv: str) -> str:
    return execute(("git", "-C", "origin", *argv), factory.path.parent, factory.env).stdout


def catalog(factory: Factory) -> dict[str, Any]:
    """What the branch `status` says."""
    content: dict[str, Any] = json.loads(ask(factory, "show", "status:catalog.json"))
    return content


def set_to(factory: Factory, section: str, **settings: Any) -> None:
    """Change settings on the main branch, as whoever may merge."""
    params = yaml.safe_load(factory.text("params.yaml"))
    params[section] |= settings
    factory.write("params.yaml", yaml.safe_dump(params, sort_keys=False, allow_unicode=True))
    commit(factory, f"Set {section}")
    factory.run("git", "push", "--quiet", "origin", "HEAD:main")


@pytest.fixture
def branch(churn: Factory) -> Iterator[str]:
    """A branch for a merge request; what is done on it is taken back."""
    churn.run("git", "checkout", "--quiet", "-b", "try")
    yield "try"
    churn.run("git", "checkout", "--quiet", "--force", "-")
    churn.run("git", "branch", "--quiet", "-D", "try")
    churn.run("dvc", "checkout", "--quiet", "--force")


def request(runner: Pipelines, **variables: str) -> Any:
    """Push the branch, and run the pipeline of its merge request."""
    runner.factory.run("git", "push", "--quiet", "--force", "origin", "HEAD:try")
    sha = ask(runner.factory, "rev-parse", "try").strip()
    runner.place.requests = [merge_request(1, sha, source_branch="try")]
    return runner.run("merge_request_event", branch="try", **variables)


@pytest.mark.usefixtures("branch")
def test_a_good_change_passes_and_has_one_comment(runner: Pipelines) -> None:
    runner.factory.write("docs/note.md", "Nothing of weight.\n")
    runner.factory.run("git", "add", "--all")
    commit(runner.factory, "Write a note")
    pipeline = request(runner)
    assert pipeline.verdicts == {"code": "PASS", "pipeline": "PASS", "report": "PASS"}
    (note,) = runner.place.comments[1]
    assert "Hooks success, types success, tests success." in note["body"]
    assert "The model is the same as before." in note["body"]
    assert "# Model card: churned" in note["body"]
    assert "made-up rows" not in note["body"]


def test_a_merged_record_becomes_a_tag(runner: Pipelines) -> None:
    added = ask(runner.factory, "rev-parse", "main").strip()
    runner.place.merges = {added: [merged(3, "carol")]}
    runner.place.approved = {3: ["alice"]}
    pipeline = runner.run("push", "promote")
    (tag,) = [name for name in ask(runner.factory, "tag").split() if "#prod#" in name]
    assert f"Tags made: `{tag}`." in pipeline.page()
    assert catalog(runner.factory)["stages"]["prod"]["approved_by"] == "@alice"
    again = runner.run("web", FACTORY_JOB="promote")
    assert again.verdicts == {"promote": "PASS"}
    assert "Tags made: none." in again.page()


def test_the_monitor_keeps_one_issue_and_leaves_a_foreign_one_alone(runner: Pipelines) -> None:
    foreign = {"iid": 1, "state": "opened", "author": MALLORY, "title": "x", "description": MARK}
    runner.place.issues = [{**foreign}]
    away = {"FACTORY_LOG_URL": f"sqlite:///{runner.folder / 'away/log.db'}"}
    for _ in range(2):
        pipeline = runner.run("schedule", code=1, FACTORY_JOB="monitor", **away)
        assert pipeline.verdicts["monitor"] == "FAIL"
        assert "Monitor calls for no retraining." in pipeline.output
        assert "**Failed**: there is no database" in pipeline.page()
    strange, own = runner.place.issues
    assert strange == foreign
    assert own["title"] == "Monitor: it fails"
    assert catalog(runner.factory)["name"] == "churn"
