"""The first look at 100 MB of CSV, beside polars that only reads the file. Run by hand:

.venv/bin/python tests/benchmarks/bench_look.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from mlfactory.preflight import look

RUNS = 5


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def write(path: Path) -> None:
    """About 100 MB with an identifier, a number, a text, a date and a target."""
    rows = (
        f"{n},{n * 0.37:.4f},customer {n},2025-01-{1 + n % 28:02},{n % 2}\n" for n in range(100_000)
    )
    path.write_text("id,amount,name,day,y\n" + "".join(rows) * 22)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.csv"
        write(path)
        pairs = [
            (
                seconds(lambda: look(path, "y", identifier="id", time="day")),
                seconds(lambda: pl.read_csv(path)),
            )
            for _ in range(RUNS + 1)
        ][1:]
    ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"look {ours:.2f} s   pl.read_csv {bare:.2f} s   ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
