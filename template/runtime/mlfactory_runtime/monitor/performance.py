"""How good the model is: measured where outcomes are known, estimated where they are not.

The estimate is the metric on the holdout, plus the difference between what the probabilities say
of the window and what they said of the holdout. So it takes out by how much the model is too sure
of itself (Guillory and others, Predicting with confidence on unseen distributions, ICCV 2021); see
`metrics.expected` for what probabilities say. It cannot see that the same inputs have come to mean
something else; only outcomes can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import hypot, isnan, nan

import numpy as np

from ..learn.draws import FEWEST
from ..learn.metrics import evaluate, is_lower_better, primary, relevant
from ..project import EVALUATION
from ..records.evaluation import Evaluation, Interval, Metrics
from ..records.monitoring import EstimateError, Window
from ..records.record import read
from ..settings.monitor import Monitor
from .effect import NORMAL
from .reading import Seen, Watched
from .verdict import Check

ROWS = 1_000_000  # more are not needed for intervals
WIDTH, WORSE = 1.96, "the-model-is-worse"


def reference(watched: Watched) -> Metrics | None:
    """The metrics on the holdout with intervals; null if the evaluation is not this model's."""
    evaluation = read(Evaluation, watched.project.root / EVALUATION)
    if evaluation is None or evaluation.provenance != watched.signature.provenance:
        return None
    return evaluation.models["model"]


def observed(sample: Seen, watched: Watched) -> tuple[Metrics | None, str]:
    """The metrics on the rows whose outcome is known, and what these came in, for people; of too
    few draws nothing is said.
    """
    (y, p, whole), params = sample.outcomes(watched), watched.params
    some = slice(None, None, -(-len(y) // ROWS) or 1)
    units = replace(whole, places=np.unique(whole.places[some], return_inverse=True)[1])
    text = "" if units.is_single else f"{units.count:,} {units.what}"
    if len(y) < params.monitor.min_rows or units.count < FEWEST:
        return None, text
    task, scored, own = watched.signature.task, {"model": p[some]}, watched.home.metrics
    places = None if units.is_single else units.places
    models, _ = evaluate(task, y[some], scored, params.decision, params.model.seed, own, places)
    return relevant(models["model"], params), text


def estimate(sample: Seen, watched: Watched, holdout: Metrics | None) -> Metrics | None:
    """What the metrics would be if the world only sent other rows."""
    if holdout is None or sample.expected is None:
        return None
    if sample.expected.rows < watched.params.monitor.min_rows:
        return None
    result, alike = {}, (sample.expected.rows / sample.whom.count) ** 0.5  # one entity, one outcome
    for name, (value, error) in sample.expected.metrics().items():
        then = holdout[name]
        middle = max(point(then) + value - watched.profile.expected[name], 0.0)
        width = WIDTH * hypot(alike * error, error_of(then))
        if isnan(width):  # too few draws were held out for an interval
            continue
        result[name] = Interval(middle, max(middle - width, 0.0), middle + width)
    return result or None


def point(interval: Interval) -> float:
    """The value; NaN where it is not defined."""
    return nan if interval.value is None else interval.value


def error_of(interval: Interval) -> float:
    """The standard error that an interval tells of."""
    if interval.high is None or interval.low is None:
        return nan
    return float(interval.high - interval.low) / (2 * WIDTH)


def is_worse(
    metrics: Metrics, holdout: Metrics, metric: str, settings: Monitor, *, lower: bool = True
) -> bool:
    """Whether a metric is surely worse than on the holdout, by more than is tolerated."""
    now, then = metrics[metric], holdout[metric]
    spread = error_of(then)  # unknown where too few draws were held out
    error = hypot(error_of(now), 0 if isnan(spread) else spread)
    change = point(now) - point(then)
    worse = change if lower else -change
    return worse - settings.tolerance * abs(point(then)) > -NORMAL.inv_cdf(settings.level) * error


def judged(
    records: Sequence[Window], holdout: Metrics, watched: Watched
) -> Iterator[tuple[Check, list[bool]]]:
    """What became of the latest outcomes, and of the estimate where there are none, and before.

    Of the primary metric, and of the one that the gate goes by.
    """
    metric = primary(watched.signature.task, watched.params.model)
    gate_metric = watched.params.gate.metric
    observed = [one for one in records if one.observed]
    yield compared("performance", metric, observed, records[-1], holdout, watched)
    if gate_metric and gate_metric != metric and gate_metric in holdout:
        measured = [one for one in observed if gate_metric in (one.observed or {})]
        yield compared("performance", gate_metric, measured, records[-1], holdout, watched)
    if records[-1].estimate and not records[-1].observed:
        estimated = [one for one in records if one.estimate]
        yield compared("estimate", metric, estimated, records[-1], holdout, watched)


def compared(
    name: str,
    metric: str,
    records: Sequence[Window],
    last: Window,
    holdout: Metrics,
    watched: Watched,
) -> tuple[Check, list[bool]]:
    """A metric of the latest of the windows that have it, and whether it was bad before."""
    lower, then = is_lower_better(metric, watched.home.metrics), point(holdout[metric])
    tolerated = watched.params.monitor.tolerance * abs(then)
    limit = then + tolerated if lower else then - tolerated
    check = Check(f"{name}:{metric}", "performance", threshold=limit, runbook=WORSE)
    if not records:
        message = f"of {last.rows:,} predictions {last.labelled:,} have an outcome"
        needed = f"{watched.params.monitor.min_rows:,} tell"
        if last.draws and last.labelled >= watched.params.monitor.min_rows:
            message = f"the {last.labelled:,} outcomes are of {last.draws}"
            needed = f"{FEWEST} of these tell"
        return replace(check, message=f"{message}: {needed}"), []
    kind = "observed" if name == "performance" else name
    metrics = [(one.observed if name == "performance" else one.estimate) or {} for one in records]
    settings = watched.params.monitor
    bad = [is_worse(each, holdout, metric, settings, lower=lower) for each in metrics]
    value = point(metrics[-1][metric])
    when = f" up to {records[-1].end}" if records[-1].end else ""
    of = f", {records[-1].draws}" if records[-1].draws and kind == "observed" else ""
    message = f"{metric} {value:.4g} ({kind}{when}{of}), and {then:.4g} on the holdout"
    return replace(check, bad=bad[-1], value=value, message=message), bad[:-1]


def estimate_error(records: Sequence[Window], metric: str) -> EstimateError | None:
    """How right the estimates of windows were, now that their outcomes are known."""
    pairs = [(r.estimate[metric], r.observed[metric]) for r in records if r.observed and r.estimate]
    if not pairs:
        return None
    misses = np.array([point(one) - point(other) for one, other in pairs])
    errors = np.array([hypot(error_of(one), error_of(other)) for one, other in pairs])
    within = int((np.abs(misses) <= WIDTH * errors).sum())
    return EstimateError(windows=len(pairs), mean_error=float(misses.mean()), within=within)
