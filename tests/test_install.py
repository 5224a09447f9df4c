"""The program and its template reach people as a wheel, made from an sdist, made from a clone."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path

import pytest
from mlfactory.base.uv import base_python, program
from mlfactory.template import history, store, stream

from .conftest import ROOT, Command

CLONE = ("--quiet", "--depth", "1", "--no-tags")


@pytest.fixture
def installed(tmp_path: Path, command: Command) -> Path:
    """The scripts of an environment into which the wheel was installed; it is not activated.

    A shallow clone without tags gives the sdist, the sdist the wheel.
    """
    uv, place = program(), tmp_path / "env"
    command("git", "clone", *CLONE, f"file://{ROOT}", tmp_path / "clone")
    command(uv, "build", "--quiet", "--out-dir", tmp_path / "dist", tmp_path / "clone")
    command(uv, "venv", "--quiet", "--python", base_python(), place)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    command(uv, "pip", "install", "--quiet", "--no-deps", "--python", place, wheel)
    (library,) = place.glob("lib/python*/site-packages")
    # What it depends on is taken from where the tests run.
    (library / "rest.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def test_a_wheel_renders_what_was_released_without_a_checkout_or_a_network(
    installed: Path, tmp_path: Path, command: Command
) -> None:
    offline = {"PATH": os.defpath, "https_proxy": "127.0.0.1:9"}
    argv = (installed / "mlfactory", "new", "made", "--no-setup", "--json")
    summary = json.loads(command(*argv, cwd=tmp_path, **offline).stdout)
    newest = history.releases_in(history.HISTORY).versions[-1]
    assert summary["template"] == {
        "source": "git+mlfactory::template",
        "version": newest,
        "released": True,
    }


def test_copier_reads_the_template_of_a_wheel_by_its_name(
    installed: Path, tmp_path: Path, command: Command
) -> None:
    path = {"PATH": f"{installed}{os.pathsep}{os.environ['PATH']}"}
    command("copier", "copy", "--defaults", "git+mlfactory::template", "made", cwd=tmp_path, **path)
    assert (tmp_path / "made/.copier-answers.yml").is_file()


def test_a_wheel_updates_a_factory_without_a_checkout(
    installed: Path, tmp_path: Path, command: Command
) -> None:
    """As after an upgrade of the program that brought one more release."""
    offline = {"PATH": os.defpath, "https_proxy": "127.0.0.1:9"}
    program, factory = installed / "mlfactory", tmp_path / "made"
    command(program, "new", "made", "--no-setup", "--defaults", cwd=tmp_path, **offline)
    (streams,) = installed.parent.glob("lib/python*/site-packages/mlfactory/history")
    releases = history.releases_in(history.HISTORY)
    stream.unpack(releases.commit(releases.newest).files, tmp_path / "next")
    (page,) = (tmp_path / "next/template/project/docs").glob("runbook.md*")
    page.write_text(page.read_text() + "\nOne more thing.\n")
    new = stream.Commit("98.0.0", "98.0.0\n\nMore.", 1, stream.tree(tmp_path / "next"))
    store.add(streams, new, releases.archives)
    assert "More." in command(program, "update", factory, "--dry-run", **offline).stdout
    command(program, "update", factory, "--defaults", **offline)
    assert history.recorded_version(factory) == "98.0.0"
    assert (factory / "docs/runbook.md").read_text().endswith("One more thing.\n")
    assert "no drift" in command(program, "status", factory, **offline).stdout


@pytest.mark.slow  # it asks an index for what mlfactory depends on
def test_uv_makes_a_command_of_a_checkout(tmp_path: Path, command: Command) -> None:
    """As README.md and docs/how-to/install.md say."""
    command("git", "clone", *CLONE, f"file://{ROOT}", tmp_path / "clone")
    tools = {"UV_TOOL_DIR": f"{tmp_path}/tools", "UV_TOOL_BIN_DIR": f"{tmp_path}/bin"}
    argv = (program(), "tool", "install", "--quiet", "-c", "constraints.txt", ".")
    command(*argv, cwd=tmp_path / "clone", **tools)
    (tmp_path / "sales.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 99)
    options = ("new", "sales", "--data", "sales.duckdb", "--defaults")
    done = command(tmp_path / "bin/mlfactory", *options, cwd=tmp_path, code=1)
    assert f"uv tool install --force --with duckdb {tmp_path}/clone" in done.stderr
