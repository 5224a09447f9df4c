"""Scoring a file with the trained model."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .catalog import Catalog, load_catalog
from .contract import findings, read_batch
from .data import read_batches
from .errors import FactoryError
from .model import load, predict
from .params import Params, load_params
from .signature import Signature, encode, featured, load_signature, refusals

MODEL = Path("models/model")
WRITERS = (".csv", ".parquet")


def predict_file(source: Path, target: Path, folder: Path = MODEL) -> tuple[int, int]:
    """Score the rows of `source` into `target` (CSV or Parquet); returns scored and refused rows.

    A row that lacks a value which never was missing in training is refused: it gets no prediction,
    and the column `refused` names the values. All rows keep the contract, or nothing is written:
    a FactoryError names what breaks it.
    """
    if target.suffix not in WRITERS:
        raise FactoryError(f"{target} is neither .csv nor .parquet", "name the output so")
    params, catalog = load_params(), load_catalog()
    signature, model = load_signature(folder), load(folder)
    frames = []
    for raw in read_batches(source, params.data):
        rows = checked(raw, catalog, params)
        parts = [_names(raw, catalog), answers(rows, model, signature)]
        frames.append(pl.concat(parts, how="horizontal"))
    if not frames:
        raise FactoryError(f"{source} holds no row", "give a file with rows")
    table = pl.concat(frames)
    _write(table, target)
    refused = table.height - table["refused"].null_count()
    return table.height - refused, refused


def checked(raw: pl.DataFrame, catalog: Catalog, params: Params) -> pl.DataFrame:
    """The columns that a prediction needs, typed; FactoryError names what breaks the contract."""
    rows, broken = read_batch(raw, catalog.inputs(params), params.data)
    if broken:
        told = "; ".join(f"{f.feature}: {f.message}" for f in findings(broken, catalog))
        raise FactoryError(f"the rows break the data contract: {told}", "mend them at the source")
    return rows


def answers(rows: pl.DataFrame, model: Any, signature: Signature) -> pl.DataFrame:
    """One line per typed row: the prediction, or why there is none."""
    names = [feature.name for feature in signature.features]
    frame = featured(rows, names).select(names)
    refused = refusals(frame, signature.features)
    if refused.null_count() == 0:
        nothing = [pl.lit(None).alias(name) for name in ("prediction", *probabilities(signature))]
        return frame.select(refused).with_columns(nothing).select(pl.exclude("refused"), "refused")
    scored = frame.filter(refused.is_null())
    found = answer(predict(model, encode(scored, signature.features)), signature)
    places = found.with_columns(refused.is_null().arg_true().alias("row"))
    lines = pl.DataFrame({"row": pl.arange(frame.height, dtype=pl.UInt32, eager=True)})
    table = lines.join(places, on="row", how="left", maintain_order="left").drop("row")
    return table.with_columns(refused)


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


def _names(raw: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """The identifiers of each row, as they stand in the file."""
    return raw.select(
        name
        for name, column in catalog.columns.items()
        if column.role == "identifier" and name in raw.columns
    )


def _write(table: pl.DataFrame, target: Path) -> None:
    """All or nothing: the file appears when it is whole."""
    temporary = target.with_name(target.name + ".new")
    if target.suffix == ".csv":
        table.write_csv(temporary)
    else:
        table.write_parquet(temporary)
    temporary.replace(target)
