"""A compiled module without its end, as a full disk leaves it, keeps nobody back for long."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from mlfactory_runtime.compiled import remove_cut_off

from ..conftest import ROOT
from .factories import PROGRAM

RUNTIME = ROOT / "template/runtime/mlfactory_runtime"
OURS = "import sys; from mlfactory.cli import main; sys.exit(main())"


def cut(source: Path) -> Path:
    """A compiled module without its last bytes."""
    path = Path(py_compile.compile(str(source), doraise=True) or "")
    os.truncate(path, path.stat().st_size - 20)
    return path


@pytest.mark.parametrize(
    ("module", "start", "verb"),
    [
        (RUNTIME / "cli/pipeline.py", PROGRAM, "check"),
        (RUNTIME / "project.py", PROGRAM, "check"),
        (ROOT / "generator/mlfactory/update/drift.py", OURS, "status"),
    ],
    ids=["before-a-command", "in-a-command", "mlfactory"],
)
def test_it_is_named_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Path, start: str, verb: str
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    path = cut(module)
    line = [sys.executable, "-B", "-X", f"pycache_prefix={tmp_path}", "-c", start, verb]
    first, again = (
        subprocess.run(line, cwd=tmp_path, capture_output=True, text=True) for _ in range(2)
    )
    assert first.returncode == 1
    assert f"{path.name} was cut off" in first.stderr
    assert "hint: " in first.stderr
    assert "Aborted" not in first.stderr
    assert not path.exists()
    assert "cut off" not in again.stderr
    assert "Traceback" not in again.stderr


def test_its_like_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    for name in ("one", "two", "whole"):
        (tmp_path / f"{name}.py").write_text("value = 'long enough to lose something'\n")
    one, two = (cut(tmp_path / f"{name}.py") for name in ("one", "two"))
    whole = Path(py_compile.compile(str(tmp_path / "whole.py")) or "")
    assert remove_cut_off(one) == 2
    assert (one.exists(), two.exists(), whole.exists()) == (False, False, True)
