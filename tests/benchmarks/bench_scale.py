"""What large logs, tables and repositories cost. Run by hand, from the top of the repository:

    .venv/bin/python -m tests.benchmarks.bench_scale monitor|label|draft|status

Each makes its own data and prints wall seconds, CPU seconds and peak memory of whole processes,
with their start. Of a busy machine only CPU seconds and memory tell anything.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from mlfactory_runtime.testing.trained import write_yaml

from ..runtime.factories import PROGRAM, Factory, commit, committed, drafted, make, train

SCRIPTS = Path(sys.executable).parent
LEARNED, LOGGED, COPIES, COLUMNS, WIDE, FILES = 20_000, 100_000, 50, 5000, 1000, 50_000
WEEK = timedelta(days=7) // timedelta(microseconds=1)


def apart(do: Callable[[Path], None], folder: Path) -> None:
    """Run what makes data in a process of its own, whose memory is not counted."""
    process = get_context("spawn").Process(target=do, args=(folder,))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def measure(title: str, folder: Path, *argv: str) -> None:
    """Print one line: what a process took."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 4):
        raise SystemExit(f"{title} failed: {argv}")
    wall, cpu, peak = time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss
    print(f"| {title} | {wall:.1f} | {cpu:.1f} | {peak // 1024} |", flush=True)


def factory(*argv: str) -> tuple[str, ...]:
    return sys.executable, "-c", PROGRAM, *argv


def customers(rows: int, seed: int) -> pl.DataFrame:
    """Ten features, two of them categories and two with gaps, and whether somebody left."""
    draw = np.random.default_rng(seed)
    amounts = {f"amount {k}": draw.normal(100, 20, rows).round(2) for k in range(4)}
    counts = {f"visits {k}": draw.poisson(k + 3, rows) for k in range(3)}
    kinds = {f"kind {k}": draw.choice(["basic", "plus", "family", "none"], rows) for k in range(2)}
    days = (np.datetime64("2024-01-01") + draw.integers(0, 500, rows)).astype("datetime64[D]")
    gone = amounts["amount 0"] + 5 * counts["visits 0"] + draw.normal(0, 20, rows) > 120
    table = pl.DataFrame(
        {"customer": np.arange(rows), **amounts, **counts, **kinds, "since": days}
    ).with_columns(gone=pl.Series(np.where(gone, "yes", "no")))
    gap = pl.Series(draw.random(rows) < 0.1)
    return table.with_columns(pl.when(~gap).then(pl.col("amount 1", "visits 1")).name.keep())


def trained(folder: Path) -> Factory:
    """A factory with a model that is quick, and its predictions of LOGGED rows in its log."""
    made = drafted(folder, customers(LEARNED, 1), "classification", target="gone", id="customer")
    made.change(model={"averaged": 1, "max_rounds": 100, "learning_rate": 0.1})
    committed(train(made))
    customers(LOGGED, 2).drop("gone").write_csv(folder / "rows.csv")
    made.run("predict", "rows.csv", "scored.csv")
    return made


def logged(folder: Path) -> None:
    """5 million predictions in the latest whole week."""
    trained(folder)
    now = datetime.now(UTC)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0)
    begin = int(monday.timestamp() * 1e6) - WEEK
    with sqlite3.connect(folder / "log/predictions.db") as log:
        log.execute("create temp table one as select * from predictions")
        log.execute("delete from predictions")
        step = (WEEK - 60_000_000) // COPIES
        for copy in range(COPIES):
            log.execute(
                "insert into predictions select request_id || ?, row, ?, target, model, entity,"
                " features, prediction, probabilities, row_time from one order by row",
                (copy, begin + copy * step),
            )


def monitor(folder: Path) -> None:
    apart(logged, folder)
    rows = LOGGED * COPIES
    measure(f"monitor, {rows:,} rows, no outcome", folder, *factory("monitor"))


def outcomes(folder: Path) -> None:
    """The outcomes of rows that are in the log."""
    trained(folder)
    request = pl.read_csv(folder / "scored.csv").select("request_id", "row")
    request.with_columns(gone=pl.lit("no")).write_csv(folder / "outcomes.csv")


def label(folder: Path) -> None:
    apart(outcomes, folder)
    measure(f"label, {LOGGED:,} rows", folder, *factory("label", "outcomes.csv"))


def wide(folder: Path) -> None:
    """A factory that is not drafted yet, of a table with amounts, counts, kinds, flags and days."""
    draw, made = np.random.default_rng(0), make(folder, "churn")
    days = (np.datetime64("2024-01-01") + draw.integers(0, 300, WIDE)).astype(str)
    table = {"id": np.arange(WIDE), "churned": draw.choice(["yes", "no"], WIDE)}
    for k in range(0, COLUMNS, 5):
        table[f"amount {k}"] = draw.normal(size=WIDE).round(3)
        table[f"count {k}"] = draw.integers(0, 50, WIDE)
        table[f"kind {k}"] = draw.choice(["a", "b", "c", ""], WIDE)
        table[f"flag {k}"] = draw.choice(["yes", "no"], WIDE)
        table[f"day {k}"] = draw.permutation(days)
    pl.DataFrame(table).write_csv(folder / "data/raw/wide.csv")
    data = {"path": "data/raw/wide.csv", "target": "churned", "id": "id"}
    write_yaml(folder / "params.yaml", {"task": "classification", "data": data})
    made.run("params", "add")


def draft(folder: Path) -> None:
    apart(wide, folder)
    measure(f"catalog draft, {COLUMNS:,} columns", folder, *factory("catalog", "draft"))


def crowded(folder: Path) -> None:
    """A factory in a repository with many files of the user's own."""
    table = folder / "customers.csv"
    customers(1000, 1).write_csv(table)
    options = ("--data", str(table), "--target", "gone", "--defaults", "--no-setup")
    subprocess.run([SCRIPTS / "mlfactory", "new", "churn", *options], cwd=folder, check=True)
    home = folder / "churn"
    for k in range(FILES):
        place = home / f"own/{k // 500}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k}.txt").write_text(f"{k}\n", "utf-8")
    commit(Factory(home), "Many files")


def status(folder: Path) -> None:
    apart(crowded, folder)
    for state in ("cold", "warm"):
        title = f"status, {FILES:,} files, {state}"
        measure(title, folder / "churn", str(SCRIPTS / "mlfactory"), "status")


if __name__ == "__main__":
    work = {one.__name__: one for one in (monitor, label, draft, status)}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as place:
        work(Path(place))
