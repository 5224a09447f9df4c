"""The pipeline's first stage: read, check the contract, hold rows out, write the parts."""

import hashlib
import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .catalog import Catalog, check_catalog, load_catalog
from .contract import Violation, findings, read_batch
from .data import PREPARED, key_text, raw_path, read_batches
from .errors import FactoryError
from .params import Params, Split, load_params

PARTS = ("train", "validation", "holdout")
FILE = "split.json"


def prepare(folder: Path = PREPARED) -> dict[str, Any]:
    """Write train, validation and holdout as Parquet, and split.json that says how they came."""
    params, catalog = load_params(), load_catalog()
    if errors := [f for f in check_catalog(catalog, params) if f.level == "error"]:
        raise FactoryError(_listed(errors), "factory check shows all of it")
    rows, sides = read(params, catalog)
    rows, sides, unlabelled = _labelled(rows, sides, params.data.target)
    cutoff = None
    if params.data.time:
        cutoff, sides = by_time(rows[params.data.time], params.split)
    parts = {part: rows.filter(sides == i) for i, part in enumerate(PARTS)}
    told = summary(parts, params, unlabelled, cutoff)
    if empty := [part for part, frame in parts.items() if frame.is_empty()]:
        raise FactoryError(
            f"no row is left for {' and '.join(empty)}", "add data, or change split in params.yaml"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for part, frame in parts.items():
        frame.write_parquet(folder / f"{part}.parquet")
    (folder / FILE).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return told


def read(params: Params, catalog: Catalog) -> tuple[pl.DataFrame, pl.Series]:
    """All rows, typed, and the side of each; FactoryError names what breaks the contract."""
    split = params.split
    if not params.data.time and not split.salt:
        raise FactoryError("split.salt in params.yaml is empty", "draw one: factory catalog draft")
    key = (params.data.id,) if params.data.id else split.key
    frames: list[pl.DataFrame] = []
    sides: list[pl.Series] = []
    violations: list[Violation] = []
    for raw in read_batches(raw_path(params), params.data):
        rows, broken = read_batch(raw, catalog.columns, params.data)
        violations += broken
        frames.append(rows)
        if not params.data.time:
            sides.append(by_hash(key_text(raw, [name for name in key if name]), split))
    if violations:
        raise FactoryError(_listed(findings(violations, catalog)), "factory check shows all of it")
    if not frames:
        raise FactoryError(f"{params.data.path} holds no row", "deliver the data again")
    rows = pl.concat(frames, rechunk=True)
    return rows, pl.concat(sides) if sides else pl.zeros(rows.height, dtype=pl.Int8, eager=True)


def by_hash(keys: pl.Series, split: Split) -> pl.Series:
    """The side of each row (0 train, 1 validation, 2 holdout), from a salted BLAKE2b of its key.

    A row keeps its side while data grow, and rows with the same key share one.
    """
    salt = blake2b((split.salt or "").encode(), digest_size=16).digest()
    digests = b"".join(
        blake2b(key.encode(), digest_size=16, key=salt).digest() for key in keys.to_list()
    )
    draws = np.frombuffer(digests, dtype=">u8").reshape(-1, 2) / 2**64
    side = np.where(draws[:, 1] < split.validation, 1, 0)
    return pl.Series(np.where(draws[:, 0] < split.holdout, 2, side), dtype=pl.Int8)


def by_time(moments: pl.Series, split: Split) -> tuple[str, pl.Series]:
    """Everything after the cutoff is holdout; before it, the newest rows are validation."""
    if missing := moments.null_count():
        raise FactoryError(
            f"{missing:,} rows have no value in the time column {moments.name!r}",
            "fill it at the source, or leave data.time empty in params.yaml",
        )
    moments = moments.cast(pl.Datetime("us"))
    cutoff = _boundary(moments, 1 - split.holdout)
    begin = _boundary(moments.filter(moments <= cutoff), 1 - split.validation)
    sides = (moments > begin).cast(pl.Int8) + (moments > cutoff).cast(pl.Int8)
    return cutoff.isoformat(), sides


def _boundary(moments: pl.Series, share: float) -> Any:
    """The moment up to which about `share` of the rows lie, with some row left after it."""
    boundary: Any = moments.quantile(share, interpolation="lower")
    if boundary == moments.max():
        earlier = moments.filter(moments < boundary)
        return boundary if earlier.is_empty() else earlier.max()
    return boundary


def summary(
    parts: dict[str, pl.DataFrame], params: Params, unlabelled: int, cutoff: str | None
) -> dict[str, Any]:
    """What is known of the split; it travels with the model."""
    told: dict[str, Any] = {
        "kind": "time" if cutoff else "hash",
        "cutoff": cutoff,
        "rows": {part: frame.height for part, frame in parts.items()},
        "unlabelled": unlabelled,
        "warnings": [],
        "data": digest(raw_path(params)),
    }
    if unlabelled:
        told["warnings"].append(f"{unlabelled:,} rows without a target were left out")
    if params.task == "classification":
        target = params.data.target
        told["classes"] = {part: classes(frame[target]) for part, frame in parts.items()}
        told["warnings"] += absent_classes(told["classes"])
    return told


def digest(path: Path) -> str:
    """The MD5 of a file, as DVC names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def classes(target: pl.Series) -> dict[str, int]:
    """How many rows each class has, by name."""
    counts = target.cast(pl.String).value_counts().sort(target.name)
    return dict(counts.iter_rows())


def absent_classes(counts: dict[str, dict[str, int]]) -> list[str]:
    """A sentence for each part that lacks a class."""
    known = sorted({name for part in counts.values() for name in part})
    return [
        f"the {part} part has no row of class {', '.join(map(repr, absent))}"
        for part, found in counts.items()
        if (absent := [name for name in known if name not in found])
    ]


def _labelled(
    rows: pl.DataFrame, sides: pl.Series, target: str
) -> tuple[pl.DataFrame, pl.Series, int]:
    known = rows[target].is_not_null()
    return rows.filter(known), sides.filter(known), int((~known).sum())


def _listed(findings: list[Any]) -> str:
    return "the data or the catalog are not in order: " + "; ".join(
        f"{finding.feature or 'features.yaml'}: {finding.message}" for finding in findings
    )
