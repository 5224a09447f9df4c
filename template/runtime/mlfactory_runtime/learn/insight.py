"""What people ask of a model, measured on held-out rows: for whom is it less good, how do features
act, what do the highest predictions hold, what does a threshold cost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from ..errors import FactoryError
from ..records.evaluation import Costs, Effect, Importance, Lift, Segments
from ..settings.catalog import Catalog
from ..settings.decision import Decision
from ..settings.params import Params
from .groups import Groups, grouped, is_ordered
from .holdout import Held
from .metrics import Array, row_costs
from .ranking import curve, threshold_of
from .resampling import mean_of
from .segments import segments, short

SAMPLE, LEAST, FEW = 500, 50, 5  # rows that are asked about, and rows of a group
ACTING, VALUES = 6, 10
TOP = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Insights:
    """All that the report tells beyond metrics."""

    segments: Segments
    effects: tuple[Effect, ...]
    lift: tuple[Lift, ...]
    decision: Costs | None


def insights(
    holdout: Held,
    score: Callable[[Array], Array],
    importance: Sequence[Importance],
    catalog: Catalog,
    params: Params,
) -> Insights:
    """All that the report tells beyond metrics; `score` predicts for rows of the matrix."""
    some, names = holdout.some(params.model.seed), params.report.segments
    salt = params.split.salt or params.data.target
    binary, parts = holdout.signature.task == "binary", 10 if len(some.y) >= 100 else 4
    quarters = {
        name: grouped(some.frame[name], 4, catalog, salt)
        for name in dict.fromkeys([*catalog.features(params), *names])
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
        segments(some, quarters, names),
        tuple(one for one in effects if one and len(one.groups) > 1),
        lift(holdout.y, holdout.p) if binary else (),
        costs(holdout.y, holdout.p, holdout.places, params.decision) if binary else None,
    )


def check_segments(catalog: Catalog, params: Params) -> None:
    """Raises FactoryError for a name in `report.segments` that rows cannot be compared by."""
    possible = [name for name in (*catalog.columns, *catalog.derived) if name != params.data.target]
    for name in params.report.segments:
        if name not in possible:
            nearest = get_close_matches(name, possible, 1, 0.0)
            raise FactoryError(
                f"report.segments names {name!r}, and rows cannot be compared by that",
                f"did you mean {nearest[0]!r}? Name columns or features of features.yaml",
            )


def effect(
    holdout: Held, name: str, groups: Groups, score: Callable[[Array], Array], *, ordered: bool
) -> Effect | None:
    """Partial dependence: the mean prediction for a sample of rows when all are given one value,
    for each group its middle one; and what was observed in the group. None without such groups.

    Of more than two classes, it is about the one whose probability changes most; and the sample is
    smaller, for each class costs as much as a model of numbers.
    """
    common = [(label, rows) for label, rows in groups if len(rows) >= FEW][: VALUES + 1]
    if not common:
        return None
    place = [feature.name for feature in holdout.signature.features].index(name)
    rows = max(LEAST, SAMPLE // holdout.signature.scores)
    sample = holdout.x[np.random.default_rng(0).permutation(len(holdout.x))[:rows]]
    rows_asked = np.tile(sample, (len(common), 1))
    values = [np.sort(holdout.x[rows, place])[len(rows) // 2] for _, rows in common]
    rows_asked[:, place] = np.repeat(values, len(sample))
    means = score(rows_asked).reshape(len(common), len(sample), -1).mean(axis=1)
    about = int(np.ptp(means, axis=0).argmax())
    observed = holdout.y if holdout.p.ndim == 1 else holdout.y == about
    pairs = zip(common, means[:, about], strict=True)
    return Effect(
        feature=name,
        about=holdout.signature.classes[about] if holdout.p.ndim > 1 else None,
        left_out=len(groups) - len(common),
        groups=tuple(
            Effect.Group(group=label, predicted=short(mean), observed=short(observed[rows].mean()))
            for (label, rows), mean in pairs
        ),
        ordered=ordered,
    )


def lift(y: Array, p: Array) -> tuple[Lift, ...]:
    """What the rows with the highest probability hold of the positive class; equal ones share."""
    positive, negative = curve(y, p)
    rows, positives = np.append(0, positive + negative), np.append(0, positive)
    lines = []
    for share in TOP if positives[-1] else ():
        if (top := round(share * len(y))) >= FEW:
            there = np.interp(top, rows, positives)
            part = there / positives[-1]
            numbers = {"positives": there, "share": part, "lift": part * len(y) / top}
            figures = {name: short(number) for name, number in numbers.items()}
            lines.append(Lift(top=share, rows=top, **figures))
    return tuple(lines)


def costs(y: Array, p: Array, places: Array, decision: Decision) -> Costs:
    """What calls cost per row: at the threshold, for nobody and everybody, and at the cheapest.

    The threshold is improvable if another would surely save more than a tenth. Surely: the cheapest
    one of either half of the rows is tried on the other half, for on its own it is flattered.
    """
    thresholds, by_threshold = cost_curve(y, p, decision)
    cheapest = int(by_threshold.argmin())
    half, saved = places % 2 == 1, np.zeros(len(y))
    paid = row_costs(y, p >= threshold_of(p, decision), decision)
    limit = threshold_of(p, decision.for_budget)
    for part in (half, ~half) if 0 < half.sum() < len(y) else ():
        other, price = cost_curve(y[part], p[part], decision)
        saved[~part] = (paid - row_costs(y, p >= other[price.argmin()], decision))[~part]
    saving, error = mean_of(saved, places)
    return Costs(
        cost=short(paid.mean()),
        nobody=short(by_threshold[0]),
        everybody=short(by_threshold[-1]),
        cheapest=short(by_threshold[cheapest]),
        cheapest_threshold=short(thresholds[cheapest]),
        improvable=bool(saving > max(1.96 * error, paid.mean() / 10)) and not decision.is_budgeted,
        budget_threshold=short(limit),
        budget_cost=short(row_costs(y, p >= limit, decision).mean()),
    )


def cost_curve(y: Array, p: Array, decision: Decision) -> tuple[Array, Array]:
    """Thresholds from above the highest probability (nobody) to the lowest, and costs per row."""
    positive, negative = curve(y, p)
    alarms, misses = np.append(0, negative), positive[-1] - np.append(0, positive)
    price = (alarms * decision.cost_fp + misses * decision.cost_fn) / len(y)
    return np.append(1.0 + 1e-9, np.unique(p)[::-1]), price
