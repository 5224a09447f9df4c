"""Work in processes of one core each, which end with the process that started them."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from ..errors import FactoryError
from ..interrupts import Interrupted, interruptible

THREADS = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS")
PATIENCE = 10  # seconds in which a process may tidy up
Result = TypeVar("Result")


def in_processes(
    do: Callable[..., Result], calls: Sequence[tuple[Any, ...]], jobs: int
) -> Iterator[Result]:
    """What `do` gives for each call, as they are done; FactoryError where a process is killed."""
    count = min(jobs or os.cpu_count() or 1, len(calls))
    with pool(count) as executor:
        futures = [executor.submit(guarded, do, call) for call in calls]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            message = "a process was killed, perhaps because memory ran out"
            hint = "run it again with fewer --jobs: what is finished stays"
            raise FactoryError(message, hint) from error


@contextmanager
def pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """So many processes; what goes wrong ends them at once."""
    others = set(active_children())
    executor = ProcessPoolExecutor(count, get_context("spawn"), initializer=begin)
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read when a process starts
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        end(set(active_children()) - others)
        raise
    finally:
        restore(before)
        executor.shutdown(cancel_futures=True)


def restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def end(children: Any) -> None:
    """Tell processes to end, and make them."""
    for child in children:
        child.terminate()
    for child in children:
        child.join(PATIENCE)
        child.kill()


def begin() -> None:
    """In each process: the terminal's Ctrl-C is for the first one, whose death ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=follow, daemon=True).start()


def follow() -> None:
    """End with the process that started this one, however that ended."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def guarded(do: Callable[..., Result], call: tuple[Any, ...]) -> Result:
    """Do it; being told to stop, tidy up and take nothing more."""
    try:
        with interruptible():
            return do(*call)
    except Interrupted:
        os._exit(1)
