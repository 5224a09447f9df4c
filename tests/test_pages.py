"""The how-to pages that need no environment, each done as it says.

Their addresses are an example's: git takes repositories of this machine for them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlfactory.template import history

from .conftest import Command
from .template.pages import script

EXAMPLE = "https://git.example.com/team/"
Server = Callable[[str], Path]


@pytest.fixture
def server(tmp_path: Path, command: Command) -> Server:
    """Make an empty repository that git finds under the example's address."""
    folder = tmp_path / "server"
    command("git", "config", "--global", f"url.{folder}/.insteadOf", EXAMPLE)

    def make(name: str) -> Path:
        place = folder / f"{name}.git"
        command("git", "init", "--quiet", "--bare", "--initial-branch=main", place)
        return place

    return make


@pytest.fixture
def do(command: Command, tmp_path: Path) -> Command:
    """Type what a page says."""

    def typed(page: str) -> object:
        text = script(f"how-to/{page}")
        cache = {"PAGER": "cat", "XDG_CACHE_HOME": f"{os.environ['HOME']}/.cache"}
        return command("bash", "-euo", "pipefail", "-c", text, cwd=tmp_path, **cache)

    return typed


def test_use_your_own_template(
    server: Server, do: Command, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    first = history.releases_in(history.HISTORY).versions[0]
    mlfactory("new", "churn", "--no-setup", "--defaults", "--ref", first, cwd=tmp_path)
    theirs, ours = server("template"), server("our-template")
    result = do("own-template.md")
    factory = tmp_path / "churn"
    assert f"_src_path: {EXAMPLE}our-template.git" in (factory / ".copier-answers.yml").read_text()
    assert "_commit: v100.0.0" in (factory / ".copier-answers.yml").read_text()
    assert "Ask the retention team first." in (factory / "docs/runbook.md").read_text()
    assert not command("git", "status", "--porcelain", cwd=factory).stdout
    assert "Say whom to ask" in result.stdout
    old = command("git", "rev-parse", f"v{first}", cwd=theirs).stdout
    assert command("git", "rev-parse", f"v{first}", cwd=ours).stdout == old
    assert "already" in mlfactory("template", "publish", theirs).stderr


def test_keep_a_cruft_project_fresh(
    server: Server, do: Command, tmp_path: Path, command: Command
) -> None:
    template, project = tmp_path / "cookiecutter", tmp_path / "service"
    readme = template / "{{cookiecutter.slug}}/README.md"
    readme.parent.mkdir(parents=True)
    readme.write_text("# {{ cookiecutter.name }}\n")
    (template / "cookiecutter.json").write_text('{"name": "Service", "slug": "service"}')
    bare = server("cookiecutter-service")
    for place in (template, project):
        command("git", "init", "--quiet", "--initial-branch=main", place)

    def save(place: Path) -> str:
        command("git", "add", "--all", cwd=place)
        command("git", "commit", "--quiet", "--message", "state", cwd=place)
        return command("git", "rev-parse", "HEAD", cwd=place).stdout.strip()

    record = {
        "template": f"{EXAMPLE}cookiecutter-service.git",
        "commit": save(template),
        "checkout": None,
        "context": {"cookiecutter": {"name": "Service", "slug": "service"}},
        "directory": None,
    }
    (project / ".cruft.json").write_text(json.dumps(record, indent=2) + "\n")
    (project / "README.md").write_text("# Service\n\nOurs.\n")
    save(project)
    (readme.parent / "new.txt").write_text("new\n")
    newest = save(template)
    command("git", "push", "--quiet", bare, "main", cwd=template)
    result = do("cruft.md")
    assert "added         new.txt" in result.stdout
    assert "-Ours." in result.stdout
    assert json.loads((project / ".cruft.json").read_text())["commit"] == newest
    assert (project / "README.md").read_text() == "# Service\n"


def test_take_the_library_and_give_it_back(
    tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    mlfactory("new", "churn", "--no-setup", "--defaults", cwd=tmp_path)
    out, back, *reading = script("how-to/eject.md").splitlines()
    factory = tmp_path / "churn"
    wheel = [file.name for file in factory.glob("vendor/*.whl")]

    def typed(line: str, code: int | None = 0) -> str:
        environment = {"PAGER": "cat", "XDG_CACHE_HOME": f"{os.environ['HOME']}/.cache"}
        result = command("bash", "-c", line, cwd=factory, code=code, **environment)
        return result.stdout + result.stderr

    typed(out)
    assert not (factory / "vendor").exists()
    assert "def score" in (factory / "runtime/mlfactory_runtime/notebook.py").read_text()
    typed(back)
    assert not (factory / "runtime").exists()
    assert [file.name for file in factory.glob("vendor/*.whl")] == wheel
    listing, search, difference, earlier, finding = reading
    assert "mlfactory_runtime/notebook.py" in typed(listing)
    assert int(typed(search).rpartition(":")[2]) > 1
    assert typed(difference) == ""
    assert "dist-info/METADATA" in typed(earlier)
    assert "one that was released" in typed(finding, code=None)
