"""From checked rows to answers, the lean way where features.py adds nothing."""

import ast
import inspect
import logging
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl

from ..data.computed import featured
from ..data.contract import MISSING
from ..errors import FactoryError
from ..learn.intervals import ENDS, ends
from ..learn.signature import Feature, Signature, encode
from ..predict.scorer import Scorer, explained
from ..project import Compute
from ..records.intervals import Intervals
from ..tables.formats import DTYPES
from .schema import Input, RefusedError, Row

LEAN = {
    "numeric": ("int", "float", "bool"),
    "boolean": ("int", "float", "bool"),
    "categorical": ("string", "int", "bool"),
    "datetime": ("date", "datetime"),
}
EPOCH, DAY, SECOND = datetime(1970, 1, 1), timedelta(days=1), timedelta(seconds=1)
NAN = float("nan")

logger = logging.getLogger("factory")
Encoder = Callable[[Any], float]
Encode = Callable[[Sequence[Row]], np.ndarray]


def score(
    rows: Sequence[Row], scorer: Scorer, encoded: Encode, explain: int = 0
) -> tuple[np.ndarray, list[Row]]:
    """The matrix and an answer for each row. RefusedError; a row never raises anything else."""
    x = encoded(rows)
    results = answers(scorer.predict(x), scorer.signature, scorer.intervals)
    if explain:
        because = explained(x, replace(scorer, explain=explain)).to_dicts()
        for answer, shift in zip(results, because, strict=True):
            answer["because"] = [
                {"feature": shift[f"because_{k}"], "by": shift[f"because_{k}_by"]}
                for k in range(1, len(shift) // 2 + 1)
            ]
    return x, results


def answers(
    scores: np.ndarray, signature: Signature, intervals: Intervals | None = None
) -> list[Row]:
    """What `factory predict` answers, bit by bit, without a table."""
    if signature.task == "regression":
        pairs = zip(scores.tolist(), ends(intervals, scores).tolist(), strict=True)
        return [{"prediction": one} | dict(zip(ENDS, both, strict=False)) for one, both in pairs]
    names, threshold = signature.classes, signature.threshold or 0.5
    if signature.task == "binary":
        shares = [[1 - value, value] for value in scores.tolist()]
        classes = [int(value >= threshold) for _, value in shares]
    else:
        classes, shares = scores.argmax(axis=1).tolist(), scores.tolist()
    return [
        {"prediction": names[k], "probabilities": dict(zip(names, row, strict=True))}
        for k, row in zip(classes, shares, strict=True)
    ]


def encoder(scorer: Scorer, inputs: dict[str, Input]) -> Encode:
    """How rows become the matrix that training saw.

    Where the features are the columns as they are, each value is put into the matrix directly;
    else the rows go through features.py. Both give the same bits.
    """
    features = scorer.signature.features
    plain = all(
        one.dtype in LEAN[one.role]
        and one.name in inputs
        and one.dtype == inputs[one.name].column.dtype
        for one in features
    )
    if plain and not scorer.catalog.derived and unchanged(scorer.project.compute):
        encoders = [(one.name, encoder_of(one)) for one in features]
        return lambda rows: np.array([[code(row[name]) for name, code in encoders] for row in rows])
    compute = scorer.project.compute
    return lambda rows: through_frame(rows, features, inputs, compute)


def unchanged(features: Compute) -> bool:
    """Whether features.py certainly returns its rows as they are: nothing else stands in it."""
    function = ast.parse(textwrap.dedent(inspect.getsource(features))).body[0]
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return False
    lines = [ast.unparse(line) for line in function.body[ast.get_docstring(function) is not None :]]
    return lines in (["return rows"], ["return rows.with_columns()"])


def through_frame(
    rows: Sequence[Row], features: tuple[Feature, ...], inputs: dict[str, Input], compute: Compute
) -> np.ndarray:
    """The way of training and of batch scoring."""
    names = [feature.name for feature in features]
    dtypes = {name: one.column.dtype for name, one in inputs.items() if one.required}
    table = {name: [row[name] for row in rows] for name in dtypes}
    frame = pl.DataFrame(table, schema={name: DTYPES[dtype] for name, dtype in dtypes.items()})
    refusal = RefusedError(422)
    try:
        frame = featured(frame, names, compute).select(names)
        for name in (feature.name for feature in features if not feature.missing_seen):
            for row in frame[name].is_null().arg_true():
                refusal.add(row, name, MISSING, (name, MISSING, ""))
        if not refusal.cases:
            return encode(frame, features)
    except (FactoryError, pl.exceptions.PolarsError) as error:
        where = str(error).partition(":")[0]  # what follows may hold values
        logger.warning("a row cannot be scored: %s", where)
        raise RefusedError(422, f"cannot be scored: {where}", counted="cannot be scored") from None
    raise refusal


def encoder_of(feature: Feature) -> Encoder:
    """The code of one value; NaN or the last code for one that is missing."""
    if feature.role == "categorical":
        return category(feature)
    if feature.role == "datetime":
        first, unit = (EPOCH.date(), DAY) if feature.dtype == "date" else (EPOCH, SECOND)
        parts = DAY // unit
        return lambda value: NAN if value is None else (value - first) // unit / parts
    return lambda value: NAN if value is None else float(value)


def category(feature: Feature) -> Encoder:
    """0 to k-1 for known categories, k for missing, -1 for unseen ones; with a salt by digests."""
    codes = {name: float(code) for code, name in enumerate(feature.categories)}
    missing = float(len(codes))
    key = blake2b(feature.salt.encode(), digest_size=32).digest()

    def code(value: Any) -> float:
        if value is None:
            return missing
        text = str(value).lower() if feature.dtype == "bool" else str(value)
        if feature.salt:
            text = blake2b(text.encode(), digest_size=8, key=key).hexdigest()
        return codes.get(text, -1.0)

    return code
