"""How often the monitor rings, without and with a change, window by window, by simulation.

All in process, with the functions that judge: no factory is made and nothing is fitted. Run by
hand: OPENBLAS_NUM_THREADS=1 .venv/bin/python tests/benchmarks/bench_monitor.py [--windows 300]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
from mlfactory_runtime.learn.profile import profile
from mlfactory_runtime.learn.quality import qualities
from mlfactory_runtime.learn.signature import Signature, describe
from mlfactory_runtime.monitor import quality
from mlfactory_runtime.monitor.drift import drift
from mlfactory_runtime.monitor.reading import Seen, Watched
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.monitoring import Window
from mlfactory_runtime.settings.catalog import Catalog, Column
from mlfactory_runtime.settings.params import Params

TRAINED, HELD = 20_000, 4000
BEGIN = date(2023, 1, 1)
SETTINGS = {"task": "classification", "data": {"path": "a.csv", "target": "y", "time": "day"}}
Table = tuple[pl.DataFrame, np.ndarray, pl.Series]


def world(
    rows: int, seed: int, days: tuple[int, int] = (0, 730), *, shift: float = 0,
    share: float = 0.05, missing: float = 0.01, weak: float = 1, base: float = -0.9,
    seasonal: bool = False, growing: bool = False,
) -> Table:  # fmt: skip
    """20 features with the days of the rows, the probabilities, and what came of them."""
    draw = np.random.default_rng(seed)
    day = np.sort(draw.integers(*days, rows))
    x = draw.normal(size=(rows, 14))
    x[:, 0] += shift
    if growing:
        x[:, 1] += day / 365 * 0.6
    made: dict[str, Any] = {f"x{k:02}": x[:, k] for k in range(14)}
    made["tail"] = np.exp(2 * draw.normal(size=rows))
    made["count"] = draw.poisson(2, rows).astype(float)
    made["zeros"] = draw.exponential(9, rows) * (draw.random(rows) < 0.3)
    others = np.array([0.4, 0.3, 0.15, 0.1]) / 0.95 * (1 - share)
    made["kind"] = np.array(list("abcde"))[draw.choice(5, rows, p=[*others, share])]
    sizes = 1 / np.arange(1, 41)
    made["many"] = [f"m{k}" for k in draw.choice(40, rows, p=sizes / sizes.sum())]
    when = pl.Series("day", [BEGIN + timedelta(days=int(k)) for k in day])
    busy = when.dt.month().to_numpy() >= 11 if seasonal else np.zeros(rows)
    made["flag"] = draw.random(rows) < 0.1 + 0.4 * busy
    gaps = pl.when(pl.Series(draw.random(rows) >= missing)).then(pl.col("x13")).alias("x13")
    odds = 0.6 * x[:, 1:5].sum(axis=1) + 0.8 * busy
    chance = 1 / (1 + np.exp(-(weak * odds + base)))
    y = pl.Series((draw.random(rows) < chance).astype(int)).cast(pl.String)
    frame = pl.DataFrame(made).with_columns(gaps, when)
    return frame, 1 / (1 + np.exp(-(odds + base))), y


def watch(**kind: Any) -> Watched:
    """A model that knows the probabilities, and its profile."""
    (rows, trained, _), (_, p, y) = world(TRAINED, 1, **kind), world(HELD, 2, **kind)
    forms = {pl.String: ("string", "categorical"), pl.Boolean: ("bool", "boolean")}
    types = {c.name: forms.get(type(c.dtype), ("float", "numeric")) for c in rows.drop("day")}
    features = tuple(describe(n, *one, rows[n]) for n, one in types.items())
    known = Signature(task="binary", target="y", classes=("0", "1"), features=features)
    worth = qualities("binary", y.cast(pl.Float64).to_numpy(), p, np.arange(HELD))
    own = profile(rows, known, p, lambda frame: frame, worth, "day", trained)
    columns = {
        n: Column(dtype=d, role=r, availability="online")  # type: ignore[arg-type]
        for n, (d, r) in types.items()
    }
    home = cast("Project", SimpleNamespace(metrics={}))
    return Watched(
        "m", None, home, home, Path(), "v", Params.model_validate(SETTINGS),
        Catalog(columns=columns), known, own,
    )  # fmt: skip


def found(table: Table, watched: Watched) -> list[str]:
    """What is bad in a window by itself."""
    rows, p, y = table
    seen = Seen()
    seen.count(rows, watched, rows["day"])
    seen.score(p, y, pl.Series([None], dtype=pl.String).new_from_index(0, len(p)), watched)
    record = Window(
        model="v", rows=len(p), labelled=len(p), values={}, breaches=(), observed=None,
        estimate=None, quality=quality.measured(seen, watched),
    )  # fmt: skip
    judged = [check for check, _ in quality.judged([record], watched)]
    return [check.name for check in (*drift(seen, watched).checks, *judged) if check.bad]


def rate(windows: int, name: str, draw: Callable[[int], Table], watched: Watched) -> str:
    """The share of windows with a bad check; with a name, with that one."""
    every = [found(draw(1000 + k), watched) for k in range(windows)]
    hits = sum(bool(one) if not name else name in one for one in every)
    return f"{hits / windows:.1%} of {windows}"


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=300)
    windows = parser.parse_args().windows
    plain = watch()
    changes: list[tuple[str, str, dict[str, float]]] = [
        ("nothing", "", {}),
        ("0.3 sd in one feature", "drift:x00", {"shift": 0.3}),
        ("0.1 sd in one feature", "drift:x00", {"shift": 0.1}),
        ("a category from 5 to 10 %", "drift:kind", {"share": 0.1}),
        ("missing from 1 to 5 %", "missing:x13", {"missing": 0.05}),
        ("AUC from 0.776 to 0.726", "quality:ranking", {"weak": 0.76}),
    ]
    print("| change | 500 rows | 2,000 rows | 5,000 rows | 20,000 rows |\n|---|--:|--:|--:|--:|")
    for text, name, change in changes:
        cells = [
            rate(
                windows if rows < 5000 else windows // 2 if rows < 20_000 else windows // 3,
                name, lambda k, n=rows, c=change: world(n, k, (730, 737), **c), plain,
            )
            for rows in (500, 2000, 5000, 20_000)
        ]  # fmt: skip
        print(f"| {text} | {' | '.join(cells)} |", flush=True)
    print("\n| world in which nothing happens | a window rang |\n|---|--:|")
    worlds: dict[str, dict[str, Any]] = {
        "seasons: holidays in November and December": {"seasonal": True},
        "growth: 0.6 sd a year in a feature that matters": {"growing": True},
        "rare: 0.7 % of outcomes": {"base": -6},
    }
    for text, kind in worlds.items():
        own = watch(**kind)
        cell = rate(
            windows, "",
            lambda k, kind=kind: world(2000, k, (730 + k % 52 * 7, 737 + k % 52 * 7), **kind), own,
        )  # fmt: skip
        print(f"| {text} | {cell} |", flush=True)
    print(f"\n{time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    main()
