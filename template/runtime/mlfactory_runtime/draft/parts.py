"""The part that a column plays, found from its content, with the reason in one line."""

import re
from dataclasses import dataclass

import polars as pl

from ..settings.catalog import LEARNED
from ..settings.params import Params
from ..tables import kinds
from .personal import words

FEW, MAX_CATEGORIES, MOST, CATEGORICAL_SHARE = 20, 1000, 255, 0.5
ROWS_EACH = 5
NEARLY, EXACT, HARDLY, GAPS = 0.999, 2**53, 0.9, 5
ENTITY = re.compile(r"(^|[^a-zA-Z])(?i:id|uuid|guid)$|[a-z](ID|Id)$")
NAMED = re.compile(rf"{ENTITY.pattern}|(^|[^a-zA-Z])(?i:key|rowid|nr|no|number|num|code)$")

NAMELESS = re.compile(  # what readers and writers of tables call a column without a name
    r"^(?:column_\d+|unnamed: ?\d+(?:_level_\d+)?|\.\.\.\d+|_c\d+|x(?:\.\d)?|index|level_\d+|#|idx"
    r"|row[ ._]?(?:names?|id|num|nr|no|number|index)?|(?:s|sr|lfd)\.? ?(?:no|nr)\.?|obs|n[ro]\.?"
    r"|(?:zeilen?|rij|r[æa]kke|laufende|volg)[ ._-]?(?:nr\.?|nummer|index)?|l\.?p\.?|wiersz"
    r"|(?:fila|línea|linea|ligne|linha|riga)(?:[ ._]?n[ro°º]?\.?)?)$",
    re.IGNORECASE,
)
CODES = {  # whose numbers name things, whatever their order
    "sku", "ean", "gtin", "upc", "isbn", "plu", "naics", "nace", "sic", "fips", "icd", "cpt",
    "code", "cod", "codigo", "codice", "kode", "kod", "artikelnummer", "artikelnr",
}  # fmt: skip
DIGITS = 4
CLOCK = {
    "time", "timestamp", "datetime", "date", "at", "on", "ts", "epoch", "created", "updated",
    "since", "until", "datum", "zeit", "zeitpunkt", "fecha", "hora", "heure", "data", "ora",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A role, and why."""

    role: str
    why: str

    @property
    def learned(self) -> bool:
        return self.role in LEARNED


def find_part(column: pl.Series, name: str, params: Params) -> Part:
    """The role that the content of a typed column suggests."""
    data = params.data
    if name == data.id and data.time and is_entity(column):
        return Part("categorical", "categorical: an entity, with rows at many moments")
    for role, names in (("target", data.target), ("identifier", data.id)):
        if name == names:
            return Part(role, f"{role}, as params.yaml says")
    present = kinds.present(column)
    distinct = present.n_unique()
    if name == data.time:
        return Part("datetime", "puts the rows in order, as params.yaml says")
    if distinct < 2:
        return Part(
            "ignored", "ignored: it never changes" if len(present) else "ignored: it is empty"
        )
    if why := nearly_constant(present, column.len()):
        return Part("ignored", f"ignored: {why}")
    if column.dtype == pl.Boolean:
        return Part("boolean", "boolean")
    if column.dtype.is_temporal():
        return Part("datetime", "datetime")
    if column.dtype.is_numeric():
        return number_part(present, name, distinct)
    return text_part(present, name, distinct)


def is_entity(column: pl.Series) -> bool:
    """Whether each value has rows enough to learn from what was before."""
    distinct = kinds.present(column).n_unique()
    return 1 < distinct <= min(MAX_CATEGORIES, column.len() / ROWS_EACH)


def is_clock(name: str) -> bool:
    """Whether its name says that it is a moment."""
    return not CLOCK.isdisjoint(words(name))


def nearly_constant(present: pl.Series, rows: int) -> str:
    """Why hardly anything can be learned from it, if so."""
    most = int(present.rename("value").value_counts()["count"].max())  # type: ignore[arg-type]
    if most > NEARLY * rows:
        return f"all but {rows - most:,} of {rows:,} rows have the same value"
    if len(present) < (1 - NEARLY) * rows:
        return f"it is missing in all but {len(present):,} of {rows:,} rows"
    return ""


def number_part(present: pl.Series, name: str, distinct: int) -> Part:
    """A number that names rows or things is none to learn from."""
    whole = present.dtype.is_integer()
    if distinct > FEW and NAMELESS.search(name) and is_index(present, distinct):
        return Part("identifier", "identifier: it numbers the rows and has no name of its own")
    if not whole or distinct <= 2:
        return Part("numeric", "numeric")
    low, high = int(present.min()), int(present.max())  # type: ignore[arg-type]
    if max(-low, high) > EXACT:
        return Part("identifier", "identifier: more digits than a number to learn from can hold")
    if distinct == len(present) and NAMED.search(name):
        return Part("identifier", "identifier: its name says so and no value repeats")
    if distinct == len(present) and high - low + 1 == distinct > FEW:
        return Part("identifier", "identifier: it counts the rows")
    if distinct == len(present) > FEW and high - low < GAPS * distinct and is_rising(present):
        return Part("identifier", "identifier: it counts the rows, with some left out")
    if ENTITY.search(name) and distinct > max(MAX_CATEGORIES, 0.05 * len(present)):
        return Part("identifier", f"identifier: its name says so, with {distinct:,} values")
    if ENTITY.search(name):
        return Part("categorical", f"categorical: {distinct:,} values that its name calls names")
    if is_code(name, low, high):
        return code_part(present, distinct)
    return Part("numeric", "numeric")


def is_named(name: str) -> bool:
    """Whether its numbers, which are whole then, may name things."""
    return is_coded(name) or bool(NAMED.search(name))


def is_code(name: str, low: int, high: int) -> bool:
    """Whether whole numbers between these name things, by the column's name: 1 may be less than
    2 then, and says nothing.
    """
    alike = len(str(abs(low))) == len(str(abs(high))) >= DIGITS
    return is_coded(name) or bool(alike and NAMED.search(name))


def is_coded(name: str) -> bool:
    """Whether it is called a code, or one of those that trade and offices have."""
    return (words(name) or [""])[-1] in CODES


def code_part(present: pl.Series, distinct: int) -> Part:
    """Codes that repeat are categories, as they are in letters."""
    if distinct <= max(FEW, CATEGORICAL_SHARE * len(present)):
        return Part("categorical", f"categorical: {distinct:,} codes, by its name{many(distinct)}")
    return Part("identifier", f"identifier: {distinct:,} codes, by its name; few of them repeat")


def many(distinct: int) -> str:
    """What becomes of more categories than a tree looks at."""
    return "; many, so the rare ones count as one" if distinct > MOST else ""


def is_index(valid: pl.Series, distinct: int) -> bool:
    """Whether these are whole numbers that hardly repeat, or go up by one and begin anew."""
    if not (valid.dtype.is_integer() or (valid == valid.floor()).all()):
        return False
    return distinct >= HARDLY * len(valid) or int((valid.diff() == 1).sum()) >= HARDLY * len(valid)


def is_rising(present: pl.Series) -> bool:
    return bool((present.diff() > 0).all())


def text_part(present: pl.Series, name: str, distinct: int) -> Part:
    """Categories repeat; identifiers do not; what has several words is text."""
    spaces = present.str.count_matches(r"\s+").mean() if distinct > FEW else 0
    if isinstance(spaces, float) and spaces >= 3:
        return Part("text", "text: several words, hardly any repeats; not learned from")
    if ENTITY.search(name) and distinct > max(FEW, 0.05 * len(present)):
        return Part("identifier", f"identifier: its name says so, with {distinct:,} values")
    if distinct <= max(FEW, CATEGORICAL_SHARE * len(present)):
        return Part("categorical", f"categorical: {distinct:,} values{many(distinct)}")
    if distinct == len(present):
        return Part("identifier", "identifier: no value repeats")
    return Part("text", f"text: {distinct:,} values in {len(present):,} rows; not learned from")


def find_twins(columns: pl.DataFrame) -> dict[str, str]:
    """Columns that say the same as an earlier one: its name by theirs."""
    twins: dict[str, str] = {}
    earlier: dict[tuple[object, ...], list[str]] = {}
    for name in columns.columns:
        column = columns[name]
        kind = (column.null_count(), column.n_unique(), pattern(column.head(100)))
        for other in earlier.setdefault(kind, []):
            if same(column, columns[other]):
                twins[name] = other
                break
        else:
            earlier[kind].append(name)
    return twins


def pattern(column: pl.Series) -> tuple[int, ...]:
    """Where each value came first, whatever it is called."""
    values = column.to_list()
    places = dict(zip(reversed(values), reversed(range(len(values))), strict=True))
    return tuple(map(places.__getitem__, values))


def same(one: pl.Series, other: pl.Series) -> bool:
    """Equal, or other names for the same groups of rows."""
    if not one.is_null().equals(other.is_null(), check_names=False):
        return False
    if one.dtype == other.dtype and one.equals(other, check_names=False):
        return True
    groups = one.n_unique()
    if groups > len(one) / 2:
        return False
    pairs = pl.DataFrame([one.alias("a"), other.alias("b")]).unique()
    if pairs.height != groups:
        return False
    return not adds_order(pairs["a"].alias(one.name), pairs["b"].alias(other.name))


def adds_order(one: pl.Series, other: pl.Series) -> bool:
    """Whether of two names for the same groups one puts them in an order that the other lacks.

    The area of a shop is not a name of it; its number is one, as is what only counts the shops.
    """
    pairs = pl.DataFrame([one.alias("a"), other.alias("b")]).drop_nulls().sort("a")
    if pairs.height <= 2 or not (is_scale(one) or is_scale(other)):
        return False
    if pl.String in pairs.dtypes:
        return True
    return not (pairs["b"].is_sorted() or pairs["b"].is_sorted(descending=True))


def is_scale(groups: pl.Series) -> bool:
    """Whether these are numbers or moments that do more than count: no 1, 2, 3."""
    present = groups.drop_nulls()
    if NAMED.search(groups.name):
        return False
    if present.dtype.is_temporal() or present.dtype.is_float():
        return True
    low, high = present.min(), present.max()
    counts = isinstance(low, int) and isinstance(high, int) and high - low + 1 == len(present)
    return present.dtype.is_integer() and not counts


def statistics(column: pl.Series, *, with_values: bool) -> str:
    """What stands beside the description: what is missing, and values where they may be shown."""
    present, missing = kinds.present(column), column.null_count() / max(column.len(), 1)
    parts = [f"{missing:.1%} missing" if missing else "never missing"]
    if with_values and len(present):
        parts.append(values(present))
    return ", ".join(parts)


def values(present: pl.Series) -> str:
    """The values in a few words."""
    if present.dtype == pl.Boolean:
        return f"{present.sum() / len(present):.0%} true"
    if present.dtype.is_temporal():
        return " to ".join(map(str, (present.min(), present.max())))
    if present.dtype.is_numeric():
        low, middle, high = (float(present.quantile(q) or 0) for q in (0, 0.5, 1))
        return f"{low:,.6g} to {high:,.6g}, median {middle:,.6g}"
    top, count = present.rename("value").value_counts(sort=True).row(0)
    share = count / len(present)
    return f"most often {str(top)[:40]!r} ({share:.1%})"
