"""The how-to about adopting, done as it says."""

from __future__ import annotations

from pathlib import Path

from .adopting import LINES, UV
from .conftest import Command
from .evolving import init
from .template.pages import script

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
