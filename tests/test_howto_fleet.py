"""The how-to about fleets, done as it says, with a server and clones of it."""

from __future__ import annotations

import os
from pathlib import Path

from .conftest import Command
from .evolving import SMALL, edited, project, template
from .template.pages import script
from .test_fleet_apply import BRANCH, refs

EXAMPLE = "https://git.example.com/team/"


def test_the_page(tmp_path: Path, command: Command) -> None:
    source = template(tmp_path / "template", SMALL, {"tree/a.txt": edited(3, "theirs")})
    one = project(source, tmp_path / "one")
    server = tmp_path / "server"
    for name in ("churn", "sales"):
        command("git", "clone", "--quiet", "--bare", one.path, server / f"{name}.git")
    command("git", "clone", "--quiet", server / "churn.git", tmp_path / "here/clones/churn")
    command("git", "config", "--global", f"url.{server}/.insteadOf", EXAMPLE)
    before = refs(server / "churn.git")
    cache = {"XDG_CACHE_HOME": f"{os.environ['HOME']}/.cache"}
    text = script("how-to/fleet.md")
    here = tmp_path / "here"
    result = command("bash", "-euo", "pipefail", "-c", text, cwd=here, **cache)
    assert "2 repositories, 2 behind" in result.stdout
    assert "2 updated" in result.stdout
    assert "open a request for" in result.stdout
    assert "<title>The fleet</title>" in (here / "fleet.html").read_text()
    assert refs(server / "churn.git") == before  # the page ends with taking it back
    assert f"refs/heads/{BRANCH}" not in refs(server / "sales.git")
