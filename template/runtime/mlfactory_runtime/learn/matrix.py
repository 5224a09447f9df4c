"""Rows as the numbers that models are fitted on."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ..data.computed import featured
from ..project import Compute
from .signature import Signature, encode, refusals


@dataclass(frozen=True)
class Matrix:
    """Encoded rows: x of shape (rows, features), y of shape (rows,)."""

    x: np.ndarray
    y: np.ndarray


def learned_from(rows: pl.DataFrame, signature: Signature, compute: Compute) -> pl.DataFrame:
    """The features of the rows, in the signature's order."""
    names = [feature.name for feature in signature.features]
    return featured(rows, names, compute).select(names)


def usable(rows: pl.DataFrame, signature: Signature, compute: Compute) -> pl.DataFrame:
    """The rows that the encoder does not refuse."""
    lacking = refusals(learned_from(rows, signature, compute), signature.features)
    whole = lacking.null_count() == rows.height
    return rows if whole else rows.filter(lacking.is_null())  # a filter copies what it keeps


def matrix(rows: pl.DataFrame, signature: Signature, compute: Compute) -> Matrix:
    """Encoded features and target of the rows that can be used."""
    rows = usable(rows, signature, compute)
    x = encode(learned_from(rows, signature, compute), signature.features)
    target = rows[signature.target]
    if signature.task == "regression":
        return Matrix(x, target.cast(pl.Float64).to_numpy())
    codes = {name: float(code) for code, name in enumerate(signature.classes)}
    y = target.cast(pl.String).replace_strict(codes, return_dtype=pl.Float64)
    return Matrix(x, y.to_numpy())
