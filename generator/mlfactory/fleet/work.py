"""Many things at once: what waits for others in threads, what computes in processes.

What goes wrong with one is what came of it, and never keeps the rest back: not even a process that
is killed, as by a system that runs out of memory.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, TypeVar

from mlfactory.base.errors import MlfactoryError

A = TypeVar("A")
B = TypeVar("B")
WAITING = 8  # so many repositories are asked at a time


@dataclass(frozen=True)
class Failure:
    """Why there is no result."""

    message: str
    hint: str = ""


def attempt(act: Callable[[A], B], item: A) -> B | Failure:
    """What comes of an act, or why nothing does."""
    try:
        return act(item)
    except MlfactoryError as error:
        return Failure(error.message, error.hint)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(f"{where}{error.strerror or error}")
    except Exception as error:  # a stranger's repository may hold what nobody thought of
        return Failure(f"{type(error).__name__}: {error}", "This is a bug in mlfactory.")


def wait_for(act: Callable[[A], B], items: Sequence[A]) -> Iterator[tuple[int, B | Failure]]:
    """Results with the places of their items, as they come, for acts that wait for others."""
    with ThreadPoolExecutor(min(WAITING, max(len(items), 1))) as pool:
        yield from collect(pool, partial(attempt, act), enumerate(items))


def compute(
    act: Callable[[A], B], items: Sequence[A], jobs: int = 0
) -> Iterator[tuple[int, B | Failure]]:
    """The same for acts that compute, in processes; with one item or one job, in this one.

    A short command has no time to look for garbage; of many repositories it would fill the memory.
    """
    gc.enable()
    jobs = min(jobs or os.cpu_count() or 1, len(items))
    if jobs < 2:
        yield from ((place, attempt(act, item)) for place, item in enumerate(items))
        return
    rest = dict(enumerate(items))
    try:
        with processes(jobs) as pool:
            for place, result in collect(pool, partial(attempt_or_leave, act), rest.items()):
                rest.pop(place)
                yield place, result
    except BrokenProcessPool:
        yield from one_by_one(act, rest)


def one_by_one(act: Callable[[A], B], items: dict[int, A]) -> Iterator[tuple[int, B | Failure]]:
    """The same where a process was killed: whose it was shows when each has one of its own."""
    for place, item in items.items():
        try:
            with processes(1) as pool:
                yield from collect(pool, partial(attempt_or_leave, act), [(place, item)])
        except BrokenProcessPool:
            yield place, Failure("the process was killed", "Is there too little memory?")


@contextmanager
def processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that leave it to this one to end when somebody interrupts; then they end with all
    that they started, whatever it waits for."""
    context = multiprocessing.get_context("fork")
    others = {*multiprocessing.active_children()}
    with ProcessPoolExecutor(jobs, context, set_signals) as pool:
        try:
            yield pool
        except BaseException:
            for process in {*multiprocessing.active_children()} - others:
                process.terminate()
            raise


def set_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)


def leave(*_: object) -> NoReturn:
    """Put in order what is begun, once, and end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit


def attempt_or_leave(act: Callable[[A], B], item: A) -> B | Failure:
    """The same in a process of a pool, which would go on with the next item."""
    try:
        return attempt(act, item)
    except SystemExit:
        os._exit(1)


def collect(
    pool: Executor, act: Callable[[A], B], items: Iterable[tuple[int, A]]
) -> Iterator[tuple[int, B]]:
    futures = {pool.submit(act, item): place for place, item in items}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()
