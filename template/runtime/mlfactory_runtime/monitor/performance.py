"""How good the model is: measured where outcomes are known, estimated where they are not.

The estimate is the metric on the holdout, plus the difference between what the probabilities say
of the window and what they said of the holdout. So it takes out by how much the model is too sure
of itself (Guillory and others, Predicting with confidence on unseen distributions, ICCV 2021); see
`metrics.expected` for what probabilities say. It cannot see that the same inputs have come to mean
something else; only outcomes can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import hypot

import numpy as np

from ..files import read_json
from ..learn.metrics import PRIMARY, evaluate, expected
from ..project import EVALUATION
from .reading import Seen, Watched
from .statistics import Told
from .verdict import Check

ROWS = 20_000  # enough for the intervals
WIDTH, WORSE = 1.96, "the-model-is-worse"


def reference(watched: Watched) -> Told | None:
    """The metrics on the holdout with intervals; null if the evaluation is not this model's."""
    told = read_json(watched.project.root / EVALUATION)
    if told.get("provenance") != watched.signature.provenance:
        return None
    found: Told = told["models"]["model"]
    return found


def observed(seen: Seen, watched: Watched) -> tuple[int, Told | None]:
    """How many outcomes are known, and the metrics on these rows."""
    (y, p), params = seen.labelled, watched.params
    if len(y) < params.monitor.min_rows:
        return len(y), None
    some = slice(None, None, -(-len(y) // ROWS))
    models, _ = evaluate(
        watched.signature.task, y[some], {"model": p[some]}, params.decision, params.model.seed
    )
    return len(y), {name: asdict(interval) for name, interval in models["model"].items()}


def estimate(seen: Seen, watched: Watched, holdout: Told | None) -> Told | None:
    """What the metrics would be if the world only sent other rows."""
    p, known = np.concatenate(seen.p or [np.empty(0)]), watched.signature
    if holdout is None or len(p) < watched.params.monitor.min_rows:
        return None
    found = {}
    for name, (value, error) in expected(known.task, p, known.threshold or 0.5).items():
        then = holdout[name]
        middle = max(then["value"] + value - watched.profile["expected"][name], 0.0)
        width = WIDTH * hypot(error, error_of(then))
        found[name] = {"value": middle, "low": max(middle - width, 0.0), "high": middle + width}
    return found or None


def error_of(interval: Told) -> float:
    """The standard error that an interval tells of."""
    return float(interval["high"] - interval["low"]) / (2 * WIDTH)


def is_worse(found: Told, holdout: Told, watched: Watched) -> bool:
    """Whether the primary metric, an error, is surely larger than on the holdout and tolerated."""
    from scipy.stats import norm

    settings = watched.params.monitor
    metric = PRIMARY[watched.signature.task]
    now, then = found[metric], holdout[metric]
    error = hypot(error_of(now), error_of(then))
    excess = now["value"] - then["value"] * (1 + settings.tolerance)
    return bool(excess > norm.isf(settings.level) * error)


def judged(
    records: Sequence[Told], holdout: Told, watched: Watched
) -> Iterator[tuple[Check, list[bool]]]:
    """What became of the latest outcomes, and of the estimate where there are none, and before."""
    metric, settings = PRIMARY[watched.signature.task], watched.params.monitor
    limit = holdout[metric]["value"] * (1 + settings.tolerance)
    for name, key in (("performance", "observed"), ("estimate", "estimate")):
        known = [record for record in records if record[key]]
        check = Check(f"{name}:{metric}", "performance", threshold=limit, runbook=WORSE)
        if not known:
            count, rows = records[-1]["labelled"], records[-1]["rows"]
            said = f"of {rows:,} predictions {count:,} have an outcome: {settings.min_rows:,} tell"
            if key == "observed":
                yield replace(check, message=said), []
            continue
        if key == "estimate" and (records[-1]["observed"] or not records[-1]["estimate"]):
            continue
        bad = [is_worse(record[key], holdout, watched) for record in known]
        value, then = known[-1][key][metric]["value"], holdout[metric]["value"]
        when = f" up to {known[-1]['to']}" if "to" in known[-1] else ""
        said = f"{metric} {value:.4g} ({key}{when}), and {then:.4g} on the holdout"
        yield replace(check, bad=bad[-1], value=value, message=said), bad[:-1]


def estimate_was(records: Sequence[Told], metric: str) -> Told | None:
    """How right the estimates of windows were, now that their outcomes are known."""
    both = [r for r in records if r["observed"] and r["estimate"]]
    pairs = [(r["estimate"][metric], r["observed"][metric]) for r in both]
    if not pairs:
        return None
    misses = np.array([one["value"] - other["value"] for one, other in pairs])
    errors = np.array([hypot(error_of(one), error_of(other)) for one, other in pairs])
    within = int((np.abs(misses) <= WIDTH * errors).sum())
    return {"windows": len(pairs), "mean_error": float(misses.mean()), "within": within}
