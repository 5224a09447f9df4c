"""The jobs of both forges, job by job: the same triggers, verbs, secrets and limits."""

from __future__ import annotations

import json
import os
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
from .pipelines import PROGRAM, needs_gitlab_ci_local, node

FOLDERS = ["", "models/churn"]
BOTH = {"target": "churned", "project_name": "churn", "mlfactory_source": "mlfactory==0.5.0"}
# A job on GitHub, by its workflow, and what does its work on GitLab: there a job does not know how
# those before it ended, so it is two where that counts.
TWINS = {
    ("ci", "code"): ("code",),
    ("ci", "pipeline"): ("pipeline",),
    ("report", "report"): ("report", "report-failure"),
    ("monitor", "monitor"): ("monitor",),
    ("retrain", "retrain"): ("retrain",),
    ("batch", "batch"): ("batch",),
    ("rot", "checks"): ("rot",),
    ("rot", "issue"): ("rot-passes", "rot-fails"),
    ("promote", "promote"): ("promote",),
    ("release", "release"): ("release-staging", "release-prod"),
    ("template", "template"): ("template",),
}
JOBS = [(file, job, twin) for (file, job), twins in TWINS.items() for twin in twins]
ENVIRONMENTS = {
    "release-staging": "staging", "release-prod": "prod", "pipeline": "change",
    "report-failure": "report", "rot-passes": "rot", "rot-fails": "rot",
}  # fmt: skip
SOURCES = {  # what starts a workflow, and what a rule says of it
    "pull_request": "merge_request_event",
    "workflow_run": "merge_request_event",
    "push": "push",
    "schedule": "schedule",
    "workflow_dispatch": "web",
}
VERB = re.compile(
    r"uv (?:run (?:factory [a-z-]+(?: [a-z]+)?|dvc [a-z]+|[a-z-]+)|sync --locked|lock --upgrade)"
    r"|^git push",
    re.M,
)
# A job's own token does on GitHub what the project's does on GitLab.
SECRET = re.compile(r"\b(?:AWS|AZURE|GOOGLE|DVC|FACTORY)_(?!JOB|IMAGE|PAGE)[A-Z_]+\b")
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


# Which stages are to be released follows on GitLab from the files that were changed.
ONLY_ON_GITHUB = {"uv run factory forge stages"}


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
        yield from flat(jobs[line[0]][line[1]], jobs) if isinstance(line, tuple) else [line]


@pytest.fixture(scope="module", params=FOLDERS, ids=["alone", "in-a-folder"])
def forges(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Forges:
    place, folder = tmp_path_factory.mktemp("forges"), request.param
    github, gitlab = (render(place / ci, ci=ci, folder=folder) for ci in ("github", "gitlab"))
    return Forges(github, gitlab, folder)


@pytest.mark.parametrize(("file", "job", "twin"), JOBS)
def test_a_job_does_the_same_on_both(forges: Forges, file: str, job: str, twin: str) -> None:
    steps = forges.workflow(file)["jobs"][job]["steps"]
    verbs = VERB.findall("\n".join(step.get("run", "") for step in steps))
    own = forges.job(twin)
    lines = [line.replace(" env -u FACTORY_FORGE_TOKEN", "") for line in own["script"]]
    assert VERB.findall("\n".join([*own["before_script"], *lines])) == [
        one for one in verbs if one not in ONLY_ON_GITHUB
    ]


@pytest.mark.parametrize(("file", "job", "twin"), [one for one in JOBS if one[0] != "release"])
def test_it_begins_for_the_same_reasons(forges: Forges, file: str, job: str, twin: str) -> None:
    flow, own = forges.workflow(file), forges.job(twin)
    rules = [rule["if"] for rule in own["rules"]]
    sources = {name for rule in rules for name in re.findall(r'SOURCE == "(\w+)"', rule)}
    assert sources == {SOURCES[event] for event in flow[True] if event in SOURCES}
    after_monitor = [rule for rule in rules if '"monitor"' in rule and twin != "monitor"]
    assert bool(after_monitor) == ("workflow_call" in flow[True])
    only_main = "refs/heads/main" in flow["jobs"][job].get("if", "")
    if flow["jobs"][job].get("needs"):
        only_main = any("refs/heads/main" in one.get("if", "") for one in flow["jobs"].values())
    assert only_main == (file != "ci" and all("$CI_DEFAULT_BRANCH" in rule for rule in rules))


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_a_merged_record_or_a_person_begins_a_release(forges: Forges, stage: str) -> None:
    """On GitHub promote calls it, for each stage that a record is of."""
    assert {"workflow_call", "workflow_dispatch"} == {*forges.workflow("release")[True]}
    merged, by_hand = forges.job(f"release-{stage}")["rules"]
    assert all("$CI_DEFAULT_BRANCH" in rule["if"] for rule in (merged, by_hand))
    assert merged["changes"][0].endswith(f"promotions/{stage}-*")
    assert by_hand["when"] == "manual"


def test_what_is_started_by_hand_can_be_chosen(forges: Forges) -> None:
    jobs = loaded(forges.gitlab / ".gitlab/factory.yml")
    rules = [rule["if"] for job in jobs.values() if "rules" in job for rule in job["rules"]]
    names = {name for rule in rules for name in re.findall(r'FACTORY_JOB == "(\w+)"', rule)}
    assert set(jobs["variables"]["FACTORY_JOB"]["options"]) == names


@pytest.mark.parametrize(("file", "job", "twin"), JOBS)
def test_it_has_the_same_limits(forges: Forges, file: str, job: str, twin: str) -> None:
    workflow, own = forges.workflow(file), forges.job(twin)
    minutes = workflow["jobs"][job]["timeout-minutes"]
    assert own["timeout"] == f"{minutes} minutes"
    one_at_a_time = workflow["concurrency"]["cancel-in-progress"] is False
    assert ("resource_group" in own) == one_at_a_time
    stopped = [rule.get("interruptible", own["interruptible"]) for rule in own["rules"]]
    assert stopped == [not one_at_a_time and "merge_request" in r["if"] for r in own["rules"]]


@pytest.mark.parametrize("file", sorted({file for file, _ in TWINS}))
def test_of_what_a_push_begins_no_run_is_replaced_by_the_next(forges: Forges, file: str) -> None:
    """On GitLab those that wait for a resource group all have their turn."""
    concurrency = forges.workflow(file)["concurrency"]
    assert ("queue" in concurrency) == (file in ("promote", "release"))
    assert concurrency.get("queue", "max") == "max"


@pytest.mark.parametrize(("file", "job", "twin"), JOBS)
def test_it_asks_for_the_same_secrets(forges: Forges, file: str, job: str, twin: str) -> None:
    """GitLab gives a job what its environment is given: README.md has a name for each."""
    text = str(forges.workflow(file)["jobs"][job])
    there = set(re.findall(r"secrets\.([A-Z_]+)", text))
    own = forges.job(twin)
    has_secrets = bool(there) or "github.token" in text
    assert ("environment" in own) == has_secrets
    if has_secrets:
        place = ENVIRONMENTS.get(twin, twin)
        deploys = {} if file == "release" else {"action": "access"}
        assert own["environment"] == {"name": f"factory/{place}", **deploys}
    with_keys = [line for line in own["script"] if "storage.sh" in line]
    assert bool(with_keys) == (there >= KEYS)
    pushes = "credential.helper" in text
    assert pushes == ("FACTORY_FORGE_TOKEN" in str(own["before_script"]))
    is_apart = pushes and file != "release"  # which asks the forge who approved a record
    assert all(("env -u FACTORY_FORGE_TOKEN uv" in line) == is_apart for line in with_keys)


# Nothing of it is a branch's name, a title or a person's, as anybody may choose these.
FROM_OUTSIDE = re.compile(
    r"FACTORY_[A-Z_]+|CI_PROJECT_URL|CI_REGISTRY_(?:USER|PASSWORD)|RETRAIN_WHY"
)


@pytest.mark.parametrize("twin", [one[2] for one in JOBS])
def test_no_script_of_gitlab_takes_text_from_outside(forges: Forges, twin: str) -> None:
    own = forges.job(twin)
    names = re.findall(r"\$\{?([A-Z_]{2,})", "\n".join([*own["before_script"], *own["script"]]))
    strange = {name for name in names if not FROM_OUTSIDE.fullmatch(name)}
    assert strange <= own["variables"].keys()


def test_the_newest_packages_leave_nothing_behind(forges: Forges) -> None:
    assert forges.job("rot")["cache"] == []
    (needs,) = forges.job("rot-fails")["needs"]
    assert needs["artifacts"] is False


def test_each_secret_is_named_where_it_is_asked_for(forges: Forges) -> None:
    files = [forges.gitlab / name for name in (".gitlab/factory.yml", "README.md")]
    text = "".join(file.read_text("utf-8") for file in files)
    flows = (str(forges.workflow(file)) for file, _ in TWINS)
    names = {name for flow in flows for name in re.findall(r"secrets\.([A-Z_]+)", flow)}
    assert names - set(SECRET.findall(text)) == set()


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


CHANGE = {"code", "pipeline"}
REPORT = {"report", "report-failure"}
ROT = {"rot", "rot-passes", "rot-fails"}
EVENTS = [  # what starts a pipeline, the job that is asked for, and the jobs that it has
    ("merge_request_event", "change", CHANGE | REPORT),
    ("push", "change", CHANGE | {"promote"}),
    ("schedule", "change", set()),
    ("web", "monitor", {"monitor", "retrain"}),
    ("schedule", "retrain", {"retrain"}),
    ("schedule", "batch", {"batch"}),
    ("schedule", "rot", ROT),
    ("web", "promote", {"promote"}),
]
VARIANTS = {
    "batch": {},
    "online": {"serving": "online"},
    "query": {"data_source": "data/source.sql", "url_env": "SOURCE_URL"},
    "without-template": {"mlfactory_source": "", "branch": "trunk"},
    "in-a-folder": {"folder": "models/churn"},
    "in-a-folder-online": {"folder": "models/churn", "serving": "online"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_event_has_its_jobs(variant: str, env: dict[str, str], tmp_path: Path) -> None:
    needs_gitlab_ci_local()
    answers = VARIANTS[variant]
    place = project(tmp_path, answers, env)
    prefix = f"{answers['folder']}:" if "folder" in answers else ""
    for source, job, names in EVENTS if variant == "batch" else EVENTS[:1]:
        process = execute(listing(source, job), place, {**env, **runner_env(env)})
        assert "WARN" not in process.stdout + process.stderr
        active = {one["name"] for one in json.loads(process.stdout) if one["when"] != "never"}
        own = {f"{prefix}{name}" for name in names if name != "batch" or "serving" not in answers}
        assert active == own, (source, job)


@pytest.mark.parametrize("variant", ["batch", "in-a-folder"])
def test_of_a_forks_request_nothing_runs_where_the_variables_are(
    variant: str, env: dict[str, str], tmp_path: Path
) -> None:
    needs_gitlab_ci_local()
    place = project(tmp_path, VARIANTS[variant], env)
    argv = listing("merge_request_event", "change", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="9")
    jobs = json.loads(execute(argv, place, {**env, **runner_env(env)}).stdout)
    assert [one["name"] for one in jobs if one["when"] != "never"] == []


def project(folder: Path, answers: dict[str, str], env: dict[str, str]) -> Path:
    """A project on GitLab with a factory of its own, or with one in a folder."""
    place = folder / "project"
    render(place / answers.get("folder", ""), ci="gitlab", **answers)
    if "folder" in answers:
        text = f"include: [{{local: /{answers['folder']}/.gitlab/factory.yml}}]\n"
        (place / ".gitlab-ci.yml").write_text(text)
    for argv in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "A factory"),
        ("remote", "add", "origin", "https://gitlab.example.com/data/churn.git"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
        ("remote", "set-head", "origin", "main"),
    ):
        execute(("git", *argv), place, env)
    return place


def listing(source: str, job: str, **more: str) -> tuple[str, ...]:
    """What lists the jobs of a pipeline; all files count as changed."""
    values = {"CI_PIPELINE_SOURCE": source, "FACTORY_JOB": job, **REQUEST, **more}
    variables = [part for pair in values.items() for part in ("--variable", "=".join(pair))]
    return (str(PROGRAM), "--list-json", "--no-evaluate-rule-changes", "--no-color", *variables)


REQUEST = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1217", "CI_PROJECT_ID": "1217"}


def runner_env(env: dict[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(node()), env["PATH"]])
    return {"PATH": path, "GCL_IGNORE_PREDEFINED_VARS": ",".join([*REQUEST, "CI_PIPELINE_SOURCE"])}
