"""The job that follows the template: one request for each version, and no mark of a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlfactory_runtime.forge.request import keep_request
from mlfactory_runtime.jobs.template import LABEL, NOTHING, propose
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.record import parse
from mlfactory_runtime.records.update import Update

from .evolving import SMALL, Repo, edited, mlfactory, project, release, template
from .github import JOB, NAME, PROPOSER, GitHub, github

WHO = {"NAME": "factory", "EMAIL": "factory@localhost"}


@pytest.fixture
def source(tmp_path: Path) -> Repo:
    return template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})


@pytest.fixture
def main(source: Repo, tmp_path: Path) -> Repo:
    """A project that is one version behind, and its origin."""
    repo = project(source, tmp_path / "main")
    repo.git("init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "origin")
    repo.git("remote", "add", "origin", tmp_path / "origin")
    repo.git("push", "--quiet", "origin", "main")
    return repo


@pytest.fixture
def forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with github() as place:
        place.origin = tmp_path / "origin"
        for name, value in {
            "GITHUB_API_URL": place.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
            "GITHUB_RUN_ID": "1",
            "FACTORY_FORGE_TOKEN": PROPOSER,
        }.items():
            monkeypatch.setenv(name, value)
        yield place


def run(main: Repo, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the job does, in a fresh clone as its steps do it; gives what it says."""
    place = main.path.parent / f"job-{len([*main.path.parent.glob('job-*')])}"
    main.git("push", "--quiet", "origin", "main")
    main.git("clone", "--quiet", main.path.parent / "origin", place)
    with monkeypatch.context() as job:
        for role in ("AUTHOR", "COMMITTER"):
            for key, value in WHO.items():
                job.setenv(f"GIT_{role}_{key}", value)
        options = ("update", place, "--defaults", "--json", "--no-check")
        output = mlfactory(*options, "--dry-run", code=None)
        output = output if output.returncode else mlfactory(*options)
        proposal, text = propose(Project(place), parse(Update, output.stdout, "update.json"))
        return keep_request(place, proposal) if proposal else text


def test_a_version_is_proposed_once(
    main: Repo, source: Repo, forge: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(main, monkeypatch) == "opened /pulls/1"
    (pull,) = forge.pulls
    assert (pull["title"], pull["draft"]) == ("Template: v1.1.0", False)
    steps = ("    git fetch origin && git switch template", "    dvc repro && dvc push")
    for text in (
        "From v1.0.0 to v1.1.0",
        "    - Release v1.1.0",
        "    changed       a.txt",
        *steps,
    ):
        assert text in pull["body"]
    main.git("fetch", "--quiet", "origin")
    assert main.git("show", "origin/template:a.txt") == edited(3, "theirs")
    assert run(main, monkeypatch) == "/pulls/1 is open, and holds this"
    pull["state"] = "closed"
    assert run(main, monkeypatch) == "/pulls/1 was decided, and holds this"
    release(source, "v1.2.0", {"tree/a.txt": edited(4, "theirs")})
    assert run(main, monkeypatch) == "opened /pulls/2"
    main.git("fetch", "--quiet", "origin")
    main.git("merge", "--quiet", "origin/template")
    assert run(main, monkeypatch) == NOTHING


def test_a_conflict_is_a_draft_with_a_label_and_without_a_mark(
    main: Repo, source: Repo, forge: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    main.commit({"a.txt": edited(3, "ours")})
    assert run(main, monkeypatch) == "opened /pulls/1"
    (pull,) = forge.pulls
    assert (pull["draft"], pull["labels"]) == (True, [{"name": LABEL}])
    assert "in conflict" in pull["title"]
    assert "    a.txt" in pull["body"]
    assert pull["body"].count("dvc repro && dvc push") == 1
    main.git("fetch", "--quiet", "origin")
    assert main.git("diff", "main", "origin/template") == ""

    main.git("switch", "--quiet", "template")
    main.commit({"a.txt": edited(3, "both")})
    main.git("push", "--quiet", "origin", "template")
    main.git("switch", "--quiet", "main")
    release(source, "v1.2.0", {"tree/a.txt": edited(4, "theirs")})
    assert "works on the branch template, and it stays as it is" in run(main, monkeypatch)
    main.git("push", "--quiet", "--force", "origin", "template^:template")
    main.commit({"a.txt": edited(12, "ours")})
    assert run(main, monkeypatch) == "opened /pulls/2"
    assert [one["state"] for one in forge.pulls] == ["closed", "open"]
    assert forge.pulls[1]["draft"] is False
