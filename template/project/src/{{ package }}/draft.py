"""Drafting the catalog from the data; what a person has written in it is never touched."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from .catalog import CATALOG, Column, load_catalog
from .data import column_names, key_text, missing_as_null, raw_path, read_batches, typed
from .errors import FactoryError
from .params import PARAMS, Params, load_params
from .split import PARTS, absent_classes, by_hash, classes

FEW = 20
CATEGORICAL_SHARE = 0.5
MAX_CATEGORIES = 1000
SALTS = 200
ABOUT, UNKNOWN = Path("docs/about.md"), "not drafted yet"
SEPARATORS = (";", "\t", "|")
POSITIVE = ("1", "true", "yes", "y", "t", "positive")


@dataclass(frozen=True)
class Draft:
    """What was written, and why, in sentences for people."""

    columns: int
    decisions: tuple[str, ...]
    warnings: tuple[str, ...]


def draft() -> Draft:
    """Add each column of the data that features.yaml lacks, and draw the split's salt once."""
    params, catalog = load_params(), load_catalog()
    params = find_separator(params)
    raw = pl.concat(read_batches(raw_path(params), params.data), rechunk=True)
    values = missing_as_null(raw, params.data)
    new = [name for name in raw.columns if name not in catalog.columns]
    described = {name: describe(values[name], name, params) for name in new}
    _write_columns({name: column for name, (column, _) in described.items()})
    warnings = [
        f"{name!r} is in features.yaml, and no longer in the data"
        for name in catalog.columns
        if name not in raw.columns
    ]
    warnings += _write_split(raw, values, params)
    _fill_about(values, params)
    return Draft(
        len(new), tuple(f"{n}: {why}" for n, (_, why) in described.items()), tuple(warnings)
    )


def find_separator(params: Params) -> Params:
    """The settings with the separator under which the file has a column for the target."""
    for separator in dict.fromkeys((params.data.separator, *SEPARATORS)):
        data = params.data.model_copy(update={"separator": separator})
        if params.data.target in column_names(raw_path(params), data):
            return params.model_copy(update={"data": data})
    raise FactoryError(
        f"{params.data.path} has no column {params.data.target!r}",
        "correct data.target in params.yaml",
    )


def describe(values: pl.Series, name: str, params: Params) -> tuple[dict[str, Any], str]:
    """The catalog entry of a column, and the reason for its role."""
    named = name == params.data.target and params.task == "classification"
    dtype = "string" if named else find_dtype(values)
    column = values.to_frame().select(typed(pl.col(name), values.dtype, dtype).alias(name))[name]
    role, why = find_role(column, name, params)
    entry: dict[str, Any] = {
        "dtype": dtype,
        "role": role,
        "description": "",
        "source": Path(params.data.path).name,
        "owner": "",
        "availability": "after_outcome" if role == "target" else params.serving.mode,
        "nullable": role == "target" or column.null_count() > 0,
    }
    if role in ("numeric", "categorical", "boolean", "datetime", "text"):
        entry["assumed"] = True
    if role == "numeric" and (limits := find_range(column)):
        entry["range"] = _flow(limits)
    few = dtype == "string" and role in ("categorical", "target") and column.n_unique() <= FEW
    if few and not (role == "target" and params.task == "regression"):
        entry["values"] = _flow(sorted(column.drop_nulls().unique()))
    Column.model_validate(entry)
    return entry, why


def find_dtype(values: pl.Series) -> str:
    """The narrowest type that reads every value."""
    if not values.dtype.is_(pl.String):
        return _dtype_of(values.dtype)
    known = values.drop_nulls()
    if known.is_empty():
        return "string"
    if known.str.contains(r"^\s*[-+]?0\d").any():  # 007 is a name, not a number
        return "string"
    for dtype in ("int", "float", "bool", "date", "datetime"):
        read = known.to_frame("v").select(typed(pl.col("v"), pl.String(), dtype).alias("v"))["v"]
        if read.null_count() == 0:
            return dtype
    return "string"


def _dtype_of(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if dtype == pl.Boolean:
        return "bool"
    if dtype == pl.Date:
        return "date"
    return "datetime" if isinstance(dtype, pl.Datetime) else "string"


def find_role(column: pl.Series, name: str, params: Params) -> tuple[str, str]:
    """The role that the content of a column suggests, and the reason in a few words."""
    if name == params.data.target:
        return "target", "target, as params.yaml says"
    if name == params.data.id:
        return "identifier", "identifier, as params.yaml says"
    distinct, known = column.drop_nulls().n_unique(), column.len() - column.null_count()
    if distinct < 2:
        return "ignored", "ignored: it never changes"
    if column.dtype == pl.Boolean:
        return "boolean", "boolean"
    if column.dtype.is_temporal():
        return "datetime", "datetime"
    if distinct == known and re.search(r"(^|[^a-z])(id|uuid|key|rowid|index)$", name.lower()):
        return "identifier", "identifier: its name says so and no value repeats"
    if column.dtype.is_numeric():
        return "numeric", "numeric"
    return _text_role(column.drop_nulls(), distinct, known)


def _text_role(column: pl.Series, distinct: int, known: int) -> tuple[str, str]:
    words = column.str.count_matches(r"\s+").mean()
    wordy = isinstance(words, float) and words >= 3
    if distinct > FEW and wordy:
        return "text", "text: several words, hardly any repeats; not learned from"
    if distinct <= min(MAX_CATEGORIES, max(FEW, CATEGORICAL_SHARE * known)):
        return "categorical", f"categorical: {distinct:,} values"
    if distinct == known:
        return "identifier", "identifier: no value repeats"
    return "text", f"text: {distinct:,} values in {known:,} rows; not learned from"


def find_range(column: pl.Series) -> list[float | int | None] | None:
    """Observed limits, widened by their span: a wrong unit is found, growth is allowed."""
    known = column.drop_nulls().cast(pl.Float64)
    known = known.filter(known.is_finite())
    if known.is_empty():
        return None
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    span = (high - low) or abs(high) or 1.0
    wide = [_round(low - span, math.floor), _round(high + span, math.ceil)]
    return [0 if low >= 0 and wide[0] < 0 else wide[0], wide[1]]


def _round(value: float, towards: Any) -> float | int:
    """Two significant digits, away from the data."""
    if value == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = float(f"{towards(value / unit) * unit:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _write_columns(new: dict[str, dict[str, Any]]) -> None:
    if not new:
        return
    yaml, content = _open(CATALOG)
    if not content.get("columns"):
        content["columns"] = {}
    content["columns"].update(new)
    _save(yaml, content, CATALOG)


def _write_split(raw: pl.DataFrame, values: pl.DataFrame, params: Params) -> list[str]:
    """Fill in what params.yaml leaves open: positive class, key and salt. Drawn once, then kept."""
    yaml, content = _open(PARAMS)
    if params.data.separator != ",":
        content["data"]["separator"] = _quoted(params.data.separator)
    target = _target(values, params).drop_nulls()
    if params.task == "classification" and params.data.positive is None and target.n_unique() == 2:
        content["data"]["positive"] = _quoted(find_positive(target))
    warnings: list[str] = []
    if params.split.salt is None and not params.data.time:
        key = [params.data.id] if params.data.id else [n for n in raw.columns if n != target.name]
        salt, warnings = draw_salt(key_text(raw, key), _target(values, params), params)
        content.setdefault("split", {})["salt"] = salt
        if not params.data.id:
            content["split"]["key"] = _flow(key)
    _save(yaml, content, PARAMS)
    return warnings


def _fill_about(values: pl.DataFrame, params: Params) -> None:
    """Say in docs/about.md what the data were when the factory was made, as long as nobody has."""
    text = ABOUT.read_text("utf-8") if ABOUT.is_file() else ""
    if UNKNOWN not in text:
        return
    told = f"{values.height:,} rows, {values.width:,} columns"
    if params.task == "classification":
        counts = classes(_target(values, params).drop_nulls())
        shares = (f"{name} {rows / sum(counts.values()):.0%}" for name, rows in counts.items())
        told += f"; of the target: {', '.join(shares)}"
    ABOUT.write_text(text.replace(UNKNOWN, told), "utf-8")


def find_positive(target: pl.Series) -> str:
    """The class that the probability is about: the one that says yes, else the rarer."""
    counts = classes(target)
    for name in counts:
        if name.lower() in POSITIVE:
            return name
    return min(counts, key=lambda name: (counts[name], name))


def draw_salt(keys: pl.Series, target: pl.Series, params: Params) -> tuple[str, list[str]]:
    """The first salt under which every part holds every class, and what is missing if none does."""
    best = "", [""] * target.len()
    for number in range(1, SALTS + 1):
        salt = f"{target.name}-{number}"
        sides = by_hash(keys, params.split.model_copy(update={"salt": salt}))
        lacking = _lacking(sides, target, params.task)
        if len(lacking) < len(best[1]):
            best = salt, lacking
        if not lacking:
            break
    return best


def _lacking(sides: pl.Series, target: pl.Series, task: str) -> list[str]:
    parts = {part: target.filter(sides == i).drop_nulls() for i, part in enumerate(PARTS)}
    empty = [f"the {part} part has no row" for part, rows in parts.items() if rows.is_empty()]
    if task == "regression":
        return empty
    return empty + absent_classes({part: classes(rows) for part, rows in parts.items()})


def _target(values: pl.DataFrame, params: Params) -> pl.Series:
    name = params.data.target
    dtype = load_catalog().columns[name].dtype
    return values.select(typed(pl.col(name), values.schema[name], dtype).alias(name))[name]


def _flow(items: list[Any]) -> CommentedSeq:
    """A list that YAML writes on one line."""
    line = CommentedSeq(map(_quoted, items))
    line.fa.set_flow_style()
    return line


def _quoted(item: Any) -> Any:
    """Text in quotes, so that nobody wonders whether `no` is a word."""
    return DoubleQuotedScalarString(item) if isinstance(item, str) else item


def _open(path: Path) -> tuple[YAML, Any]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.add_representer(
        type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml, yaml.load(path.read_text("utf-8")) or {}


def _save(yaml: YAML, content: Any, path: Path) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    temporary.replace(path)
