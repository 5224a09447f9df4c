"""The how-to pages that need no environment, each done as it says.

Their addresses are an example's: git takes repositories of this machine for them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from mlfactory.template import history

from .conftest import Command
from .program import warm_program
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
def do(command: Command, tmp_path: Path) -> Iterator[Command]:
    """Type what a page says."""

    with warm_program() as folder:

        def typed(page: str, kind: str = "how-to") -> object:
            text = script(f"{kind}/{page}")
            env = {"PAGER": "cat", "XDG_CACHE_HOME": f"{os.environ['HOME']}/.cache"}
            env["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
            return command("bash", "-euo", "pipefail", "-c", text, cwd=tmp_path, **env)

        yield typed


def test_use_your_own_template(
    server: Server, do: Command, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    first = history.releases_in(history.HISTORY).versions[0]
    mlfactory("new", "churn", "--no-setup", "--defaults", "--ref", first, cwd=tmp_path)
    theirs, ours = server("template"), server("our-template")
    result = do("own-template.md")
    factory = tmp_path / "churn"
    assert f"_src_path: {EXAMPLE}our-template.git" in (factory / ".copier-answers.yml").read_text()
    newest = history.releases_in(history.HISTORY).versions[-1]
    record = yaml.safe_load((factory / ".copier-answers.yml").read_text())
    assert record["_commit"] == f"v{newest}.post1"
    assert "Whom to tell of a weakness" in (factory / "SECURITY.md").read_text()
    assert not command("git", "status", "--porcelain", cwd=factory).stdout
    assert f"this would be v{newest}.post1" in result.stdout
    old = command("git", "rev-parse", f"v{newest}", cwd=theirs).stdout.strip()
    parents = command("git", "log", "-1", "--format=%P", f"v{newest}.post1", cwd=ours).stdout
    assert parents.strip() == old
    assert "already" in mlfactory("template", "publish", theirs).stderr


def test_a_template_with_a_company_s_conventions(
    server: Server, do: Command, tmp_path: Path, command: Command
) -> None:
    shop, newest = server("template"), history.releases_in(history.HISTORY).versions[-1]
    result = do("company-template.md", "tutorials")
    assert command("git", "tag", cwd=shop).stdout.split() == ["v0.3.0.post1", f"v{newest}.post1"]
    for name, centre in (("risk-churn", "CC-0001"), ("sales-demand", "CC-0002")):
        factory = tmp_path / name
        record = yaml.safe_load((factory / ".copier-answers.yml").read_text())
        assert record["_commit"] == f"v{newest}.post1"
        assert (record["owner"], record["_src_path"]) == ("@team/ml", f"{EXAMPLE}template.git")
        page = (factory / "docs/cost.md").read_text()
        assert page == f"Cost centre {centre} pays for {name}.\n"
        assert (factory / "SECURITY.md").read_text().startswith("Tell security@example.com")
        runner = (factory / ".github/workflows/promote.yml").read_text()
        assert ("runs-on: our-linux" in runner, "ubuntu-2" in runner) == (True, False)
        assert not command("git", "status", "--porcelain", cwd=factory).stdout
    image = (tmp_path / "sales-demand/Dockerfile").read_text()
    assert image.count("FROM registry.example.com/python:") == 2
    assert not (tmp_path / "risk-loans").exists()
    assert not (tmp_path / "loans").exists()
    assert "Add --set cost_centre=VALUE" in result.stderr
    assert "asks for ^(risk|sales)-" in result.stderr
    assert "- On the newest release." in result.stdout


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
