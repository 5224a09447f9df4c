"""What the first training of a table costs. Run by hand, from the top of the repository:

    .venv/bin/python -m tests.benchmarks.bench_first digits|flights|ten|million|wide

Each drafts a factory in place, and prints wall seconds, CPU seconds and peak memory of its stages,
whole processes with their start. Of a busy machine only CPU seconds and memory tell anything.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_digits

from ..runtime.factories import drafted
from .bench_scale import apart, factory, measure


def named(y: np.ndarray) -> pl.Series:
    return pl.Series("target", [f"class {int(k)}" for k in y])


def digits() -> pl.DataFrame:
    """1,797 rows, 64 columns, 10 classes."""
    x, y = load_digits(return_X_y=True)
    return pl.DataFrame(x, [f"pixel {k}" for k in range(64)]).with_columns(named(y))


def flights() -> pl.DataFrame:
    """8,000 rows with a time: by how much they are late."""
    draw, rows = np.random.default_rng(1), 8000
    hours = np.sort(draw.integers(0, 365 * 24, rows))
    late = draw.normal(5, 20, rows)
    return pl.DataFrame(
        {
            "time": np.datetime64("2023-01-01", "us") + hours.astype("timedelta64[h]"),
            "carrier": draw.choice([f"carrier {k}" for k in range(5)], rows),
            "from": draw.choice([f"airport {k}" for k in range(20)], rows),
            "to": draw.choice([f"airport {k}" for k in range(60)], rows),
            "distance": draw.integers(100, 4000, rows),
            "hour": hours % 24,
            "seats": draw.integers(50, 300, rows),
            "left_late": late.round(),
            "target": (0.9 * late + 10 * np.sin(hours % 24 / 3) + draw.normal(0, 12, rows)).round(),
        }
    )


def normal(rows: int, columns: int, classes: int) -> pl.DataFrame:
    """Numbers, of which ten tell something of the classes."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(rows, columns))
    scores = x[:, :10] @ draw.normal(size=(10, classes)) + draw.gumbel(size=(rows, classes))
    names = [f"amount {k}" for k in range(columns)]
    return pl.DataFrame(x.round(3), names).with_columns(named(scores.argmax(axis=1)))


TABLES = {
    "digits": digits,
    "flights": flights,
    "ten": partial(normal, 10_000, 100, 10),
    "million": partial(normal, 1_000_000, 20, 2),
    "wide": partial(normal, 800, 1500, 2),
}


def make(name: str, folder: Path) -> None:
    """A factory of the table, whose catalog is drafted."""
    table = TABLES[name]()
    time = {"time": "time"} if "time" in table.columns else {}
    task = "regression" if table["target"].dtype.is_numeric() else "classification"
    drafted(folder, table, task, target="target", **time)


if __name__ == "__main__":
    name = sys.argv[1]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        apart(partial(make, name), folder)
        for stage in ("prepare", "train", "report"):
            measure(f"{name}, `factory {stage}`", folder, *factory(stage))
