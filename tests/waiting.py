"""Waiting for what others do, however little of a busy machine they get; and ports to do it on."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 600  # seconds after which it will never be; no machine is so slow


def until(happens: Callable[[], bool], lives: Callable[[], bool] = lambda: True) -> None:
    """Return when it happens; fail when who it is waited for lives no more, or after very long."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert lives() or happens(), "who was waited for has ended"
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def own_port() -> Iterator[int]:
    """A port on the loopback address that only who is told of it can listen on, while this lasts.

    A socket that is bound and does not listen keeps it from all that take any port, and lets one in
    that asks for this port by number, as servers do who may follow upon another at once.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
