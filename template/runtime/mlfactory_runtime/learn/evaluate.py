"""The verdict on a model: metrics against baselines, importance, past windows."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import polars as pl

from ..project import Project
from ..records.evaluation import Costs, Evaluation, Fold, Importance, Interval, Metrics, OwnMetric
from ..settings.params import Params
from .matrix import Matrix, matrix
from .metrics import NONE, PRIMARY, Own, evaluate, measure, refuse_unweighted
from .signature import Signature

IMPORTANCE_ROWS = 2000
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
) -> Judgement:
    """Metrics with intervals, the gain on each baseline, and the verdict that follows."""
    seed = params.model.seed
    refuse_unweighted(own, y, scored["model"], seed)
    models, gains = evaluate(signature.task, y, scored, params.decision, seed, own)
    verdict, reason = decide(gains, PRIMARY[signature.task])
    linear = gains["linear"]
    close = verdict == "accepted" and linear.low is not None and linear.low <= 0
    warnings = ("its lead over the linear baseline may be chance",) if close else ()
    described = {name: metric.described(name) for name, metric in own.items()}
    return Judgement(models, gains, verdict, reason, warnings, described)


def decide(gains: dict[str, Interval], metric: str) -> tuple[Verdict, str]:
    """`accepted` if surely better than the naive and no worse than the linear baseline."""
    naive, linear = gains["naive"], gains["linear"]
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


def backtest(
    project: Project, rows: dict[str, pl.DataFrame], signature: Signature
) -> tuple[Fold, ...]:
    """Windows that roll over the rows before the cutoff: fit on the past, score what came next."""
    params, estimator = project.params, project.estimator
    time = params.data.time or ""
    past = pl.concat([rows["train"], rows["validation"]]).sort(time, maintain_order=True)
    edges = np.linspace(0, past.height, params.split.backtest_folds + 2).astype(int)[1:]
    metric, folds = PRIMARY[signature.task], []
    for start, stop in pairwise(edges.tolist()):
        window = past[start:stop]
        held = max(1, int(start * params.split.validation))
        parts = past[: start - held], past[start - held : start], window
        fitting, stopping, scoring = (matrix(part, signature, project.compute) for part in parts)
        model = estimator.fit(fitting, stopping, signature, params.model)
        p = estimator.predict(model, scoring.x)
        value = measure(signature.task, scoring.y, p, params.decision)(np.ones(len(p)))[metric]
        begin, end = str(window[time][0]), str(window[time][-1])
        folds.append(Fold(begin=begin, end=end, rows=window.height, value=value))
    return tuple(folds)


def metrics_file(result: Evaluation) -> dict[str, Any]:
    """The numbers that `dvc metrics show` and `dvc metrics diff` print."""
    points = {
        name: {key: interval.value for key, interval in found.items()}
        for name, found in result.models.items()
    }
    baselines = {n: {result.metric: points[n][result.metric]} for n in ("naive", "linear")}
    return {**points["model"], "baseline": baselines, "accepted": result.verdict == "accepted"}
