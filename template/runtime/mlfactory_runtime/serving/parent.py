"""The end of a process that answers when the one that started it has ended, however that came.

Who is killed can tell nobody. But the end of a pipe, or of what `multiprocessing` keeps of a
parent, is seen on every system.
"""

import os
import signal
from collections.abc import Callable
from multiprocessing import parent_process
from threading import Thread

PARENT_ENV = "FACTORY_PARENT"  # the number of an open file that ends with whoever started this


def follow_parent() -> None:
    """End as on SIGTERM, with what is being answered, once the parent that was named is gone."""
    if number := os.environ.pop(PARENT_ENV, ""):
        follow(lambda: os.read(int(number), 1))


def follow_workers_parent() -> None:
    """The same for one of several workers: without the process that keeps them they go on alone."""
    if parent := parent_process():
        follow(parent.join)


def follow(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, daemon=True).start()
