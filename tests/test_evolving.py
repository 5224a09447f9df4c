"""mlfactory's own template, from release to release and to what is not released yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.cli import console
from mlfactory.template import history
from mlfactory.update import drift
from mlfactory.update import run as update
from mlfactory.update.run import Outcome

from .conftest import ROOT, Build, Command, Release

DATA = ROOT / "generator/mlfactory/new/samples/penguins.csv"
FIRST = "v0.1.0"
OWN = (
    "params.yaml",
    "features.yaml",
    "src/pen/features.py",
    "src/pen/model.py",
    "CODEOWNERS",
    "docs/about.md",
    ".dvc/config",
)


@pytest.fixture
def factory(tmp_path: Path, mlfactory: Command) -> Path:
    """A factory of the first release, without an environment."""
    options = ("--target", "sex", "--owner", "@org/data", "--no-setup", "--defaults")
    mlfactory("new", "pen", "--data", DATA, *options, "--ref", FIRST, cwd=tmp_path)
    return tmp_path / "pen"


@pytest.fixture
def checkout(tmp_path: Path, build_file_tree: Build, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another checkout, whose template is ahead of the last release; this process runs from it."""
    place = tmp_path / "checkout"
    for name in ("copier.yml", "template"):
        (place / name).parent.mkdir(exist_ok=True)
    releases = history.releases_in(history.HISTORY)
    history.stream.unpack(releases.commit(releases.newest).files, place)
    build_file_tree(place, {"template/project/docs/news.md": "one\n"})
    monkeypatch.setattr(history, "surrounding_checkout", lambda: place)
    return place


def updated(factory: Path, **options: Any) -> Outcome:
    talk = console.Terminal(quiet_plan=True)
    return update.update(factory, update.Options(**options), talk)


def git(command: Command, factory: Path, *argv: str) -> str:
    text: str = command("git", *argv, cwd=factory).stdout.strip()
    return text


def recorded(factory: Path) -> str:
    return history.recorded_version(factory)


def test_the_checkouts_own_template_reaches_the_first_release(
    factory: Path, mlfactory: Command, command: Command
) -> None:
    outcome = json.loads(mlfactory("update", factory, "--defaults", "--json").stdout)
    if history.load().names == (FIRST.removeprefix("v"),):
        pytest.skip("nothing came after it yet")
    assert outcome["state"] == "updated"
    assert recorded(factory) == history.load().newest
    assert git(command, factory, "status", "--porcelain") == ""
    assert git(command, factory, "rev-list", "--count", "HEAD") == "2"
    status = json.loads(mlfactory("status", factory, "--json").stdout)["projects"][0]
    assert set(status["drift"]) == {"clean"}


def test_from_one_development_version_to_another(
    factory: Path, checkout: Path, command: Command
) -> None:
    """The factory keeps the first one: nobody else has it any more."""
    first = history.load().newest
    outcome = updated(factory)
    assert outcome.plan is not None
    assert not outcome.plan.released
    assert recorded(factory) == first
    (checkout / "template/project/docs/news.md").write_text("two\n")
    second = history.load().newest
    assert second != first
    assert drift.status(factory).behind
    assert updated(factory).state == "updated"
    assert recorded(factory) == second
    assert (factory / "docs/news.md").read_text() == "two\n"
    assert git(command, factory, "status", "--porcelain") == ""


def test_from_a_development_version_to_a_release(
    factory: Path, checkout: Path, release: Release
) -> None:
    history.load.__defaults__ = (history.HISTORY, checkout)
    first = history.load().newest
    updated(factory)
    assert recorded(factory) == first
    history.load.__defaults__ = (history.HISTORY, None)
    release("98.0.0")
    assert updated(factory).state == "updated"
    assert recorded(factory) == "98.0.0"
    assert not (factory / "docs/news.md").exists()


@pytest.mark.usefixtures("checkout")
def test_a_release_older_than_a_development_version_is_no_update(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    updated(factory)
    monkeypatch.setattr(history, "surrounding_checkout", lambda: None)
    with pytest.raises(MlfactoryError, match=r"is older") as caught:
        updated(factory)
    newest = history.releases_in(history.HISTORY).versions[-1]
    assert f"--to v{newest}" in caught.value.hint
    assert not drift.status(factory).behind
    assert updated(factory, to=f"v{newest}").state == "updated"


def test_a_clone_of_a_factory_of_a_development_version_says_what_it_lacks(
    factory: Path, checkout: Path, tmp_path: Path, command: Command
) -> None:
    updated(factory)
    (checkout / "template/project/docs/news.md").write_text("two\n")
    clone = tmp_path / "clone"
    command("git", "clone", "--quiet", factory, clone)
    with pytest.raises(MlfactoryError, match="was never released") as caught:
        updated(clone)
    assert "git fetch origin 'refs/mlfactory/*:refs/mlfactory/*'" in caught.value.hint
    command("git", "fetch", "--quiet", "origin", "refs/mlfactory/*:refs/mlfactory/*", cwd=clone)
    assert updated(clone).state == "updated"


def test_an_installed_program_brings_later_releases_and_tells_of_all_of_them(
    factory: Path, release: Release, command: Command
) -> None:
    release("98.0.0")
    release("99.0.0")
    plan = updated(factory, dry_run=True).plan
    assert plan is not None
    changelog = plan.changelog
    assert changelog.index("mlfactory template 99.0.0") < changelog.index("More advice in 98.0.0.")
    assert "The first release" not in changelog
    assert updated(factory).state == "updated"
    assert recorded(factory) == "99.0.0"
    message = git(command, factory, "log", "-1", "--format=%B")
    assert message.startswith("Update pen from v0.1.0 to v99.0.0\n\nmlfactory template 99.0.0")


def test_a_version_can_be_named(factory: Path, release: Release) -> None:
    release("98.0.0")
    release("99.0.0")
    assert updated(factory, to="98.0.0").state == "updated"
    assert recorded(factory) == "98.0.0"
    assert updated(factory).state == "updated"
    assert recorded(factory) == "99.0.0"


def test_a_clone_is_updated_to_the_same_tree(
    factory: Path, release: Release, tmp_path: Path, command: Command, home: Path
) -> None:
    """The base is rendered again: neither the clone nor another machine's cache has it."""
    release("98.0.0")
    release("99.0.0")
    readme = factory / "README.md"
    readme.write_text(readme.read_text() + "\nOurs.\n")
    git(command, factory, "commit", "--quiet", "--no-verify", "--all", "--message", "ours")
    updated(factory, to="98.0.0")
    clone = tmp_path / "other" / "another-name"
    command("git", "clone", "--quiet", factory, clone)
    assert git(command, clone, "for-each-ref", "refs/mlfactory") == ""
    updated(factory)
    (home / ".cache").rename(home / "gone")
    updated(clone)
    trees = {git(command, place, "rev-parse", "HEAD^{tree}") for place in (factory, clone)}
    assert len(trees) == 1


def test_what_is_yours_never_changes(factory: Path, release: Release, command: Command) -> None:
    for name in OWN:
        file = factory / name
        file.write_text(f"{file.read_text()}# ours\n")
    git(command, factory, "add", "--all")
    git(command, factory, "commit", "--quiet", "--no-verify", "--message", "ours")
    before = {name: (factory / name).read_bytes() for name in OWN}
    release("98.0.0")
    plan = updated(factory, dry_run=True).plan
    assert plan is not None
    states = {change.path: change.state for change in plan.changes}
    assert states["src/pen/model.py"] == "yours"
    assert states["docs/runbook.md"] == "changed"
    assert updated(factory).state == "updated"
    assert {name: (factory / name).read_bytes() for name in OWN} == before
    paths = {change.path for change in drift.status(factory).files}
    assert not paths & set(OWN)


def test_taking_an_update_back_is_one_revert(
    factory: Path, release: Release, command: Command
) -> None:
    before = git(command, factory, "rev-parse", "HEAD^{tree}")
    release("98.0.0")
    updated(factory)
    git(command, factory, "revert", "--no-edit", "HEAD")
    assert git(command, factory, "rev-parse", "HEAD^{tree}") == before
    assert updated(factory).state == "updated"
