"""The runtime under the newest packages: `python tests/newest.py [OPTIONS OF PYTEST]`.

Its tests run in an environment of their own, which no constraints file holds back. What a new
polars, pydantic or LightGBM changes shows here first.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from mlfactory.base import uv

ROOT = Path(__file__).parents[1]


def main(options: list[str]) -> int:
    """Install, say what is newer than what is pinned, and run the tests; gives their exit code."""
    with tempfile.TemporaryDirectory(prefix="newest-") as folder:
        python = Path(folder) / "bin/python"
        call(uv.program(), "venv", "--quiet", "--python", uv.base_python(), folder)
        install = ("pip", "install", "--quiet", "--upgrade", "--python", str(python))
        call(uv.program(), *install, f"{ROOT}[test]")
        print("\n".join(newer(python)) or "nothing is newer than what is pinned", flush=True)
        argv = [str(python), "-m", "pytest", "tests/runtime", "-p", "no:cacheprovider", *options]
        return subprocess.run(argv, cwd=ROOT).returncode


def call(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def newer(python: Path) -> list[str]:
    """The packages that are not as constraints.txt pins them."""
    pinned = set((ROOT / "constraints.txt").read_text().split())
    packages = call(uv.program(), "pip", "freeze", "--python", str(python)).split("\n")
    return [line for line in packages if "==" in line and line not in pinned]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
