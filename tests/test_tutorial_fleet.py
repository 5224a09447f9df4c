"""The tutorial for a platform lead, done as it says, with six repositories."""

from __future__ import annotations

import os
from pathlib import Path

from .conftest import Command
from .evolving import SMALL, TEXT, edited, project, template
from .template.pages import script
from .test_fleet import Ground
from .test_fleet_apply import file_at, refs

EXAMPLE = "https://git.example.com/team/"
RUNBOOK = "docs/runbook.md"


def test_the_tutorial(tmp_path: Path, command: Command) -> None:
    first = {**SMALL, f"tree/{RUNBOOK}": TEXT}
    source = template(tmp_path / "template", first, {f"tree/{RUNBOOK}": edited(3, "theirs")})
    one = project(source, tmp_path / "one")
    answers = one.text(".copier-answers.yml").replace(str(source.path), f"{EXAMPLE}template.git")
    one.commit({".copier-answers.yml": answers})
    ground = Ground(tmp_path, one)
    for name in ("churn", "sales"):
        ground.origin(name, {RUNBOOK: edited(3, "ours")})
    for name in ("demand", "leads"):
        ground.origin(name, {RUNBOOK: edited(12, "Ask the planners first.")})
    for name in ("returns", "stock"):
        ground.origin(name)
    server = tmp_path / "origins"
    command("git", "clone", "--quiet", "--bare", source.path, server / "template.git")
    command("git", "config", "--global", f"url.{server}/.insteadOf", EXAMPLE)
    cache = {"XDG_CACHE_HOME": f"{os.environ['HOME']}/.cache"}
    here = tmp_path / "here"
    here.mkdir()
    text = script("tutorials/fleet.md")
    result = command("bash", "-euo", "pipefail", "-c", text, cwd=here, **cache)
    for part in (
        "6 repositories, 6 behind, 4 drifted, 2 in conflict",
        f"{RUNBOOK}: churn, sales",
        "in the plan now: churn, sales",
        "2 of the waves before are not merged yet",
        f"{RUNBOOK}: 2 of 6: demand, leads",
        "in the template: 2 have no edit of the file left",
    ):
        assert part in result.stdout, part
    assert "Versions over time" in (here / "fleet.html").read_text()
    assert "In production" in (here / "catalog.html").read_text()
    churn = file_at(server / "churn.git", "main", RUNBOOK)
    assert churn == edited(3, "ours\ntheirs")
    assert "refs/heads/mlfactory/update" in refs(server / "stock.git")
    learned = file_at(server / "template.git", "v1.2.0", f"tree/{RUNBOOK}")
    assert learned == edited(3, "ours\ntheirs", edited(12, "Ask the planners first."))
    assert (here / ".github/workflows/fleet.yml").exists()
