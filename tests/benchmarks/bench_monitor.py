"""How often the monitor rings without and with drift, by simulation, and what it costs.

Run by hand: .venv/bin/pip install numpy, then
.venv/bin/python tests/benchmarks/bench_monitor.py [--windows 400] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import yaml

SCRIPTS, INSIDE = Path(sys.executable).parent, "--inside"
TRAINED, ROWS, MILLION, SHIFT = 20_000, 10_000, 1_000_000, 0.3
SHIFTED = [f"x{k:02}" for k in range(5)]


def world(rows: int, seed: int, shift: float = 0.0) -> pl.DataFrame:
    """30 features: 20 normal, the others counts, amounts with zeros, heavy tails, categories."""
    draw = np.random.default_rng(seed)
    made: dict[str, object] = {"id": np.arange(rows)}
    normal = draw.normal(size=(rows, 20))
    normal[:, :5] += shift
    made |= {f"x{k:02}": normal[:, k] for k in range(20)}
    made |= {f"count{k}": draw.poisson(k + 1, rows) for k in range(3)}
    made |= {f"zeros{k}": draw.exponential(9, rows) * (draw.random(rows) < 0.4) for k in range(2)}
    made["tail"] = np.exp(draw.normal(0, 3, rows))
    for size in (5, 30, 400):
        shares = 1 / np.arange(1, size + 1)
        made[f"kind{size}"] = [f"k{c}" for c in draw.choice(size, rows, p=shares / shares.sum())]
    made["flag"] = draw.random(rows) < 0.3
    odds = normal[:, 3:8].sum(axis=1) + 0.3 * made["count0"] - 0.5  # type: ignore[operator]
    made["y"] = np.where(draw.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    gaps = [pl.when(pl.Series(draw.random(rows) > 0.1)).then(pl.col("x19")).alias("x19")]
    return pl.DataFrame(made).with_columns(gaps)


def plain(rows: int, seed: int) -> pl.DataFrame:
    """30 columns of numbers."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 30))
    made = {f"n{k:02}": x[:, k] for k in range(30)}
    y = np.where(x[:, :3].sum(axis=1) + 2 * draw.normal(size=rows) > 0, "yes", "no")
    return pl.DataFrame({"id": np.arange(rows), **made, "y": y})


def factory(folder: Path, name: str, table: pl.DataFrame) -> Path:
    """A trained factory, with a model that is quick."""
    home = folder / name
    if home.is_dir():
        return home
    table.write_parquet(folder / f"{name}.parquet")
    argv = ["new", name, "--data", f"{name}.parquet", "--target", "y", "--id", "id"]
    argv += ["--ci", "none", "--defaults", "--no-train"]
    subprocess.run([SCRIPTS / "mlfactory", *argv], cwd=folder, check=True)
    params = yaml.safe_load((home / "params.yaml").read_text())
    params["model"] |= {"averaged": 1, "max_rounds": 100, "learning_rate": 0.1}
    (home / "params.yaml").write_text(yaml.safe_dump(params))
    path = {**os.environ, "PATH": f"{home / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["dvc", "repro", "--quiet"], cwd=home, check=True, env=path)
    return home


def inside(home: Path, job: str, *argv: object) -> dict[str, object]:
    """Run a part of this file in the environment of a factory."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    line = [home / ".venv/bin/python", __file__, INSIDE, job, *map(str, argv)]
    done = subprocess.run(line, cwd=home, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def trials(windows: int, rows: int, shift: float, first: int) -> dict[str, object]:
    """Windows of the world, each looked at by itself; the small ones with outcomes."""
    from world.model import load, predict
    from world.monitor.reading import Seen, production
    from world.monitor.run import examined
    from world.signature import encode, featured

    watched = production()
    once = watched.params.monitor.model_copy(update={"windows": 1, "breaches": 1})
    watched, model = watched.of(monitor=once), load(watched.folder)
    names = [one.name for one in watched.signature.features]
    bad, habit, moved = [], {0.1: 0, 0.2: 0}, 0.0
    for seed in range(first, first + windows):
        table, seen = world(rows, seed, shift), Seen()
        frame = featured(table, names)
        seen.count(frame, watched)
        p = np.asarray(predict(model, encode(frame.select(names), watched.signature.features)))
        told = table["y"] if rows < ROWS else pl.Series([None], dtype=pl.String)
        seen.score(p, told if rows < ROWS else told.new_from_index(0, rows), watched)
        found = examined(seen, watched, [], [], {"source": "simulation", "rows": rows})
        bad.append([c["name"] for c in found["checks"] if c["status"] == "alarm"])
        largest = float(max(line["psi"] for line in found["features"]))
        moved += largest / windows
        habit = {limit: n + (largest >= limit) for limit, n in habit.items()}
    drifts = [{name for name in one if not name.startswith("performance:")} for one in bad]
    rule = [
        any(sum(name in before for before in drifts[max(k - 2, 0) : k]) for name in drifts[k])
        for k in range(len(drifts))
    ]
    return {
        "windows": windows,
        "rows": rows,
        "shift": shift,
        "drift": sum(map(bool, drifts)) / windows,
        "rule": sum(rule[1:]) / (windows - 1),
        "performance": sum(len(one) > len(d) for one, d in zip(bad, drifts, strict=True)) / windows,
        "rang": dict(Counter(name for one in drifts for name in one).most_common(6)),
        "largest_psi": moved,
        "psi_alone": {str(limit): n / windows for limit, n in habit.items()},
    }


def cost(file: str) -> dict[str, float]:
    """CPU seconds for a file: all of it, and without scores and metrics."""
    import time

    from speed.monitor import monitor
    from speed.monitor.reading import Seen, production
    from speed.monitor.run import from_file

    monitor(current=Path("small.parquet"))
    watched = production()
    begun = time.process_time()
    monitor(current=Path(file))
    whole = time.process_time() - begun
    Seen.score = lambda *_: None  # type: ignore[method-assign]
    import speed.monitor.reading as reading

    reading.predict = lambda *_: np.empty(0)  # type: ignore[assignment]
    begun = time.process_time()
    from_file(Path(file), watched)
    return {"whole": whole, "data": time.process_time() - begun}


def log_cost(rows: int) -> dict[str, float]:
    """CPU seconds per million rows for a window of the log."""
    import time
    from datetime import UTC, datetime, timedelta

    from speed.monitor import monitor
    from speed.predict import predict_file

    Path("log").mkdir(exist_ok=True)
    Path("log/predictions.db").unlink(missing_ok=True)
    plain(rows, 5).drop("y").write_parquet("rows.parquet")
    predict_file(Path("rows.parquet"), Path("answers.parquet"))
    now = datetime.now(UTC) + timedelta(days=7)
    begun = time.process_time()
    found = monitor(now=now)
    spent = time.process_time() - begun
    assert found["window"]["rows"] == rows
    return {"rows": rows, "cpu_per_million": spent * MILLION / rows}


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] == [INSIDE]:
        job, *rest = sys.argv[2:]
        if job == "trials":
            windows, rows, shift, first = rest
            told: object = trials(int(windows), int(rows), float(shift), int(first))
        else:
            told = cost(rest[0]) if job == "cost" else log_cost(int(rest[0]))
        print(json.dumps(told))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = (given.folder or Path(made)).absolute()
        folder.mkdir(exist_ok=True)
        speed = factory(folder, "speed", plain(TRAINED, 1))
        plain(1000, 2).write_parquet(speed / "small.parquet")
        plain(MILLION, 3).write_parquet(speed / "million.parquet")
        print("a file of 1,000,000 rows by 30 columns:", inside(speed, "cost", "million.parquet"))
        print("the log:", inside(speed, "log", 200_000))
        home = factory(folder, "world", world(TRAINED, 1))
        for rows, shift in ((ROWS, 0.0), (ROWS, SHIFT), (1000, 0.0), (1000, SHIFT)):
            windows = given.windows if not shift else given.windows // 2
            print(inside(home, "trials", windows, rows, shift, 1000), flush=True)


if __name__ == "__main__":
    main()
