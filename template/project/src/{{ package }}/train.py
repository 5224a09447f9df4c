"""The pipeline's second stage: fit, evaluate against baselines, and profile for monitoring."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from . import baselines
from .catalog import Catalog, check_catalog, load_catalog
from .data import PREPARED, load
from .errors import FactoryError
from .files import EVALUATION, MODEL, REPORTS, answers, read_json, write_json
from .groups import is_sensitive
from .insight import Held, check_segments, insights
from .metrics import PRIMARY, Interval, evaluate, expected, measure
from .model import Matrix, fit, predict, save
from .params import Params, load_params
from .plots import write_plots
from .registry.card import model_card
from .signature import (
    Signature,
    describe,
    encode,
    featured,
    refusals,
    refuse_undeclared,
    save_signature,
    shown,
)
from .split import FILE as SPLIT

PROFILE, CARD = "profile.json", "card.json"
POINTS, LISTED = 201, 255
IMPORTANCE_ROWS = 2000
# Where rows came from, and how models are served and looked after, changes nothing learned.
NOT_LEARNED: dict[str, Any] = {
    "data": {"source", "url_env"},
    "serving": {"max_rows", "max_body", "timeout", "key_env"},
    "log": True,
    "gate": True,
    "monitor": True,
    "alerts": True,
}


def train() -> dict[str, Any]:
    """Write the model's folder, reports/metrics.json, reports/evaluation.json and the plots."""
    params, catalog = load_params(), load_catalog()
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(f"{errors[0].feature}: {errors[0].message}", errors[0].remedy)
    check_segments(catalog, params)
    split = read_json(PREPARED / SPLIT)
    rows = {part: load(part) for part in ("train", "validation", "holdout")}
    signature = describe_model(rows["train"], catalog, params, split)
    parts = {part: matrix(frame, signature) for part, frame in rows.items()}
    model = fit(parts["train"], parts["validation"], signature, params.model)
    scored = {
        "model": predict(model, parts["holdout"].x),
        "naive": baselines.naive(parts["train"], parts["holdout"].x, signature),
        "linear": baselines.linear(parts["train"], parts["holdout"].x, signature),
    }
    refused = rows["holdout"].height - len(parts["holdout"].y)
    result = judge(signature, parts["holdout"].y, scored, params)
    importance = permutation_importance(
        lambda x: predict(model, x), parts["holdout"], signature, params
    )
    wanted = [*catalog.features(params), *params.report.segments]
    frame = featured(usable(rows["holdout"], signature), wanted)
    x, y = parts["holdout"].x, parts["holdout"].y
    held = Held(signature, frame, x, y, scored["model"], scored["naive"])
    result |= insights(held, lambda x: predict(model, x), importance, catalog, params)
    result["warnings"] += dear(result["decision"], signature)
    result |= {
        "rows": split["rows"],
        "importance": importance,
        "split": split,
        "backtest": backtest(rows, signature, params) if params.data.time else [],
        "warnings": split["warnings"] + result["warnings"] + left_out(refused),
        "provenance": signature.provenance,
    }
    MODEL.mkdir(parents=True, exist_ok=True)
    save(model, MODEL)
    save_signature(signature, MODEL)
    write_json(MODEL / PROFILE, profile(rows["train"], signature, scored["model"]))
    write_json(MODEL / CARD, model_card(result, catalog, params))
    write_json(EVALUATION, result)
    write_json(REPORTS / "metrics.json", metrics_file(result))
    sensitive = is_sensitive(catalog, params.data.target)
    write_plots(REPORTS / "plots", held, importance, params.decision, sensitive)
    return result


def describe_model(
    rows: pl.DataFrame, catalog: Catalog, params: Params, split: dict[str, Any]
) -> Signature:
    """The signature: features as the training rows show them, classes, split and provenance."""
    wanted = catalog.features(params)
    frame = featured(rows, wanted)
    refuse_undeclared(frame, {*catalog.columns, *catalog.derived})
    classes = class_names(split, params)
    return Signature(
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        target=params.data.target,
        classes=classes,
        threshold=params.decision.chosen_threshold if len(classes) == 2 else None,
        features=tuple(
            describe(n, c.dtype, c.role, frame[n], split["data"] * is_sensitive(catalog, n))
            for n, c in wanted.items()
        ),
        split={key: split[key] for key in ("kind", "cutoff", "rows")},
        provenance=provenance(params, split),
    )


def class_names(split: dict[str, Any], params: Params) -> tuple[str, ...]:
    """All classes in order; of two, the positive one comes last."""
    if params.task == "regression":
        return ()
    names = sorted({name for part in split["classes"].values() for name in part})
    if len(names) < 2:
        raise FactoryError(
            f"the target has one class only: {names}", "add rows of another class to the data"
        )
    if len(names) == 2 and params.data.positive is not None:
        if params.data.positive not in names:
            raise FactoryError(
                f"data.positive is {params.data.positive!r}, and the classes are {names}",
                "correct data.positive in params.yaml",
            )
        names.sort(key=lambda name: name == params.data.positive)
    return tuple(names)


def provenance(params: Params, split: dict[str, Any]) -> dict[str, str]:
    """Code, data, settings and versions by hash; a registry tag names the commit."""
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py")))
    lock = Path("uv.lock")
    return {
        "data": split["data"],
        "code": _digest(code),
        "params": params_hash(params),
        "lock": _digest(lock.read_bytes()) if lock.is_file() else "",
        "template": str(answers().get("_commit", "")),
    }


def params_hash(params: Params) -> str:
    """Of the settings that a model depends on."""
    return _digest(params.model_dump_json(exclude=NOT_LEARNED).encode())


def featured_train(rows: pl.DataFrame, signature: Signature) -> pl.DataFrame:
    """The features of the rows, in the signature's order."""
    names = [feature.name for feature in signature.features]
    return featured(rows, names).select(names)


def usable(rows: pl.DataFrame, signature: Signature) -> pl.DataFrame:
    """The rows that the encoder does not refuse."""
    return rows.filter(refusals(featured_train(rows, signature), signature.features).is_null())


def matrix(rows: pl.DataFrame, signature: Signature) -> Matrix:
    """Encoded features and target of the rows that can be used."""
    rows = usable(rows, signature)
    x, target = encode(featured_train(rows, signature), signature.features), rows[signature.target]
    if signature.task == "regression":
        return Matrix(x, target.cast(pl.Float64).to_numpy())
    codes = {name: float(code) for code, name in enumerate(signature.classes)}
    y = target.cast(pl.String).replace_strict(codes, return_dtype=pl.Float64)
    return Matrix(x, y.to_numpy())


def left_out(rows: int) -> list[str]:
    """What to say of holdout rows that this model cannot score."""
    if not rows:
        return []
    return [f"{rows:,} holdout rows were left out: a value is missing that never was in training"]


def dear(found: dict[str, Any] | None, signature: Signature) -> list[str]:
    """What to say of a threshold if another one is surely cheaper by more than a tenth."""
    if not found or not found["dear"]:
        return []
    return [
        f"calls from {signature.threshold:g} on cost {found['cost']:.3g} per row; from about "
        f"{found['cheapest_threshold']:.2g} on they would surely cost less: look at the calibration"
    ]


def judge(
    signature: Signature, y: np.ndarray, scored: dict[str, np.ndarray], params: Params
) -> dict[str, Any]:
    """Metrics with intervals, the gain on each baseline, and the verdict that follows."""
    models, gains = evaluate(signature.task, y, scored, params.decision, params.model.seed)
    verdict, reason = decide(gains, PRIMARY[signature.task])
    linear = gains["linear"]
    close = verdict == "accepted" and linear.low is not None and linear.low <= 0
    return {
        "task": signature.task,
        "target": signature.target,
        "classes": list(signature.classes),
        "positive": signature.classes[1] if signature.task == "binary" else None,
        "threshold": signature.threshold,
        "metric": PRIMARY[signature.task],
        "verdict": verdict,
        "reason": reason,
        "models": {n: {k: asdict(v) for k, v in found.items()} for n, found in models.items()},
        "gain": {name: asdict(gain) for name, gain in gains.items()},
        "warnings": ["its lead over the linear baseline may be chance"] if close else [],
    }


def decide(gains: dict[str, Interval], metric: str) -> tuple[str, str]:
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
) -> list[dict[str, Any]]:
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
    return [{"feature": name, "gain": lost / total} for name, lost in ranked]


def backtest(
    rows: dict[str, pl.DataFrame], signature: Signature, params: Params
) -> list[dict[str, Any]]:
    """Windows that roll over the rows before the cutoff: fit on the past, score what came next."""
    time = params.data.time or ""
    past = pl.concat([rows["train"], rows["validation"]]).sort(time, maintain_order=True)
    edges = np.linspace(0, past.height, params.split.backtest_folds + 2).astype(int)[1:]
    metric, folds = PRIMARY[signature.task], []
    for start, stop in pairwise(edges.tolist()):
        window = past[start:stop]
        held = max(1, int(start * params.split.validation))
        parts = past[: start - held], past[start - held : start], window
        fitting, stopping, scoring = (matrix(part, signature) for part in parts)
        p = predict(fit(fitting, stopping, signature, params.model), scoring.x)
        value = measure(signature.task, scoring.y, p, params.decision)(np.ones(len(p)))[metric]
        ends = {"from": str(window[time][0]), "to": str(window[time][-1])}
        folds.append({**ends, "rows": window.height, "value": value})
    return folds


def profile(rows: pl.DataFrame, signature: Signature, predictions: np.ndarray) -> dict[str, Any]:
    """What monitoring compares with: training rows by feature, and predictions of the holdout.

    `expected` is what the metrics would be if the probabilities were right.
    """
    frame, scores = featured_train(rows, signature), predictions.reshape(len(predictions), -1)
    wanted = expected(signature.task, predictions, signature.threshold or 0.5)
    return {
        "rows": frame.height,
        "features": {f.name: _distribution(frame[f.name], f.salt) for f in signature.features},
        "predictions": [_quantiles(scores[:, k]) for k in range(scores.shape[1])],
        "expected": {name: value for name, (value, _) in wanted.items()},
    }


def _distribution(column: pl.Series, salt: str) -> dict[str, Any]:
    """With a salt, values must not be read: digests, and quantiles without ends, rounded."""
    known = column.drop_nulls()
    told: dict[str, Any] = {"missing": column.null_count() / max(column.len(), 1)}
    if column.dtype in (pl.String, pl.Boolean):
        names = shown(known, salt if column.dtype == pl.String else "")
        counts, other = _listed(names)
        # What is frequent by chance is less so in other rows: one half is asked about the other.
        half = names.gather_every(2, 1)
        new = 1 - half.is_in(list(_listed(names.gather_every(2))[0])).sum() / max(half.len(), 1)
        return told | {"rows": known.len(), "counts": counts, "other": other, "new": new}
    values = known.to_physical().cast(pl.Float64).to_numpy()
    return told | _quantiles(values, (0.01, 0.99, 2) if salt else (0, 1, 9))


def _listed(names: pl.Series) -> tuple[dict[str, int], int]:
    """How often each of the most frequent values stands in a column, and all others together."""
    counts = names.rename("value").value_counts().sort(["count", "value"], descending=True)
    return dict(counts.head(LISTED).iter_rows()), int(counts["count"][LISTED:].sum())


def _quantiles(values: np.ndarray, ends: tuple[float, float, int] = (0, 1, 9)) -> dict[str, Any]:
    """Values from the first to the last wanted quantile, with so many significant digits.

    With each goes the exact share of rows that lie below it, and up to it.
    """
    low, high, digits = ends
    ordered = np.sort(values)
    wanted = np.linspace(0, 1, POINTS).clip(low, high)
    found = np.quantile(ordered, wanted) if len(values) else []
    points = sorted({float(f"{q:.{digits}g}") for q in found})
    below, upto = np.searchsorted(ordered, points), np.searchsorted(ordered, points, "right")
    shares = {"below": below, "upto": upto}
    told = {name: (count / max(len(values), 1)).round(9).tolist() for name, count in shares.items()}
    return {"rows": len(values), "values": points, **told}


def metrics_file(result: dict[str, Any]) -> dict[str, Any]:
    """The numbers that `dvc metrics show` and `dvc metrics diff` print."""
    points = {
        name: {key: interval["value"] for key, interval in found.items()}
        for name, found in result["models"].items()
    }
    baselines = {n: {result["metric"]: points[n][result["metric"]]} for n in ("naive", "linear")}
    return {**points["model"], "baseline": baselines, "accepted": result["verdict"] == "accepted"}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
