"""The pipeline's second stage: fit, evaluate against baselines, and profile for monitoring."""

from functools import partial
from typing import Any

import polars as pl

from .. import runtime_version
from ..data.computed import featured, refuse_undeclared
from ..data.rows import load_part
from ..errors import FactoryError
from ..files import read_json, short_hash, write_json
from ..project import EVALUATION, PACKAGES, Project
from ..settings.availability import check_catalog
from ..settings.params import Params, params_hash
from . import baselines
from .card import model_card
from .evaluate import backtest, dear, judge, left_out, metrics_file, permutation_importance
from .groups import is_sensitive
from .insight import Held, check_segments, insights
from .matrix import matrix, usable
from .plots import write_plots
from .profile import CARD, PROFILE, profile
from .signature import Signature, describe, save_signature
from .split import FILE as SPLIT


def train(project: Project) -> dict[str, Any]:
    """Write the model's folder, reports/metrics.json, reports/evaluation.json and the plots."""
    params, catalog, compute = project.params, project.catalog, project.compute
    estimator = project.estimator
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(f"{errors[0].feature}: {errors[0].message}", errors[0].remedy)
    check_segments(catalog, params)
    split = read_json(project.prepared / SPLIT)
    rows = {part: load_part(project, part) for part in ("train", "validation", "holdout")}
    signature = describe_model(project, rows["train"], split)
    parts = {part: matrix(frame, signature, compute) for part, frame in rows.items()}
    model = estimator.fit(parts["train"], parts["validation"], signature, params.model)
    scored = {
        "model": estimator.predict(model, parts["holdout"].x),
        "naive": baselines.naive(parts["train"], parts["holdout"].x, signature),
        "linear": baselines.linear(parts["train"], parts["holdout"].x, signature),
    }
    refused = rows["holdout"].height - len(parts["holdout"].y)
    result = judge(signature, parts["holdout"].y, scored, params)
    score = partial(estimator.predict, model)
    importance = permutation_importance(score, parts["holdout"], signature, params)
    wanted = [*catalog.features(params), *params.report.segments]
    frame = featured(usable(rows["holdout"], signature, compute), wanted, compute)
    x, y = parts["holdout"].x, parts["holdout"].y
    held = Held(signature, frame, x, y, scored["model"], scored["naive"])
    result |= insights(held, score, importance, catalog, params)
    result["warnings"] += dear(result["decision"], signature)
    result |= {
        "rows": split["rows"],
        "importance": importance,
        "split": split,
        "backtest": backtest(project, rows, signature) if params.data.time else [],
        "warnings": split["warnings"] + result["warnings"] + left_out(refused),
        "provenance": signature.provenance,
    }
    project.model_folder.mkdir(parents=True, exist_ok=True)
    estimator.save(model, project.model_folder)
    save_signature(signature, project.model_folder)
    known = profile(rows["train"], signature, scored["model"], compute)
    write_json(project.model_folder / PROFILE, known)
    write_json(project.model_folder / CARD, model_card(project, result))
    write_json((project.root / EVALUATION), result)
    write_json(project.reports / "metrics.json", metrics_file(result))
    sensitive = is_sensitive(catalog, params.data.target)
    write_plots(project.reports / "plots", held, importance, params.decision, sensitive)
    return result


def describe_model(project: Project, rows: pl.DataFrame, split: dict[str, Any]) -> Signature:
    """The signature: features as the training rows show them, classes, split and provenance."""
    params, catalog = project.params, project.catalog
    wanted = catalog.features(params)
    frame = featured(rows, wanted, project.compute)
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
        provenance=provenance(project, split),
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


def provenance(project: Project, split: dict[str, Any]) -> dict[str, str]:
    """Code, data, settings and versions by hash; a registry tag names the commit."""
    code = b"".join(path.read_bytes() for path in sorted(project.source.rglob("*.py")))
    lock = project.root / PACKAGES
    return {
        "data": split["data"],
        "code": short_hash(code),
        "runtime": runtime_version(),
        "params": params_hash(project.params),
        "lock": short_hash(lock.read_bytes()) if lock.is_file() else "",
        "template": str(project.answers.get("_commit", "")),
    }
