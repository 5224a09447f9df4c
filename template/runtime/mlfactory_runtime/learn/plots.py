"""The points behind the plots, as CSV: for `dvc plots` and for the report."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ..records.evaluation import Importance
from ..settings.decision import Decision
from .holdout import Held
from .insight import cost_curve
from .metrics import bins
from .ranking import curve
from .signature import Signature

MAX_POINTS = 500


def write_plots(
    folder: Path,
    holdout: Held,
    importance: Sequence[Importance],
    decision: Decision,
    sensitive: bool,
) -> None:
    """Write one CSV per plot, thinned to what a picture can show; no row of a sensitive target."""
    folder.mkdir(parents=True, exist_ok=True)
    _importance(importance).write_csv(folder / "importance.csv")
    signature, y, p = holdout.signature, holdout.y, holdout.p
    if signature.task == "regression":
        pairs = pl.DataFrame({"actual": y, "predicted": p})
        (_binned(pairs) if sensitive else _thinned(pairs)).write_csv(folder / "residuals.csv")
        return
    if signature.task == "binary":
        thresholds, price = cost_curve(y, p, decision)
        costs = pl.DataFrame({"threshold": thresholds, "cost": price})
        _thinned(costs).write_csv(folder / "cost.csv")
    calls = p.argmax(axis=1) if p.ndim == 2 else (p >= (signature.threshold or 0.5)).astype(int)
    names = np.array(signature.classes)
    confusion = pl.DataFrame({"actual": names[y.astype(int)], "predicted": names[calls]})
    confusion.write_csv(folder / "confusion.csv")
    curves = {"roc": _roc, "pr": _precision_recall, "gain": _gain, "calibration": _calibration}
    for name, points in curves.items():
        frames = [
            points(ones, shares).select(pl.lit(label).alias("class"), pl.all())
            for label, ones, shares in _each_class(signature, y, p)
        ]
        table = pl.concat(frames)
        table = table.drop("class") if signature.task == "binary" else table
        table.write_csv(folder / f"{name}.csv")


def _importance(importance: Sequence[Importance]) -> pl.DataFrame:
    schema = {"feature": pl.String(), "gain": pl.Float64()}
    lines = [(line.feature, line.gain) for line in importance]
    return pl.DataFrame(lines, schema=schema, orient="row").with_columns(pl.col("gain").round(6))


def _each_class(
    signature: Signature, y: np.ndarray, p: np.ndarray
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    if signature.task == "binary":
        return [(signature.classes[1], y, p)]
    return [(name, (y == k).astype(float), p[:, k]) for k, name in enumerate(signature.classes)]


def _roc(y: np.ndarray, p: np.ndarray) -> pl.DataFrame:
    positive, negative = curve(y, p)
    rates = {
        "false_positive_rate": np.append(0, negative) / max(negative[-1], 1),
        "true_positive_rate": np.append(0, positive) / max(positive[-1], 1),
    }
    return _thinned(pl.DataFrame(rates))


def _precision_recall(y: np.ndarray, p: np.ndarray) -> pl.DataFrame:
    positive, negative = curve(y, p)
    recall, precision = positive / max(positive[-1], 1), positive / (positive + negative)
    return _thinned(pl.DataFrame({"recall": recall, "precision": precision}))


def _gain(y: np.ndarray, p: np.ndarray) -> pl.DataFrame:
    positive, negative = curve(y, p)
    share, recall = (positive + negative) / len(y), positive / max(positive[-1], 1)
    return _thinned(pl.DataFrame({"called": np.append(0, share), "found": np.append(0, recall)}))


def _calibration(y: np.ndarray, p: np.ndarray) -> pl.DataFrame:
    table = pl.DataFrame({"bin": bins(p), "predicted": p, "observed": y})
    return (
        table.group_by("bin")
        .agg(pl.col("predicted", "observed").mean(), pl.len().alias("rows"))
        .sort("bin")
        .drop("bin")
    )


def _binned(pairs: pl.DataFrame) -> pl.DataFrame:
    return (
        pairs.group_by(pl.Series("bin", bins(pairs["predicted"].to_numpy())))
        .agg(pl.col("actual", "predicted").mean())
        .sort("bin")
        .drop("bin")
    )


def _thinned(points: pl.DataFrame) -> pl.DataFrame:
    if points.height <= MAX_POINTS:
        return points
    places: list[int] = np.linspace(0, points.height - 1, MAX_POINTS).astype(int).tolist()
    return points.select(pl.all().gather(places))
