"""For whom a model is less good: groups of held-out rows beside what was possible there.

Some groups are harder for every model: the one with the most even outcome always has the largest
log loss. So a group is compared by how much of the loss of its own constant is left, which is what
somebody would have who knows the group and nothing else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from math import erfc, sqrt

import numpy as np

from ..records.evaluation import Interval, Segment, Segments
from .coverage import mean_width, share_inside
from .draws import FEWEST
from .groups import Groups
from .holdout import Held
from .metrics import Array, row_losses
from .resampling import count, mean_of

ENOUGH, WORST, VALUES = 30, 5, 10


@dataclass(frozen=True)
class Part:
    """A group of rows, with the loss of its own constant, and the chance of what is seen of it.

    `left` is which part of that loss the model has there, and `rest` which it has in other groups;
    `worse` is the chance that luck makes so much of it, and `off` that it makes such a mean error.
    """

    name: str
    label: str
    rows: Array
    possible: float
    remaining: float
    rest: float
    worse: float
    off: float


def segments(holdout: Held, groups: dict[str, Groups], names: Iterable[str]) -> Segments:
    """The primary metric by groups of rows: of the chosen columns, and where it is surely worse.

    Surely is a test at 5 % that is corrected for the number of groups looked at (Bonferroni).
    """
    loss = row_losses(holdout.metric, holdout.y, holdout.p)
    parts = {name: list(compared(holdout, loss, name, values)) for name, values in groups.items()}
    every = [part for some in parts.values() for part in some]
    worse = [part for part in every if part.worse * len(every) < 0.05]
    off = sorted((o for o in every if o.off * len(every) < 0.05), key=lambda one: one.off)
    worst = sorted(worse, key=lambda part: -part.remaining)[:WORST]
    top = {name: parts[name][:VALUES] for name in names}
    return Segments(
        looked_at=len(every),
        worse=len(worse),
        all=segment(holdout, loss, np.arange(len(holdout.y))),
        worst=tuple(described(holdout, loss, part) for part in worst),
        chosen={name: tuple(described(holdout, loss, one) for one in top[name]) for name in top},
        off=len(off),
        most_off=tuple(described(holdout, loss, one) for one in off[:WORST]),
    )


def compared(holdout: Held, loss: Array, name: str, groups: Groups) -> Iterator[Part]:
    """The groups of a column that are large enough, each beside all others together.

    Welch's test of what a row has beyond its part of the loss of its group's constant, where that
    part is what the others have; its standard errors are those of whom rows are about. Rows of
    groups that are too small make one.
    """
    comparable = [(label, rows) for label, rows in groups if is_comparable(holdout, rows)]
    places = np.concatenate([np.empty(0, dtype=int), *(rows for _, rows in comparable)])
    small = np.setdiff1d(np.arange(len(loss)), places)
    constant = np.zeros(len(loss))
    for rows in (*(rows for _, rows in comparable), small):
        constant[rows] = constant_losses(holdout, rows)
    products = np.stack([loss, constant])
    total = products.sum(axis=1)
    for label, rows in comparable:
        own = products[:, rows].sum(axis=1)
        others = total - own
        if own[1] <= 0 or others[1] <= 0:
            continue
        rest = float(others[0] / others[1])
        beyond = loss - rest * constant
        mean, error = mean_of(beyond[rows], holdout.places[rows])
        _, spread = mean_of(np.delete(beyond, rows), np.delete(holdout.places, rows))
        worse = 0.5 * erfc(mean / (sqrt(error**2 + spread**2) or 1.0) / sqrt(2))
        possible, remaining = float(own[1]) / len(rows), float(own[0] / own[1])
        yield Part(name, label, rows, possible, remaining, rest, worse, chance_off(holdout, rows))


def is_comparable(holdout: Held, rows: Array) -> bool:
    """Whether a group and the others have rows enough, of enough entities, and the group has more
    than one class.
    """
    rest = np.delete(holdout.places, rows)
    if min(len(rows), len(rest)) < ENOUGH or min(count(holdout.places[rows]), count(rest)) < FEWEST:
        return False
    return holdout.signature.task == "regression" or bool(np.ptp(holdout.y[rows]) > 0)


def constant_losses(holdout: Held, rows: Array) -> Array:
    """What each row loses with the constant that is best for these rows."""
    y = holdout.y[rows]
    if not len(y):
        return np.empty(0)
    if holdout.signature.task == "regression":
        best = np.median(y) if holdout.metric == "mae" else y.mean()
        return row_losses(holdout.metric, y, np.full(len(y), float(best)))
    shares = np.bincount(y.astype(int), minlength=len(holdout.signature.classes)) / len(y)
    one = shares[1] if holdout.signature.task == "binary" else shares
    return row_losses(holdout.metric, y, np.broadcast_to(one, (len(y), *np.shape(one))))


def chance_off(holdout: Held, rows: Array) -> float:
    """The chance that luck alone makes predictions of these rows so wrong on average; 1 where that
    cannot be asked: of several classes, or where medians are predicted.
    """
    if holdout.p.ndim > 1 or holdout.metric == "mae":
        return 1.0
    mean, error = mean_of(holdout.p[rows] - holdout.y[rows], holdout.places[rows])
    return erfc(abs(mean) / (error or 1.0) / sqrt(2))


def described(holdout: Held, loss: Array, part: Part) -> Segment:
    """A group as the report shows it."""
    own = {
        "feature": part.name,
        "group": part.label,
        "rest": metric_of(holdout, float(np.delete(loss, part.rows).mean())),
        "possible": metric_of(holdout, part.possible),
        "saved": short(1 - metric_of(holdout, part.remaining)),
        "rest_saved": short(1 - metric_of(holdout, part.rest)),
    }
    return segment(holdout, loss, part.rows).model_copy(update=own)


def segment(holdout: Held, loss: Array, rows: Array) -> Segment:
    """The metric on some rows with its 95 % interval, and that of the constant; and calibration."""
    places = holdout.places[rows]
    mean, error = mean_of(loss[rows], places)
    constant = row_losses(holdout.metric, holdout.y[rows], holdout.constant[rows])
    single = holdout.p.ndim == 1
    middle, width = mean_of(holdout.p[rows] - holdout.y[rows], places) if single else (0.0, 0.0)
    gap = Interval(short(middle), short(middle - 1.96 * width), short(middle + 1.96 * width))
    limits, bounded = holdout.ends[rows], bool(holdout.ends.shape[1])
    return Segment(
        rows=len(rows),
        value=metric_of(holdout, mean),
        low=metric_of(holdout, max(mean - 1.96 * error, 0.0)),
        high=metric_of(holdout, mean + 1.96 * error),
        constant=metric_of(holdout, constant.mean()),
        predicted=short(holdout.p[rows].mean()) if single else None,
        observed=short(holdout.y[rows].mean()) if single else None,
        gap=gap if single else None,
        inside=shortened(share_inside(holdout.y[rows], limits, places)) if bounded else None,
        width=shortened(mean_width(limits, places)) if bounded else None,
    )


def metric_of(holdout: Held, loss: float) -> float:
    """The metric that a mean loss makes; of a part of a loss, the part of the metric."""
    return short(sqrt(loss) if holdout.metric == "rmse" else loss)


def shortened(interval: Interval) -> Interval:
    """The same with the digits that a report needs."""
    value, low, high = (None if one is None else short(one) for one in astuple(interval))
    return Interval(value, low, high)


def short(value: float) -> float:
    """A number with the digits that a report needs."""
    return float(f"{value:.6g}")
