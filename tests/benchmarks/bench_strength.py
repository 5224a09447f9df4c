"""How surely planted leaks are found, and how often honest features are taken for one.

Run by hand with the Python of this repository:

.venv/bin/python tests/benchmarks/bench_strength.py [DATA SETS PER SIZE] [ROWS]

Every data set is drawn from a fixed seed: a target, each kind of leak, and honest features of
graded strength. Strength is the area under the ROC curve between neighbouring classes, or of a
number the correlation with the target. Beyond BOUND nobody can say what is honest.
"""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import polars as pl
from mlfactory_runtime.draft import leaks

SIZES = (150, 1_000, 20_000)
TARGETS: dict[str, list[float]] = {
    "balanced": [0.5, 0.5],
    "imbalanced": [0.9, 0.1],
    "four classes": [0.4, 0.3, 0.2, 0.1],
    "number": [],
}
AREAS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
CORRELATIONS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
ACCURACIES = (0.9, 0.95, 0.97, 0.98)
BOUND = {"AUC": 0.98, "r": 0.98, "yes/no": 95}
Columns = dict[str, pl.Series]
Tally = dict[tuple[str, str], list[bool]]


def classes(rows: int, shares: list[float], draw: np.random.Generator) -> np.ndarray:
    """Class numbers in fixed shares, in random order."""
    edges = np.round(np.cumsum(shares) * rows).astype(int)
    return draw.permutation(np.searchsorted(edges, np.arange(rows), side="right"))


def flipped(y: np.ndarray, draw: np.random.Generator, share: float = 0.01) -> np.ndarray:
    """With some rows put into another row's class."""
    some = draw.permutation(len(y))[: max(1, round(share * len(y)))]
    changed = y.copy()
    changed[some] = (y[some] + draw.integers(1, y.max() + 1, len(some))) % (y.max() + 1)
    return changed


def gaps(values: pl.Series, where: np.ndarray) -> pl.Series:
    """Missing where it is said."""
    return values.set(pl.Series(where), None)


def named(codes: np.ndarray, stem: str = "v") -> pl.Series:
    return pl.Series([f"{stem}{code}" for code in codes])


def class_leaks(y: np.ndarray, draw: np.random.Generator) -> Columns:
    """Columns that give a class away."""
    n, last = len(y), y == y.max()
    amount, day = pl.Series(draw.lognormal(3, 1, n)), pl.Series(draw.integers(0, 900, n))
    day = day.cast(pl.Int32).cast(pl.Date)
    told = {
        "copy, other words": named(y),
        "copy, as 1 and 2": pl.Series(y + 1),
        "copy, 1 % changed": named(flipped(y, draw)),
        "copy, as number, 1 % changed": pl.Series(flipped(y, draw)),
        "copy, 30 % missing": gaps(named(y), draw.random(n) < 0.3),
        "copy in finer words": named(y * 3 + draw.integers(0, 3, n)),
        "score with a gap": pl.Series(y + draw.uniform(0, 0.9, n)),
        "score, hardly any overlap": pl.Series(y + draw.normal(0, 0.18, n)),
        "filled after the outcome": gaps(amount, ~last),
        "date after the outcome": gaps(day, ~last),
        "filled after, 1 % changed": gaps(amount, flipped(y, draw) != y.max()),
        "filled in 60 % after": gaps(amount, ~last | (draw.random(n) < 0.4)),
        "missing after the outcome": gaps(amount, last),
        "0 unless after the outcome": amount * last,
        '"" unless after the outcome': pl.Series(np.where(last, named(draw.integers(0, 5, n)), "")),
    }  # fmt: skip
    if y.max() == 1:
        beyond = draw.choice([1, 8], n) + draw.random(n)
        told["two ranges of a number"] = pl.Series(np.where(last, draw.uniform(4, 6, n), beyond))
    else:
        told["grouping"] = named(y // 2)
        told["grouping, 1 % changed"] = named(flipped(y // 2, draw))
    return told


def number_leaks(y: np.ndarray, draw: np.random.Generator) -> Columns:
    """Columns that give a number away."""
    n, rank = len(y), y.argsort().argsort() / len(y)
    other = np.where(draw.random(n) < 0.01, draw.permutation(y), y)
    bands = (rank * 5).astype(int)
    return {
        "times 1.19": pl.Series(y * 1.19),
        "logarithm": pl.Series(np.log(y)),
        "negative": pl.Series(-3 - 2 * y),
        "rounded to tens": pl.Series(np.round(y, -1)),
        "whole number": pl.Series(np.round(y).astype(int)),
        "1 % noise in each": pl.Series(y * draw.normal(1, 0.01, n)),
        "1 % of rows changed": pl.Series(other),
        "30 % missing": gaps(pl.Series(y), draw.random(n) < 0.3),
        "five bands": named(bands),
        "five bands, 1 % changed": named(flipped(bands, draw)),
        "filled for the upper half": gaps(pl.Series(draw.random(n)), rank < 0.5),
    }


def honest_classes(y: np.ndarray, draw: np.random.Generator) -> Columns:
    """Features that tell much of a class, each named by its kind and strength."""
    found: Columns = {}
    n, last = len(y), y == y.max()
    for area in AREAS:
        apart = NormalDist().inv_cdf(area) * 2**0.5
        score = y * apart + draw.normal(0, 1, n)
        found[f"AUC {area}, number"] = pl.Series(score)
        found[f"AUC {area}, whole number"] = pl.Series(np.round(np.exp(score / 2)).astype(int))
        found[f"AUC {area}, 20 words"] = named(score.argsort().argsort() * 20 // n)
        found[f"AUC {area}, 20 % missing"] = gaps(
            pl.Series(score), draw.random(n) < np.where(last, 0.35, 0.15)
        )
    for right in ACCURACIES:
        found[f"yes/no, {right:.0%} right"] = named(flipped(y, draw, 1 - right))
    for within, beyond in ((0.4, 0.02), (0.9, 0.1), (0.3, 0.05)):
        some = draw.random(n) < np.where(last, within, beyond)
        kind = f"filled in {within:.0%} and {beyond:.0%}"
        found[kind] = gaps(pl.Series(draw.random(n)), ~some)
        found[kind.replace("filled", "not 0")] = pl.Series(draw.poisson(2, n) + 1) * some
    return found


def honest_numbers(y: np.ndarray, draw: np.random.Generator) -> Columns:
    """Features that tell much of a number."""
    found: Columns = {}
    n, normal = len(y), np.log(y)
    normal = (normal - normal.mean()) / normal.std()
    for strength in CORRELATIONS:
        score = strength * normal + (1 - strength**2) ** 0.5 * draw.normal(0, 1, n)
        found[f"r {strength}, number"] = pl.Series(score)
        found[f"r {strength}, whole number"] = pl.Series(np.round(np.exp(score) * 10).astype(int))
        found[f"r {strength}, five bands"] = named(score.argsort().argsort() * 5 // n)
        found[f"r {strength}, 20 % missing"] = gaps(
            pl.Series(score), draw.random(n) < np.where(normal > 0, 0.3, 0.1)
        )
    found["yes/no, above the median, 5 % changed"] = named(
        flipped((normal > 0).astype(int), draw, 0.05)
    )
    return found


def orders(y: np.ndarray, draw: np.random.Generator) -> dict[str, tuple[np.ndarray, pl.Series]]:
    """Leaks and honest orders: the target as the file has it, and an identifier."""
    n, number = len(y), y.dtype.kind == "f"
    ranked = np.sort(y)
    noisy = np.where(draw.random(n) < 0.01, draw.permutation(y), ranked)
    mixed, ids = draw.permutation(n), pl.Series(np.arange(n) + 1000)
    drift = np.linspace(-1, 1, n) + draw.normal(0, 1, n)
    season = np.sin(np.arange(n) / n * 20) + draw.normal(0, 1, n)
    told = {
        "leak: sorted by the target": (ranked, pl.Series(draw.permutation(n))),
        "leak: sorted, 1 % changed": (noisy, pl.Series(draw.permutation(n))),
        "leak: id in the target's order": (ranked[mixed], ids[mixed]),
        "leak: C9, C10 in that order": (ranked[mixed], ("C" + ids.cast(pl.String))[mixed]),
        "honest: shuffled": (y, ids),
        "honest: drift": (np.sort(y)[drift.argsort().argsort()], ids),
        "honest: strong drift": (np.sort(y)[(drift * 2 - season).argsort().argsort()], ids),
        "honest: seasons": (np.sort(y)[season.argsort().argsort()], ids),
    }
    if not number:
        prefix = pl.Series(
            [f"{'ABCD'[k]}{c:05}" for k, c in zip(y, draw.permutation(n), strict=True)]
        )
        told["leak: prefix of the id"] = (y, prefix)
        told["leak: blocks of 50"] = (
            ranked.reshape(-1, 50)[draw.permutation(n // 50)].ravel(),
            pl.Series(draw.permutation(n)),
        )
    return told


def entities(y: np.ndarray, draw: np.random.Generator) -> dict[str, tuple[np.ndarray, pl.Series]]:
    """A target that is alike within entities, and columns that only look like it."""
    n = len(y)
    owner = draw.permutation(np.arange(n) // 5)
    shared = y[owner]
    mostly = np.where(draw.random(n) < 0.1, draw.permutation(y), shared)
    city, product = draw.integers(0, 30, n), draw.integers(0, max(25, n // 20), n)
    effect = draw.normal(0, 1, n)
    said = np.sort(y)[(effect[product] + draw.normal(0, 1, n)).argsort().argsort()]
    weak = np.sort(y)[(effect[city] * 0.5 + draw.normal(0, 1, n)).argsort().argsort()]
    age = draw.integers(18, 80, n)
    aged = np.sort(y)[(age + draw.normal(0, 3, n)).argsort().argsort()]
    return {
        "leak: customer_id, one target each": (shared, pl.Series("customer_id", owner)),
        "leak: Patient, 10 % differ": (mostly, named(owner, "P").alias("Patient")),
        "leak: ref, one target each": (shared, named(owner, "R-").alias("ref")),
        "honest: customer_id, independent": (y, pl.Series("customer_id", owner)),
        "honest: city": (weak, named(city, "city ").alias("city")),
        "honest: product, half explained": (said, named(product, "product ").alias("product")),
        "honest: store_id, some effect": (weak, pl.Series("store_id", city)),
        "honest: age, strong": (aged, pl.Series("age", age)),
        "honest: unique id": (y, pl.Series("id", np.arange(n))),
    }


def trial(kind: str, rows: int, seed: int, tally: Tally) -> None:
    """One data set of each sort."""
    draw = np.random.default_rng([seed, rows, list(TARGETS).index(kind)])
    shares = TARGETS[kind]
    task = "classification" if shares else "regression"
    y = classes(rows, shares, draw) if shares else draw.lognormal(5, 0.6, rows)

    def target(values: np.ndarray) -> pl.Series:
        return (named(values, "class ") if shares else pl.Series(values)).alias("y")

    planted = class_leaks(y, draw) if shares else number_leaks(y, draw)
    honest = honest_classes(y, draw) if shares else honest_numbers(y, draw)
    table = pl.DataFrame(
        {f"leak: {n}": c for n, c in planted.items()}
        | {f"honest: {n}": c for n, c in honest.items()}
    )
    found = leaks.find_leaks(table.with_columns(target(y)), "y", task, table.columns)
    for name in table.columns:
        tally[name, kind].append(name in found)
    for name, (values, ids) in orders(y, draw).items():
        frame = pl.DataFrame([target(values), ids.alias("id")])
        tally[f"order, {name}", kind].append(bool(leaks.find_order(frame, "y", task, ["id"])))
    for name, (values, column) in entities(y, draw).items():
        frame = pl.DataFrame([target(values), column])
        tally[f"entity, {name}", kind].append(
            bool(leaks.find_entity(frame, "y", task, [column.name]))
        )


def table(tally: Tally, title: str, keep: Callable[[str], bool]) -> None:
    print(f"\n{title:45}" + "".join(f"{kind:>14}" for kind in TARGETS))
    for name in dict.fromkeys(name for name, _ in tally if keep(name)):
        cells = [tally.get((name, kind), []) for kind in TARGETS]
        shown = "".join(f"{np.mean(c):14.1%}" if c else " " * 14 for c in cells)
        print(f"{name:45}{shown}")


def honest(name: str) -> bool:
    """Whether a feature is honest and not stronger than such features are."""
    kind = name.removeprefix("honest: ").split()[0].rstrip(",")
    strength = re.search(r"(?:AUC|r|yes/no,) ([\d.]+)", name)
    return "honest" in name and (not strength or float(strength[1]) <= BOUND[kind])


def total(tally: Tally) -> None:
    """False alarms per honest column."""
    alarms = {
        kind: np.mean([np.mean(c) for (n, k), c in tally.items() if k == kind and honest(n)])
        for kind in TARGETS
    }
    shown = "".join(f"{rate:14.2%}" for rate in alarms.values())
    print(f"{'honest columns within BOUND, on average':45}{shown}")


def speed() -> None:
    """A wide table."""
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(draw.normal(size=(50_000, 500)), [f"x{k}" for k in range(500)])
    for task, y in (
        ("classification", named(draw.integers(0, 2, 50_000))),
        ("regression", frame["x0"] ** 3),
    ):
        begun = time.perf_counter()
        found = leaks.find_leaks(frame.with_columns(y.alias("y")), "y", task, frame.columns)
        taken = time.perf_counter() - begun
        print(f"500 columns, 50,000 rows, {task}: {taken:.1f} s, found {list(found)}")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    sizes = (int(sys.argv[2]),) if len(sys.argv) > 2 else SIZES
    for rows in sizes:
        tally: Tally = defaultdict(list)
        sets = max(times // (10 if rows > 10_000 else 1), 1)
        for kind in TARGETS:
            for seed in range(sets):
                trial(kind, rows, seed, tally)
        table(tally, f"{rows:,} rows, {sets} data sets each", lambda name: "honest" not in name)
        table(tally, "false alarms", lambda name: "honest" in name)
        total(tally)
    if sizes == SIZES:
        speed()


if __name__ == "__main__":
    main()
