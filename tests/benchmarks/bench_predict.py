"""`factory predict` against a bare loop over `Booster.predict`, and how fast its log is read.

    .venv/bin/python tests/benchmarks/bench_predict.py [--rows 1000000] [--rounds 3] [--times 10]

The bare loop reads the same file in the same way, types it by the catalog, and has the same
features, encoder and columns of output; it checks, sets aside and logs nothing. The three run in
turns, so that what else the machine does meets all. CPU seconds are those of the whole process,
with its start. With `--times`, peak memory is taken again with so many times the rows.
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
from dataclasses import dataclass, field
from pathlib import Path

MLFACTORY = Path(sys.executable).with_name("mlfactory")
LEARNED = 30_000  # rows to train on: enough for a single booster, so that little hides the rest

TABLE = """
import sys
import numpy as np
import polars as pl

rows, file, target = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "target"
with open(file, "wb") as out:
    for first in range(0, rows, 1_000_000):
        count = min(rows - first, 1_000_000)
        draw = np.random.default_rng(first + target)
        n = {f"n{i}": draw.normal(size=count).round(4) for i in range(24)}
        k = {f"k{i}": draw.integers(0, 100, count) for i in range(3)}
        c = {f"c{i}": np.array([f"v{j}" for j in range(12)])[draw.integers(0, 12, count)]
             for i in range(2)}
        days = (np.datetime64("2024-01-01") + draw.integers(0, 500, count)).astype("datetime64[D]")
        table = pl.DataFrame({"id": np.arange(first, first + count), **n, **k, **c, "day": days})
        gap = pl.Series(draw.random(count) < 0.05)
        table = table.with_columns(pl.when(~gap).then("n1").alias("n1"))
        score = n["n0"] + n["n2"] * n["n3"] + k["k0"] / 50 + (c["c0"] == "v3")
        if target:
            score += draw.normal(size=count)
            table = table.with_columns(gone=np.where(score > 1, "yes", "no"))
        table.write_csv(out, include_header=first == 0)
"""

BARE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
import polars as pl
from churn.catalog import load_catalog
from churn.data import missing_as_null, parse, read_batches
from churn.model import load, predict
from churn.params import load_params
from churn.signature import encode, featured, load_signature

source, target, folder = Path(sys.argv[1]), Path(sys.argv[2]), Path("models/model")
signature, model = load_signature(folder), load(folder)
params, catalog = load_params(), load_catalog()
columns, names = catalog.inputs(params), [f.name for f in signature.features]
classes = np.array(signature.classes)
with target.open("wb") as out:
    for raw in read_batches(source, params.data):
        rows = parse(missing_as_null(raw.select(list(columns)), params.data, columns), columns)
        scores = predict(model, encode(featured(rows, names), signature.features))
        called = classes[(scores >= signature.threshold).astype(int)]
        found = raw.select("id").with_columns(
            prediction=called, probability_no=1 - scores, probability_yes=scores,
            request_id=pl.lit("0123456789abcdef"), row=pl.int_range(pl.len()),
            model=pl.lit("0123456789ab"),
            scored_at=pl.lit(datetime.now(UTC).isoformat(timespec="seconds")),
        )
        found.write_csv(out, include_header=out.tell() == 0)
"""

READ = """
import resource
import time
from datetime import UTC, datetime
from churn.catalog import load_catalog
from churn.files import MODEL
from churn.labels import read_log
from churn.params import load_params
from churn.signature import load_signature

window = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
known = load_params(), load_catalog(), load_signature(MODEL)
wall, cpu = time.perf_counter(), time.process_time()
rows = outcomes = 0
for frame in read_log(window, *known):
    rows, outcomes = rows + frame.height, outcomes + frame["outcome"].count()
wall, cpu = (time.perf_counter() - wall) * 1e6 / rows, (time.process_time() - cpu) * 1e6 / rows
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"log: {rows:,} rows, {outcomes:,} with outcome; per million {wall:.1f} s, "
      f"{cpu:.1f} s of CPU; peak {peak} MB")
"""


@dataclass
class Way:
    """A way to score a file, and what its runs took."""

    name: str
    argv: list[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0

    def run(self, factory: Path, source: Path, target: Path) -> None:
        shutil.rmtree(factory / "log", ignore_errors=True)
        argv = [str(factory / ".venv/bin" / self.argv[0]), *self.argv[1:], str(source), str(target)]
        began = time.perf_counter()
        process = subprocess.Popen(argv, cwd=factory, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} failed: {argv}")
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(used.ru_utime + used.ru_stime)
        self.peak = used.ru_maxrss // 1024


def make(folder: Path) -> Path:
    """A trained factory."""
    subprocess.run([sys.executable, "-m", "venv", "env"], cwd=folder, check=True)
    python = str(folder / "env/bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "numpy", "polars"], check=True)
    table(python, LEARNED, folder / "customers.csv", "target")
    options = ("--data", "customers.csv", "--target", "gone", "--id", "id", "--ci", "none")
    argv = [str(MLFACTORY), "new", "churn", *options, "--defaults"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    return folder / "churn"


def table(python: str, rows: int, file: Path, what: str) -> Path:
    subprocess.run([python, "-c", TABLE, str(rows), str(file), what], check=True)
    return file


def measure(folder: Path, rows: int, rounds: int, times: int) -> None:
    factory = make(folder)
    python = str(factory / ".venv/bin/python")
    trees = (factory / "models/model/model.txt").read_text().count("\nTree=")
    ways = [
        Way("bare loop", ["python", "-c", BARE]),
        Way("predict --no-log", ["factory", "predict", "--no-log"]),
        Way("predict", ["factory", "predict"]),
    ]
    source = table(python, rows, folder / "rows.csv", "none")
    for _ in range(rounds):
        for way in ways:
            way.run(factory, source, folder / "out.csv")
    small = {way.name: way.peak for way in ways}
    subprocess.run([python, "-c", READ], cwd=factory, check=True)
    label(python, factory, folder)
    subprocess.run([python, "-c", READ], cwd=factory, check=True)
    if times:
        table(python, rows * times, source, "none")
        for way in ways[1:]:
            way.run(factory, source, folder / "out.csv")
    print(f"{rows:,} rows x 30 features, {trees} trees; medians of {rounds}")
    for way in ways:
        tell(way, ways[0], rounds, small[way.name], times)


def label(python: str, factory: Path, folder: Path) -> None:
    """Bring in the outcomes of a third of the rows."""
    program = (
        "import sys, polars as pl; t = pl.scan_csv(sys.argv[1]).select('id', gone='prediction');"
        "t.filter(pl.col('id') % 3 == 0).sink_csv(sys.argv[2])"
    )
    files = [str(folder / name) for name in ("out.csv", "outcomes.csv")]
    subprocess.run([python, "-c", program, *files], check=True)
    began = time.perf_counter()
    argv = [str(factory / ".venv/bin/factory"), "label", files[1]]
    subprocess.run(argv, cwd=factory, check=True)
    print(f"label: {time.perf_counter() - began:.1f} s")


def tell(way: Way, bare: Way, rounds: int, peak: int, times: int) -> None:
    """One row: the share of the bare loop's throughput, round by round."""
    wall, cpu = (
        statistics.median(b / a for a, b in zip(mine[:rounds], theirs[:rounds], strict=True))
        for mine, theirs in ((way.wall, bare.wall), (way.cpu, bare.cpu))
    )
    seconds = statistics.median(way.wall[:rounds]), statistics.median(way.cpu[:rounds])
    later = f", {way.peak} MB with {times} times the rows" if way is not bare and times else ""
    print(
        f"{way.name:17} {seconds[0]:6.1f} s wall {seconds[1]:6.1f} s CPU; of the bare loop's "
        f"throughput {wall:.2f} by wall, {cpu:.2f} by CPU; peak {peak} MB{later}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=0)
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="bench-predict-") as folder:
        measure(Path(folder), asked.rows, asked.rounds, asked.times)


if __name__ == "__main__":
    main()
