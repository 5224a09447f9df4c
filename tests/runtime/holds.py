"""A process that stops itself at a moment: no test need be quick to meet it there."""

from __future__ import annotations

import os
import signal
import subprocess

# Comes before a program: it stops when a function has returned for the n-th time.
HOLD = """
import os, signal
from importlib import import_module
def hold(calls, module, *names):
    home = import_module(module)
    for name in names[:-1]:
        home = getattr(home, name)
    real, rest = getattr(home, names[-1]), [None] * calls
    def then_stop(*args, **options):
        result = real(*args, **options)
        rest.pop()
        if not rest:
            setattr(home, names[-1], real)
            os.kill(os.getpid(), signal.SIGSTOP)
        return result
    setattr(home, names[-1], then_stop)
hold({calls}, {module!r}, *{names!r})
"""


# Tables are read in batches of so many rows, for a run that has several of them.
SMALL = """
from mlfactory_runtime.tables.read import read_batches
read_batches.__defaults__ = (500,)
"""


def held_after(place: str, calls: int = 1) -> str:
    """The lines for a function, as `module:name` or `module:Class.name`."""
    module, _, name = place.partition(":")
    return HOLD.format(calls=calls, module=module, names=tuple(name.split(".")))


def await_stop(process: subprocess.Popen[str]) -> None:
    """Wait until it has stopped itself; it must not have ended."""
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert state is not None
    assert state.si_code == os.CLD_STOPPED, process.communicate()


def go_on(process: subprocess.Popen[str], number: int = 0) -> None:
    """Let it go on, and meet a signal first."""
    if number:
        process.send_signal(number)
    process.send_signal(signal.SIGCONT)
