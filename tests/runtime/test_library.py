"""The library in vendor/ is the one that the lock names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from mlfactory_runtime.data import library
from mlfactory_runtime.project import Project

from .conftest import make_factory

NAME = "mlfactory_runtime-1.2.3-py3-none-any.whl"
LOCK = """
[[package]]
name = "mlfactory-runtime"
version = "1.2.3"
source = {{ path = "vendor/{name}" }}
wheels = [{{ filename = "{name}", hash = "sha256:{digest}" }}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A factory with a wheel, which its lock names."""
    found = make_factory(tmp_path / "own")
    (found.root / "vendor").mkdir()
    (found.root / "vendor" / NAME).write_bytes(b"the library")
    digest = hashlib.sha256(b"the library").hexdigest()
    (found.root / "uv.lock").write_text(LOCK.format(name=NAME, digest=digest), "utf-8")
    return found


def messages(project: Project) -> list[tuple[str, str]]:
    return [(one.level, one.message) for one in library.check_library(project)]


def test_what_the_lock_names_is_in_order(project: Project) -> None:
    assert messages(project) == []


def test_another_file_under_its_name_is_an_error(project: Project) -> None:
    (project.root / "vendor" / NAME).write_bytes(b"something else")
    ((level, told),) = messages(project)
    assert (level, told) == ("error", f"vendor/{NAME} is not the file that uv.lock has locked")


def test_a_second_wheel_is_named(project: Project) -> None:
    (project.root / "vendor" / NAME.replace("1.2.3", "1.2.4")).write_bytes(b"newer")
    assert [level for level, _ in messages(project)] == ["warning"]


def test_an_environment_that_runs_another_version_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "runtime_version", lambda: "1.2.2")
    ((level, told),) = messages(project)
    assert level == "warning"
    assert told.endswith("is not what this environment runs: that is 1.2.2")


def test_without_a_wheel_nothing_is_said(project: Project) -> None:
    (project.root / "vendor" / NAME).unlink()
    assert messages(project) == []
