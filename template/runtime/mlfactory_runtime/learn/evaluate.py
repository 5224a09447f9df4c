"""The verdict on a model: metrics against baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..records.evaluation import Costs, Coverage, Interval, Metrics, OwnMetric, Recall
from ..settings.decision import Decision
from ..settings.params import Params
from .classes import recalls
from .draws import FEWEST, Draws
from .metrics import (
    NONE,
    Constants,
    Own,
    evaluate,
    primary,
    refuse_unweighted,
    relevant,
    row_losses,
)
from .resampling import INFINITY, count, with_chance, without_ends
from .signature import Signature
from .tails import few_rows, largest

COSTS = ("cost", "saving")
RARE, SEARCH = 0.05, ("pr_auc", "recall_at_budget", "precision_at_budget", "lift_at_budget")
ALIKE = 0.9  # a few equal rows are not worth a sentence
TAIL = 0.2  # what the largest hundredth of squares makes of all of them
Verdict = Literal["accepted", "rejected"]
# What a model has to beat beside the constant, and what to do where it does not.
RIVALS = {
    "linear": "use one (model.kind: linear in params.yaml), or improve the features",
    "last_value": "use that, or give it to the model as a column",
    "seasonal_naive": "use that, or give it to the model as a column",
}
NAMED = {
    "linear": "a linear model",
    "last_value": "the last known value",
    "seasonal_naive": "the value a season before",
    "previous_value": "the value just before",
}


@dataclass(frozen=True)
class Judgement:
    """Metrics of the model and of the baselines, its gain on each of these, and the verdict."""

    models: dict[str, Metrics]
    gain: dict[str, Interval]
    verdict: Verdict
    reason: str
    warnings: tuple[str, ...]
    own_metrics: dict[str, OwnMetric]
    recalls: tuple[Recall, ...] = ()
    coverage: Coverage | None = None


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
    units: Draws | None = None,
    constants: Constants | None = None,
) -> Judgement:
    """Metrics with intervals, the gain on each baseline, and the verdict that follows.

    `drawn` says what the rows came in; without it each came by itself. `constants` are the best one
    for each metric; without them that of the primary metric stands for all.
    """
    seed, units = params.model.seed, units or Draws(np.arange(len(y)))
    refuse_unweighted(own, y, scored["model"], seed)
    places = None if units.is_single else units.places
    metric = primary(signature.task, params.model)
    models, gains = evaluate(
        signature.task, y, scored, params.decision, seed, own, places, constants, metric
    )
    models = {
        name: relevant(of_few(metrics, y, params.decision, units), params)
        for name, metrics in models.items()
    }
    if units.count < FEWEST:
        models = {name: without_ends(metrics) for name, metrics in models.items()}
        gains = without_ends(gains)
    if params.model.kind == "linear":  # the baseline is the model itself
        rivals = {name: gain for name, gain in gains.items() if name != "linear"}
    else:
        rivals = gains
    verdict, reason = decide(rivals, metric, models["model"], units, middle_loss(y, metric))
    warnings = (
        *beside_sums(verdict, models["model"], metric),
        *doubts(verdict, rivals, metric, units),
        *heavy_tail(y, scored["model"], metric),
        *vain_calls(models["model"], params.decision),
        *few_calls(y, scored["model"], params.decision, signature),
    )
    described = {name: metric.described(name) for name, metric in own.items()}
    recall: tuple[Recall, ...] = ()
    if signature.task == "multiclass":
        recall = tuple(recalls(y, scored["model"], signature.classes, units, seed))
    return Judgement(models, gains, verdict, reason, warnings, described, recall)


def of_few(metrics: Metrics, y: np.ndarray, decision: Decision, units: Draws) -> Metrics:
    """The metrics, those that are shares of few rows with intervals that are so wide, too."""
    sizes = {"accuracy": float(units.count)}
    if "recall_at_budget" in metrics:
        sizes["recall_at_budget"] = count(units.places[y == 1])
        sizes["precision_at_budget"] = round(decision.share * units.count)
    shares = {k: with_chance(metrics[k], rows) for k, rows in sizes.items() if k in metrics}
    recall = shares.get("recall_at_budget")
    if recall and recall.value == 0 and recall.high is not None:
        shares["lift_at_budget"] = Interval(0.0, 0.0, recall.high / decision.share)
    return {**metrics, **shares}


def doubts(
    verdict: Verdict, gains: Mapping[str, Interval], metric: str, units: Draws
) -> Iterator[str]:
    """What to say beside a verdict."""
    for name in RIVALS:
        low = gains[name].low if name in gains else None
        if verdict == "accepted" and low is not None and low <= 0:
            yield f"its lead over {NAMED[name]} may be chance"
    better = best_rival(gains)
    if units.count < FEWEST and better and is_ahead(gains[better], gains["naive"]):
        yield f"{NAMED[better]} has the better {metric}: {RIVALS[better]}"
    previous = gains.get("previous_value")
    if previous and previous.value is not None and previous.value <= 0:
        yield (
            f"{NAMED['previous_value']} has the better {metric}: if it is known when the model is "
            "asked, give it to the model as a column"
        )
    if FEWEST <= units.count < ALIKE * len(units.places):
        yield (
            f"the {len(units.places):,} held-out rows are of {units.count:,} {units.what}, which "
            "the intervals take for what chance has drawn"
        )


def is_ahead(gain: Interval, on_constant: Interval) -> bool:
    """Whether a rival, that the model has this gain on, does better than the constant."""
    constant = on_constant.value
    return gain.value is not None and constant is not None and gain.value < constant


def leading(params: Params, signature: Signature, y: np.ndarray) -> tuple[str, ...]:
    """The metrics that people look at before the primary one, the first one first.

    Costs where they are known; what is found where few rows can be called, or are to be found; the
    loss of a quantile where the gate goes by it, for then model.py predicts that quantile.
    """
    decision = params.decision
    if signature.task != "binary":
        return tuple(name for name in ("quantile_loss",) if name == params.gate.metric)
    searched = decision.budget is not None or y.mean() < RARE
    return COSTS * decision.has_costs + SEARCH * bool(searched)


def few_calls(y: np.ndarray, p: np.ndarray, decision: Decision, signature: Signature) -> list[str]:
    """What to say of a threshold that nobody has chosen, from which on hardly a row is called."""
    is_set = decision.has_costs or decision.threshold is not None or decision.budget is not None
    if is_set or signature.task != "binary":
        return []
    calls, there = int((p >= decision.chosen_threshold).sum()), int(y.sum())
    if calls >= there / 2:
        return []
    return [
        f"from {decision.chosen_threshold:g} on {calls:,} held-out rows are called, and {there:,} "
        f"are {signature.classes[1]!r}: say under decision in params.yaml what errors cost "
        "(cost_fp, cost_fn), or how many rows can be called (budget)"
    ]


def heavy_tail(y: np.ndarray, p: np.ndarray, metric: str) -> list[str]:
    """What to say if hardly any rows carry half of the errors of numbers."""
    errors = {"rmse": "squared errors", "mae": "absolute errors"}
    losses = row_losses(metric, y, p) if metric in errors else np.zeros(0)
    count, share = few_rows(losses), largest(losses)
    if count is None and metric == "rmse" and share > TAIL:
        return [
            f"the largest hundredth of all squared errors makes {share:.0%} of them: with such "
            "tails an interval of 95 % of rmse or r2 is too narrow, and may hold the truth in "
            "fewer than 9 of 10 cases"
        ]
    if count is None:
        return []
    remedy = "; model.objective: regression_l1 in params.yaml learns and decides by absolute errors"
    remedy = remedy if metric == "rmse" else ""
    carry = "carries" if count == 1 else "carry"
    return [
        f"{count:,} of {len(y):,} held-out rows {carry} half of all {errors[metric]}: {metric}, "
        f"its interval and the verdict hang on {'it' if count == 1 else 'them'}{remedy}"
    ]


def vain_calls(own: Metrics, decision: Decision) -> list[str]:
    """What to say of calls that do not surely save anything, where it is known what errors cost."""
    saving = own.get("saving")
    if not decision.has_costs or saving is None or saving.low is None or saving.low > 0:
        return []
    return [
        f"its calls do not surely save anything: by these costs they bring {saving.value:.3g} per "
        "row against the better of calling nobody and calling everybody"
    ]


def middle_loss(y: np.ndarray, metric: str) -> float | None:
    """What the median of these numbers loses, where absolute errors decide."""
    return float(np.abs(y - np.median(y)).mean()) if metric == "mae" and len(y) else None


def beside_sums(verdict: Verdict, own: Metrics, metric: str) -> list[str]:
    """What to say of a model of the middle that is worse than the mean where squares count."""
    r2 = own["r2"].value if metric == "mae" and "r2" in own else None
    if verdict != "accepted" or r2 is None or r2 >= 0:
        return []
    return [
        f"its R² is {r2:.2f}: it is accepted by absolute errors, and where sums count the mean of "
        "the held-out rows predicts them better"
    ]


def decide(
    gains: Mapping[str, Interval],
    metric: str,
    own: Metrics,
    units: Draws,
    middle: float | None = None,
) -> tuple[Verdict, str]:
    """`accepted` if surely better than the naive baseline, and better than each rival there is.

    Of numbers also not if their mean, which nobody knew before, would have been the better answer;
    where absolute errors decide, their median, which loses `middle`.
    """
    naive = gains["naive"]
    if units.count < FEWEST:
        are = f"{units.what} are" if units.count != 1 else f"of the {units.what} is"
        return "rejected", (
            f"only {units.count} {are} held out, and with fewer than {FEWEST} nothing "
            "can be said surely: deliver more of them, or hold out more (split.holdout)"
        )
    r2, mae = (own.get(name, Interval(None, None, None)).value for name in ("r2", "mae"))
    if middle is not None and mae is not None and mae > middle:
        return "rejected", (
            f"its mae is {mae:.4g}, and {middle:.4g} that of a constant: the median of the "
            "held-out rows predicts them better"
        )
    if middle is None and r2 is not None and r2 < 0:
        return "rejected", f"its R² is {r2:.2f}: the mean of the held-out rows predicts them better"
    if naive.low is None or naive.low <= 0:
        return "rejected", f"its {metric} is not surely better than a constant prediction"
    if better := best_rival(gains):
        return "rejected", f"{NAMED[better]} has the better {metric}: {RIVALS[better]}"
    others = ", ".join(NAMED[name] for name in RIVALS if name in gains)
    return "accepted", f"its {metric} beats a constant surely{', and ' * bool(others)}{others}"


def best_rival(gains: Mapping[str, Interval]) -> str | None:
    """Of the simple methods that do as well as the model the one that does best, if any."""
    values = {name: gains[name].value for name in RIVALS if name in gains}
    ahead = {name: -INFINITY if one is None else one for name, one in values.items()}
    best = min(ahead, key=lambda name: ahead[name], default=None)
    return best if best is not None and ahead[best] <= 0 else None
