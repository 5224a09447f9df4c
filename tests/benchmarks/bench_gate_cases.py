"""The factory's gate where rows depend on one another, are heavy, or cannot be scored; and one
holdout that is asked again and again. By simulation, in process; nothing is fitted. Run by hand:

    .venv/bin/python tests/benchmarks/bench_gate_cases.py [--trials 200] [--case START]

In each trial champion and challenger are wrong in ways of which nine tenths are the same, as those
of a model and its retraining are. Over all rows that might have been drawn the challenger is
exactly as good as the champion, or better by exactly twice `gate.margin`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl
from mlfactory_runtime.gate.judge import Compared, judge
from mlfactory_runtime.learn.draws import Draws, independent, stretches
from mlfactory_runtime.learn.metrics import row_losses
from mlfactory_runtime.settings.params import Data, Params

Array = np.ndarray
ALIKE, WRONG, ROWS, DAYS = 0.9, 0.6, 2000, 200
LEVELS = (0.005, 0.01, 0.02)  # of the best test that there is of groups, on one side
TASKS = {"regression": "regression", "binary": "classification"}


@dataclass(frozen=True)
class Case:
    """What rows are drawn, and in what they came."""

    rows: int = ROWS
    task: str = "regression"
    places: str = ""
    groups: int = 60
    tail: bool = False
    lost: float = 0.0


CASES = {
    "numbers, 500 rows": Case(500),
    "numbers, 2,000 rows": Case(),
    "numbers, 6,000 rows": Case(6000),
    "classes, 2,000 rows": Case(task="binary"),
    "60 groups of 33 rows": Case(60 * 33, places="groups"),
    "90 groups of 22 rows": Case(90 * 22, places="groups", groups=90),
    "120 groups of 17 rows": Case(120 * 17, places="groups", groups=120),
    "split by time: 200 days of 10 rows": Case(places="days"),
    "heavy tails: Student's t with 3 degrees": Case(tail=True),
    "1 % of rows without an answer": Case(lost=0.01),
    "10 % of rows without an answer": Case(lost=0.1),
}
SEQUENCE, ASKED = "ten challengers, one holdout of 2,000 rows", 10


def settings(task: str) -> Params:
    return Params.model_validate(
        {"task": TASKS[task], "data": Data(path="none", target="y").model_dump()}
    )


def errors(case: Case, draw: np.random.Generator, count: int) -> Array:
    """Independent errors of spread 1, shape (count, rows), partly those of whole groups or days."""
    own = draw.normal(size=(count, case.rows))
    if case.places == "groups":
        shared = draw.normal(size=(count, case.groups))
        return 0.8 * own + 0.6 * np.repeat(shared, case.rows // case.groups, axis=1)
    if case.places == "days":
        shocks = draw.normal(size=(count, DAYS))
        for day in range(1, DAYS):
            shocks[:, day] = 0.6 * shocks[:, day - 1] + 0.8 * shocks[:, day]
        return 0.8 * own + 0.6 * np.repeat(shocks, case.rows // DAYS, axis=1)
    return own


@cache
def spread(task: str, gain: float) -> float:
    """How wrong a challenger is that is better by that share."""
    if task == "regression":
        return float(np.sqrt((1 - gain) ** 2 * (1 + WRONG**2) - 1))
    draw = np.random.default_rng(0)
    z, noise = 1.5 * draw.normal(size=200_000), draw.normal(size=200_000)
    truth, low, high = 1 / (1 + np.exp(-z)), 0.0, WRONG

    def loss(wrong: float) -> float:
        p = 1 / (1 + np.exp(-z - wrong * noise))
        return float(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)).mean())

    wanted = loss(WRONG) * (1 - gain)
    assert loss(0.0) < wanted
    for _ in range(30 if gain else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if loss(middle) < wanted else (low, middle)
    return high


def drawn(case: Case, seed: int, gain: float, challengers: int = 1) -> list[Compared]:
    """A champion against so many challengers, all on the same rows."""
    draw = np.random.default_rng(seed)
    known, noise, *wrongs = errors(case, draw, 3 + challengers)
    champion, *others = wrongs
    if case.tail:
        noise = draw.standard_t(3, case.rows) / np.sqrt(3)
    alike = [ALIKE * champion + np.sqrt(1 - ALIKE**2) * other for other in others]
    a, *each = (WRONG * champion, *(spread(case.task, gain) * other for other in alike))
    if case.task == "binary":
        z = 1.5 * known
        y = (draw.random(case.rows) < 1 / (1 + np.exp(-z))).astype(float)
        a, *each = (1 / (1 + np.exp(-z - wrong)) for wrong in (a, *each))
    else:
        y, a, *each = (known + part for part in (noise, a, *each))
    answered = draw.random(case.rows) >= case.lost
    return [compared(case, y, a, b, answered) for b in each]


def compared(case: Case, y: Array, a: Array, b: Array, answered: Array) -> Compared:
    """What the gate is given of them."""
    places = np.arange(case.rows)
    if case.places == "groups":
        places //= case.rows // case.groups
    found = Draws(places, "groups" if case.places else "rows")
    if case.places == "days":
        days = pl.Series(places // (case.rows // DAYS))
        found = Draws(stretches(days), "stretches", ordered=True)
        metric = "log_loss" if case.task == "binary" else "rmse"
        found = independent(found, row_losses(metric, y, a) - row_losses(metric, y, b))
    whole = Compared(case.task, y, a, b, found.places, found.what, found.ordered)
    return replace(whole.at(np.flatnonzero(answered)), lost=int((~answered).sum()))


def verdicts(case: Case, trials: int, gain: float) -> Counter[str]:
    """What the gate says in so many trials."""
    params = settings(case.task)
    each = (drawn(case, seed, gain)[0] for seed in range(trials))
    return Counter(str(judge(one, [], params).verdict) for one in each)


def seems_better(one: Compared, params: Params) -> bool:
    """Whether the better number is better by half the margin: else the gate need not be asked."""
    before, after = (float(np.sqrt(np.mean((one.y - p) ** 2))) for p in (one.a, one.b))
    return before - after >= before * params.gate.margin / 2


def bounds(case: Case, trials: int, gain: float) -> list[float]:
    """In which share of trials Student's test of the groups' own gains sees the better one.

    Where nothing is known of groups but what they gain, no unbiased test of normal gains sees more
    (Lehmann and Romano, Testing Statistical Hypotheses, 2022, 5.2).
    """
    from scipy.stats import t

    statistics = []
    for seed in range(trials):
        one = drawn(case, seed, gain)[0]
        gains = ((one.y - one.a) ** 2 - (one.y - one.b) ** 2).reshape(case.groups, -1).mean(axis=1)
        statistics.append(gains.mean() / gains.std(ddof=1) * case.groups**0.5)
    quantiles = [float(t.isf(level, case.groups - 1)) for level in LEVELS]
    return [float(np.mean([one > least for one in statistics])) for least in quantiles]


def sequences(trials: int) -> float:
    """In which share of sequences any challenger that is only as good is promoted."""
    params, case = settings("regression"), Case()
    hits = 0
    for seed in range(trials):
        each = drawn(case, seed, 0.0, ASKED)
        hits += any(
            judge(one, [], params).verdict == "better" for one in each if seems_better(one, params)
        )
    return hits / trials


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--case", default="", metavar="START")
    given = parser.parse_args()
    by: dict[str, Callable[[Params], float]] = {
        "as good": lambda _: 0.0,
        "better by twice the margin": lambda params: 2 * params.gate.margin,
    }
    print(f"{given.trials} trials each\n\n| rows | challenger | promoted | verdicts |")
    print("|---|---|--:|---|")
    for name, case in CASES.items():
        for kind, gain in by.items() if name.startswith(given.case) else ():
            found = verdicts(case, given.trials, gain(settings(case.task)))
            told = ", ".join(f"{verdict} {count}" for verdict, count in found.most_common())
            share = found["better"] / given.trials
            print(f"| {name} | {kind} | {share:.1%} | {told} |", flush=True)
        if name.startswith(given.case) and case.places == "groups":
            best = bounds(
                case, 10 * given.trials, by["better by twice the margin"](settings(case.task))
            )
            at = zip(LEVELS, best, strict=True)
            text = ", ".join(f"{share:.1%} at {level:.1%}" for level, share in at)
            print(f"| {name} | the best test of groups | {text} | |", flush=True)
    if SEQUENCE.startswith(given.case):
        share = sequences(given.trials)
        print(f"| {SEQUENCE} | as good | {share:.1%} of sequences promote any | |", flush=True)
    print(f"\n{time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    main()
