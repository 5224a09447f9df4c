from __future__ import annotations

import lzma
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.template import history, release

from .conftest import ROOT

CHANGES = """
# Changelog

## [0.2.0](https://example.org) - 2026-02-01

Second.

## 0.1.0 - 2026-01-01

- First.
"""


@pytest.fixture
def checkout(tmp_path: Path, build_file_tree: Any, commit_all: Any) -> Path:
    files = {"copier.yml": "a: 1\n", "template/x": "1\n", "CHANGELOG.md": CHANGES}
    top = build_file_tree(tmp_path / "checkout", files)
    commit_all(top)
    return top


def test_a_release_is_one_file(checkout: Path, tmp_path: Path) -> None:
    (path,) = release.release("0.1.0", checkout, tmp_path / "history")
    assert path == tmp_path / "history" / "0.1.0.stream.xz"


def test_the_maintainer_is_told_what_to_pin(checkout: Path, command: Any) -> None:
    """The program runs from a checkout of its own: the history is beside it."""
    program = checkout / "generator/mlfactory"
    shutil.copytree(
        ROOT / "generator/mlfactory", program, ignore=shutil.ignore_patterns("*.stream.xz")
    )
    argv = (sys.executable, "-m", "mlfactory.template.release", "0.1.0")
    output = command(*argv, PYTHONPATH=str(program.parent)).stderr
    assert f"wrote {program}/history/0.1.0.stream.xz" in output
    assert "git ls-remote mlfactory::template v0.1.0" in output
    assert "pytest tests/test_history.py" in output


def test_an_unchanged_template_is_refused(checkout: Path, tmp_path: Path) -> None:
    release.release("0.1.0", checkout, tmp_path / "history")
    with pytest.raises(MlfactoryError, match="has not changed since"):
        release.release("0.2.0", checkout, tmp_path / "history")


def test_a_release_is_never_written_again(checkout: Path, tmp_path: Path) -> None:
    (path,) = release.release("0.1.0", checkout, tmp_path / "history")
    before = path.read_bytes()
    (checkout / "template/x").write_text("2\n")
    with pytest.raises(UsageError, match="not later than"):
        release.release("0.1.0", checkout, tmp_path / "history")
    assert path.read_bytes() == before


def test_earlier_releases_stay_what_they_are(checkout: Path, tmp_path: Path) -> None:
    release.release("0.1.0", checkout, tmp_path / "history")
    (checkout / "template/x").write_text("2\n")
    release.release("0.2.0", checkout, tmp_path / "history")
    releases = history.releases_in(tmp_path / "history")
    assert releases.versions == ("0.1.0", "0.2.0")
    assert [releases.commit(v).files["template/x"].content for v in releases.versions] == [
        b"1\n",
        b"2\n",
    ]


def test_a_release_holds_what_has_changed_since_the_last(checkout: Path, tmp_path: Path) -> None:
    release.release("0.1.0", checkout, tmp_path / "history")
    (checkout / "template/x").write_text("2\n")
    (path,) = release.release("0.2.0", checkout, tmp_path / "history")
    commands = lzma.decompress(path.read_bytes())
    assert b"from refs/tags/v0.1.0\nM 100644 inline template/x\ndata 2\n2\n" in commands
    assert b"copier.yml" not in commands


def test_files_unknown_to_git_are_refused(checkout: Path, tmp_path: Path) -> None:
    (checkout / "template/new").touch()
    with pytest.raises(MlfactoryError, match="git does not track template/new"):
        release.release("0.1.0", checkout, tmp_path)


def test_a_link_is_refused(checkout: Path, tmp_path: Path, command: Any) -> None:
    (checkout / "template/link").symlink_to("x")
    command("git", "add", "--all", cwd=checkout)
    with pytest.raises(MlfactoryError, match="template/link cannot be part"):
        release.release("0.1.0", checkout, tmp_path)


def test_a_release_needs_a_changelog(checkout: Path, tmp_path: Path) -> None:
    (checkout / "CHANGELOG.md").unlink()
    with pytest.raises(MlfactoryError, match="has no section"):
        release.release("0.1.0", checkout, tmp_path)


@pytest.mark.parametrize("version", ["1.0", "1.0.0rc1", "v1.0.0", "01.0.0"])
def test_a_version_is_three_numbers(version: str, checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a version"):
        release.release(version, checkout, tmp_path)


def test_the_message_is_the_changelogs_section() -> None:
    message, seconds = release.changelog_section("0.2.0", CHANGES)
    assert message == "mlfactory template 0.2.0\n\nSecond."
    assert seconds == 1769904000


def test_a_release_needs_its_section() -> None:
    with pytest.raises(MlfactoryError, match=r"no section for 0\.3\.0"):
        release.changelog_section("0.3.0", CHANGES)
