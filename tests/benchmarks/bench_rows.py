"""What many rows cost: prepare, train and report, and a folder that is scored by one job and two.

    .venv/bin/python -m tests.benchmarks.bench_rows train --rows 10000 100000 1000000 10000000
    .venv/bin/python -m tests.benchmarks.bench_rows predict --rows 400000 --files 16 --rounds 3

Each line is one process, with its start: wall seconds, CPU seconds and peak memory. Of a busy
machine only CPU seconds and memory tell anything; whether two jobs are faster than one is measured
in turns, so that what else the machine does meets both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from mlfactory_runtime.testing.trained import write_yaml

from ..runtime.factories import PROGRAM, Factory, make

DRAFTED, PIECE = 20_000, 500_000  # rows: to draft from, and that are drawn at once
RAW = "data/raw/customers.parquet"


def customers(rows: int, seed: int) -> pl.DataFrame:
    """30 features, two of them categories and two with gaps, and whether somebody left."""
    draw = np.random.default_rng(seed)
    amounts = {f"amount {k}": draw.uniform(0, 200, rows).round(2) for k in range(20)}
    counts = {f"visits {k}": draw.integers(0, 12, rows) for k in range(8)}
    kinds = {f"kind {k}": draw.choice(["basic", "plus", "family", "none"], rows) for k in range(2)}
    score = amounts["amount 0"] + 8 * counts["visits 0"] + 30 * (kinds["kind 0"] == "plus")
    leaves = score * amounts["amount 1"] / 100 + draw.normal(0, 60, rows) > 170
    customer = np.arange(rows) + seed * PIECE
    table = pl.DataFrame({"customer": customer, **amounts, **counts, **kinds})
    gap = pl.Series(draw.random(rows) < 0.1)
    gaps = pl.when(~gap).then(pl.col("amount 2", "visits 2")).name.keep()
    return table.with_columns(gaps, gone=pl.Series(np.where(leaves, "yes", "no")))


def write_rows(file: Path, rows: int) -> None:
    """So many rows, of which never more than PIECE are held."""
    with tempfile.TemporaryDirectory(dir=file.parent) as place:
        for k in range(-(-rows // PIECE)):
            piece = customers(min(PIECE, rows - k * PIECE), k)
            piece.write_parquet(f"{place}/{k:04}.parquet")
        pl.scan_parquet(f"{place}/*.parquet").sink_parquet(file)


def drafted(folder: Path, rounds: int) -> Factory:
    factory = make(folder, "churn")
    write_rows(folder / RAW, DRAFTED)
    data = {"path": RAW, "target": "gone", "id": "customer"}
    write_yaml(folder / "params.yaml", {"task": "classification", "data": data})
    factory.run("params", "add")
    factory.run("catalog", "draft")
    factory.change(model={"averaged": 1, "max_rounds": rounds}, log={"enabled": False})
    return factory


def measure(folder: Path, *argv: str) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds with those of its processes, and the peak in MB of the largest."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {"OMP_WAIT_POLICY": "passive"}  # threads that wait for a core would count as work
    begin = time.perf_counter()
    line = (sys.executable, "-c", PROGRAM, *argv)
    process = subprocess.Popen(line, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {argv}")
    wall = time.perf_counter() - begin
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def train(folder: Path, sizes: list[int], rounds: int) -> None:
    factory = drafted(folder / "churn", rounds)
    print("| rows | stage | wall s | CPU s | peak MB |\n|--:|---|--:|--:|--:|", flush=True)
    for rows in sizes:
        write_rows(folder / "churn" / RAW, rows)
        for stage in ("prepare", "train", "report"):
            wall, cpu, peak = measure(factory.path, stage)
            print(f"| {rows:,} | {stage} | {wall:.1f} | {cpu:.1f} | {peak:,} |", flush=True)


def predict(folder: Path, rows: int, files: int, rounds: int) -> None:
    factory = drafted(folder / "churn", 200)
    for stage in ("prepare", "train"):
        factory.run(stage)
    (folder / "in").mkdir()
    for k in range(files):
        piece = customers(rows // files, k + 1)
        piece.drop("gone").write_parquet(folder / f"in/{k:03}.parquet")
    walls: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(rounds):
        for jobs, times in walls.items():
            shutil.rmtree(folder / "out", ignore_errors=True)
            options = (str(folder / "in"), str(folder / "out"), "--jobs", jobs)
            wall, cpu, peak = measure(factory.path, "predict", *options)
            times.append(wall)
            print(f"{jobs} jobs: {wall:.1f} s wall, {cpu:.1f} s CPU, peak {peak} MB", flush=True)
    ratios = [one / two for one, two in zip(walls["1"], walls["2"], strict=True)]
    print(f"two jobs are {statistics.median(ratios):.2f} times as fast as one: {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("train", "predict"))
    parser.add_argument("--rows", type=int, nargs="+", default=[400_000])
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trees", type=int, default=100)
    line = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-rows-") as place:
        if line.what == "train":
            train(Path(place), line.rows, line.trees)
        else:
            predict(Path(place), line.rows[0], line.files, line.rounds)


if __name__ == "__main__":
    main()
