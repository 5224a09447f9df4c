"""The jobs of both forges, job by job: the same triggers, verbs, secrets and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.render import copier
from mlfactory.template import choice

from .conftest import SCRIPTS, execute

FOLDERS = ["", "models/churn"]
BOTH = {"target": "churned", "project_name": "churn", "mlfactory_source": "mlfactory==0.5.0"}
FILES = {
    "ci": ("code", "pipeline"),
    "monitor": ("monitor",),
    "promote": ("promote",),
    "release": ("release",),
    "template": ("template",),
}
OF_A_STAGE = {"release": "release-prod"}  # GitLab has a job for each stage
JOBS = [(file, job) for file, jobs in FILES.items() for job in jobs]
VERB = re.compile(
    r"uv (?:run (?:factory [a-z-]+(?: [a-z]+)?|dvc [a-z]+|[a-z-]+)|sync --locked)|^git push", re.M
)
# A job's own token does on GitHub what the project's does on GitLab.
SECRET = re.compile(r"\b(?:AWS|AZURE|GOOGLE|DVC|FACTORY)_(?!JOB|IMAGE|PAGE|MONITOR)[A-Z_]+\b")
KEYS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "GOOGLE_CREDENTIALS",
    "DVC_CONFIG_LOCAL",
}


def render(place: Path, **given: str) -> Path:
    with copier.open_sheet(choice.template("", "")) as sheet:
        copier.render(sheet, place, {**BOTH, **given})
    return place


# GitLab has no job that retrains, and nothing asks there whether one is due; which jobs release
# follows there from the files that were changed.
NOT_ON_GITLAB = {"uv run factory forge due", "uv run factory forge stages"}


@dataclass(frozen=True)
class Forges:
    """The same factory, rendered for each forge."""

    github: Path
    gitlab: Path
    folder: str

    def workflow(self, file: str) -> Any:
        return yaml.safe_load((self.github / f".github/workflows/{file}.yml").read_text("utf-8"))

    def job(self, name: str) -> dict[str, Any]:
        """A job on GitLab with all that it extends."""
        jobs = loaded(self.gitlab / ".gitlab/factory.yml")
        name = OF_A_STAGE.get(name, name)
        full = f"{self.folder}:{name}" if self.folder else name
        chain = [jobs[full]]
        while above := chain[0].get("extends"):
            chain.insert(0, jobs[above])
        found: dict[str, Any] = {}
        for one in chain:
            for key, value in one.items():
                both = isinstance(value, dict) and key in found
                found[key] = {**found[key], **value} if both else value
        found["before_script"] = [*flat(found["before_script"], jobs)]
        return found


def loaded(file: Path) -> Any:
    """What GitLab reads; a reference is the path of what it names."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor(
        "!reference", lambda loader, node: tuple(loader.construct_sequence(node))
    )
    return yaml.load(file.read_text("utf-8"), Loader)


def flat(script: list[Any], jobs: Any) -> Iterator[str]:
    for line in script:
        yield from jobs[line[0]][line[1]] if isinstance(line, tuple) else [line]


@pytest.fixture(scope="module", params=FOLDERS, ids=["alone", "in-a-folder"])
def forges(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Forges:
    place, folder = tmp_path_factory.mktemp("forges"), request.param
    github, gitlab = (render(place / ci, ci=ci, folder=folder) for ci in ("github", "gitlab"))
    return Forges(github, gitlab, folder)


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_a_job_does_the_same_on_both(forges: Forges, file: str, job: str) -> None:
    steps = forges.workflow(file)["jobs"][job]["steps"]
    verbs = VERB.findall("\n".join(step.get("run", "") for step in steps))
    there = [verb for verb in verbs if verb not in NOT_ON_GITLAB]
    own = forges.job(job)
    assert VERB.findall("\n".join([*own["before_script"], *own["script"]])) == there


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_it_has_the_same_limits(forges: Forges, file: str, job: str) -> None:
    workflow, own = forges.workflow(file), forges.job(job)
    minutes = workflow["jobs"][job]["timeout-minutes"]
    assert own["timeout"] == f"{minutes} minutes"
    one_at_a_time = workflow["concurrency"]["cancel-in-progress"] is False
    assert ("resource_group" in own) == one_at_a_time
    stopped = [rule.get("interruptible", own["interruptible"]) for rule in own["rules"]]
    assert stopped == [not one_at_a_time and "merge_request" in r["if"] for r in own["rules"]]


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_it_asks_for_the_same_secrets(forges: Forges, file: str, job: str) -> None:
    """GitLab gives a job what its environment is given: README.md has a name for each."""
    text = str(forges.workflow(file)["jobs"][job])
    there = set(re.findall(r"secrets\.([A-Z_]+)", text))
    own = forges.job(job)
    assert ("environment" in own) == bool(there)
    if there:
        place = {"pipeline": "change", "release": "prod"}.get(job, job)
        deploys = {} if job == "release" else {"action": "access"}
        assert own["environment"] == {"name": f"factory/{place}", **deploys}
    uses_keys = any("storage.sh" in line for line in own["script"])
    assert uses_keys == (there >= KEYS)
    is_needed = "github.token" in text or "FACTORY_FORGE_TOKEN" in text
    assert ("FACTORY_FORGE_TOKEN" in str(own)) == is_needed


def test_each_secret_is_named_where_it_is_asked_for(forges: Forges) -> None:
    files = [forges.gitlab / name for name in (".gitlab/factory.yml", "README.md")]
    text = "".join(file.read_text("utf-8") for file in files)
    flows = (str(forges.workflow(file)) for file in FILES)
    asked = {name for flow in flows for name in re.findall(r"secrets\.([A-Z_]+)", flow)}
    assert asked - set(SECRET.findall(text)) == set()


def test_both_have_a_template_for_requests_and_for_issues(forges: Forges) -> None:
    names = {
        ".github/pull_request_template.md": ".gitlab/merge_request_templates/Default.md",
        ".github/ISSUE_TEMPLATE/model.md": ".gitlab/issue_templates/model.md",
    }
    for there, own in names.items():
        here, text = forges.github / there, forges.gitlab / own
        assert here.is_file() == text.is_file() == (not forges.folder)
        if text.is_file():
            assert here.read_text("utf-8").endswith(text.read_text("utf-8"))
    scripts = [place / name for place, name in (
        (forges.github, ".github/storage.sh"), (forges.gitlab, ".gitlab/storage.sh"),
    )]  # fmt: skip
    assert scripts[0].read_bytes() == scripts[1].read_bytes()


def test_newer_packages_come_by_themselves(
    forges: Forges, env: dict[str, str], tmp_path: Path
) -> None:
    names = [forges.github / ".github/renovate.json", forges.gitlab / ".gitlab/renovate.json"]
    own = forges.github / ".github/dependabot.yml"
    assert [one.is_file() for one in (*names, own)] == [not forges.folder] * 3
    if not forges.folder:
        assert len({name.read_bytes() for name in names}) == 1
        for schema, files in (("renovate", names), ("dependabot", [own])):
            check = (str(SCRIPTS / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}")
            execute((*check, *map(str, files)), tmp_path, env)


def test_gitlab_understands_it(forges: Forges, env: dict[str, str], tmp_path: Path) -> None:
    check = (str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci")
    files = [forges.gitlab / ".gitlab/factory.yml"]
    files += [] if forges.folder else [forges.gitlab / ".gitlab-ci.yml"]
    execute((*check, "--data-transform", "gitlab-ci", *map(str, files)), tmp_path, env)


def test_images_are_pinned(forges: Forges) -> None:
    jobs = loaded(forges.gitlab / ".gitlab/factory.yml")
    images = {job["image"] for job in jobs.values() if "image" in job}
    assert images == {"$FACTORY_IMAGE"}
    assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", jobs["variables"]["FACTORY_IMAGE"]["value"])
