"""Scoring a file with the trained model."""

from pathlib import Path

import numpy as np
import polars as pl

from .catalog import Catalog, load_catalog
from .contract import findings, read_batch
from .data import missing_as_null, read_batches
from .errors import FactoryError
from .model import load, predict
from .params import Params, load_params
from .signature import Signature, encode, featured, load_signature

MODEL = Path("models/model")
WRITERS = (".csv", ".parquet")


def predict_file(source: Path, target: Path, folder: Path = MODEL) -> int:
    """Score every row of `source` into `target` (CSV or Parquet); returns how many.

    The rows keep the contract, or nothing is written: a FactoryError names what breaks it.
    """
    if target.suffix not in WRITERS:
        raise FactoryError(f"{target} is neither .csv nor .parquet", "name the output so")
    params, catalog = load_params(), load_catalog()
    signature, model = load_signature(folder), load(folder)
    frames = []
    for raw in read_batches(source, params.data):
        rows = checked(raw, catalog, params)
        scores = predict(model, encode_rows(rows, signature))
        frames.append(pl.concat([_names(raw, params), answer(scores, signature)], how="horizontal"))
    if not frames:
        raise FactoryError(f"{source} holds no row", "give a file with rows")
    _write(pl.concat(frames), target)
    return sum(frame.height for frame in frames)


def checked(raw: pl.DataFrame, catalog: Catalog, params: Params) -> pl.DataFrame:
    """The columns that a prediction needs, typed; FactoryError names what breaks the contract."""
    rows, broken = read_batch(raw, catalog.inputs(params), params.data)
    if broken:
        told = "; ".join(f"{f.feature}: {f.message}" for f in findings(broken, catalog))
        raise FactoryError(f"the rows break the data contract: {told}", "mend them at the source")
    return rows


def encode_rows(rows: pl.DataFrame, signature: Signature) -> np.ndarray:
    """The matrix of typed rows, as in training."""
    names = [feature.name for feature in signature.features]
    return encode(featured(rows, names), signature.features)


def answer(scores: np.ndarray, signature: Signature) -> pl.DataFrame:
    """The prediction, and for classes the probability of each."""
    if signature.task == "regression":
        return pl.DataFrame({"prediction": scores})
    shares = np.column_stack([1 - scores, scores]) if signature.task == "binary" else scores
    threshold = signature.threshold or 0.5
    called = (scores >= threshold).astype(int) if scores.ndim == 1 else shares.argmax(axis=1)
    names = np.array(signature.classes)
    probabilities = {f"probability_{name}": shares[:, k] for k, name in enumerate(names)}
    return pl.DataFrame({"prediction": names[called], **probabilities})


def _names(raw: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The identifier of each row, where there is one."""
    wanted = [params.data.id] if params.data.id in raw.columns else []
    return missing_as_null(raw.select(wanted), params.data)


def _write(table: pl.DataFrame, target: Path) -> None:
    """All or nothing: the file appears when it is whole."""
    temporary = target.with_name(target.name + ".new")
    if target.suffix == ".csv":
        table.write_csv(temporary)
    else:
        table.write_parquet(temporary)
    temporary.replace(target)
