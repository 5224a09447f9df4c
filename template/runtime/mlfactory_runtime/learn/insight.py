"""What people ask of a model, measured on held-out rows: for whom is it less good, how do features
act, what do the highest predictions hold, what does a threshold cost.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import erfc, sqrt

import numpy as np
import polars as pl

from ..errors import FactoryError
from ..records.evaluation import Costs, Effect, Importance, Lift, Segment, Segments
from ..settings.catalog import Catalog
from ..settings.params import Decision, Params
from .draws import FEWEST
from .groups import Groups, grouped, is_ordered
from .metrics import Array, curve, row_losses, widened
from .signature import Signature

ROWS, SAMPLE = 20_000, 500
ENOUGH, FEW = 30, 5
WORST, ACTING, VALUES = 5, 6, 10
TOP = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Insights:
    """All that the report tells beyond metrics."""

    segments: Segments
    effects: tuple[Effect, ...]
    lift: tuple[Lift, ...]
    decision: Costs | None


@dataclass(frozen=True)
class Held:
    """Held-out rows: columns and features, matrix, target, what model and constant predict."""

    signature: Signature
    frame: pl.DataFrame
    x: Array
    y: Array
    p: Array
    constant: Array
    places: Array  # whom each row is about, from 0: rows of one count as one

    def some(self, seed: int) -> "Held":
        """At most ROWS of them, in their order."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self.y))[:ROWS])
        known = (self.x, self.y, self.p, self.constant, self.places)
        parts = (part[rows] for part in known)
        return Held(self.signature, self.frame[rows], *parts)


def insights(
    held: Held,
    score: Callable[[Array], Array],
    importance: Sequence[Importance],
    catalog: Catalog,
    params: Params,
) -> Insights:
    """All that the report tells beyond metrics; `score` predicts for rows of the matrix."""
    some, chosen = held.some(params.model.seed), params.report.segments
    salt = params.split.salt or params.data.target
    binary, parts = held.signature.task == "binary", 10 if len(some.y) >= 100 else 4
    quarters = {
        name: grouped(some.frame[name], 4, catalog, salt)
        for name in dict.fromkeys([*catalog.features(params), *chosen])
    }
    effects = (
        effect(
            some,
            line.feature,
            grouped(some.frame[line.feature], parts, catalog, salt),
            score,
            ordered=is_ordered(catalog, some.frame[line.feature]),
        )
        for line in importance[:ACTING]
        if line.gain > 0
    )
    return Insights(
        segments(some, quarters, chosen),
        tuple(one for one in effects if one and len(one.groups) > 1),
        lift(held.y, held.p) if binary else (),
        costs(held.y, held.p, held.places, params.decision) if binary else None,
    )


def check_segments(catalog: Catalog, params: Params) -> None:
    """Raises FactoryError for a name in `report.segments` that rows cannot be compared by."""
    known = [name for name in (*catalog.columns, *catalog.derived) if name != params.data.target]
    for name in params.report.segments:
        if name not in known:
            nearest = get_close_matches(name, known, 1, 0.0)
            raise FactoryError(
                f"report.segments names {name!r}, and rows cannot be compared by that",
                f"did you mean {nearest[0]!r}? Name columns or features of features.yaml",
            )


def segments(held: Held, groups: dict[str, Groups], chosen: Iterable[str]) -> Segments:
    """The primary metric by groups of rows: of the chosen columns, and where it is surely worse.

    Surely worse is a group with a mean loss above that of all other rows, in a one-sided Welch
    test at 5 % that is corrected for the number of groups looked at (Bonferroni). Its standard
    errors are those of whom rows are about.
    """
    task = held.signature.task
    loss, constant = row_losses(task, held.y, held.p), row_losses(task, held.y, held.constant)
    parts = [
        (name, label, rows)
        for name, found in groups.items()
        for label, rows in found
        if _comparable(held, rows)
    ]
    scaled = (loss - loss.mean()) / (loss.std() or 1.0)
    worse = [part for part in parts if _chance(scaled, held.places, part[2]) * len(parts) < 0.05]

    def segment(name: str, label: str, rows: Array) -> Segment:
        rest = _metric(held, float(np.delete(loss, rows).mean()))
        own = {"feature": name, "group": label, "rest": rest}
        return _segment(held, loss, constant, rows).model_copy(update=own)

    shown = {name: [part for part in parts if part[0] == name][:VALUES] for name in chosen}
    worst = sorted((segment(*part) for part in worse), key=lambda one: -one.value)[:WORST]
    return Segments(
        looked_at=len(parts),
        worse=len(worse),
        all=_segment(held, loss, constant, np.arange(len(held.y))),
        worst=tuple(worst),
        chosen={name: tuple(segment(*part) for part in some) for name, some in shown.items()},
    )


def _comparable(held: Held, rows: Array) -> bool:
    rest = np.delete(held.places, rows)
    if min(len(rows), len(rest)) < ENOUGH or min(_count(held.places[rows]), _count(rest)) < FEWEST:
        return False
    return held.signature.task == "regression" or bool(np.ptp(held.y[rows]) > 0)


def _count(places: Array) -> int:
    return int(np.count_nonzero(np.bincount(places))) if len(places) else 0


def _chance(scaled: Array, places: Array, rows: Array) -> float:
    """The chance that luck makes rows so much worse than all others; losses in standard units."""
    mean, error = _mean(scaled[rows], places[rows])
    others, spread = _mean(np.delete(scaled, rows), np.delete(places, rows))
    z = (mean - others) / (sqrt(error**2 + spread**2) or 1.0)
    return 0.5 * erfc(z / sqrt(2))


def _segment(held: Held, loss: Array, constant: Array, rows: Array) -> Segment:
    """The metric on some rows with its 95 % interval, and that of the constant."""
    mean, error = _mean(loss[rows], held.places[rows])
    single = held.p.ndim == 1
    return Segment(
        rows=len(rows),
        value=_metric(held, mean),
        low=_metric(held, max(mean - 1.96 * error, 0.0)),
        high=_metric(held, mean + 1.96 * error),
        constant=_metric(held, constant[rows].mean()),
        predicted=_short(held.p[rows].mean()) if single else None,
        observed=_short(held.y[rows].mean()) if single else None,
    )


def _metric(held: Held, loss: float) -> float:
    return _short(sqrt(loss) if held.signature.task == "regression" else loss)


def _mean(values: Array, places: Array) -> tuple[float, float]:
    """The mean and its standard error, where rows of one place depend on each other.

    Of few places it is widened, as Student's distribution asks; of single rows it is the usual one.
    """
    mean, count = float(values.mean()), _count(places)
    off = np.bincount(places, values - mean)
    wider = 1.0 if count == len(values) else widened(count)
    return mean, wider * sqrt(float((off**2).sum()) * count / max(count - 1, 1)) / len(values)


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def effect(
    held: Held, name: str, groups: Groups, score: Callable[[Array], Array], *, ordered: bool
) -> Effect | None:
    """Partial dependence: the mean prediction for a sample of rows when all are given one value,
    for each group its middle one; and what was observed in the group. None without such groups.

    Of more than two classes, it is about the one whose probability changes most.
    """
    shown = [(label, rows) for label, rows in groups if len(rows) >= FEW][: VALUES + 1]
    if not shown:
        return None
    place = [feature.name for feature in held.signature.features].index(name)
    sample = held.x[np.random.default_rng(0).permutation(len(held.x))[:SAMPLE]]
    asked = np.tile(sample, (len(shown), 1))
    values = [np.sort(held.x[rows, place])[len(rows) // 2] for _, rows in shown]
    asked[:, place] = np.repeat(values, len(sample))
    means = score(asked).reshape(len(shown), len(sample), -1).mean(axis=1)
    about = int(np.ptp(means, axis=0).argmax())
    observed = held.y if held.p.ndim == 1 else held.y == about
    pairs = zip(shown, means[:, about], strict=True)
    return Effect(
        feature=name,
        about=held.signature.classes[about] if held.p.ndim > 1 else None,
        left_out=len(groups) - len(shown),
        groups=tuple(
            Effect.Group(
                group=label, predicted=_short(mean), observed=_short(observed[rows].mean())
            )
            for (label, rows), mean in pairs
        ),
        ordered=ordered,
    )


def lift(y: Array, p: Array) -> tuple[Lift, ...]:
    """What the rows with the highest probability hold of the positive class; equal ones share."""
    positive, negative = curve(y, p)
    rows, found = np.append(0, positive + negative), np.append(0, positive)
    lines = []
    for share in TOP if found[-1] else ():
        if (top := round(share * len(y))) >= FEW:
            there = np.interp(top, rows, found)
            part = there / found[-1]
            numbers = {"positives": there, "share": part, "lift": part * len(y) / top}
            short = {name: _short(number) for name, number in numbers.items()}
            lines.append(Lift(top=share, rows=top, **short))
    return tuple(lines)


def costs(y: Array, p: Array, places: Array, decision: Decision) -> Costs:
    """What calls cost per row: at the threshold, for nobody and everybody, and at the cheapest.

    The threshold is improvable if another would surely save more than a tenth. Surely: the cheapest
    one of either half of the rows is tried on the other half, for on its own it is flattered.
    """
    thresholds, by_threshold = cost_curve(y, p, decision)
    cheapest = int(by_threshold.argmin())
    half, saved = places % 2 == 1, np.zeros(len(y))
    paid = row_costs(y, p, decision, decision.chosen_threshold)
    for part in (half, ~half) if 0 < half.sum() < len(y) else ():
        other, price = cost_curve(y[part], p[part], decision)
        saved[~part] = (paid - row_costs(y, p, decision, other[price.argmin()]))[~part]
    saving, error = _mean(saved, places)
    return Costs(
        cost=_short(paid.mean()),
        nobody=_short(by_threshold[0]),
        everybody=_short(by_threshold[-1]),
        cheapest=_short(by_threshold[cheapest]),
        cheapest_threshold=_short(thresholds[cheapest]),
        improvable=bool(saving > max(1.96 * error, paid.mean() / 10)),
    )


def row_costs(y: Array, p: Array, decision: Decision, threshold: float) -> Array:
    """What each row costs: a false alarm, a miss, or nothing."""
    called = p >= threshold
    wrong = called != (y == 1)
    return np.asarray(wrong * np.where(called, decision.cost_fp, decision.cost_fn))


def cost_curve(y: Array, p: Array, decision: Decision) -> tuple[Array, Array]:
    """Thresholds from above the highest probability (nobody) to the lowest, and costs per row."""
    positive, negative = curve(y, p)
    alarms, misses = np.append(0, negative), positive[-1] - np.append(0, positive)
    price = (alarms * decision.cost_fp + misses * decision.cost_fn) / len(y)
    return np.append(1.0 + 1e-9, np.unique(p)[::-1]), price
