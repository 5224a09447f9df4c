"""What notebooks and other programs call, from any folder of the factory."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl

from .data.rows import Part, load_part
from .errors import FactoryError
from .project import MODEL, Project


def load(part: Part = "train") -> pl.DataFrame:
    """The rows of one part of the prepared data: raw columns, typed as the catalog says.

    The factory is the one that the working directory lies in. `holdout` is for the last word on a
    model: what is chosen by looking at it is not proven by it any more.

    Raises FactoryError outside of a factory, and where the data are not prepared yet.
    """
    return load_part(Project.find(Path.cwd()), part)


def score(rows: pl.DataFrame, model: str = MODEL.as_posix()) -> pl.DataFrame:
    """What the factory's model says of raw rows, one answer for each, in their order.

    `rows` has the raw columns that the catalog lists as inputs, as text or typed, whatever the
    order; `model` is the model's folder below the factory's. The answer has the column
    `prediction`, for classes `probability_<class>` for each, from 0 to 1, and for numbers `lower`
    and `upper`, the ends of an interval.

    Raises FactoryError for the first row that breaks the contract, with the reason.
    """
    from .predict.scorer import open_scorer
    from .predict.scorer import score as answers

    project = Project.find(Path.cwd())
    good, bad = answers(rows, open_scorer(project, project.root / model))
    if bad.height:
        message = f"{bad.height:,} of {rows.height:,} rows cannot be scored: {bad['reason'][0]}"
        raise FactoryError(message, "leave them out, or mend them: factory predict sets them aside")
    return good.select("prediction", "^lower$", "^upper$", "^probability_.*$")


def read_log(
    begin: datetime, end: datetime, known: datetime | None = None
) -> Iterator[pl.DataFrame]:
    """The logged predictions from `begin` to before `end`, oldest first, in tables of some rows.

    Moments carry a time zone. Columns: request_id, row, time, model, entity, prediction,
    probabilities (a struct by class), features (a struct by name), row_time (data.time of the row,
    if it was given), and what became of each: outcome and outcome_time, null while they are not
    known. With `known`, outcomes are as they had been taken in at that moment, not as corrected.

    Raises FactoryError where there is no model or the log cannot be read.
    """
    from .learn.signature import load_signature
    from .log.labels import read_log as read

    project = Project.find(Path.cwd())
    signature = load_signature(project.model_folder)
    return read((begin, end), project.params, project.catalog, signature, until=known)
