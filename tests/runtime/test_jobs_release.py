"""The job that releases: the image of a stage's version, from a merged record alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forge.review import Review, review_of
from mlfactory_runtime.jobs.release import build

from ..docker import before_path, put_docker
from .factories import Factory, commit, kept, train

pytestmark = pytest.mark.usefixtures("docker")
HOOK = 'echo "$RELEASE_VERSION to $RELEASE_STAGE: $RELEASE_IMAGE" | tee -a hook.log\n'


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, first on PATH."""
    place = put_docker(tmp_path / "docker")
    monkeypatch.setenv("PATH", before_path(place))
    return place


@pytest.fixture
def job(tracked: Factory) -> Factory:
    """A factory with v1.0.0 in production, and an origin."""
    tracked.write("Dockerfile", "FROM scratch\n")
    tracked.tool("git", "add", "Dockerfile")
    commit(tracked, "An image")
    origin = tracked.path.parent / "origin"
    tracked.tool("git", "init", "--quiet", "--bare", str(origin))
    tracked.tool("git", "remote", "add", "origin", str(origin))
    promote(tracked, "The first")
    return tracked


def promote(factory: Factory, why: str) -> str:
    """Put the committed model into production: record and tag, as a merge leaves them."""
    version = str(factory.json("register", "--json")["version"])
    factory.run("promote", version, "--to", "prod", "--force", "--why", why)
    return version


def release(factory: Factory) -> dict[str, Any]:
    """What the job does, and what it wrote down."""
    for verb in (["build", "prod"], ["deploy"], ["record"]):
        factory.run("forge", *verb)
    text = factory.tool("git", "show", "origin/deployments:prod.json")
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_image_is_of_the_version_and_not_of_the_work_tree(job: Factory, docker: Path) -> None:
    version = job.text("params.yaml")
    job.write("deploy.sh", HOOK)
    job.change(release={"deploy": "deploy.sh"})
    assert job.run("forge", "stages").out == "prod\n"
    record = release(job)
    context = docker / "churn:v1.0.0"
    assert (context / "params.yaml").read_text() == version != job.text("params.yaml")
    assert record["image"] == "churn:v1.0.0"
    assert record["digest"].startswith("sha256:")
    assert record["commit"] == job.tool("git", "rev-parse", "churn@v1.0.0^{}").strip()
    assert (record["record"], record["script"]) == ("prod-0001-v1.0.0", "deploy.sh")
    assert job.text("hook.log") == "v1.0.0 to prod: churn:v1.0.0\n"
    bill = json.loads(job.tool("git", "show", "origin/deployments:prod.cdx.json"))
    assert bill["metadata"]["component"]["version"] == "v1.0.0"
    assert job.run("forge", "stages").out == "\n"


def test_to_go_back_is_the_same_with_the_older_version(job: Factory) -> None:
    first = release(job)
    job.change(model={"max_rounds": 7, "averaged": 1})
    kept(train(job), "Fewer rounds")
    promote(job, "a try")
    job.run("rollback", "--why", "it is worse")
    assert job.run("forge", "stages").out == "prod\n"
    again = release(job)
    assert (again["version"], again["digest"]) == ("v1.0.0", first["digest"])
    assert again["record"] == "prod-0003-v1.0.0"
    log = job.tool("git", "log", "--format=%s", "origin/deployments").splitlines()
    assert log == ["v1.0.0 is on prod"] * 2


def test_it_is_pushed_where_the_settings_say(
    job: Factory, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.change(release={"image": "registry.test/team/churn"})
    assert "denied" in job.run("forge", "build", "prod", code=1).err
    assert not (job.path / "release.json").exists()
    monkeypatch.setenv("FACTORY_REGISTRY_PASSWORD", "s3cret")
    monkeypatch.setenv("FACTORY_REGISTRY_USER", "robot")
    job.run("forge", "build", "prod")
    record = json.loads(job.text("release.json"))
    assert record["image"] == f"registry.test/team/churn@{record['digest']}"
    assert (docker / "login").read_text() == "s3cret"
    assert "s3cret" not in (docker / "calls").read_text()


def test_a_tag_without_a_merged_record_is_refused(job: Factory, docker: Path) -> None:
    job.tool("git", "tag", "--annotate", "--message", "{}", "churn#prod#9", "churn@v1.0.0^{}")
    error = job.run("forge", "build", "prod", code=1).err
    assert "churn#prod#9 was made without a record that is merged here" in error
    message = job.tool("git", "tag", "--list", "--format=%(contents)", "churn#prod#1")
    forged = json.dumps(json.loads(message) | {"why": "another reason"})
    job.tool("git", "tag", "--annotate", "--message", forged, "churn#prod#10", "churn@v1.0.0^{}")
    error = job.run("forge", "build", "prod", code=1).err
    assert "prod-0001-v1.0.0.json is not what the tag churn#prod#10 says" in error
    assert not (docker / "calls").exists()


def test_an_approval_by_the_author_is_refused(job: Factory) -> None:
    own = review_of(["dave"], ["dave"], "dave")
    with pytest.raises(FactoryError, match="nobody but its author approved promotions/prod-0001"):
        build(job.project, "prod", lambda _: own)
    with pytest.raises(FactoryError, match="nobody but its author"):
        build(job.project, "prod", lambda _: Review())
    assert (
        build(job.project, "prod", lambda _: review_of([], ["dave"], "eve")).approved_by == "@eve"
    )
    job.change(release={"second_person": False})
    assert build(job.project, "prod", lambda _: own).approved_by == "@dave"


def test_a_script_that_fails_leaves_nothing_that_says_it_is_deployed(job: Factory) -> None:
    job.write("deploy.sh", "echo the host is away >&2; exit 3\n")
    job.change(release={"deploy": "deploy.sh"})
    job.run("forge", "build", "prod")
    assert "the host is away" in job.run("forge", "deploy", code=1).err
    assert json.loads(job.text("release.json"))["script"] is None
    job.change(release={"deploy": "../deploy.sh"})
    assert "is no file of this repository" in job.run("forge", "deploy", code=1).err
    assert job.run("forge", "stages").out == "prod\n"
