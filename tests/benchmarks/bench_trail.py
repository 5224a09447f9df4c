"""What the trail costs: an entry, what a service counts, and looking at it all. Run by hand:

    .venv/bin/python -m tests.benchmarks.bench_trail

A log in SQLite, in a temporary folder. CPU seconds of this process; of a busy machine nothing
else tells anything. An entry is what `predict`, `label` and `forget` add to their one transaction;
a count is what a service adds to each of its writes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from mlfactory_runtime.log import trail
from mlfactory_runtime.log.store import engine_of, make
from mlfactory_runtime.settings.params import Log

TIMES, LENGTHS = 300, (0, 10_000, 100_000)


def seconds(act: Callable[[], object], times: int = 1) -> float:
    """CPU seconds that one call takes."""
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) / times


def written(engine: sa.Engine, act: Callable[[sa.Connection], object]) -> None:
    with engine.begin() as connection:
        act(connection)


def filled(engine: sa.Engine, length: int) -> None:
    """A trail of so many entries."""
    with engine.begin() as connection:
        entry = trail.last(connection)
        rows = []
        while entry and entry.number < length:
            entry = trail.Entry(
                entry.number + 1, entry.time, "label", "me", '{"new": 0}', entry.hash, ""
            )
            entry = trail.Entry(**{**vars(entry), "hash": entry.digest})
            rows.append(vars(entry))
        if rows:
            connection.execute(sa.insert(trail.trail), rows)


def measure(engine: sa.Engine) -> tuple[float, ...]:
    """Seconds of a transaction with nothing, an entry, a count; and of following all entries."""
    counts = {("v1", "key"): 10}
    nothing = seconds(lambda: written(engine, trail.alone), TIMES)
    entry = seconds(lambda: written(engine, lambda c: trail.append(c, "label", {"new": 0})), TIMES)
    count = seconds(lambda: written(engine, lambda c: trail.tally(c, counts)), TIMES)
    with engine.connect() as connection:
        follow = seconds(lambda: trail.misfit(trail.entries(connection)))
    return nothing, entry, count, follow


def main() -> None:
    print("| entries before | empty transaction ms | entry ms | count ms | follow all s |")
    print("|--:|--:|--:|--:|--:|")
    for length in LENGTHS:
        with tempfile.TemporaryDirectory() as folder:
            engine = engine_of(Log(path=str(Path(folder) / "predictions.db")))
            make(engine)
            filled(engine, length)
            *each, follow = measure(engine)
            shown = " | ".join(f"{1000 * one:.2f}" for one in each)
            print(f"| {length:,} | {shown} | {follow:.2f} |", flush=True)


if __name__ == "__main__":
    main()
