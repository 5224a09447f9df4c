"""Waiting for what others do, however little of a busy machine they get; and ports to do it on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mlfactory.simulate.factory import own_port as own_port  # what the program does, too

PATIENCE = 600  # seconds after which it will never be; no machine is so slow


def until(happens: Callable[[], bool], lives: Callable[[], bool] = lambda: True) -> None:
    """Return when it happens; fail when who it is waited for lives no more, or after very long."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert lives() or happens(), "who was waited for has ended"
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def has_ended(number: int) -> bool:
    """Whether a process is gone, or only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
