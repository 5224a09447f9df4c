"""The factory's gate beside the field's habits, over many simulated trials. Run by hand with the
Python of this repository:

    .venv/bin/python tests/benchmarks/bench_gate.py [--trials 300] [--rows 30000]

In each trial a champion is trained on the rows that are not held out, without a column that helps.
Two challengers come up against it:

- `by luck`: the same columns and rows, another seed of bagging, which changes every model a bit;
- `by the margin`: a blend with a model that has the column, so weighted that over the whole
  population (the truth is known here) its log loss is lower by exactly `gate.margin`.

Four rules judge them. `gate`: the factory's, on the rows that its split by hash holds out. `point`:
the same rows, and the better number wins. `re-shuffled`: the challenger is trained on a split drawn
anew, and both are scored on its test rows, most of which the champion has learned from; again by
the factory's rule and by the better number.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from mlfactory_runtime import lightgbm
from mlfactory_runtime.gate import judge as gate
from mlfactory_runtime.learn import metrics, signature, split
from mlfactory_runtime.learn.matrix import Matrix
from mlfactory_runtime.settings import params

Array = np.ndarray
COLUMNS, POPULATION = 8, 40_000
KINDS = ("by luck", "by the margin")
RULES = ("gate", "point", "re-shuffled, gate", "re-shuffled, point")

SETTINGS = params.Params(task="classification", data=params.Data(path="none", target="y", id="id"))
QUICK = params.Model(learning_rate=0.1, num_leaves=15, max_rounds=400, early_stopping_rounds=50)
SIGNATURE = signature.Signature(
    task="binary",
    target="y",
    classes=("no", "yes"),
    features=tuple(
        signature.Feature(name=f"x{i}", dtype="float", role="numeric", missing_seen=True)
        for i in range(COLUMNS)
    ),
)


@dataclass(frozen=True)
class World:
    """Rows, their outcomes, and how likely each outcome was."""

    x: Array
    y: Array
    truth: Array

    def blind(self) -> Array:
        """What the champion knows: the first column is noise to it."""
        x = self.x.copy()
        x[:, 0] = np.random.default_rng(0).permutation(x[:, 0])
        return x


@dataclass(frozen=True)
class Models:
    """What was trained on one split: without the column, and with it."""

    blind: Any
    seeing: Any
    share: float = 0.0

    def score(self, world: World, rows: Array) -> Array:
        """Probabilities, of which `share` is that of the model that has the column."""
        p = lightgbm.predict(self.blind, world.blind()[rows])
        if not self.share:
            return p
        return (1 - self.share) * p + self.share * lightgbm.predict(self.seeing, world.x[rows])


def world(rows: int, draw: np.random.Generator) -> World:
    x = draw.normal(size=(rows, COLUMNS))
    z = 0.8 * x[:, 0] + np.sin(2 * x[:, 1]) + 0.8 * x[:, 2] * x[:, 3] + 0.4 * x[:, 4] - 0.5
    truth = 1 / (1 + np.exp(-z))
    return World(x, (draw.random(rows) < truth).astype(float), truth)


def trained(x: Array, known: World, side: Array, seed: int) -> Any:
    """A booster whose rows are drawn anew for each tree: the seed alone changes it."""
    fixed = {"averaged", "max_rounds", "early_stopping_rounds", "seed"}
    parameters = {
        "objective": "binary", "deterministic": True, "force_row_wise": True, "verbosity": -1,
        "num_threads": 1, "bagging_fraction": 0.8, "bagging_freq": 1, "seed": seed,
        **QUICK.model_dump(exclude=fixed),
    }  # fmt: skip
    parts = (Matrix(x[side == k], known.y[side == k]) for k in (0, 1))
    return (lightgbm.grow(next(parts), parameters, SIGNATURE, QUICK, next(parts)),)


def sides(rows: int, salt: str) -> Array:
    """The factory's split: 0 train, 1 validation, 2 holdout."""
    keys = pl.Series([str(row) for row in range(rows)])
    return split.by_hash(keys, params.Split(salt=salt)).to_numpy()


def loss(truth: Array, p: Array) -> float:
    """The expected log loss, the truth being known."""
    return float(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)).mean())


def challenger(known: World, side: Array, seed: int, champion: Array, people: World) -> Models:
    """Models on one split, and the share at which a blend is better by exactly the margin."""
    blind = trained(known.blind(), known, side, seed)
    seeing = trained(known.x, known, side, seed + 1)
    without, full = lightgbm.predict(blind, people.blind()), lightgbm.predict(seeing, people.x)
    wanted = loss(people.truth, champion) * (1 - SETTINGS.gate.margin)
    low, high = 0.0, 1.0
    assert loss(people.truth, full) < wanted < loss(people.truth, without)
    for _ in range(30):
        middle = (low + high) / 2
        worse = loss(people.truth, (1 - middle) * without + middle * full) > wanted
        low, high = (middle, high) if worse else (low, middle)
    return Models(blind, seeing, high)


def judged(y: Array, a: Array, b: Array) -> tuple[str, bool]:
    """The verdict of the factory's rule, and whether the challenger has the better number."""
    rows = gate.Compared("binary", y, a, b, np.arange(len(y)))
    whole = np.ones(len(y))
    before, after = (
        metrics.measure("binary", y, p, SETTINGS.decision)(whole)["log_loss"] for p in (a, b)
    )
    return str(gate.judge(rows, [], SETTINGS).verdict), after < before


def trial(number: int, rows: int) -> tuple[dict[tuple[str, str], str], float]:
    """What each rule says of each challenger; by which share luck alone made one truly better."""
    draw = np.random.default_rng(number)
    known, people = world(rows, draw), world(POPULATION, draw)
    fair, drawn = sides(rows, f"{number}"), sides(rows, f"{number} anew")
    champion = trained(known.blind(), known, fair, 1000 * number)
    everyone = lightgbm.predict(champion, people.blind())
    verdicts, lucky = {}, []
    for split_of, prefix in ((fair, ""), (drawn, "re-shuffled, ")):
        made = challenger(known, split_of, 1000 * number + 500, everyone, people)
        by_luck = loss(people.truth, lightgbm.predict(made.blind, people.blind()))
        lucky.append(1 - by_luck / loss(people.truth, everyone))
        held = split_of == 2
        a = lightgbm.predict(champion, known.blind()[held])
        for kind, share in zip(KINDS, (0.0, made.share), strict=True):
            b = Models(made.blind, made.seeing, share).score(known, held)
            assert not np.array_equal(a, b)
            verdict, ahead = judged(known.y[held], a, b)
            verdicts[kind, f"{prefix}gate"] = verdict
            verdicts[kind, f"{prefix}point"] = "better" if ahead else "not better"
    return verdicts, lucky[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="The gate over simulated trials.")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--rows", type=int, default=30_000)
    given = parser.parse_args()
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    lucky, start = [], time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        numbers = range(given.trials)
        for verdicts, gained in pool.map(trial, numbers, [given.rows] * given.trials):
            lucky.append(gained)
            for case, verdict in verdicts.items():
                found[case][verdict] += 1
    took = time.perf_counter() - start
    print(f"{given.trials} trials, {given.rows:,} rows of which 20 % are held out, {took:.0f} s")
    print(f"luck alone changes the true log loss by {np.std(lucky):.2%} (standard deviation)")
    print("| challenger | rule | promoted | verdicts |\n|---|---|--:|---|")
    for kind in KINDS:
        for rule in RULES:
            counts = found[kind, rule]
            told = ", ".join(f"{name} {count}" for name, count in counts.most_common())
            print(f"| {kind} | {rule} | {counts['better'] / given.trials:.1%} | {told} |")


if __name__ == "__main__":
    main()
