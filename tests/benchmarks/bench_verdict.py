"""Does an interval of 95 % hold the truth in 95 % of cases, how often is pure noise accepted, and
how often a real but modest effect? Run by hand with the Python of this repository:

    .venv/bin/python tests/benchmarks/bench_verdict.py [intervals|noise|effects] [DRAWS] [CASE]

Intervals: a fixed prediction is scored on rows drawn anew each time; the truth is its metric on
very many such rows. Verdicts: each table is split, learned from and judged as in a factory, by the
same functions and by the template's model.py with at most ROUNDS trees, and no files in between.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import loading  # noqa: F401  # makes `factory` known
import numpy as np
import polars as pl
from factory import model
from mlfactory_runtime.data.rows import key_text
from mlfactory_runtime.draft.split import find_group
from mlfactory_runtime.learn import baselines, linear
from mlfactory_runtime.learn.copies import comparable, copies
from mlfactory_runtime.learn.draws import Draws, draws, independent, stretches
from mlfactory_runtime.learn.evaluate import judge
from mlfactory_runtime.learn.few import with_moments
from mlfactory_runtime.learn.matrix import matrix, usable
from mlfactory_runtime.learn.metrics import evaluate, measure, primary, row_losses
from mlfactory_runtime.learn.signature import Signature, describe
from mlfactory_runtime.learn.split import (
    NEITHER,
    SIDE,
    by_both,
    by_hash,
    by_time,
    cutoffs,
    split_key,
    without_copies,
)
from mlfactory_runtime.learn.validation import predict_unseen, validate, with_validation
from mlfactory_runtime.records.data import SplitRecord
from mlfactory_runtime.settings.catalog import Catalog
from mlfactory_runtime.settings.decision import Decision
from mlfactory_runtime.settings.params import Params

ROUNDS, ENOUGH = 60, 400_000
Array = np.ndarray
Draw = np.random.Generator
DAYS = pl.date_range(pl.date(2024, 1, 1), pl.date(2026, 12, 31), eager=True)


# Intervals ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """Held-out rows, the prediction for them, and what they came in."""

    y: Array
    p: Array
    places: Array | None = None
    ordered: bool = False

    @property
    def drawn(self) -> Array | None:
        """What is drawn together: stretches so long that losses in one tell nothing of the next."""
        if self.places is None or not self.ordered:
            return self.places
        whole = Draws(self.places, ordered=True)
        return independent(whole, (self.y - self.p) ** 2).places


def iid(draw: Draw, size: int = 400) -> Sample:
    x = draw.normal(size=size)
    return Sample(x + draw.normal(size=size), 0.8 * x)


def groups(draw: Draw, size: int = 30) -> Sample:
    """Shops of 5 to 60 rows with an effect of their own, which the prediction does not know."""
    place = np.repeat(np.arange(size), draw.integers(5, 60, size))
    x, effect = draw.normal(size=len(place)), draw.normal(size=size)[place]
    return Sample(x + effect + draw.normal(size=len(place)), 0.8 * x, place)


def panel(draw: Draw, size: int = 60) -> Sample:
    """20 shops on each of so many days, which have an effect that lasts for some days."""
    shocks = draw.normal(size=size)
    for day in range(1, size):
        shocks[day] += 0.5 * shocks[day - 1]
    day = np.repeat(np.arange(size), 20)
    x = draw.normal(size=len(day))
    y = x + shocks[day] + draw.normal(size=len(day))
    return Sample(y, 0.8 * x, stretches(pl.Series(day)), ordered=True)


def rare(draw: Draw, size: int = 5000) -> Sample:
    """0.6 % positives; the prediction knows their odds but for some noise."""
    x = draw.normal(size=size)
    odds = -6.0 + 1.3 * x
    p = 1 / (1 + np.exp(-(odds + 0.3 * draw.normal(size=size))))
    return Sample((draw.random(size) < 1 / (1 + np.exp(-odds))).astype(float), p)


def heavy(draw: Draw, size: int = 1000) -> Sample:
    """Errors of Student's t with 3 degrees: the mean square exists, and its variance does not."""
    x = draw.normal(size=size)
    return Sample(x + draw.standard_t(3, size), 0.8 * x)


CASES: dict[str, tuple[Callable[..., Sample], str, tuple[str, ...], int]] = {
    "single rows: 400": (iid, "regression", ("rmse", "mae", "r2"), ENOUGH),
    "groups: 30 shops": (groups, "regression", ("rmse", "mae", "r2"), ENOUGH // 30),
    "panel: 60 days of 20 shops": (panel, "regression", ("rmse", "mae", "r2"), ENOUGH // 20),
    "rare class: 0.6 % of 5,000": (rare, "binary", ("log_loss", "roc_auc", "pr_auc"), ENOUGH * 5),
    "heavy tail: 1,000": (heavy, "regression", ("rmse", "mae", "r2"), ENOUGH * 10),
}


def coverage(count: int, case: str) -> Iterator[str]:
    yield "| case | metric | truth | holds the truth | alone |"
    yield "|---|---|--:|--:|--:|"
    for name, (draw, task, metrics, many) in CASES.items():
        if not name.startswith(case):
            continue
        whole = draw(np.random.default_rng(10**6), many)
        ones = np.ones(len(whole.y))
        truth = measure(task, whole.y, whole.p, Decision())(ones)
        hits: Counter[tuple[str, bool]] = Counter()
        for seed in range(count):
            one = draw(np.random.default_rng(seed))
            drawn = one.drawn
            for places in {id(drawn): drawn, id(None): None}.values():
                scored, chance = {"model": one.p}, 10**7 + seed  # the rows have drawn from `seed`
                found, _ = evaluate(task, one.y, scored, Decision(), chance, places=places)
                for metric in metrics:
                    ends = found["model"][metric]
                    inside = (ends.low or 0) <= truth[metric] <= (ends.high or 0)
                    hits[metric, places is None] += inside
        for metric in metrics:
            own = hits[metric, one.places is None] / count
            alone = "" if one.places is None else f"{hits[metric, True] / count:.1%}"
            yield f"| {name} | {metric} | {truth[metric]:.4g} | {own:.1%} | {alone} |"


# Verdicts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Rows with a target `y`, and what is told of them: an identifier, a time."""

    rows: pl.DataFrame
    id: str = "row"
    time: str | None = None


def outcome(draw: Draw, score: Array, *, classes: bool) -> pl.Series:
    """Numbers as they are, or two classes that are drawn with these log-odds."""
    if not classes:
        return pl.Series(score)
    return pl.Series(draw.random(len(score)) < 1 / (1 + np.exp(-score))).cast(pl.String)


def columns(x: Array) -> dict[str, Array]:
    return {f"x{place}": x[:, place] for place in range(x.shape[1])}


def names(count: int, stem: str = "R") -> list[str]:
    return [f"{stem}{number:05d}" for number in range(count)]


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """In random order, so that equal rows are not side by side, each with an id of its own."""
    mixed = rows.sample(fraction=1, shuffle=True, seed=rows.height)
    return mixed.with_columns(row=pl.Series(names(rows.height)))


def plain(draw: Draw, classes: bool, rows: int = 600, width: int = 8) -> Table:
    x, kind = draw.normal(size=(rows, width)), draw.integers(0, 12, rows)
    y = outcome(draw, draw.normal(size=rows) * (not classes), classes=classes)
    return Table(with_ids(pl.DataFrame({**columns(x), "kind": kind.astype(str), "y": y})))


def copied(draw: Draw, classes: bool) -> Table:
    """Every row four times under an own id."""
    once = plain(draw, classes, 250).rows.drop("row")
    return Table(with_ids(pl.concat([once] * 4)))


def customers(draw: Draw, classes: bool) -> Table:
    """One random outcome per customer, whose rows are alike but not equal; each has an own id."""
    place = np.repeat(np.arange(150), 8)
    x = draw.normal(size=(150, 6))[place] + 0.1 * draw.normal(size=(len(place), 6))
    y = outcome(draw, draw.normal(size=150) * (not classes), classes=classes)[place]
    whom = pl.Series(names(150, "C"))[place]
    return Table(with_ids(pl.DataFrame({**columns(x), "customer": whom, "y": y})))


def shops(draw: Draw, classes: bool) -> Table:
    """Shops with an effect and features of their own that have nothing to do with each other."""
    place = np.repeat(np.arange(60), 40)
    x = np.hstack([draw.normal(size=(60, 5))[place], draw.normal(size=(len(place), 2))])
    y = draw.normal(size=60)[place] + draw.normal(size=len(place)) * (0.5 if not classes else 0)
    rows = {**columns(x), "shop": pl.Series(names(60, "S"))[place]}
    return Table(pl.DataFrame({**rows, "y": outcome(draw, y, classes=classes)}), "shop")


def dated(draw: Draw, classes: bool) -> Table:
    """Shops by day: outcome and features drift, and have nothing to do with each other."""
    days, count = 200, 12

    def walk(width: int) -> Array:
        steps = draw.normal(size=(days, width))
        for day in range(1, days):
            steps[day] += 0.9 * steps[day - 1]
        return steps

    day = np.repeat(np.arange(days), count)
    x = np.hstack([walk(4)[day], draw.normal(size=(len(day), 3))])
    score = walk(1)[day, 0] + draw.normal(size=len(day))
    rows = {**columns(x), "shop": pl.Series(names(count, "S") * days), "day": DAYS[day]}
    return Table(pl.DataFrame({**rows, "y": outcome(draw, score, classes=classes)}), "shop", "day")


def monthly(draw: Draw, classes: bool) -> Table:
    """40 shops in 30 months, of which 6 are held out; what drifts is the same in all shops."""
    months, count = 30, 40
    steps = draw.normal(size=(months, 4))
    for month in range(1, months):
        steps[month] += 0.6 * steps[month - 1]
    month = np.repeat(np.arange(months), count)
    x = np.hstack([steps[month, :3], draw.normal(size=(len(month), 3))])
    score = steps[month, 3] + draw.normal(size=len(month))
    rows = {**columns(x), "shop": pl.Series(names(count, "S") * months), "day": DAYS[month * 30]}
    return Table(pl.DataFrame({**rows, "y": outcome(draw, score, classes=classes)}), "shop", "day")


def wide(draw: Draw, classes: bool) -> Table:
    return plain(draw, classes, 400, 1500)


def modest(draw: Draw, classes: bool, rows: int) -> Table:
    """A bend in one column and a product of two: R² about 0.12, or an AUC of about 0.65."""
    x = draw.normal(size=(rows, 8))
    effect = (x[:, 0] ** 2 - 1) / 2 + x[:, 1] * x[:, 2] / 2
    score = effect * 0.85 if classes else effect * 0.43 + draw.normal(size=rows)
    return Table(with_ids(pl.DataFrame({**columns(x), "y": outcome(draw, score, classes=classes)})))


Kinds = dict[str, Callable[[Draw, bool], Table]]
NOISE: Kinds = {
    "rows": plain, "copies": copied, "customers": customers, "groups": shops, "panels": dated,
    "months": monthly, "1,500 columns": wide,
}  # fmt: skip
EFFECTS: Kinds = {
    f"{rows:,} rows": lambda draw, classes, rows=rows: modest(draw, classes, rows)
    for rows in (500, 1500)
}


def catalog_of(table: Table) -> Catalog:
    """The catalog as a draft would have it."""
    kinds = {pl.String: "string", pl.Date: "date", pl.Boolean: "bool"}
    roles = {"y": "target", "row": "identifier", "shop": "identifier", "customer": "identifier"}
    entries: dict[str, Any] = {}
    for name, dtype in table.rows.schema.items():
        kind = kinds.get(type(dtype), "float")
        role = {"string": "categorical", "date": "datetime", "float": "numeric"}[kind]
        role = roles.get(name, role)
        entries[name] = {"dtype": kind, "role": role, "availability": "batch"}
    return Catalog.model_validate({"columns": entries})


def settings(table: Table, catalog: Catalog) -> Params:
    """The settings as a draft would write them."""
    task = "classification" if table.rows["y"].dtype == pl.String else "regression"
    data = {"path": "data/raw/a.csv", "target": "y", "id": table.id, "time": table.time}
    small = {"max_rounds": ROUNDS, "averaged": 2, "early_stopping_rounds": 10}
    known = {"task": task, "data": data, "model": small, "split": {"salt": None}}
    params = Params.model_validate(known)
    described = {
        name: {"role": column.role, "drafted": ""} for name, column in catalog.columns.items()
    }
    group, _ = find_group(table.rows, described, params)
    split = {"salt": "bench", "group": tuple(group) if isinstance(group, list) else group}
    return params.model_copy(update={"split": params.split.model_copy(update=split)})


def parts_of(
    table: Table, catalog: Catalog, params: Params
) -> tuple[list[pl.DataFrame], SplitRecord]:
    """Train, validation and holdout."""
    rows, time, end = table.rows, params.data.time, None
    sides = by_hash(key_text(rows, split_key(params)), params.split)
    rows = rows.with_columns(sides.alias(SIDE))
    if time:
        end, begin = cutoffs(rows[time], params.split)
        grouped = bool(params.split.group)
        side = by_both(pl.col(time), end) if grouped else by_time(pl.col(time), end, begin)
        rows = rows.with_columns(side.alias(SIDE)).filter(pl.col(SIDE) != NEITHER)
    kept = without_copies(rows.lazy(), comparable(catalog, params), params)[0].collect()
    parts = [kept.filter(pl.col(SIDE) == side) for side in range(3)]
    record = SplitRecord(
        kind="time" if end else "hash", cutoff=None, rows={}, unlabelled=0, warnings=(), data="",
    )  # fmt: skip
    return parts, record


def verdict(table: Table, seed: int) -> str:
    """What a factory would say of the table."""
    catalog = catalog_of(table)
    params = settings(table, catalog)
    parts, split = parts_of(table, catalog, params)
    classes = ("false", "true") if params.task == "classification" else ()
    features = tuple(
        describe(name, column.dtype, column.role, parts[0][name])
        for name, column in catalog.features(params).items()
    )
    task = "binary" if classes else "regression"
    known = Signature(task=task, target="y", classes=classes, features=features)
    fitting, stopping, scoring = (matrix(part, known, same_frame) for part in parts)
    fitted = model.fit(fitting, stopping, known, params.model.model_copy(update={"seed": seed}))
    metric = primary(task, params.model)
    constant = baselines.constants(fitting.y, known, params.decision)[metric]
    scored = {
        "model": np.asarray(model.predict(fitted, scoring.x)),
        "naive": np.broadcast_to(constant, (len(scoring.y), *constant.shape)),
        "linear": linear.predict(linear.fit(fitting, stopping, known, params.model), scoring.x),
    }
    held = usable(parts[2], known, same_frame)
    lost, own = (row_losses(metric, scoring.y, scored[name]) for name in ("naive", "model"))
    drawn = draws(held, split, params, copies(held, catalog, params))
    drawn = independent(drawn, lost - own, own)
    found = judge(known, scoring.y, scored, params, units=drawn)
    if found.verdict != "accepted":
        return found.verdict
    stand_in: Any = SimpleNamespace(
        params=params, catalog=catalog, compute=same_frame, metrics={}, estimator=model
    )
    rows = {"train": parts[0], "validation": parts[1]}
    tried, _ = validate(predict_unseen(stand_in, rows, known), known, stand_in)
    found = with_validation(found, tried, metric)
    return with_moments(found, held, lost - own, split, params).verdict


def same_frame(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def accepted(
    kinds: dict[str, Callable[[Draw, bool], Table]], count: int, case: str
) -> Iterator[str]:
    yield "| tables | numbers | classes | all |"
    yield "|---|--:|--:|--:|"
    for name, make in kinds.items():
        if not name.startswith(case):
            continue
        found = []
        for seed in range(count):
            draw, classes = np.random.default_rng(seed), bool(seed % 2)
            found.append(verdict(make(draw, classes), seed) == "accepted")
        shares = [np.mean(found[0::2]), np.mean(found[1::2]), np.mean(found)]
        yield f"| {name} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    case = sys.argv[3] if len(sys.argv) > 3 else ""
    parts = {
        "intervals": lambda: coverage(count or 200, case),
        "noise": lambda: accepted(NOISE, count or 100, case),
        "effects": lambda: accepted(EFFECTS, count or 100, case),
    }
    for name, part in parts.items():
        if wanted in ("", name):
            begun = time.process_time()
            for line in part():
                print(line, flush=True)
            print(f"\n{name}: {time.process_time() - begun:.0f} s of processor time\n", flush=True)


if __name__ == "__main__":
    main()
