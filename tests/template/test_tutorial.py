"""The tutorial's commands, one after the other, as somebody would type them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from mlfactory.samples import sample

from .conftest import execute

pytestmark = pytest.mark.xdist_group("tutorial")
PAGE = Path(__file__).parents[2] / "docs/tutorials/first-factory.md"


def test_the_tutorial_runs(tmp_path: Path, env: dict[str, str]) -> None:
    shutil.copy(sample("classification").path, tmp_path / "penguins.csv")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "".join(block for language, block in blocks if not language).replace(
        "/tmp/", f"{tmp_path}/"
    )
    done = execute(("bash", "-euo", "pipefail", "-c", script), tmp_path, env)
    assert "probability_" in done.stdout
    assert "log_loss" in done.stdout
