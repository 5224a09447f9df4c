"""Do intervals around predicted numbers hold what they promise? Run by hand with the Python of this
repository:

    .venv/bin/python tests/benchmarks/bench_intervals.py [TABLES] [CASE]

Each table is drawn anew, split, learned from and validated as in a factory, by the template's
model.py with at most 60 trees and by the linear model. What is measured is the share of its
held-out rows that lie inside, and the mean width, beside that of one interval for everybody: what
the training rows hold of the target.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import loading  # noqa: F401  # makes `factory` known
import numpy as np
import polars as pl
from bench_verdict import (
    DAYS,
    Draw,
    Table,
    catalog_of,
    columns,
    names,
    parts_of,
    same_frame,
    settings,
    with_ids,
)
from factory import model
from mlfactory_runtime.learn import linear
from mlfactory_runtime.learn.conformal import fit_intervals
from mlfactory_runtime.learn.intervals import ends
from mlfactory_runtime.learn.matrix import matrix
from mlfactory_runtime.learn.signature import Signature, describe
from mlfactory_runtime.learn.validation import predict_unseen

ESTIMATORS: dict[str, Any] = {"own": model, "linear": linear}
SHARES = (0.9, 0.95)


def single(draw: Draw, rows: int = 600) -> Table:
    """A line and a bend."""
    x = draw.normal(size=(rows, 4))
    y = x[:, 0] + x[:, 1] ** 2 + draw.normal(size=rows)
    return Table(with_ids(pl.DataFrame({**columns(x), "y": y})))


def many(draw: Draw) -> Table:
    """So many that the validation rows alone tell."""
    return single(draw, 8000)


def shops(draw: Draw) -> Table:
    """80 shops of 5 to 40 rows with an effect of their own; whole shops are held out."""
    place = np.repeat(np.arange(80), draw.integers(5, 40, 80))
    x = draw.normal(size=(len(place), 3))
    y = x[:, 0] + draw.normal(size=80)[place] + draw.normal(size=len(place))
    shop = pl.Series(names(80, "S"))[place]
    return Table(pl.DataFrame({**columns(x), "shop": shop, "y": y}), "shop")


def panel(draw: Draw) -> Table:
    """12 shops on 150 days, which have an effect that lasts some days; the last are held out."""
    day = np.repeat(np.arange(150), 12)
    shocks = draw.normal(size=150) / 2
    for one in range(1, 150):
        shocks[one] += 0.5 * shocks[one - 1]
    x, level = draw.normal(size=(len(day), 3)), draw.normal(size=12)
    place = np.tile(np.arange(12), 150)
    y = x[:, 0] + level[place] + shocks[day] + draw.normal(size=len(day))
    rows = {**columns(x), "shop": pl.Series(names(12, "S"))[place], "day": DAYS[day], "y": y}
    return Table(pl.DataFrame(rows), "shop", "day")


def drifting(draw: Draw) -> Table:
    """The same, and the noise becomes twice as large on the way: nothing is exchangeable."""
    table = panel(draw)
    grown = np.repeat(np.linspace(1, 2, 150), 12) - 1
    noise = draw.normal(size=table.rows.height) * grown
    return Table(table.rows.with_columns(y=table.rows["y"] + noise), table.id, table.time)


def heavy(draw: Draw) -> Table:
    """Prices: the logarithm is a line with normal errors."""
    x = draw.normal(size=(1500, 4))
    y = np.exp(x[:, 0] + 0.7 * draw.normal(size=1500))
    return Table(with_ids(pl.DataFrame({**columns(x), "y": y})))


CASES: dict[str, Callable[[Draw], Table]] = {
    "single rows: 600": single,
    "single rows: 8,000": many,
    "heavy tail: 1,500": heavy,
    "groups: 80 shops": shops,
    "panel: 12 shops on 150 days": panel,
    "panel whose noise doubles": drifting,
}


def measured(table: Table, kind: str) -> Iterator[tuple[float, float]]:
    """For each share asked for: which share of the held-out rows is inside, and how wide it is."""
    catalog, estimator = catalog_of(table), ESTIMATORS[kind]
    params = settings(table, catalog)
    parts, split = parts_of(table, catalog, params)
    features = tuple(
        describe(name, column.dtype, column.role, parts[0][name])
        for name, column in catalog.features(params).items()
    )
    known = Signature(task="regression", target="y", features=features)
    stand_in: Any = SimpleNamespace(
        params=params, catalog=catalog, compute=same_frame, metrics={}, estimator=estimator
    )
    fitting, stopping, held = (matrix(part, known, same_frame) for part in parts)
    p = estimator.predict(estimator.fit(fitting, stopping, known, params.model), held.x)
    unseen = predict_unseen(stand_in, {"train": parts[0], "validation": parts[1]}, known)
    for share in SHARES:
        asked = params.decision.model_copy(update={"coverage": share})
        found = fit_intervals(unseen, split, catalog, params.model_copy(update={"decision": asked}))
        assert found is not None
        low, high = ends(found, p).T
        tail = (1 - share) / 2
        everybody = np.diff(np.quantile(np.append(fitting.y, stopping.y), [tail, 1 - tail]))[0]
        yield (
            float(np.mean((low <= held.y) & (held.y <= high))),
            float(np.mean(high - low) / everybody),
        )


def rows_of(count: int, case: str) -> Iterator[str]:
    yield "| tables | model | asked for | held | width |"
    yield "|---|---|--:|--:|--:|"
    for name, make in CASES.items():
        for kind in ESTIMATORS if name.startswith(case) else ():
            found = np.array(
                [list(measured(make(np.random.default_rng(seed)), kind)) for seed in range(count)]
            )
            means, errors = found.mean(axis=0), found.std(axis=0, ddof=1) / count**0.5
            for share, (held, width), (error, _) in zip(SHARES, means, errors, strict=True):
                ends = f"{held:.1%} ± {1.96 * error:.1%}"
                yield f"| {name} | {kind} | {share:.0%} | {ends} | {width:.2f} |"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    case = sys.argv[2] if len(sys.argv) > 2 else ""
    begun = time.process_time()
    for line in rows_of(count, case):
        print(line, flush=True)
    print(f"\n{time.process_time() - begun:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
