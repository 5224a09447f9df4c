"""The pipeline's second stage: fit, evaluate against baselines, and profile for monitoring."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .. import runtime_version
from ..data.computed import featured, refuse_undeclared
from ..errors import FactoryError
from ..files import short_hash, write_json
from ..packages import training_packages
from ..progress import Tell, silent
from ..project import EVALUATION, PREPARED, Estimator, Project
from ..records.data import HeldOut, SplitRecord
from ..records.evaluation import Evaluation
from ..records.profile import Profile, Quality
from ..records.record import read, write
from ..settings.availability import check_catalog
from ..settings.idle import idle
from ..settings.params import Params, params_hash
from .card import model_card
from .evaluate import leading, left_out, threshold_warning
from .findings import Findings, examine, fit_simple
from .folder import swapped
from .groups import is_sensitive
from .insight import check_segments
from .intervals import FILE as INTERVALS
from .manifest import MEASURED, save_manifest
from .matrix import Matrix, learned_from, matrix
from .overrides import overrides
from .plots import write_plots
from .profile import CARD, PROFILE, profile
from .quality import within_months
from .signature import Signature, describe, save_signature
from .split import FILE as SPLIT
from .stored import PARTS, Parts, features_of, load_parts, matrix_of, notes, part_files, reading
from .validation import metrics_file
from .within import segments


@dataclass(frozen=True)
class Used:
    """The model that predicts, how it sees rows, and those that it has learned from.

    These are there as x, too, where they have a time.
    """

    model: Any
    signature: Signature
    rows: pl.DataFrame
    x: np.ndarray | None


def train(project: Project, tell: Tell = silent) -> Evaluation:
    """Write the model's folder, reports/metrics.json, reports/evaluation.json and the plots."""
    params, catalog, estimator = project.params, project.catalog, project.estimator
    refuse_unready(project)
    split = read_split(project)
    there = load_parts(project, split)
    rows = there.rows
    signature = describe_model(project, there, split)
    parts = {part: matrix(frame, signature, project.compute) for part, frame in rows.items()}
    tell("fit the model", 0.05)
    sides = stored(project, signature) if there.are_stored else parts
    model = estimator.fit(sides["train"], sides["validation"], signature, params.model.fitting)
    tell("fit the baselines", 0.35)
    simple, last, y = fit_simple(project, parts, signature), parts["holdout"], parts["train"].y
    dated = parts["train"].x if params.data.time else None
    del parts, sides  # twice the memory of a table, and validation makes matrices of its own
    findings = examine(project, model, signature, rows, last, simple, split, tell)
    signature = findings.holdout.signature
    tell("write the model", 0.95)
    used = refitted(project, there, signature, model, dated)
    with swapped(project.model_folder) as folder:
        save(estimator, used.model, used.signature, folder)
        if params.model.refit:
            (folder / MEASURED).mkdir()
            save(estimator, model, signature, folder / MEASURED)
        if findings.intervals:
            write(folder / INTERVALS, findings.intervals)
        first = leading(params, signature, y)
        remarks = (*idle(params, own_split=bool(split.code)), *notes(project, there))
        remarks = (*remarks, *overrides(folder, params.model))
        result = evaluation(findings, split, first, remarks)
        if params.model.refit:
            result = result.model_copy(update={"refit": sum(there.counts.values())})
        holdout, places = findings.holdout, findings.units.places
        worth = within_months(signature.task, holdout.y, holdout.p, places, findings.moments)
        write(folder / PROFILE, profile_of(project, used, holdout.p, worth))
        write(folder / CARD, model_card(project, result))
        save_manifest(folder)
    write(project.root / EVALUATION, result)
    write_json(project.reports / "metrics.json", metrics_file(result))
    sensitive = is_sensitive(catalog, params.data.target)
    plots = project.reports / "plots"
    write_plots(plots, findings.holdout, findings.importance, params.decision, sensitive)
    return result


def stored(project: Project, signature: Signature) -> dict[str, Matrix]:
    """All rows that are learned from, which stay in their files."""
    return {
        part: matrix_of(project, part_files(project, [part]), signature)
        for part in ("train", "validation")
    }


def refuse_unready(project: Project) -> None:
    """FactoryError for settings and a catalog that no model can be trained by."""
    params, catalog = project.params, project.catalog
    if params.model.refit and project.estimator.refit is None:
        hint = "add that verb (`from mlfactory_runtime.lightgbm import refit`), or set it to false"
        raise FactoryError("model.refit is set, and model.py has no `refit`", hint)
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(f"{errors[0].feature}: {errors[0].message}", errors[0].remedy)
    check_segments(catalog, params)


def save(estimator: Estimator, model: Any, signature: Signature, folder: Path) -> None:
    """A model, and how it sees rows."""
    estimator.save(model, folder)
    save_signature(signature, folder)


def profile_of(project: Project, used: Used, p: np.ndarray, worth: dict[str, Quality]) -> Profile:
    """What the monitor compares with: rows that were learned from, and held-out scores p."""
    params, compute = project.params, project.compute
    time = params.data.time
    scores = project.estimator.predict(used.model, used.x) if time and used.x is not None else None
    described = profile(used.rows, used.signature, p, compute, worth, time, scores)
    frame = learned_from(used.rows, used.signature, compute)
    groups = segments(frame, used.signature, described.features, params.report.segments)
    return described.model_copy(update={"segments": groups})


def refitted(
    project: Project, there: Parts, signature: Signature, model: Any, x: np.ndarray | None
) -> Used:
    """What is used from now on: the model as it was measured, or with model.refit one of all rows.

    The settings stay, and what `fit` has found on the validation rows; categories and gaps are
    described anew.
    """
    params, fit = project.params, project.estimator.refit
    if fit is None or not params.model.refit:
        return Used(model, signature, there.rows["train"], x)
    whole = describe_model(project, there, read_split(project), PARTS)
    whole = whole.model_copy(update={"threshold": signature.threshold})
    every = pl.concat(there.rows.values())
    own = matrix(every, whole, project.compute)
    stays = there.are_stored
    learned = matrix_of(project, part_files(project), whole) if stays else own
    return Used(fit(model, learned, whole, params.model.fitting), whole, every, own.x)


def read_split(project: Project) -> SplitRecord:
    """What the stage `prepare` left. FactoryError if it did not run."""
    record = read(SplitRecord, project.prepared / SPLIT)
    if record is None:
        raise FactoryError(f"{PREPARED / SPLIT} is not here", "make it: dvc repro prepare")
    return record


def evaluation(
    findings: Findings, split: SplitRecord, leading: tuple[str, ...], notes: Iterable[str]
) -> Evaluation:
    """All that was measured; `notes` are about settings."""
    signature, judgement, views = findings.holdout.signature, findings.judgement, findings.insights
    return Evaluation(
        format=Evaluation.latest,
        task=signature.task,
        target=signature.target,
        classes=signature.classes,
        positive=signature.classes[1] if signature.task == "binary" else None,
        threshold=signature.threshold,
        metric=findings.holdout.metric,
        leading=leading,
        verdict=judgement.verdict,
        reason=judgement.reason,
        models=judgement.models,
        gain=judgement.gain,
        warnings=(
            *split.warnings,
            *judgement.warnings,
            *notes,
            *findings.doubts,
            *threshold_warning(views.decision, signature),
            *left_out(findings.refused),
        ),
        segments=views.segments,
        effects=views.effects,
        lift=views.lift,
        decision=views.decision,
        recalls=judgement.recalls,
        coverage=judgement.coverage,
        rows=split.rows,
        importance=findings.importance,
        split=split,
        validation=findings.validation,
        backtest=findings.folds,
        own_metrics=judgement.own_metrics,
        provenance=signature.provenance,
    )


def describe_model(
    project: Project, there: Parts, split: SplitRecord, parts: Sequence[str] = ("train",)
) -> Signature:
    """The signature: features as the rows of these parts show them, classes, split, provenance."""
    params, catalog = project.params, project.catalog
    columns = catalog.features(params)
    frame = featured(pl.concat(there.rows[part] for part in parts), columns, project.compute)
    refuse_undeclared(frame, {*catalog.columns, *catalog.derived})
    classes = class_names(split, params)
    salts = {name: split.data * is_sensitive(catalog, name) for name in columns}
    if there.are_stored:
        features = features_of(project, parts, columns, salts)
    else:
        features = tuple(
            describe(n, c.dtype, c.role, frame[n], salts[n]) for n, c in columns.items()
        )
    return Signature(
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        target=params.data.target,
        classes=classes,
        threshold=params.decision.chosen_threshold if len(classes) == 2 else None,
        features=features,
        split=HeldOut(kind=split.kind, cutoff=split.cutoff, rows=split.rows, code=split.code),
        provenance=provenance(project, split) | reading(project, there),
    )


def class_names(split: SplitRecord, params: Params) -> tuple[str, ...]:
    """All classes in order; of two, the positive one comes last."""
    if params.task == "regression":
        return ()
    names = sorted({name for part in (split.classes or {}).values() for name in part})
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


def provenance(project: Project, split: SplitRecord) -> dict[str, str]:
    """Code, data, settings and versions by hash; a registry tag names the commit."""
    code = b"".join(path.read_bytes() for path in sorted(project.source.rglob("*.py")))
    packages = training_packages(project)
    return {
        "data": split.data,
        "code": short_hash(code),
        "runtime": runtime_version(),
        "params": params_hash(project.params),
        "lock": short_hash(packages.encode()) if packages else "",
        "template": str(project.answers.get("_commit", "")),
    }
