"""`mlfactory extract` where there is nothing that it could ask."""

from __future__ import annotations

from pathlib import Path

from .adopting import UV
from .evolving import mlfactory
from .test_adopt import adopt, of


def test_what_is_no_factory_and_what_is_not_installed(tmp_path: Path) -> None:
    repo = of(tmp_path / "churn", UV)
    assert "has no .copier-answers.yml" in mlfactory("extract", cwd=repo.path, code=1).stderr
    adopt(repo, "--no-setup")
    said = mlfactory("extract", cwd=repo.path, code=1).stderr
    assert "has no environment" in said
    assert "uv sync" in said
    assert not (tmp_path / "churn-model").exists()
