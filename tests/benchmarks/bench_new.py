"""How long `mlfactory new` takes, beside copier on the same template. Run by hand:

    .venv/bin/python tests/benchmarks/bench_new.py [RUNS]

Both commands of a pair run in turn, so that a machine that is busy for a while is busy for both.
The cold run fetches every package again into an empty cache.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SCRIPTS = Path(sys.executable).parent
MLFACTORY, COPIER = str(SCRIPTS / "mlfactory"), str(SCRIPTS / "copier")
SAMPLES = Path(__file__).parents[2] / "generator/mlfactory/new/samples"
PENGUINS = ("--data", str(SAMPLES / "penguins.csv"), "--target", "sex", "--defaults")
# Set on machines that build, never by users: every import would be compiled anew.
DROPPED = ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_PYTHON")


def seconds(argv: Sequence[str], folder: Path, **env: str) -> float:
    """Wall time of one command."""
    kept = {k: v for k, v in os.environ.items() if k not in DROPPED}
    path = f"{SCRIPTS}{os.pathsep}{kept['PATH']}"
    begun = time.perf_counter()
    done = subprocess.run(
        argv, cwd=folder, env={**kept, "PATH": path, **env}, capture_output=True, text=True
    )
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}")
    return taken


def compare(title: str, ours: Sequence[str], other: Sequence[str], runs: int) -> None:
    """One row: medians of both, and the median of the ratios pair by pair."""
    pairs = []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            pairs.append((seconds(ours, Path(folder)), seconds(other, Path(folder))))
    mine, theirs = zip(*pairs[1:], strict=True)  # the first pair warms caches
    ratio = statistics.median(a / b for a, b in pairs[1:])
    row(title, statistics.median(mine), statistics.median(theirs), ratio)


def trained(title: str, cold: bool, runs: int) -> None:
    """One row: from a data file to a trained model."""
    taken = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            env = {"UV_CACHE_DIR": str(Path(folder) / "cache")} if cold else {}
            taken.append(seconds((MLFACTORY, "new", "penguins", *PENGUINS), Path(folder), **env))
            shutil.rmtree(Path(folder) / "cache", ignore_errors=True)
    row(title, statistics.median(taken))


def row(title: str, ours: float, other: float | None = None, ratio: float | None = None) -> None:
    shown = f"{other:10.2f} {ratio:8.2f}" if other is not None and ratio is not None else ""
    print(f"{title:44} {ours:10.2f} {shown}", flush=True)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{'':44} {'mlfactory':>10} {'copier':>10} {'ratio':>8}   (seconds, median of {runs})")
    compare("--help", (MLFACTORY, "--help"), (COPIER, "--help"), runs)
    copy = (COPIER, "copy", "--defaults", "--quiet", "git+mlfactory::template", "copied")
    compare("new --no-setup, against copier copy",
            (MLFACTORY, "new", "penguins", "--no-setup", *PENGUINS), copy, runs)  # fmt: skip
    trained("data to trained model, packages cached", cold=False, runs=runs)
    trained("data to trained model, empty package cache", cold=True, runs=1)


if __name__ == "__main__":
    main()
