"""How values are written: one in several ways, several numbers in one, times of elsewhere."""

import re
from collections import defaultdict

import polars as pl

from ..tables.formats import OFFSET
from ..tables.kinds import NUMBERLIKE, Kind, present
from ..tables.periods import FIRST
from .parts import FEW, Part

MOST, SHOWN, NEARLY = 5000, 3, 0.95
NUMBER, SIGN = r"[-+]?\d+(?:[.,]\d+)?", r"(?:\s?[/x\u00d7*,;]\s?|\s)"
SEVERAL = rf"^[\[(]?{NUMBER}(?:{SIGN}{NUMBER})+\D{{0,5}}$"
DAYS, FRACTION = r"^\d{1,2}([-/.])\d{1,2}[-/.]\d{2,4}$", r"^\s*[-+]?0?[.,]\d+\s*$"
PLACED = r"[.x\u00d7*;,]"  # where no value repeats, digits and other signs are names


def find_written(values: pl.Series, column: pl.Series, kind: Kind, part: Part) -> str:
    """What to say of how these values are written; `column` has them as they are read."""
    if centuries := of_centuries(kind):
        return centuries
    if kind.dtype == "datetime":
        return of_elsewhere(values)
    if column.dtype != pl.String:
        return of_percent(values)
    if part.role in ("categorical", "target") and (ways := several_ways(column)):
        return ways
    return several_numbers(column, part) if part.role != "target" else ""


def of_centuries(kind: Kind) -> str:
    """What to say of years of two digits, where their values decide of which century they are."""
    forms = (kind.format,) if isinstance(kind.format, str) else kind.format or ()
    firsts = {form.partition(FIRST)[2] for form in forms if FIRST in form}
    return "; ".join(
        f"years of two digits are read as {first} to {int(first) + 99}" for first in sorted(firsts)
    )


def several_ways(column: pl.Series) -> str:
    """Values that differ in case, spaces or hyphens only, with the share of the rarer ones."""
    counts = present(column).rename("value").value_counts(sort=True)
    ways = defaultdict[str, list[str]](list)
    for text in counts["value"].head(MOST):
        ways[plain(text)].append(text)
    alike = [texts for texts in ways.values() if len(texts) > 1]
    if not alike:
        return ""
    rarer = [text for texts in alike for text in texts[1:]]
    share = column.is_in(rarer).sum() / max(len(column), 1)
    examples = ", ".join(repr(text[:40]) for text in alike[0][:SHOWN])
    more = f" ({len(alike):,} such values)" if len(alike) > 1 else ""
    text = f"{examples} differ only in how they are written{more}"
    return f"{text}, and are values of their own; write each in one way ({share:.1%} of the rows)"


def plain(text: str) -> str:
    """The text without case, and with one sign between words."""
    return re.sub(r"(?<=\w)[\s_\u2010-\u2015-]+(?=\w)", " ", text.strip().casefold())


def several_numbers(column: pl.Series, part: Part) -> str:
    """What to say of texts that hold several numbers each, such as 120/80 or 30 x 20 cm, or
    numbers of several units.
    """
    texts = present(column)
    if texts.n_unique() <= FEW:
        return ""
    if part.role != "identifier" and (mixed := several_units(texts)):
        return mixed
    fitting = texts.str.contains(SEVERAL)
    if part.role == "identifier":
        fitting &= texts.str.contains(PLACED)
    if fitting.mean() < NEARLY:  # type: ignore[operator]
        return ""
    example = texts.filter(fitting)[0]
    return f"values such as {example[:40]!r} hold several numbers, which are not read as such"


def several_units(texts: pl.Series) -> str:
    """What to say of numbers whose units nothing turns into one another (25 °C, 77 °F), or whose
    decimals have two signs, and of days whose months stand in two places.
    """
    if texts.str.contains(DAYS).all():
        return "these look like days, whose days and months stand in two orders, and are not read"
    if not texts.str.contains(NUMBERLIKE).all():
        return ""
    unit = pl.col("text").str.replace_all(r"[-+()\d'\s]|\b[.,]\b", "")
    sign = pl.col("text").str.extract(r"([.,])\d{1,2}\b")
    ways = texts.to_frame("text").unique([unit, sign], keep="first", maintain_order=True)
    firsts = ways.filter(sign.is_not_null() | (unit != "").any())["text"]
    if not 1 < len(firsts) <= FEW:
        return ""
    examples = ", ".join(repr(text[:40]) for text in firsts.head(SHOWN))
    return f"values such as {examples} are numbers in several ways or units, and not read as such"


def of_percent(values: pl.Series) -> str:
    """What to say of shares among percents: 0.15 beside 12 %."""
    if values.dtype != pl.String:
        return ""
    marked = values.str.contains("%", literal=True)
    if not marked.any():
        return ""
    bare = values.filter(~marked)
    if bare.is_empty() or not bare.str.contains(FRACTION).all():
        return ""
    share = len(bare) / max(len(values), 1)
    return f"{bare[0]!r} stands beside percents ({share:.1%} of the rows), and is read as one"


def of_elsewhere(values: pl.Series) -> str:
    """What to say of times that name an hour of elsewhere than UTC."""
    zone = getattr(values.dtype, "time_zone", None)
    if zone in (None, "UTC") and values.dtype != pl.String:
        return ""
    if values.dtype == pl.String:
        offsets = values.str.extract(OFFSET, 2)
        if not offsets.is_in(["+00", "-00"]).not_().any():
            return ""
        zone = ", ".join(offsets.drop_nulls().unique().sort().head(SHOWN))
    return f"times of {zone} are read as UTC, and so are their days and hours"
