"""A model at hand: from raw rows to answers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..data.computed import featured
from ..data.contract import read_rows
from ..errors import FactoryError
from ..learn.intervals import ENDS, ends, load_intervals
from ..learn.signature import Signature, encode, load_signature, refusals
from ..learn.signing import check_signed
from ..project import Project
from ..records.intervals import Intervals
from ..registry.artifact import version
from ..settings.catalog import Catalog
from ..settings.params import Params
from .refusals import broken_by, lacking_by

if TYPE_CHECKING:
    from ..log.batch import BatchLog


@dataclass(frozen=True)
class Scorer:
    """A model at hand. `version` names it by its contents."""

    signature: Signature
    model: Any
    version: str
    catalog: Catalog
    params: Params
    project: Project
    intervals: Intervals | None = None
    explain: int = 0
    log: "BatchLog | None" = None

    def predict(self, x: np.ndarray) -> np.ndarray:
        """What the model says of encoded rows; an estimator is not asked about none."""
        if not len(x):
            several = self.signature.task == "multiclass"
            return np.empty((0, len(self.signature.classes)) if several else 0)
        return self.project.estimator.predict(self.model, x)


def open_scorer(project: Project, folder: Path, explain: int = 0) -> Scorer:
    """Read the model and what it needs. FactoryError if it cannot explain and is asked to, or if
    it is not signed and should be.
    """
    if explain and project.estimator.contributions is None:
        raise FactoryError("model.py has no `contributions`", "add that verb, or leave --explain")
    check_signed(project, folder)
    signature = load_signature(folder)
    model = project.estimator.load(folder)
    columns = project.catalog, project.params
    intervals = load_intervals(folder)
    return Scorer(signature, model, version(folder), *columns, project, intervals, explain)


def score(raw: pl.DataFrame, scorer: Scorer, first: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The answers to the rows that can be scored, and the other rows with the reason.

    `first` is the number of the first row, for the log.
    """
    signature, catalog = scorer.signature, scorer.catalog
    names = [feature.name for feature in signature.features]
    rows, cases = read_rows(raw, catalog.inputs(scorer.params), scorer.params.data)
    reason = reasons(cases, raw.height)
    accepted = reason.is_null()
    ready = featured(rows.filter(accepted), names, scorer.project.compute)
    lacking = refusals(ready, signature.features)
    reason = reason.scatter(accepted.arg_true(), lacking) if accepted.any() else reason
    lacks, ready = lacking_by(ready, signature.features), ready.filter(lacking.is_null())
    scored = reason.is_null()
    bad = raw.filter(~scored).with_columns(reason=reason.filter(~scored))
    if scorer.log and bad.height:
        broken = broken_by(raw, cases, catalog) + lacks
        scorer.log.refuse(broken, bad.height, scorer.version)
    x = encode(ready, signature.features)
    answers = answer(scorer.predict(x), signature, scorer.intervals)
    if not ready.height:
        return answers, bad
    raw = raw.filter(scored)
    ids = identifiers(raw, catalog, scorer.params.data.id)
    refuse_taken(ids, answers)
    kept_as = logged(raw, scored.arg_true() + first, ready, answers, scorer)
    parts = [ids, answers, explained(x, scorer), kept_as.drop(ids.columns, strict=False)]
    good = pl.concat([part for part in parts if part.width], how="horizontal")
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return good.with_columns(model=pl.lit(scorer.version), scored_at=pl.lit(when)), bad


def logged(
    raw: pl.DataFrame,
    places: pl.Series,
    features: pl.DataFrame,
    answers: pl.DataFrame,
    scorer: Scorer,
) -> pl.DataFrame:
    """Hand the rows to the log; returns how they are named there, for labels to come."""
    if not scorer.log:
        return pl.DataFrame()
    from ..log.veil import entities, row_times

    keys, settings = (
        pl.DataFrame([places.cast(pl.Int64).alias("row")]),
        (scorer.params, scorer.catalog),
    )
    own = [entities(raw, *settings), row_times(raw, *settings)]
    scorer.log.put(keys.with_columns(own), features, answers, scorer.version)
    return keys.select(pl.lit(scorer.log.request_id).alias("request_id"), "row")


def reasons(cases: pl.DataFrame, height: int) -> pl.Series:
    """What is wrong with each row, in words; null where nothing is."""
    texts = cases.group_by("row", maintain_order=True).agg(
        pl.concat_str("column", pl.lit(": the value "), "rule").str.join("; ").alias("reason")
    )
    lines = pl.DataFrame({"row": pl.arange(height, dtype=pl.Int64, eager=True)})
    return lines.join(texts, on="row", how="left", maintain_order="left")["reason"]


def probabilities(signature: Signature) -> list[str]:
    """The names of the columns that hold probabilities."""
    return [f"probability_{name}" for name in signature.classes]


def answer(
    scores: np.ndarray, signature: Signature, intervals: Intervals | None = None
) -> pl.DataFrame:
    """The prediction; for classes the probability of each, for numbers the ends of intervals."""
    if signature.task == "regression":
        limits = zip(ENDS, ends(intervals, scores).T, strict=False)
        return pl.DataFrame({"prediction": scores, **dict(limits)})
    shares = np.column_stack([1 - scores, scores]) if signature.task == "binary" else scores
    threshold = signature.threshold or 0.5
    calls = (scores >= threshold).astype(int) if scores.ndim == 1 else shares.argmax(axis=1)
    names = np.array(signature.classes)
    columns = {name: shares[:, k] for k, name in enumerate(probabilities(signature))}
    return pl.DataFrame({"prediction": names[calls], **columns})


def explained(x: np.ndarray, scorer: Scorer) -> pl.DataFrame:
    """Per row the features that moved its score most: `because_1`, `because_1_by`, and so on.

    Of several classes, what is shown moved the score of the class that is predicted.
    """
    contributions = scorer.project.estimator.contributions
    if not scorer.explain or contributions is None:
        return pl.DataFrame()
    moved = contributions(scorer.model, x, scorer.signature)
    names = np.array([feature.name for feature in scorer.signature.features])
    order = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, : scorer.explain]
    parts: dict[str, np.ndarray] = {}
    for k in range(order.shape[1]):
        parts[f"because_{k + 1}"] = names[order[:, k]]
        parts[f"because_{k + 1}_by"] = np.take_along_axis(moved, order[:, [k]], axis=1)[:, 0]
    return pl.DataFrame(parts)


def refuse_taken(ids: pl.DataFrame, answers: pl.DataFrame) -> None:
    """FactoryError for a column that names rows by the name of an answer: one would be lost."""
    for name in answers.columns:
        if name in ids.columns:
            raise FactoryError(
                f"{name!r} is a column that names rows, and an answer has that name",
                f"rename {name!r} in the data and in features.yaml",
            )


def identifiers(raw: pl.DataFrame, catalog: Catalog, entity: str | None) -> pl.DataFrame:
    """The identifiers of each row, as they stand in the file."""
    return raw.select(
        name
        for name, column in catalog.columns.items()
        if (column.role == "identifier" or name == entity) and name in raw.columns
    )
