"""Being told to stop: every signal that says so ends a command in the same way, tidied up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
SIGNALS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


class Interrupted(BaseException):
    """Somebody wants this process to end; no error, so that nobody takes it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


def stop(number: int, _: FrameType | None) -> None:
    """Raise once: a second signal must not cut the tidying short."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise Interrupted(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within, a signal is raised as `Interrupted`; what ignores hangups (nohup) goes on to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in SIGNALS}
    for one, now in before.items():
        if now != signal.SIG_IGN:
            signal.signal(one, stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def plain() -> None:
    """Signals do what they do by themselves: for what has handlers of its own."""
    for one in SIGNALS:
        if signal.getsignal(one) == stop:
            default = signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL
            signal.signal(one, default)
