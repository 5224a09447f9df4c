"""What of a date can come again, so that it can be learned from; the date itself only grows."""

from typing import Any

import polars as pl

from ..settings.edit import flow
from ..settings.params import Params
from ..tables.kinds import present
from .personal import words

YEAR = 300  # days of data from which on months come again
BEFORE = {"month": 700, "weekday": 28, "hour": 4}  # days after which later rows have seen them all
YEARS = {"year", "yr", "jahr", "ano", "anno", "annee", "an", "jaar", "rok", "season", "saison"}
OF = {"of", "sold", "sale", "order", "verkauf", "venta", "vente", "vendita", "survey", "data"}
GROWS = (
    "and is learned from as a number: if later rows are predicted, make the factory with --time, "
    "or let it be ignored in features.yaml"
)


def find_parts(
    sample: pl.DataFrame, described: dict[str, dict[str, Any]], params: Params
) -> dict[str, dict[str, Any]]:
    """The derived features of the new dates, by name."""
    time, names = params.data.time, {*sample.columns}
    entries: dict[str, dict[str, Any]] = {}
    for name, entry in described.items():
        if entry["role"] != "datetime" or "suspect" in entry:
            continue
        alone = [] if "sensitive" in entry else repeating(sample[name], ordered=name == time)
        parts = {part: [name] for part in alone}
        if time and name != time and sample[time].dtype.is_temporal():
            parts["days"] = [name, time]
        for part, parents in parts.items():
            label = f"{name} days before {time}" if part == "days" else f"{name} {part}"
            if label not in names:
                entries[label] = {
                    "dtype": "int",
                    "role": "numeric",
                    "parents": flow(parents),
                    "part": part,
                }
    return entries


def repeating(moments: pl.Series, *, ordered: bool = False) -> list[str]:
    """The parts of these moments that come again and differ from one another.

    Where they put the rows in order, the newest of which are held out, the earlier ones must hold
    each of them: of one year of sales the model would be asked about months it has never seen.
    """
    if not moments.dtype.is_temporal() or (times := present(moments)).is_empty():
        return []
    times = times.cast(pl.Datetime("us"))
    days = (times.max() - times.min()).days  # type: ignore[operator, union-attr]
    cycles = ["month"] if days >= YEAR and times.dt.month().n_unique() > 1 else []
    if times.dt.day().n_unique() > 1 and times.dt.weekday().n_unique() > 1:
        cycles.append("weekday")
    cycles += ["hour"] if times.dt.hour().n_unique() > 1 else []
    return [part for part in cycles if not ordered or days >= BEFORE[part]]


def ignore_rest(
    described: dict[str, dict[str, Any]], derived: dict[str, dict[str, Any]], params: Params
) -> list[str]:
    """Say what becomes of each date; those of which nothing is learned are ignored."""
    parts: dict[str, list[str]] = {}
    for feature in derived.values():
        parts.setdefault(feature["parents"][0], []).append(feature["part"])
    moments = [name for name, entry in described.items() if entry["role"] == "datetime"]
    dates = [name for name in moments if name != params.data.time]
    for name in moments:
        if name in parts:
            learned = ", ".join(parts[name])
            described[name]["drafted"] += f"; learned from are its parts: {learned}"
        elif name in dates:
            described[name]["role"] = "ignored"
            described[name]["drafted"] += "; ignored: it only grows, and nothing of it comes again"
            described[name].pop("assumed", None)
    if params.data.time:
        return []
    years = [n for n, e in described.items() if e["role"] == "numeric" and is_year(n, e)]
    notes = [f"{', '.join(map(repr, years))}: a year only grows, {GROWS}"] if years else []
    if not dates:
        return notes
    names = ", ".join(map(repr, dates))
    text = f"{names}: a date only grows, so no more than month, weekday and hour are learned from"
    notes += [
        f"{text}; if later rows are predicted, make the factory with --time, to test on those"
    ]
    return notes


def is_year(name: str, entry: dict[str, Any]) -> bool:
    """Whether a number is the year of a row by its name; when something was built is another."""
    some = {*words(name)}
    return entry["dtype"] == "int" and bool(some & YEARS) and some <= YEARS | OF
