"""A process that ends as by a power cut, just before the n-th thing that it does to files."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Runs before a program, in its process: what it writes natively, in a database say, is not seen.
HOOK = """
import atexit, os, sys
def hook(event, args, state=[0], here=os.getpid(), last={last}):
    opens = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    plain = opens and isinstance(args[0], (str, bytes)) and "__pycache__" not in str(args[0])
    if os.getpid() == here and (plain or event in {events}):
        state[0] += 1
        if state[0] == last:
            os.kill(here, 9)
sys.addaudithook(hook)
atexit.register(lambda: print("steps:", hook.__defaults__[0][0], file=sys.stderr))
"""
EVENTS = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod",
    "os.truncate", "subprocess.Popen", "sqlite3.connect", "shutil.copyfile", "shutil.rmtree",
}  # fmt: skip


def run(program: str, *argv: str, cwd: Path, last: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program in Python up to its `last` step; 0 is to the end."""
    hook = HOOK.format(last=last, events=EVENTS)
    line = [sys.executable, "-c", f"{hook}\n{program}", *argv]
    result = subprocess.run(line, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "Traceback" not in result.stderr, result.stderr[-3000:]
    return result


def some(done: subprocess.CompletedProcess[str], count: int) -> Iterator[int]:
    """Some of the steps of a run; others each day would tell nobody what failed."""
    match = re.search(r"^steps: (\d+)$", done.stderr, re.MULTILINE)
    assert match, done.stderr
    steps = int(match[1])
    count = int(os.environ.get("KILLS", count))  # as many as one has time for
    yield from sorted(random.Random(steps).sample(range(1, steps + 1), min(count, steps)))


def was_killed(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == -signal.SIGKILL
