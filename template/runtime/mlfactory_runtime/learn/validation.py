"""How good models with these settings are on rows that are not held out: what is tuned is tuned on
this, and so the holdout is left for the last word.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from ..progress import Tell, silent
from ..project import Project
from ..records.evaluation import Evaluation, Fold, Interval, Validation
from . import baselines
from .copies import copies
from .draws import Draws, entities
from .evaluate import Judgement
from .matrix import matrix, usable
from .metrics import measure, primary, relevant, row_losses
from .resampling import mean_of
from .signature import Signature

FEW_ROWS, FOLDS = 5000, 5
FEWER_ROWS, FEWER_FOLDS = 1000, 3  # beyond so many rows, so many folds: they cost as the fit does
VALUES = ("y", "p", "constant")
SURE = 1.96  # standard errors to either end of 95 %


@dataclass(frozen=True)
class Trial:
    """Rows to fit on, rows that tell when to stop, and rows to score, of one kind of rows each."""

    fitting: pl.DataFrame
    stopping: pl.DataFrame
    scoring: pl.DataFrame


@dataclass(frozen=True)
class Scored:
    """What a trial's model says of its rows, beside what they are and what the constant says."""

    rows: pl.DataFrame
    y: np.ndarray
    p: np.ndarray
    constant: np.ndarray


@dataclass(frozen=True)
class Unseen:
    """What models say of rows that they have not seen, by trial; `by` says how these were parted.

    There is none where no trial can be made: a part would have no row, or lack a class.
    """

    trials: tuple[Scored, ...]
    by: str
    are_past: bool

    @property
    def whole(self) -> Scored:
        """All trials in one; there has to be one."""
        values = (np.concatenate([getattr(one, n) for one in self.trials]) for n in VALUES)
        return Scored(pl.concat(one.rows for one in self.trials), *values)


def predict_unseen(
    project: Project, rows: dict[str, pl.DataFrame], signature: Signature, tell: Tell = silent
) -> Unseen:
    """Folds of the rows that are not held out, past windows of them, or the validation rows."""
    every, by, past = trials(project, rows)
    classes = classes_of(project, rows)
    scored = []
    for number, trial in enumerate(every):
        tell(f"validate on {by}, {number + 1} of {len(every)}", number / len(every))
        scored.append(score(trial, classes, signature, project))
    return Unseen(tuple(one for one in scored if one), by, past)


def trials(
    project: Project, rows: dict[str, pl.DataFrame], most: int = FEW_ROWS, luck: int = 0
) -> tuple[list[Trial], str, bool]:
    """How rows that are not held out are parted, in words, too, and whether in past windows.

    Folds are of up to `most` rows, and `luck` decides who is in which.
    """
    params = project.params
    dated = params.data.time and not params.split.group
    visible = pl.concat([rows["train"], rows["validation"]])
    whom = entities(visible, params, copies(visible, project.catalog, params))
    if dated and params.split.backtest_folds > 0:
        return [*windows(visible, project)], f"past windows of {params.data.time!r}", True
    if dated or visible.height > most or whom.count < FOLDS:
        return [*later(rows, project)], "the validation rows", False
    return [*folds(visible, whom, project, luck)], f"folds of {whom.what}", False


def classes_of(project: Project, rows: dict[str, pl.DataFrame]) -> int:
    """How many classes there are to learn; none of numbers."""
    if project.params.task == "regression":
        return 0
    target = project.params.data.target
    return pl.concat([rows["train"][target], rows["validation"][target]]).n_unique()


def validate(
    unseen: Unseen, signature: Signature, project: Project
) -> tuple[Validation | None, tuple[Fold, ...]]:
    """The metrics of all trials together, and those of each that is a past window.

    None without trials.
    """
    if not unseen.trials:
        return None, ()
    params, whole = project.params, unseen.whole
    task, own, y = signature.task, project.metrics, whole.y
    points, naive = (
        measure(task, y, q, params.decision, own)(np.ones(len(y)))
        for q in (whole.p, whole.constant)
    )
    metric = primary(task, params.model)
    validation = Validation(
        by=unseen.by,
        folds=len(unseen.trials),
        rows=len(y),
        metrics={
            name: None if np.isnan(value) else value
            for name, value in relevant(points, params).items()
        },
        naive=naive[metric],
        interval=interval_of(whole, metric, project),
    )
    past = unseen.trials if unseen.are_past else ()
    return validation, tuple(fold(one, signature, project) for one in past)


def interval_of(whole: Scored, metric: str, project: Project) -> Interval:
    """The primary metric of all trials with an interval of 95 %; entities are drawn, not rows."""
    whom = entities(whole.rows, project.params, copies(whole.rows, project.catalog, project.params))
    mean, error = mean_of(row_losses(metric, whole.y, whole.p), whom.places)
    ends = (max(mean + way * error, 0.0) for way in (0.0, -SURE, SURE))
    return Interval(*(value**0.5 if metric == "rmse" else value for value in ends))


def windows(visible: pl.DataFrame, project: Project) -> Iterator[Trial]:
    """Windows that roll over the rows before the cutoff: fit on the past, score what came next."""
    split, time = project.params.split, project.params.data.time or ""
    past = visible.sort(time, maintain_order=True)
    edges = np.linspace(0, past.height, split.backtest_folds + 2).astype(int)[1:]
    for start, stop in pairwise(edges.tolist()):
        size = max(1, int(start * split.validation))
        yield Trial(past[: start - size], past[start - size : start], past[start:stop])


def later(rows: dict[str, pl.DataFrame], project: Project) -> Iterator[Trial]:
    """The rows that tell when to stop are scored, by a model that others have told."""
    params, train = project.params, rows["train"]
    if params.data.time:
        train = train.sort(params.data.time, maintain_order=True)
        last = max(1, int(train.height * params.split.validation))
        yield Trial(train[:-last], train[-last:], rows["validation"])
        return
    whom = entities(train, params, copies(train, project.catalog, params))
    stop = stopping(whom, train, project)
    yield Trial(train.filter(~stop), train.filter(stop), rows["validation"])


def folds(visible: pl.DataFrame, whom: Draws, project: Project, luck: int = 0) -> Iterator[Trial]:
    """Each row is scored once, by a model that has seen nobody whom rows of its fold are about."""
    count = FOLDS if visible.height <= FEWER_ROWS else FEWER_FOLDS
    part = parts_of(whom, visible[project.params.data.target], count, luck)
    for number in range(count):
        inside = part != number
        rest = visible.filter(inside)
        stop = stopping(Draws(whom.places[inside.to_numpy()]), rest, project)
        yield Trial(rest.filter(~stop), rest.filter(stop), visible.filter(~inside))


def stopping(whom: Draws, rows: pl.DataFrame, project: Project) -> pl.Series:
    """Which of the rows tell when to stop: about the share that split.validation asks for."""
    params = project.params
    count = max(2, round(1 / params.split.validation))
    return parts_of(whom, rows[params.data.target], count) == 0


def parts_of(whom: Draws, target: pl.Series, count: int, seed: int = 0) -> pl.Series:
    """Each row's part, from 0: all that are about one share it, and the target is spread evenly."""
    names, first, places = np.unique(whom.places, return_index=True, return_inverse=True)
    luck = np.random.default_rng(seed).permutation(len(names))
    rank = target.rank("dense").to_numpy()[first]
    part = np.empty(len(names), dtype=np.int64)
    part[np.lexsort((luck, rank))] = np.arange(len(names)) % count
    return pl.Series(part[places])


def score(trial: Trial, classes: int, signature: Signature, project: Project) -> Scored | None:
    """Fit and score; None where rows to fit on have fewer classes, or a part has no row."""
    features = usable(trial.scoring, signature, project.compute)
    parts = (trial.fitting, trial.stopping, features)
    fitting, stopping, scoring = (matrix(part, signature, project.compute) for part in parts)
    lacking = len(np.unique(fitting.y)) < classes
    if lacking or not all(len(part.y) for part in (fitting, stopping, scoring)):
        return None
    model = project.estimator.fit(fitting, stopping, signature, project.params.model.trying)
    p = np.asarray(project.estimator.predict(model, scoring.x))
    params = project.params
    best = baselines.constants(np.append(fitting.y, stopping.y), signature, params.decision)
    constant = best[primary(signature.task, params.model)]
    everywhere = np.broadcast_to(constant, (len(p), *constant.shape))
    return Scored(features, scoring.y, p, everywhere)


def fold(one: Scored, signature: Signature, project: Project) -> Fold:
    """A past window as the report shows it."""
    params, moments = project.params, one.rows[project.params.data.time or ""]
    value = measure(signature.task, one.y, one.p, params.decision)(np.ones(len(one.y)))
    return Fold(
        begin=str(moments[0]),
        end=str(moments[-1]),
        rows=one.rows.height,
        value=value[primary(signature.task, params.model)],
    )


def with_validation(judgement: Judgement, folds: Validation | None, metric: str) -> Judgement:
    """The judgement, not accepted if in validation the model is no better than a constant: then
    it was luck that it is so on the holdout. `metric` is the primary one.
    """
    value = folds.metrics[metric] if folds else None
    if judgement.verdict != "accepted" or not folds or value is None or value < folds.naive:
        return judgement
    why = f"in validation its {metric} is no better than that of a constant ({folds.by})"
    return replace(judgement, verdict="rejected", reason=why)


def metrics_file(result: Evaluation) -> dict[str, object]:
    """What `dvc metrics` and `dvc exp show` print: nothing of the holdout, for one tunes on it."""
    folds = result.validation
    return {**folds.metrics, "baseline": {"naive": {result.metric: folds.naive}}} if folds else {}
