"""The first look at 100 MB of a table in several dresses, beside polars that only reads it.

Run by hand: .venv/bin/python tests/benchmarks/bench_look.py
"""

from __future__ import annotations

import gzip
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from mlfactory.look import look

RUNS = 5
ROWS, TIMES = 100_000, 22


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def table(header: str, row: Callable[[int], str]) -> str:
    """About 100 MB with an identifier, a number, a text, a date and a target."""
    return f"{header}\n" + "".join(row(n) for n in range(ROWS)) * TIMES


def plain(n: int) -> str:
    return f"{n},{n * 0.37:.4f},customer {n},2025-01-{1 + n % 28:02},{n % 2}\n"


def money(n: int) -> str:
    return f'{n},"${n * 0.37:,.2f}",customer {n},01/{1 + n % 28:02}/2025 11:30 PM,{n % 2}\n'


def western(n: int) -> str:
    amount = f"{n * 0.37:.4f}".replace(".", ",")
    return f"{n};{amount};Käufer {n};{1 + n % 28:02}.01.2025;{n % 2}\n"


def dresses() -> dict[str, tuple[str, bytes, str]]:
    """The name of each dress: file name, content and target."""
    names = "id,amount,name,day,y"
    bare = table(names, plain).encode()
    return {
        "plain": ("a.csv", bare, "y"),
        "gzip": ("a.csv.gz", gzip.compress(bare, 1), "y"),
        "$1,234.50": ("b.csv", table(names, money).encode(), "amount"),
        "cp1252": ("c.csv", table(names.replace(",", ";"), western).encode("cp1252"), "amount"),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for dress, (name, content, target) in dresses().items():
            path = Path(folder) / name
            path.write_bytes(content)
            taken = [
                seconds(lambda: look(path, target, identifier="id", time="day"))  # noqa: B023
                for _ in range(RUNS + 1)
            ][1:]
            print(f"{dress:10} {statistics.median(taken):.2f} s")
        bare = [seconds(lambda: pl.read_csv(Path(folder) / "a.csv")) for _ in range(RUNS)]
        print(f"pl.read_csv of plain {statistics.median(bare):.2f} s")


if __name__ == "__main__":
    main()
