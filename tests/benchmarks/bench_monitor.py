"""How often the monitor rings, without and with a change, window by window, by simulation.

All in process, with the functions that judge: no factory is made and nothing is fitted. Run by
hand: .venv/bin/python tests/benchmarks/bench_monitor.py [--windows 300] [--world START] [CHANGE …]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
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
QUALITY = "quality"
MODELS = 6  # trained on other rows of the same world: what is found depends on them, too
ROWS = (500, 2000, 20_000)
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("", {}),
    "0.3 sd in one feature": ("drift:x00", {"shift": 0.3}),
    "0.1 sd in one feature": ("drift:x00", {"shift": 0.1}),
    "a category from 5 to 10 %": ("drift:kind", {"share": 0.1}),
    "missing from 1 to 5 %": ("missing:x13", {"missing": 0.05}),
    "AUC lower by 0.05": ("quality:ranking", {"weak": 0.76}),
    "no skill left": ("quality:ranking", {"weak": 0}),
}
SOME = ("nothing", "0.3 sd in one feature", "AUC lower by 0.05")
WORLDS: dict[str, tuple[dict[str, Any], Sequence[str]]] = {
    "stationary": ({}, tuple(CHANGES)[:-1]),
    "seasons: holidays in November and December": ({"seasonal": True}, SOME),
    "growth: 0.6 sd a year in a feature that matters": ({"growing": True}, SOME),
    "rare: 0.7 % of outcomes": ({"base": -6}, (*SOME, "no skill left")),
}
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


def watch(seed: int = 1, **kind: Any) -> Watched:
    """A model that knows the probabilities, and its profile."""
    (rows, trained, _), (_, p, y) = world(TRAINED, seed, **kind), world(HELD, seed + 1, **kind)
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


def found(table: Table, watched: Watched, name: str) -> list[str]:
    """What is bad in a window by itself; with a name, of the checks of that kind."""
    rows, p, y = table
    seen, checks = Seen(), []
    seen.score(p, y, pl.Series([None], dtype=pl.String).new_from_index(0, len(p)), watched)
    if not name.startswith(QUALITY):
        seen.count(rows, watched, rows["day"])
        checks += drift(seen, watched).checks
    if not name or name.startswith(QUALITY):
        record = Window(
            model="v", rows=len(p), labelled=len(p), values={}, breaches=(), observed=None,
            estimate=None, quality=quality.measured(seen, watched),
        )  # fmt: skip
        checks += [check for check, _ in quality.judged([record], watched)]
    return [check.name for check in checks if check.bad]


def rate(windows: int, name: str, draw: Callable[[int], Table], models: Sequence[Watched]) -> str:
    """The share of windows with a bad check; with a name, with that one. The models take turns."""
    every = [found(draw(1000 + k), models[k % len(models)], name) for k in range(windows)]
    hits = sum(bool(one) if not name else name in one for one in every)
    return f"{hits / windows:.1%}"


def cells(
    windows: int, sizes: Sequence[int], name: str, change: dict[str, Any], models: Sequence[Watched]
) -> str:
    """The rates by number of rows, in weeks of the year after training."""
    weeks = [(730 + week * 7, 737 + week * 7) for week in range(52)]
    return " | ".join(
        rate(windows, name, lambda k, n=rows: world(n, k, weeks[k % 52], **change), models)
        for rows in sizes
    )  # fmt: skip


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=300)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--world", default="", metavar="START")
    parser.add_argument("changes", nargs="*", metavar="CHANGE", choices=[[], *CHANGES])
    given = parser.parse_args()
    heads = " | ".join(f"{rows:,} rows" for rows in given.rows)
    print(f"{given.windows} windows each\n\n| world | change | {heads} |")
    print(f"|---|---|{'--:|' * len(given.rows)}")
    for text, (kind, changes) in WORLDS.items():
        if not text.startswith(given.world):
            continue
        models = [watch(2 * seed + 1, **kind) for seed in range(MODELS)]
        for change in given.changes or changes:
            name, values = CHANGES[change]
            own = cells(given.windows, given.rows, name, kind | values, models)
            print(f"| {text} | {change} | {own} |", flush=True)
    print(f"\n{time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    main()
