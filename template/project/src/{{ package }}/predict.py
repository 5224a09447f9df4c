"""Scoring a table with the trained model, batch by batch: memory does not grow with the rows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from . import model as estimator
from .catalog import Catalog, load_catalog
from .contract import read_rows
from .data import read_batches
from .errors import FactoryError
from .files import MODEL
from .model import load, predict
from .params import Data, Params, load_params
from .registry.resolve import version
from .signature import Signature, encode, featured, load_signature, refusals

if TYPE_CHECKING:
    from .log import BatchLog

WRITERS = (".csv", ".parquet")
MAX_INVALID = 0.05
CONTRIBUTIONS = getattr(estimator, "contributions", None)  # model.py is the user's

Put = Callable[[pl.DataFrame], None]


@dataclass(frozen=True)
class Scored:
    """How many rows were scored, how many were not, and the file that holds those with reasons.

    How many are in the prediction log, under which request, why it lacks the others, and which
    sensitive columns it leaves out.
    """

    rows: int
    invalid: int
    quarantine: Path | None
    logged: int = 0
    request_id: str | None = None
    unlogged: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scorer:
    """A model at hand. `version` names it by its contents."""

    signature: Signature
    model: Any
    version: str
    catalog: Catalog
    params: Params
    explain: int = 0
    log: "BatchLog | None" = None


def predict_file(
    source: Path,
    target: Path,
    folder: Path = MODEL,
    *,
    explain: int = 0,
    max_invalid: float = MAX_INVALID,
    url_env: str | None = None,
    log: bool = True,
    progress: Callable[[int], None] = lambda rows: None,
) -> Scored:
    """Score the rows of `source` into `target` (CSV or Parquet), which appears when it is whole.

    A `.sql` is a query: its rows come from the database whose URL stands in the environment
    variable `url_env`, else in that of data.url_env.

    Rows that break the contract, and rows that lack a value which never was missing in training,
    go with the reason into a file beside it. A FactoryError if their share is above `max_invalid`;
    then only that file is written.
    """
    if target.suffix not in WRITERS:
        raise FactoryError(f"{target} is neither .csv nor .parquet", "name the output so")
    if not target.parent.is_dir():
        raise FactoryError(f"there is no folder {target.parent}", f"mkdir -p {target.parent}")
    scorer = opened(folder, explain)
    if log and scorer.params.log.enabled:
        from .log import BatchLog

        scorer = replace(scorer, log=BatchLog(scorer.params, scorer.catalog, scorer.signature))
    aside = target.with_name(f"{target.stem}.quarantine{target.suffix}")
    with ExitStack() as stack:
        if scorer.log:
            stack.enter_context(scorer.log)
        put = stack.enter_context(whole(target))
        with whole(aside) as put_aside:
            batches = rows_of(source, scorer.params.data, url_env)
            total, invalid = score_all(batches, scorer, put, put_aside, progress)
        if not total:
            raise FactoryError(f"{source} holds no row", "give a file with rows")
        if invalid > max_invalid * total:
            raise FactoryError(
                f"{invalid:,} of {total:,} rows cannot be scored, and {max_invalid:.1%} may not be",
                f"{aside} says why; mend them at the source, or allow more with --max-invalid",
            )
    done = Scored(total - invalid, invalid, aside if invalid else None)
    if not scorer.log:
        return done
    return replace(
        done,
        logged=scorer.log.rows,
        request_id=scorer.log.request_id,
        unlogged=scorer.log.problem,
        left_out=scorer.log.left_out,
    )


def score_all(
    batches: Iterable[pl.DataFrame],
    scorer: Scorer,
    put: Put,
    put_aside: Put,
    progress: Callable[[int], None],
) -> tuple[int, int]:
    """Hand on the answers and the rows that have none; how many rows there were, and of these."""
    total = invalid = 0
    for raw in batches:
        good, bad = score(raw, scorer, total)
        put(good)
        put_aside(bad)
        total, invalid = total + raw.height, invalid + bad.height
        progress(total)
    return total, invalid


def rows_of(source: Path, data: Data, url_env: str | None) -> Iterator[pl.DataFrame]:
    """The raw rows of a file, or of a query, in batches.

    Those of a query stand in a file before the first one is scored: the database is held no longer
    than they take to arrive, and a column has one type in all batches.
    """
    if source.suffix != ".sql":
        yield from read_batches(source, data)
        return
    from .query import URL_ENV, write_query

    with TemporaryDirectory(prefix="factory-") as folder:
        table = Path(folder) / "rows.parquet"
        setting = "--url-env" if url_env else URL_ENV
        write_query(source, url_env or data.url_env, table, setting)
        yield from read_batches(table, data)


def opened(folder: Path, explain: int = 0) -> Scorer:
    """Read the model and what it needs. FactoryError if it cannot explain and is asked to."""
    if explain and CONTRIBUTIONS is None:
        raise FactoryError("model.py has no `contributions`", "add that verb, or leave --explain")
    signature = load_signature(folder)
    return Scorer(signature, load(folder), version(folder), load_catalog(), load_params(), explain)


def score(raw: pl.DataFrame, scorer: Scorer, first: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The answers to the rows that can be scored, and the other rows with the reason.

    `first` is the number of the first row, for the log.
    """
    signature, catalog = scorer.signature, scorer.catalog
    names = [feature.name for feature in signature.features]
    rows, cases = read_rows(raw, catalog.inputs(scorer.params), scorer.params.data)
    reason = reasons(cases, raw.height)
    kept = reason.is_null()
    known = featured(rows.filter(kept), names)
    lacking = refusals(known, signature.features)
    reason = reason.scatter(kept.arg_true(), lacking) if kept.any() else reason
    known = known.filter(lacking.is_null())
    scored = reason.is_null()
    bad = raw.filter(~scored).with_columns(reason=reason.filter(~scored))
    if not known.height:
        return pl.DataFrame(), bad
    x = encode(known, signature.features)
    answers = answer(predict(scorer.model, x), signature)
    raw = raw.filter(scored)
    named = identifiers(raw, catalog)
    kept_as = logged(raw, scored.arg_true() + first, known, answers, scorer)
    parts = [named, answers, explained(x, scorer), kept_as.drop(named.columns, strict=False)]
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
    from .log import entities

    keys = pl.DataFrame([places.cast(pl.Int64).alias("row")])
    entity = entities(raw, scorer.params, scorer.catalog)
    scorer.log.put(keys.with_columns(entity), features, answers, scorer.version)
    return keys.select(pl.lit(scorer.log.request_id).alias("request_id"), "row")


def reasons(cases: pl.DataFrame, height: int) -> pl.Series:
    """What is wrong with each row, in words; null where nothing is."""
    told = cases.group_by("row", maintain_order=True).agg(
        pl.concat_str("column", pl.lit(": the value "), "rule").str.join("; ").alias("reason")
    )
    lines = pl.DataFrame({"row": pl.arange(height, dtype=pl.Int64, eager=True)})
    return lines.join(told, on="row", how="left", maintain_order="left")["reason"]


def probabilities(signature: Signature) -> list[str]:
    """The names of the columns that hold probabilities."""
    return [f"probability_{name}" for name in signature.classes]


def answer(scores: np.ndarray, signature: Signature) -> pl.DataFrame:
    """The prediction, and for classes the probability of each."""
    if signature.task == "regression":
        return pl.DataFrame({"prediction": scores})
    shares = np.column_stack([1 - scores, scores]) if signature.task == "binary" else scores
    threshold = signature.threshold or 0.5
    called = (scores >= threshold).astype(int) if scores.ndim == 1 else shares.argmax(axis=1)
    names = np.array(signature.classes)
    found = {name: shares[:, k] for k, name in enumerate(probabilities(signature))}
    return pl.DataFrame({"prediction": names[called], **found})


def explained(x: np.ndarray, scorer: Scorer) -> pl.DataFrame:
    """Per row the features that moved its score most: `because_1`, `because_1_by`, and so on.

    Of several classes, what is shown moved the score of the class that is predicted.
    """
    if not scorer.explain or CONTRIBUTIONS is None:
        return pl.DataFrame()
    moved = CONTRIBUTIONS(scorer.model, x, scorer.signature)
    names = np.array([feature.name for feature in scorer.signature.features])
    order = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, : scorer.explain]
    found: dict[str, np.ndarray] = {}
    for k in range(order.shape[1]):
        found[f"because_{k + 1}"] = names[order[:, k]]
        found[f"because_{k + 1}_by"] = np.take_along_axis(moved, order[:, [k]], axis=1)[:, 0]
    return pl.DataFrame(found)


def identifiers(raw: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """The identifiers of each row, as they stand in the file."""
    return raw.select(
        name
        for name, column in catalog.columns.items()
        if column.role == "identifier" and name in raw.columns
    )


@contextmanager
def whole(target: Path) -> Iterator[Put]:
    """Write frames one after the other; the file appears when all went well, if any had rows."""
    with TemporaryDirectory(prefix=".factory-", dir=target.parent) as folder:
        parts = Path(folder)

        def put(frame: pl.DataFrame) -> None:
            if frame.height:
                frame.write_parquet(parts / f"{len(list(parts.iterdir())):06}.parquet")

        yield put
        target.unlink(missing_ok=True) if not any(parts.iterdir()) else gather(parts, target)


def gather(parts: Path, target: Path) -> None:
    """Make one file of all parts, streaming, and put it in place in one move."""
    table, made = pl.scan_parquet(parts / "*.parquet"), parts / f"made{target.suffix}"
    if target.suffix == ".csv":
        table.sink_csv(made)
    else:
        table.sink_parquet(made)
    made.replace(target)
