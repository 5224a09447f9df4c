"""The verdict on a model: metrics against baselines, importance."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..records.evaluation import Costs, Importance, Interval, Metrics, OwnMetric
from ..settings.params import Params
from .draws import FEWEST, Draws
from .matrix import Matrix
from .metrics import NONE, PRIMARY, Own, evaluate, measure, refuse_unweighted
from .signature import Signature

IMPORTANCE_ROWS = 2000
ALIKE = 0.9  # a few equal rows are not worth a sentence
Verdict = Literal["accepted", "rejected"]


@dataclass(frozen=True)
class Judgement:
    """Metrics of the model and of the baselines, its gain on each of these, and the verdict."""

    models: dict[str, Metrics]
    gain: dict[str, Interval]
    verdict: Verdict
    reason: str
    warnings: tuple[str, ...]
    own_metrics: dict[str, OwnMetric]


def left_out(rows: int) -> list[str]:
    """What to say of holdout rows that this model cannot score."""
    if not rows:
        return []
    return [f"{rows:,} holdout rows were left out: a value is missing that never was in training"]


def threshold_warning(costs: Costs | None, signature: Signature) -> list[str]:
    """What to say of a threshold if another one is surely cheaper by more than a tenth."""
    if not costs or not costs.improvable:
        return []
    return [
        f"calls from {signature.threshold:g} on cost {costs.cost:.3g} per row; from about "
        f"{costs.cheapest_threshold:.2g} on they would surely cost less: look at the calibration"
    ]


def judge(
    signature: Signature,
    y: np.ndarray,
    scored: dict[str, np.ndarray],
    params: Params,
    own: Own = NONE,
    drawn: Draws | None = None,
) -> Judgement:
    """Metrics with intervals, the gain on each baseline, and the verdict that follows.

    `drawn` says what the rows came in; without it each came by itself.
    """
    seed, drawn = params.model.seed, drawn or Draws(np.arange(len(y)))
    refuse_unweighted(own, y, scored["model"], seed)
    places = None if drawn.is_single else drawn.places
    models, gains = evaluate(signature.task, y, scored, params.decision, seed, own, places)
    if drawn.count < FEWEST:
        models = {name: without_ends(metrics) for name, metrics in models.items()}
        gains = without_ends(gains)
    verdict, reason = decide(gains, PRIMARY[signature.task], models["model"], drawn)
    warnings = tuple(doubts(verdict, gains["linear"], drawn))
    described = {name: metric.described(name) for name, metric in own.items()}
    return Judgement(models, gains, verdict, reason, warnings, described)


def without_ends(values: Mapping[str, Interval]) -> dict[str, Interval]:
    """The values, and no intervals: too few draws tell nothing of what others would give."""
    return {name: Interval(one.value, None, None) for name, one in values.items()}


def doubts(verdict: Verdict, linear: Interval, drawn: Draws) -> Iterator[str]:
    """What to say beside a verdict."""
    if verdict == "accepted" and linear.low is not None and linear.low <= 0:
        yield "its lead over the linear baseline may be chance"
    if FEWEST <= drawn.count < ALIKE * len(drawn.places):
        yield (
            f"the {len(drawn.places):,} held-out rows are of {drawn.count:,} {drawn.what}, which "
            "the intervals take for what chance has drawn"
        )


def decide(
    gains: dict[str, Interval], metric: str, own: Metrics, drawn: Draws
) -> tuple[Verdict, str]:
    """`accepted` if surely better than the naive and no worse than the linear baseline.

    Of numbers also not if their mean, which nobody knew before, would have been the better answer.
    """
    naive, linear = gains["naive"], gains["linear"]
    if drawn.count < FEWEST:
        return "rejected", (
            f"only {drawn.count} {drawn.what} are held out, and with fewer than {FEWEST} nothing "
            "can be said surely: deliver more of them, or hold out more (split.holdout)"
        )
    r2 = own.get("r2", Interval(None, None, None)).value
    if r2 is not None and r2 < 0:
        return "rejected", f"its R² is {r2:.2f}: the mean of the held-out rows predicts them better"
    if naive.low is None or naive.low <= 0:
        return "rejected", f"its {metric} is not surely better than a constant prediction"
    if linear.value is None or linear.value <= 0:
        return (
            "rejected",
            f"a linear model has the better {metric}: use one, or improve the features",
        )
    return "accepted", f"its {metric} beats a constant surely, and a linear model"


def permutation_importance(
    score: Callable[[np.ndarray], np.ndarray], part: Matrix, signature: Signature, params: Params
) -> tuple[Importance, ...]:
    """How much the primary metric suffers when one feature is shuffled, as shares of the whole."""
    generator = np.random.default_rng(params.model.seed)
    chosen = generator.permutation(len(part.y))[:IMPORTANCE_ROWS]
    x, y = part.x[chosen], part.y[chosen]
    metric, ones = PRIMARY[signature.task], np.ones(len(y))

    def loss(rows: np.ndarray) -> float:
        return measure(signature.task, y, score(rows), params.decision)(ones)[metric]

    base = loss(x)
    losses = []
    for i in range(x.shape[1]):
        shuffled = x.copy()
        shuffled[:, i] = generator.permutation(shuffled[:, i])
        losses.append(max(loss(shuffled) - base, 0.0))
    total = sum(losses) or 1.0
    names = [feature.name for feature in signature.features]
    ranked = sorted(zip(names, losses, strict=True), key=lambda pair: -pair[1])
    return tuple(Importance(feature=name, gain=lost / total) for name, lost in ranked)
