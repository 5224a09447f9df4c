"""What rows that a model has not learned from say of it: all that follows from fitting."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ..data.computed import featured
from ..progress import Tell, within
from ..project import Project
from ..records.data import SplitRecord
from ..records.evaluation import Fold, Importance, Validation
from ..records.intervals import Intervals
from . import baselines, linear
from .alarm import with_alarm
from .conformal import fit_intervals
from .copies import copies
from .coverage import coverage_warnings, measure_coverage
from .draws import Draws, draws, entities, independent
from .evaluate import Judgement, judge
from .few import with_moments
from .history import histories
from .holdout import Held
from .importance import permutation_importance
from .insight import Insights, insights
from .intervals import ends
from .matrix import Matrix, usable
from .metrics import primary, row_losses
from .ranking import threshold_of
from .signature import Signature
from .validation import predict_unseen, validate, with_validation


@dataclass(frozen=True)
class Simple:
    """What every model is compared with: constants by metric, and what is said of held-out rows."""

    constants: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]


@dataclass(frozen=True)
class Findings:
    """What held-out rows say of a model, and what others of its kind say of rows before those.

    `refused` rows of the holdout could not be scored; `doubts` are about its intervals; `moments`
    are the rows' own, where they have one.
    """

    holdout: Held
    units: Draws
    judgement: Judgement
    insights: Insights
    importance: tuple[Importance, ...]
    validation: Validation | None
    folds: tuple[Fold, ...]
    intervals: Intervals | None
    doubts: tuple[str, ...]
    refused: int
    moments: pl.Series | None


def examine(
    project: Project,
    model: Any,
    signature: Signature,
    rows: dict[str, pl.DataFrame],
    matrix: Matrix,
    simple: Simple,
    split: SplitRecord,
    tell: Tell,
) -> Findings:
    """Measure a model on held-out rows beside simple ones; the signature of what comes back has the
    threshold that follows from them.
    """
    params, catalog, compute = project.params, project.catalog, project.compute
    score = partial(project.estimator.predict, model)
    metric, x, y = primary(signature.task, params.model), matrix.x, matrix.y
    held_rows = usable(rows["holdout"], signature, compute)
    scored = {"model": score(x), **simple.scores}
    if split.kind == "time" and signature.task == "regression":
        past = pl.concat([rows["train"], rows["validation"]])
        scored |= histories(past, held_rows, catalog, params)
    if signature.task == "binary":
        limit = threshold_of(scored["model"], params.decision)
        signature = signature.model_copy(update={"threshold": limit})
    tell("shuffle each feature", 0.4)
    importance = permutation_importance(score, matrix, signature, params)
    same = copies(held_rows, catalog, params)
    naive, own = (row_losses(metric, y, scored[name]) for name in ("naive", "model"))
    units = independent(draws(held_rows, split, params, same), naive - own, own)
    unseen = predict_unseen(project, rows, signature, within(tell, 0.5, 0.8))
    validation, folds = validate(unseen, signature, project)
    intervals = fit_intervals(unseen, split, catalog, params)
    limits = ends(intervals, scored["model"])
    tell("draw the held-out rows again", 0.8)
    judgement = judge(signature, y, scored, params, project.metrics, units, simple.constants)
    assumed = any(column.assumed for column in catalog.inputs(params).values())
    judgement = with_validation(judgement, validation, metric)
    judgement = with_moments(judgement, held_rows, naive - own, split, params)
    judgement = with_alarm(judgement, signature, metric, importance, len(y), assumed=assumed)
    coverage = measure_coverage(y, limits, units, intervals)
    frame = featured(held_rows, [*catalog.features(params), *params.report.segments], compute)
    places = entities(held_rows, params, same).places
    p, constant = scored["model"], scored["naive"]
    holdout = Held(signature, frame, x, y, p, constant, places, limits, metric)
    tell("look at features and groups", 0.85)
    return Findings(
        holdout=holdout,
        units=units,
        judgement=replace(judgement, coverage=coverage),
        insights=insights(holdout, score, importance, catalog, params),
        importance=importance,
        validation=validation,
        folds=folds,
        intervals=intervals,
        doubts=tuple(coverage_warnings(coverage, params, unseen)),
        refused=rows["holdout"].height - len(y),
        moments=held_rows[params.data.time] if params.data.time else None,
    )


def fit_simple(project: Project, parts: dict[str, Matrix], signature: Signature) -> Simple:
    """The constant that is best by each metric, and a linear model."""
    params, x = project.params, parts["holdout"].x
    best = baselines.constants(parts["train"].y, signature, params.decision, project.metrics)
    constant = best[primary(signature.task, params.model)]
    line = linear.fit(parts["train"], parts["validation"], signature, params.model)
    naive = np.broadcast_to(constant, (len(x), *constant.shape))
    return Simple(best, {"naive": naive, "linear": linear.predict(line, x)})
