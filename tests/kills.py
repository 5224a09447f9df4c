"""A process that ends as by a power cut, just before the n-th thing that it does to files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SITE = Path(__file__).with_name("site")


@dataclass(frozen=True)
class Run:
    """What a run left behind, and how many things it did to files."""

    returncode: int
    stderr: str
    steps: int

    @property
    def was_killed(self) -> bool:
        return self.returncode == -signal.SIGKILL


def run(program: str, *argv: str, cwd: Path, last: int = 0, everything: bool = False) -> Run:
    """Run a program in Python up to its `last` step; 0 is to the end.

    With `everything`, what it starts counts as well, and ends with it.
    """
    line = [sys.executable, "-c", program, *argv]
    with TemporaryDirectory() as folder, Path(os.devnull).open("r+b") as nothing:
        count, errors = Path(folder, "count"), Path(folder, "errors")
        own = {"KILLS_COUNT": str(count), "KILLS_LAST": str(last), "KILLS_ALL": f"{everything:d}"}
        env = {**os.environ, **own, "PYTHONPATH": str(SITE)}
        with errors.open("wb") as file:  # those that outlive it would keep a pipe open
            done = subprocess.run(
                line, cwd=cwd, env=env, stdin=nothing, stdout=nothing, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        text = errors.read_text("utf-8", "replace")
        assert "Traceback" not in text, text[-3000:]
        return Run(done.returncode, text, count.stat().st_size)


def some(done: Run, count: int) -> Iterator[int]:
    """Some of the steps of a run, evenly from its first to its last; `KILLS` says how many."""
    count = min(int(os.environ.get("KILLS", count)), done.steps)
    yield from (1 + index * (done.steps - 1) // max(count - 1, 1) for index in range(count))
