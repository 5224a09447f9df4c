"""Metrics with bootstrap intervals. Every metric is weighted, so a resample is a set of weights.

All functions take y of shape (rows,), a prediction p, and weights of shape (rows,). Areas treat
ties as scikit-learn does; a metric that is not defined on the rows (one class only) is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from ..errors import FactoryError
from ..extensions import BUILT_IN, MEASURES, Metric, call
from ..records.evaluation import Interval
from ..settings.decision import Decision
from ..settings.model import Model
from ..settings.params import Params
from .ranking import areas, curves, in_budget, threshold_of
from .resampling import interval_of, resamples, widened, worth

T = TypeVar("T")
Array = np.ndarray
Metrics = dict[str, float]
Own = Mapping[str, Metric]
Constants = Mapping[str, Array]  # by metric, of the shape of one row's prediction
NONE: Own = MappingProxyType({})
LOWER_IS_BETTER = tuple(name for name, better in BUILT_IN.items() if better == "lower")
PRIMARY = {"binary": "log_loss", "multiclass": "log_loss", "regression": "rmse"}
BINS = 10
EPSILON = 1e-15
NUMBERS = (int, float, np.integer, np.floating)


def primary(task: str, settings: Model) -> str:
    """The metric that decides: what the model is fitted by."""
    return "mae" if settings.objective == "regression_l1" else PRIMARY[task]


def relevant(metrics: Mapping[str, T], params: Params) -> dict[str, T]:
    """All but the loss of a quantile, unless the gate goes by it: a model of the mean has none."""
    unused = {"quantile_loss"} - {params.gate.metric}
    return {name: value for name, value in metrics.items() if name not in unused}


def is_lower_better(metric: str, own: Own) -> bool:
    """Whether less of it is better."""
    return own[metric].better == "lower" if metric in own else metric in LOWER_IS_BETTER


def measure(
    task: str, y: Array, p: Array, decision: Decision, own: Own = NONE
) -> Callable[[Array], Metrics]:
    """What depends on rows only is computed once; the function that comes back takes weights.

    Of the factory's own metrics all depends on the weights.
    """
    weighted = _built_in(task, y, p, decision)
    if not own:
        return weighted
    return lambda w: (
        weighted(w) | {name: own_value(name, metric, y, p, w) for name, metric in own.items()}
    )


def own_value(name: str, metric: Metric, y: Array, p: Array, w: Array) -> float:
    """The value of a factory's own metric; NaN where it gives no finite number."""
    views = [values.view() for values in (y, p, w)]
    for view in views:  # what one metric writes into them, others would read
        view.flags.writeable = False
    value = call(metric.function, "metrics.py", *views)
    if not isinstance(value, NUMBERS):
        form = MEASURES.format(getattr(metric.function, "__name__", name))
        raise FactoryError(f"metrics.py: {name!r} gives a {type(value).__name__}", f"write: {form}")
    return float(value) if np.isfinite(value) else float("nan")


def refuse_unweighted(own: Own, y: Array, p: Array, seed: int) -> None:
    """FactoryError for a metric that other rows change and other weights do not.

    Its intervals would have no width, and every difference would look sure.
    """
    ones, weights = np.ones(len(y)), next(resamples(len(y), seed))
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    for name, metric in own.items():
        plain = own_value(name, metric, y, p, ones)
        same = own_value(name, metric, y, p, weights) == plain
        if same and not np.isclose(own_value(name, metric, y[rows], p[rows], ones), plain):
            raise FactoryError(
                f"metrics.py: {name!r} does not look at the weights, so it would have no interval",
                "let each row count by its weight: np.average(values, weights=weights)",
            )


def _built_in(task: str, y: Array, p: Array, decision: Decision) -> Callable[[Array], Metrics]:
    if task == "regression":
        return _regression(y, p, decision.quantile)
    if task == "binary":
        return _binary(y, p, decision)
    return _multiclass(y, p)


def _binary(y: Array, p: Array, decision: Decision) -> Callable[[Array], Metrics]:
    curve, calibration = curves(y, p), _calibration(y, p)
    calls = p >= threshold_of(p, decision)
    f1 = _f1(y == 1, calls)
    losses = {
        "nobody": decision.cost_fn * y,
        "everybody": decision.cost_fp * (1 - y),
        "cost": row_costs(y, calls, decision),
        "log_loss": _log_loss(np.where(y == 1, p, 1 - p)),
        "brier": (p - y) ** 2,
        "accuracy": (calls == (y == 1)).astype(float),
    }

    def weighted(w: Array) -> Metrics:
        means, upto = _means(losses, w), curve(w)
        constant = min(means.pop("nobody"), means.pop("everybody"))
        return {
            **areas(*upto),
            **means,
            "saving": constant - means["cost"],
            **in_budget(*upto, decision.share),
            "f1": f1(w),
            "calibration_error": calibration(w),
        }

    return weighted


def row_costs(y: Array, calls: Array, decision: Decision) -> Array:
    """What each row costs: a false alarm, a miss, or nothing."""
    wrong = calls != (y == 1)
    return np.asarray(wrong * np.where(calls, decision.cost_fp, decision.cost_fn))


def _multiclass(y: Array, p: Array) -> Callable[[Array], Metrics]:
    """One class against the rest, averaged over classes with equal weight."""
    ones = np.eye(p.shape[1])[y.astype(int)]
    ranked = [curves(ones[:, k], p[:, k]) for k in range(p.shape[1])]
    calibration = [_calibration(ones[:, k], p[:, k]) for k in range(p.shape[1])]
    calls = p.argmax(axis=1)
    scores = [_f1(y == k, calls == k) for k in range(p.shape[1])]
    losses = {
        "log_loss": _log_loss(p[np.arange(len(y)), y.astype(int)]),
        "brier": ((p - ones) ** 2).sum(axis=1),
        "accuracy": (calls == y).astype(float),
    }

    def weighted(w: Array) -> Metrics:
        each = [areas(*curve(w)) for curve in ranked]
        return {
            **{name: _mean([area[name] for area in each]) for name in ("roc_auc", "pr_auc")},
            **_means(losses, w),
            "f1": _mean([f1(w) for f1 in scores]),
            "calibration_error": _mean([error(w) for error in calibration]),
        }

    return weighted


def _regression(y: Array, p: Array, quantile: float) -> Callable[[Array], Metrics]:
    error = y - p
    losses = {
        "mse": error**2,
        "mae": np.abs(error),
        "quantile_loss": np.maximum(quantile * error, (quantile - 1) * error),
    }

    def weighted(w: Array) -> Metrics:
        means = _means(losses, w)
        mse = means.pop("mse")
        variance = float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
        r2 = 1 - mse / variance if variance > 0 else float("nan")
        return {"rmse": mse**0.5, **means, "r2": r2}

    return weighted


def measure_constants(
    task: str, y: Array, constants: Constants, decision: Decision, own: Own = NONE
) -> Callable[[Array], Metrics]:
    """The same for constants: each metric is measured of the one that is best by it."""
    each = {
        value.tobytes(): measure(
            task, y, np.broadcast_to(value, (len(y), *value.shape)), decision, own
        )
        for value in constants.values()
    }

    def weighted(w: Array) -> Metrics:
        values = {value: measured(w) for value, measured in each.items()}
        return {name: values[value.tobytes()][name] for name, value in constants.items()}

    return weighted


def row_losses(metric: str, y: Array, p: Array) -> Array:
    """What each row adds to a primary metric: its log loss, or its squared or absolute error."""
    if metric == "mae":
        return np.asarray(np.abs(y - p))
    if metric == "rmse":
        return np.asarray((y - p) ** 2)
    shares = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    return _log_loss(shares[np.arange(len(y)), y.astype(int)])


@dataclass(frozen=True)
class Expected:
    """Sums over rows of what each metric would be, and of its variance; parts can be added."""

    rows: int
    sums: dict[str, tuple[float, float]]

    def __add__(self, other: "Expected") -> "Expected":
        sums = {
            name: (total + other.sums[name][0], spread + other.sums[name][1])
            for name, (total, spread) in self.sums.items()
        }
        return Expected(self.rows + other.rows, sums)

    def metrics(self) -> dict[str, tuple[float, float]]:
        """The mean of each metric, and its standard error."""
        return {
            name: (total / self.rows, float(np.sqrt(spread)) / self.rows)
            for name, (total, spread) in self.sums.items()
            if self.rows
        }


def expected(task: str, p: Array, threshold: float) -> Expected:
    """What metrics would be on these rows if the probabilities were right.

    The outcome of each row is drawn with its probabilities, and the metrics are means over rows, as
    the average confidence is for accuracy (Kivimäki and others, Confidence-based estimators for
    predictive performance in model monitoring, arXiv 2407.08649). Nothing for a regression.
    """
    if task == "regression":
        return Expected(len(p), {})
    shares = np.column_stack([1 - p, p]) if task == "binary" else p
    calls = (p >= threshold).astype(int) if task == "binary" else shares.argmax(axis=1)
    squares = (shares**2).sum(axis=1, keepdims=True) - 2 * shares + 1
    losses = {
        "log_loss": _log_loss(shares),
        "brier": squares / 2 if task == "binary" else squares,
        "accuracy": np.eye(shares.shape[1])[calls],
    }
    sums = {}
    for name, loss in losses.items():
        mean = (shares * loss).sum(axis=1)
        spread = (shares * loss**2).sum(axis=1) - mean**2
        sums[name] = float(mean.sum()), float(spread.clip(0).sum())
    return Expected(len(p), sums)


def _means(losses: dict[str, Array], w: Array) -> Metrics:
    total = w.sum()
    return {name: float(loss @ w / total) for name, loss in losses.items()}


def _mean(values: list[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _log_loss(probability: Array) -> Array:
    return np.asarray(-np.log(np.clip(probability, EPSILON, 1 - EPSILON)))


def _f1(actual: Array, calls: Array) -> Callable[[Array], float]:
    right, mistaken = (actual & calls).astype(float), (actual != calls).astype(float)

    def weighted(w: Array) -> float:
        hits, wrong = right @ w, mistaken @ w
        return float(2 * hits / (2 * hits + wrong)) if hits + wrong > 0 else float("nan")

    return weighted


def bins(p: Array) -> Array:
    """The bin of each row: up to ten of about equal size; equal scores stay together."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, p, side="right"))


def _calibration(y: Array, p: Array) -> Callable[[Array], float]:
    """Expected calibration error: the mean gap between predicted and observed share per bin."""
    group, gap = bins(p), p - y
    return lambda w: float(np.abs(np.bincount(group, w * gap)).sum() / w.sum())


def evaluate(
    task: str,
    y: Array,
    predictions: dict[str, Array],
    decision: Decision,
    seed: int,
    own: Own = NONE,
    places: Array | None = None,
    constants: Constants | None = None,
    metric: str | None = None,
) -> tuple[dict[str, dict[str, Interval]], dict[str, Interval]]:
    """Metrics of every model, and how much the first one gains on each other (paired resamples).

    A gain is an improvement of `metric`, or of the task's primary one: above zero, the first model
    is better. Rows are drawn together by `places`, as `resamples` has them; `constants` are
    measured as `naive`.
    """
    measures = {name: measure(task, y, p, decision, own) for name, p in predictions.items()}
    if constants:
        measures["naive"] = measure_constants(task, y, constants, decision, own)
    whole = {name: weighted(np.ones(len(y))) for name, weighted in measures.items()}
    again = [
        {name: weighted(w) for name, weighted in measures.items()}
        for w in resamples(len(y), seed, places)
    ]
    first, *others = measures
    metric = metric or PRIMARY[task]
    width = 1.0 if places is None else widened(worth(places))
    models = {
        name: {
            key: interval_of(value, [d[name][key] for d in again], width, key)
            for key, value in estimate.items()
        }
        for name, estimate in whole.items()
    }
    gains = {
        name: interval_of(
            whole[name][metric] - whole[first][metric],
            [d[name][metric] - d[first][metric] for d in again],
            width,
        )
        for name in others
    }
    return models, gains
