"""The how-tos about adopting and about importing a template, done as they say."""

from __future__ import annotations

import json
from pathlib import Path

from .adopting import LINES, UV
from .conftest import Command
from .evolving import init
from .template.pages import script
from .test_cookiecutter import FILES, VARIABLES

PAGE = "how-to/adopt.md"


def test_the_page(tmp_path: Path, command: Command) -> None:
    (tmp_path / "customers.csv").write_text(LINES)
    churn = init(tmp_path / "churn").commit(UV)
    theirs = churn.tree()
    done = command("bash", "-euo", "pipefail", "-c", script(PAGE), cwd=churn.path)
    assert "- [ ] **features**" in done.stdout
    assert " at v" in done.stdout
    assert churn.tree() == theirs
    assert churn.git("log", "--first-parent", "--format=%s").splitlines()[0].startswith("Revert")


def test_the_page_about_importing(tmp_path: Path, command: Command) -> None:
    files = {**FILES, "cookiecutter.json": json.dumps(VARIABLES)}
    init(tmp_path / "service-template").commit(files)
    page = script("how-to/import-a-template.md")
    done = command("bash", "-euo", "pipefail", "-c", page, cwd=tmp_path)
    assert "both render the same" in done.stderr
    assert (tmp_path / "service/README.md").read_text().startswith("# Some Thing\n")
