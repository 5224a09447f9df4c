"""A factory's library: compared, examined, and taken into the repository and back."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base import git, origin
from mlfactory.base.errors import MlfactoryError
from mlfactory.cli import console
from mlfactory.cli.app import app
from mlfactory.doctor import run as doctor
from mlfactory.render import copier
from mlfactory.render.result import RenderOptions
from mlfactory.template import choice, history, release
from mlfactory.update import diff, drift, library
from mlfactory.update import run as update
from mlfactory.update.run import Outcome

from .runtimes import change

WHEEL = "vendor/mlfactory_runtime-0.4.0-py3-none-any.whl"
MODULE = "runtime/mlfactory_runtime/cli.py"


@pytest.fixture
def factory(origin: Path, commit_all: Any) -> Path:
    """A factory of the released version, in git."""
    place = origin.parent / "made"
    with copier.open_sheet(choice.template()) as sheet:
        copier.render(sheet, place, {})
    commit_all(place)
    return place


def updated(factory: Path, **options: Any) -> Outcome:
    talk = console.Terminal(quiet_plan=True)
    return update.update(factory, update.Options(**options), talk)


def seen(factory: Path) -> doctor.Observation:
    observation: doctor.Observation = doctor.RUN001.check(factory)
    return observation


def test_the_patch_shows_what_the_newest_changes(
    factory: Path,
    origin: Path,
) -> None:
    change(origin)
    difference = library.difference(factory)
    assert (difference.from_version, difference.to_version) == ("0.4.0", history.load().newest)
    assert "--- a/mlfactory_runtime/cli.py\n+++ b/mlfactory_runtime/cli.py\n" in difference.patch
    assert "\n-    print('one')\n+    print('two')\n" in difference.patch
    assert "\n-Version: 0.4.0\n" in difference.patch
    assert "RECORD" not in difference.patch


def test_the_patch_can_be_turned_round(factory: Path, origin: Path) -> None:
    change(origin)
    assert "\n-    print('two')\n+    print('one')\n" in (
        library.difference(factory, reverse=True).patch
    )


def test_the_wheel_of_the_same_version_has_no_difference(factory: Path) -> None:
    assert library.difference(factory, to="v0.4.0").patch == ""


def test_a_changed_wheel_is_compared_as_it_is(factory: Path) -> None:
    with zipfile.ZipFile(factory / WHEEL, "w") as archive:
        archive.writestr("mlfactory_runtime/cli.py", "evil = 1\n")
    assert "\n-evil = 1\n" in library.difference(factory).patch


def test_a_factory_with_files_is_told_how_to_compare(factory: Path) -> None:
    updated(factory, render=RenderOptions(settings={"runtime": "source"}))
    with pytest.raises(MlfactoryError, match="has no wheel") as caught:
        library.difference(factory)
    assert caught.value.hint.startswith("mlfactory diff --update")


def test_a_released_wheel_is_known(factory: Path) -> None:
    assert seen(factory) == doctor.Observation("ok", "mlfactory-runtime 0.4.0, as it was released")


def test_a_changed_wheel_is_an_error_and_can_be_put_back(factory: Path) -> None:
    before = (factory / WHEEL).read_bytes()
    (factory / WHEEL).write_bytes(before.replace(b"'one'", b"'bad'"))
    observation = seen(factory)
    assert (observation.state, observation.remedy) == ("error", f"mlfactory restore {WHEEL}")
    assert "is not what was released" in observation.detail


def test_an_unreleased_wheel_says_so(factory: Path, origin: Path) -> None:
    change(origin)
    updated(factory)
    observation = seen(factory)
    assert observation.state == "warning"
    assert f"{history.load().development} was never released" in observation.detail


def test_a_wheel_of_an_unknown_release_is_an_error(factory: Path) -> None:
    (factory / WHEEL).rename(factory / WHEEL.replace("0.4.0", "9.9.9"))
    observation = seen(factory)
    assert (observation.state, observation.remedy) == ("error", origin.upgrade())


def test_a_factory_without_a_wheel_is_in_order(factory: Path) -> None:
    (factory / WHEEL).unlink()
    assert seen(factory).state == "ok"


def test_the_files_come_into_the_repository_and_leave_it(factory: Path) -> None:
    before = tree(factory)
    updated(factory, render=RenderOptions(settings={"runtime": "source"}))
    assert (factory / MODULE).is_file()
    assert not (factory / "vendor").exists()
    assert not drift.status(factory).behind
    updated(factory, render=RenderOptions(settings={"runtime": "wheel"}))
    assert tree(factory) == before


def tree(factory: Path) -> str:
    return git.run("rev-parse", "HEAD^{tree}", cwd=factory).out


def test_edits_of_the_files_are_merged_with_the_next_version(
    factory: Path,
    origin: Path,
) -> None:
    updated(factory, render=RenderOptions(settings={"runtime": "source"}))
    module = factory / MODULE
    module.write_text(f"{module.read_text()}\n\n# ours\n")
    git.run("commit", "--quiet", "--all", "--message", "ours", cwd=factory)
    more = origin / "template/runtime/mlfactory_runtime/cli.py"
    more.write_text(f"# theirs\n\n\n{more.read_text()}")
    release.release("0.5.0", origin, origin / "history")
    updated(factory)
    assert module.read_text().startswith("# theirs\n")
    assert module.read_text().endswith("# ours\n")


def test_edits_of_the_files_are_not_lost_on_the_way_back(factory: Path) -> None:
    updated(factory, render=RenderOptions(settings={"runtime": "source"}))
    module = factory / MODULE
    module.write_text(f"{module.read_text()}\n\n# ours\n")
    git.run("commit", "--quiet", "--all", "--message", "ours", cwd=factory)
    assert (
        updated(factory, render=RenderOptions(settings={"runtime": "wheel"})).state == "conflicts"
    )
    assert "# ours" in module.read_text()


def test_the_wheel_is_replaced_by_an_update(factory: Path, origin: Path) -> None:
    change(origin)
    release.release("0.5.0", origin, origin / "history")
    outcome = updated(factory)
    assert outcome.plan is not None
    rows = [(row.path, row.state) for row in outcome.plan.changes if "vendor" in row.path]
    assert rows == [(WHEEL.replace("0.4.0", "0.5.0"), "renamed")]
    assert [path.name for path in (factory / "vendor").iterdir()] == [
        "mlfactory_runtime-0.5.0-py3-none-any.whl"
    ]


def test_a_patch_for_programs_has_the_wheel_and_one_for_people_has_not(
    factory: Path,
    origin: Path,
) -> None:
    change(origin)
    assert "GIT binary patch" in diff.diff(factory, [], update=True)
    assert "GIT binary patch" not in diff.diff(factory, [], update=True, color=True)


def test_the_command_prints_text(
    factory: Path, origin: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    change(origin)
    app(["diff", "--runtime", str(factory)], standalone_mode=False)
    assert b"\n+    print('two')\n" in capfdbinary.readouterr().out


def test_the_command_prints_json(factory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["diff", "--runtime", "--json", str(factory)], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == {
        "project": str(factory),
        "from_version": "0.4.0",
        "to_version": "0.4.0",
        "patch": "",
    }
