"""What shows of many columns at once: a question for each of 5,000 is slow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from ..tables.formats import FALSE, TRUE, as_type
from ..tables.kinds import ANYWHERE, Kind
from .personal import PLAIN

MANY = 100_000  # in longer tables each question costs more than it takes to ask it
VALUE = pl.all().drop_nulls()
NUMBER = VALUE.str.contains(r"^-?(?:0|[1-9]\d{0,15})(?:\.\d+)?$").all()
DAY = VALUE.str.contains(r"^(?:19|20)\d\d-\d\d-\d\d$").all()
IN_DIGITS = VALUE.str.contains(r"^(?:19|20)\d{6}$").all()
DATE = VALUE.str.to_date("%Y-%m-%d", strict=False).is_not_null().all()
WRITTEN = VALUE.str.contains(r"\d").any() | VALUE.is_in(ANYWHERE).any()
POINT = VALUE.str.contains(".", literal=True).any()
LOWER = VALUE.str.to_lowercase()
READ: dict[str, Callable[[pl.Expr], pl.Expr]] = {  # values of which all have the plainest form
    "int": lambda values: values.cast(pl.Int64, strict=False),
    "float": lambda values: values.cast(pl.Float64, strict=False),
    "date": lambda values: values.str.to_date("%Y-%m-%d", strict=False),
    "bool": lambda values: as_type(values, pl.String(), "bool").name.keep(),
    "string": lambda values: values,
}


@dataclass(frozen=True)
class Glance:
    """What shows of a column: its kind, where no closer look can say another, its values as such,
    and whether all of it has a plain form."""

    kind: Kind | None = None
    values: pl.Series | None = field(default=None, compare=False)
    is_plain: bool = False


def glances(rows: pl.DataFrame, *, european: bool) -> dict[str, Glance]:
    """What shows of each column of texts, without blanks around them; of others nothing does."""
    texts = rows.select(pl.col(pl.String))
    if not texts.width or texts.height > MANY:
        return {}
    filled = [name for name, some in ask(texts, texts.columns, VALUE.len() > 0).items() if some]
    plain = ask(texts, filled, VALUE.str.contains(PLAIN).all())
    kinds = {**numbers(texts, filled, european=european), **days(texts, filled)}
    kinds |= words(texts, [name for name in filled if name not in kinds])
    series = columns_of(texts, kinds)
    return {n: Glance(kinds.get(n), series.get(n), bool(plain[n])) for n in filled}


def columns_of(texts: pl.DataFrame, kinds: Mapping[str, Kind]) -> dict[str, pl.Series]:
    """These columns, each as its kind, those of one type at once."""
    series: dict[str, pl.Series] = {}
    for dtype, read in READ.items():
        names = [name for name, kind in kinds.items() if kind.dtype == dtype]
        series |= texts.select(read(pl.col(names))).to_dict()
    return series


def ask(texts: pl.DataFrame, names: Sequence[str], question: pl.Expr) -> dict[str, object]:
    """The answer of each of these columns."""
    row = texts.select(names).select(question).row(0) if names else ()
    return dict(zip(names, row, strict=True))


def numbers(texts: pl.DataFrame, names: Sequence[str], *, european: bool) -> Mapping[str, Kind]:
    """The columns of numbers in their plainest form; a point may stand for thousands elsewhere."""
    some = [name for name, all_are in ask(texts, names, NUMBER).items() if all_are]
    points = ask(texts, some, POINT)
    in_digits = ask(texts, [name for name in some if not points[name]], IN_DIGITS)
    whole = {name: Kind("int") for name, may_be_days in in_digits.items() if not may_be_days}
    broken = [] if european else [name for name in some if points[name]]
    finite = VALUE.cast(pl.Float64, strict=False).is_finite().fill_null(False).all()
    return whole | {
        name: Kind("float") for name, is_so in ask(texts, broken, finite).items() if is_so
    }


def days(texts: pl.DataFrame, names: Sequence[str]) -> Mapping[str, Kind]:
    """The columns of days from the year to the day."""
    some = [name for name, all_are in ask(texts, names, DAY).items() if all_are]
    return {name: Kind("date") for name, all_are in ask(texts, some, DATE).items() if all_are}


def words(texts: pl.DataFrame, names: Sequence[str]) -> Mapping[str, Kind]:
    """The columns without a digit, and without a word that stands for missing."""
    some = [name for name, is_written in ask(texts, names, WRITTEN).items() if not is_written]
    pairs = [name for name, are_two in ask(texts, some, LOWER.n_unique() == 2).items() if are_two]
    low, high = ask(texts, pairs, LOWER.min()), ask(texts, pairs, LOWER.max())
    says = {name for name in pairs if is_truth({low[name], high[name]})}
    return {name: Kind("bool" if name in says else "string") for name in some}


def is_truth(pair: set[object]) -> bool:
    """Whether one of two words says yes and one says no."""
    return len(pair.intersection(TRUE)) == len(pair.intersection(FALSE)) == 1
