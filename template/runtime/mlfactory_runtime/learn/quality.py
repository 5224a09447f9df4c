"""What a model's answers are worth, asked in ways that no other hides, with errors of all rows.

A loss alone is silent where an outcome is rare, for there the constant has nearly the same, and
where a tail is heavy, for there it hangs on few rows. So each question has a number of its own:

- `skill`: which part of the loss of the best constant the model does without; of numbers it is the
  absolute error, beside the median.
- `ranking`: how often the higher one of two outcomes has the higher prediction (the area below the
  ROC curve, a class against the rest); of numbers, of two on both sides of the median.
- `bias`: by how much outcomes lie above predictions on average, in standard deviations of the
  outcome; of several classes, how often the first choice is right beyond its probability; of
  numbers, the share of outcomes above their prediction, which no tail moves.
- `slope`: by how much the outcome rises with the probability; below what it was, the model is too
  sure of itself. Of numbers it hangs on few rows, and is not asked.

Each is a mean over rows but for terms that vanish, so the error is that of the rows' influence on
it (Hampel, The influence curve and its role in robust estimation, JASA 69, 1974; of areas DeLong
and others, Biometrics 44, 1988). Rows of one place are one. Where few rows carry the number, as
those of a rare outcome do, this error is itself a guess, and is wider by Student's distribution;
and of fewer than ten rows of the rarer outcomes only the bias is told.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl

from ..records.profile import Quality
from .metrics import Array, row_losses
from .resampling import widened, worth

OF_NUMBERS = ("skill", "ranking", "bias")
OF_CLASSES = (*OF_NUMBERS, "slope")
NUMBERS = {"binary": OF_CLASSES, "multiclass": OF_CLASSES, "regression": OF_NUMBERS}
OF_SPREAD = ("skill", "ranking")  # are larger where outcomes differ more
FEWEST = 10  # rows on each side of what is ranked
SURE = 3.0  # about the normal quantile at which a number is judged, among others
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Measure:
    """A number, how each row moves it, and the variance that a row has at least, whatever came."""

    value: float
    influence: Array
    least: float = 0.0


def qualities(task: str, y: Array, p: Array, places: Array) -> dict[str, Quality]:
    """Each number with its standard error, where it is defined; y of shape (rows,).

    `places`, of shape (rows,), names whom each row is about, from 0.
    """
    if not len(y):
        return {}
    measures = of_numbers(y, p) if task == "regression" else of_classes(y, p)
    intervals = {}
    for name, measure in measures.items():
        error = error_of(measure, places)
        if np.isfinite(measure.value) and np.isfinite(error) and error > 0:
            intervals[name] = Quality(value=float(measure.value), error=error)
    return intervals


def error_of(measure: Measure, places: Array) -> float:
    """The standard error of a number, wider the fewer rows carry it.

    A variance that was seen in n draws of kurtosis k is as sure as one of 2 n / (k - 1) normal ones
    (Box, Non-normality and tests on variances, Biometrika 40, 1953): twice the rows of a rare
    outcome, about. It is compared with another such number, which brings as many (Welch).
    """
    sums = np.bincount(places, measure.influence)[np.bincount(places) > 0]
    draws, variance = len(sums), float((sums**2).sum())
    kurtosis = draws * float((sums**4).sum()) / variance**2 if variance else 1.0
    steady = 2 * draws / (kurtosis - 1) if kurtosis > 1 else float("inf")
    degrees = max(min(2 * steady + 1, worth(places)), 2.0)
    error = sqrt(variance) / len(places) * widened(degrees, SURE)
    return max(error, sqrt(measure.least / draws))


def within_months(
    task: str, y: Array, p: Array, places: Array, moments: pl.Series | None
) -> dict[str, Quality]:
    """The same, with skill and ranking as they are within a month on average.

    Outcomes that differ by month are easier to rank, and to beat a constant in, over a year than in
    a week of it, which is what they are compared with. Where months have too few rows for that, the
    numbers are those of all rows.
    """
    overall = qualities(task, y, p, places)
    if moments is None:
        return overall
    months = moments.dt.strftime("%Y-%m").rank("dense").fill_null(0).to_numpy()
    sides = [months == month for month in np.unique(months)]
    parts = [(int(s.sum()), qualities(task, y[s], p[s], places[s])) for s in sides]
    for name in {*overall} & {*OF_SPREAD}:
        by_month = [(rows, part[name]) for rows, part in parts if name in part]
        count = sum(rows for rows, _ in by_month)
        if 2 * count > len(y):
            value = sum(rows * one.value for rows, one in by_month) / count
            error = np.sqrt(sum((rows * one.error) ** 2 for rows, one in by_month)) / count
            overall[name] = Quality(value=float(value), error=float(error))
    return overall


def of_numbers(y: Array, p: Array) -> dict[str, Measure]:
    """Of numbers, by what no heavy tail moves."""
    middle = float(np.median(y))
    high = y > middle if (y > middle).any() else y >= middle
    above = (y > p) + (y == p) / 2
    share = (float(above.sum()) + 2) / (len(y) + 4)  # all on one side are not sure to be all
    return {
        "skill": saved(np.abs(y - p), np.abs(y - middle)),
        **ranked([(high, p)]),
        "bias": Measure(float(above.mean()), above - above.mean(), share * (1 - share)),
    }


def of_classes(y: Array, p: Array) -> dict[str, Measure]:
    """Of two classes or more; of too few rows beside the most frequent one only the bias."""
    shares = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    ones = np.eye(shares.shape[1])[y.astype(int)]
    first, right = (p, y) if p.ndim == 1 else (shares.max(axis=1), y == shares.argmax(axis=1))
    bias = {"bias": biased(right.astype(float), first)}
    if len(y) - ones.sum(axis=0).max() < FEWEST:
        return bias
    constant = np.broadcast_to(ones.mean(axis=0), shares.shape)
    single = slice(1, None) if p.ndim == 1 else slice(None)
    return {
        "skill": saved(row_losses("log_loss", y, shares), row_losses("log_loss", y, constant)),
        **ranked([(ones[:, k] == 1, shares[:, k]) for k in range(shares.shape[1])][single]),
        **bias,
        "slope": sloped(ones[:, single], shares[:, single]),
    }


def biased(right: Array, chance: Array) -> Measure:
    """By how much what came true lies above its chance, in standard deviations.

    These, and the variance, are at least those that the chances give: of an outcome that never came
    the rows themselves show neither.
    """
    variance = max(float(np.var(right)), float((chance * (1 - chance)).mean()))
    gap = (right - chance) / (sqrt(variance) or 1.0)
    own = float((chance * (1 - chance)).mean()) / (variance or 1.0)
    return Measure(float(gap.mean()), gap - gap.mean(), own)


def saved(loss: Array, constant: Array) -> Measure:
    """The part of the constant's loss that the model does without."""
    whole = float(constant.mean())
    if whole <= 0:
        return Measure(UNKNOWN, constant)
    remaining = float(loss.mean()) / whole
    return Measure(1 - remaining, (remaining * constant - loss) / whole)


def ranked(cases: list[tuple[Array, Array]]) -> dict[str, Measure]:
    """The mean area below the ROC curves of cases that have rows enough on both sides."""
    areas = [area(high, p) for high, p in cases if FEWEST <= high.sum() <= len(high) - FEWEST]
    if not areas:
        return {}
    values, influences = zip(*areas, strict=True)
    return {"ranking": Measure(float(np.mean(values)), np.mean(influences, axis=0))}


def area(high: Array, p: Array) -> tuple[float, Array]:
    """The area below the ROC curve, ties by half, by the place of each row on the other side."""
    sides = np.sort(p[~high]), np.sort(p[high])
    above, below = (
        (np.searchsorted(other, own) + np.searchsorted(other, own, "right")) / (2 * len(other))
        for other, own in zip(sides, (p[high], p[~high]), strict=True)
    )
    value, influence = float(above.mean()), np.empty(len(p))
    influence[high] = (above - value) * len(p) / high.sum()
    influence[~high] = (1 - below - value) * len(p) / (~high).sum()
    return value, influence


def sloped(ones: Array, shares: Array) -> Measure:
    """By how much the classes' shares rise with their probabilities, each around its mean."""
    off, residuals = shares - shares.mean(axis=0), ones - ones.mean(axis=0)
    spread = float((off**2).sum(axis=1).mean())
    if spread <= 0:
        return Measure(UNKNOWN, off[:, 0])
    slope = float((off * residuals).sum(axis=1).mean()) / spread
    return Measure(slope, (off * (residuals - slope * off)).sum(axis=1) / spread)
