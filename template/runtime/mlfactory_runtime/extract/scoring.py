"""From raw rows to answers: what this model needs for that, and nothing else.

Written by `factory extract`, from the library of the factory that made the model.
"""

import json
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..tables.formats import WHOLE, read

MODEL = Path(__file__).parent / "model"
Facts = dict[str, Any]


@cache
def facts(folder: Path = MODEL) -> Facts:
    """What stands beside the model: its signature, its columns and settings, and its intervals."""
    names = ("signature", "settings", "intervals", "linear")
    files = {name: folder / f"{name}.json" for name in names}
    return {name: json.loads(f.read_text("utf-8")) for name, f in files.items() if f.is_file()}


def answers(raw: pl.DataFrame, compute: Any, folder: Path = MODEL) -> pl.DataFrame:
    """The identifiers, the prediction and what goes with it for each of the raw rows.

    `compute` adds the features. A row that cannot be scored has no prediction, and a `reason`.
    Raises ValueError where a column is missing altogether.
    """
    stored = facts(folder)
    settings, signature = stored["settings"], stored["signature"]
    if absent := [name for name in settings["columns"] if name not in raw.columns]:
        raise ValueError(f"the rows lack {', '.join(absent)}")
    rows, reason = typed_rows(raw, settings)
    scored = reason.is_null()
    some = with_parts(rows.filter(scored), settings["parts"])
    some = compute(some).with_columns(
        pl.when(pl.selectors.float().is_finite()).then(pl.selectors.float()).name.keep()
    )
    lacking = missing_values(some, signature["features"])
    reason = reason.scatter(scored.arg_true(), lacking) if some.height else reason
    some, scored = some.filter(lacking.is_null()), reason.is_null()
    numbers = predicted(encode(some, signature["features"]), stored, folder)
    lines = answer(numbers, stored).with_columns(row=scored.arg_true().cast(pl.Int64))
    every = pl.DataFrame({"row": pl.arange(raw.height, dtype=pl.Int64, eager=True)})
    joined = every.join(lines, on="row", how="left", maintain_order="left").drop("row")
    names = [name for name in settings["identifiers"] if name in raw.columns]
    return pl.concat([raw.select(names), joined], how="horizontal").with_columns(reason=reason)


def typed_rows(raw: pl.DataFrame, settings: Facts) -> tuple[pl.DataFrame, pl.Series]:
    """The columns as the catalog has them, and what is wrong with each row, null where nothing."""
    columns, wrong = {}, []
    for name, column in settings["columns"].items():
        present = without_marks(raw[name], settings["missing"], column["missing"])
        form = column["format"]
        values = read(present, column["dtype"], tuple(form) if isinstance(form, list) else form)
        columns[name] = values
        wrong += problems(name, present, values, column)
    rows = pl.DataFrame(list(columns.values()))
    none = pl.Series("reason", [None], dtype=pl.String).new_from_index(0, raw.height)
    if not wrong:
        return rows, none
    text = pl.select(pl.concat_str(wrong, separator="; ", ignore_nulls=True)).to_series()
    return rows, text.set(text == "", None).alias("reason")


def without_marks(values: pl.Series, marks: list[str], own: list[str]) -> pl.Series:
    """The values without what means missing: marks, those of the column, what is not finite."""
    if values.dtype.is_float():
        values = values.set(~values.is_finite(), None)
    if values.dtype == pl.String:
        bare = values.str.strip_chars()
        numbers = {pl.select(pl.lit(m).str.replace(WHOLE, "$1")).item() for m in own}
        missing = bare.is_in([*marks, *own]) | bare.str.replace(WHOLE, "$1").is_in([*numbers])
        return values.set(missing if own else bare.is_in(marks), None)
    if own and values.dtype.is_numeric():
        marked = pl.Series(own, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
        return values.set(values.cast(pl.Float64).is_in(marked.implode()).fill_null(False), None)
    if own and values.dtype in (pl.Date, pl.Datetime):
        moments = read(pl.Series(own, dtype=pl.String), "datetime").drop_nulls()
        same = values.cast(pl.Datetime("us")).is_in(moments.implode())
        return values.set(same.fill_null(False), None)
    return values


def problems(name: str, present: pl.Series, values: pl.Series, column: Facts) -> list[pl.Series]:
    """What breaks the contract, one series of texts for each rule; null where nothing does."""
    low, high = column["range"] or (None, None)
    rules = {f"cannot be read as {column['dtype']}": values.is_null() & present.is_not_null()}
    if not column["nullable"]:
        rules["is missing"] = present.is_null()
    if low is not None:
        rules[f"is below {low:g}"] = values < low
    if high is not None:
        rules[f"is above {high:g}"] = values > high
    if column["values"] is not None:
        rules["is none of the values in the catalog"] = ~values.is_in(column["values"])
    return [
        pl.select(pl.when(is_so.fill_null(False)).then(pl.lit(f"{name}: {rule}"))).to_series()
        for rule, is_so in rules.items()
    ]


def with_parts(rows: pl.DataFrame, parts: dict[str, Facts]) -> pl.DataFrame:
    """The rows with parts of dates, which the library computes and not the features' code."""
    for name, one in parts.items():
        moment, *later = (pl.col(parent).cast(pl.Datetime("us")) for parent in one["parents"])
        form = one["part"]
        if form == "days":
            value = (later[0] - moment).dt.total_days()
        else:
            value = getattr(moment.dt, form if form in ("month", "weekday") else "hour")()
        rows = rows.with_columns(value.cast(pl.Int64).alias(name))
    return rows


def missing_values(rows: pl.DataFrame, features: list[Facts]) -> pl.Series:
    """Which values a row lacks that were never missing in training; null for a row with all."""
    texts = [
        pl.when(pl.col(f["name"]).is_null()).then(pl.lit(f"{f['name']} is missing"))
        for f in features
        if not f["missing_seen"]
    ]
    if not texts:
        return pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    text = rows.select(pl.concat_str(texts, separator="; ", ignore_nulls=True).alias("reason"))
    return text["reason"].set(text["reason"] == "", None)


def encode(rows: pl.DataFrame, features: list[Facts]) -> np.ndarray:
    """The matrix of shape (rows, features) that the model takes."""
    matrix = np.empty((rows.height, len(features)), dtype=np.float64)
    for place, feature in enumerate(features):
        matrix[:, place] = column_of(rows[feature["name"]], feature)
    return matrix


def column_of(values: pl.Series, feature: Facts) -> np.ndarray:
    """0 to k-1 for known categories, k for missing, -1 for unseen ones; days for moments."""
    if feature["role"] == "datetime":
        seconds = values.cast(pl.Datetime("us")).dt.epoch("s")
        return (seconds.cast(pl.Float64) / 86_400).to_numpy()
    if feature["role"] != "categorical":
        return values.cast(pl.Float64).to_numpy()
    text = digests(values.cast(pl.String), feature.get("salt", ""))
    codes = {name: float(code) for code, name in enumerate(feature["categories"])}
    codes_of = text.replace_strict(codes, default=-1.0, return_dtype=pl.Float64)
    return codes_of.set(text.is_null(), float(len(codes))).to_numpy()


def digests(text: pl.Series, salt: str) -> pl.Series:
    """The values; with a salt, which a feature about persons has, what stands for them."""
    if not salt:
        return text
    key = blake2b(salt.encode(), digest_size=32).digest()
    values = text.drop_nulls().unique().to_list()
    names = {v: blake2b(v.encode(), digest_size=8, key=key).hexdigest() for v in values}
    return text.replace_strict(names, default=None, return_dtype=pl.String)


def predicted(x: np.ndarray, stored: Facts, folder: Path) -> np.ndarray:
    """Probabilities of shape (rows,) for two classes, (rows, k) for more; else numbers (rows,)."""
    signature = stored["signature"]
    if not len(x):
        several = signature["task"] == "multiclass"
        return np.empty((0, len(signature["classes"])) if several else 0)
    if "linear" in stored:
        return linear(x, stored["linear"])
    each = [np.asarray(one.predict(x, num_threads=1)) for one in boosters(folder)]
    return np.asarray(sum(each) / len(each))


@cache
def boosters(folder: Path) -> tuple[Any, ...]:
    """The parts of the model, whose mean is what it says."""
    import lightgbm

    files = sorted(folder.glob("model*.txt"), key=lambda file: (len(file.stem), file.stem))
    return tuple(lightgbm.Booster(model_file=str(file)) for file in files)


def linear(x: np.ndarray, model: Facts) -> np.ndarray:
    """The same of a linear model, term by term."""
    scores = np.repeat(np.array(model["intercept"])[:, None], len(x), axis=1)
    for term in model["terms"]:
        values = x[:, term["place"]]
        if term.get("code") is not None:
            moved = (values == term["code"]) - term["middle"]
        elif term.get("missing"):
            moved = np.isnan(values) - term["middle"]
        else:
            moved = np.where(np.isnan(values), 0.0, values - term["middle"])
        for k, weight in enumerate(term["weights"]):
            scores[k] += weight * moved
    if model["task"] == "regression":
        return np.asarray(scores[0])
    if model["task"] == "binary":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-scores[0])))
    shares = np.exp(scores - scores.max(axis=0))
    return np.ascontiguousarray((shares / sum(shares)).T)


def answer(p: np.ndarray, stored: Facts) -> pl.DataFrame:
    """The prediction; for classes the probability of each, for numbers the ends of intervals."""
    signature = stored["signature"]
    if signature["task"] == "regression":
        bands = stored.get("intervals", {}).get("bands", [])
        edges = [band["below"] for band in bands[:-1]]
        place = np.searchsorted(np.asarray(edges, dtype=float), p, side="right")
        ends = {
            end: p + np.array([band[end] for band in bands])[place]
            for end in ("lower", "upper")
            if bands
        }
        return pl.DataFrame({"prediction": p, **ends})
    shares = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    threshold = signature["threshold"] or 0.5
    places = (p >= threshold).astype(int) if p.ndim == 1 else shares.argmax(axis=1)
    names = np.array(signature["classes"])
    columns = {f"probability_{name}": shares[:, k] for k, name in enumerate(signature["classes"])}
    return pl.DataFrame({"prediction": names[places], **columns})
