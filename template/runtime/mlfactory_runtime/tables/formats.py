"""Values as people write them: numbers with signs and groups, moments, truth in words."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import polars as pl

from .amounts import amounts, is_amount
from .periods import (
    COUNTS,
    FIRST,
    ORDINAL,
    PERIOD,
    WEEKDAY,
    counted_from,
    day_text,
    narrow,
    plain_days,
    serial,
    undressed,
)
from .ranges import RANGE, numbers_of

DTYPES: dict[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}
TRUE = (
    "true", "t", "yes", "y", "1", "ja", "j", "oui", "sí", "si", "sim", "wahr", "vrai", "on",
    "da", "tak", "vero", "verdadero", "verdadeiro", "да", "はい", "是",
)  # fmt: skip
FALSE = (
    "false", "f", "no", "n", "0", "nein", "non", "não", "nao", "falsch", "faux", "off",
    "ne", "nu", "nie", "falso", "нет", "いいえ", "否",
)  # fmt: skip
DAY_FORMATS = ("%Y-%m-%d", "%Y/%m/%d")
TIME_FORMATS = tuple(
    f"{day}{time}"
    for day in ("%Y-%m-%dT", "%Y-%m-%d ", "%Y/%m/%d ")
    for time in ("%H:%M:%S%.f", "%H:%M:%S%.f%z", "%H:%M")
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DAY_FIRST = ("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y")
YEAR_FIRST = ("%y.%m.%d", "%y/%m/%d", "%y-%m-%d")
MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
CLOCK = r"(:\d\d(?:\.\d+)?) ?"
UTC, OFFSET = rf"{CLOCK}(?:Z|UTC|GMT)$", rf"{CLOCK}([-+]\d\d)(?::?00)?$"
NAMED = (
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%Y%m%d", "%Y-%m",
    "%Y/%m/%d", "%d. %b %Y", "%d %b, %Y", "%d %B, %Y", "%a %b %d %Y", "%a, %d %b %Y",
)  # fmt: skip
GROUPS = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("'", ","))
CURRENCY = r"(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3} |(?:Rp|RM|Rs|Fr|kr|K\u010d|z\u0142)\.? ?)"
LETTER = "[A-Za-zµ\u00c0-\u024f\u0370-\u052f]"  # of all letters an expression is built slowly
LENGTH = rf"{LETTER}{{0,4}}m[23]|{LETTER}{{1,6}}\.?[²³]?"  # of letters, but for m2 and m3
UNIT = (
    r"(?:%|‰|\p{Sc}|°[CF]?|[\p{Han}\p{Hangul}]{1,2}"
    rf"|(?:{LENGTH})(?:/(?:100 ?)?(?:{LENGTH}))?)"
)
EXAMPLE = re.compile(r"(?P<prefix>.*?)1(?P<group>[,. ']?)234(?P<decimal>[.,])5(?P<suffix>.*)")
DATED = r"\d{1,4}(?:[-/. ]|\. )\w{1,12}[-/., ]+\d{2,4}|\d,? \d{4}|^\d{8}\b|^\d{4}-\d\d$"
DATED = (
    rf"{DATED}|^\d\d? de \p{{L}}{{3,12}} de \d{{4}}|^\d{{8}}T\d{{6}}|^\d{{4}}-W\d\d-\d$"
    rf"|{ORDINAL}.*\d{{4}}|{WEEKDAY}|{PERIOD}"
)
WHOLE = r"^([-+]?\d+)\.0*$"  # as whole numbers are written where a missing value made floats
SAMPLE = 1000
# Numbers of which each says how large it is: 5k beside 1.2M, or beside 500.
SCALED, SCALES = "k/M", {
    "k": 3, "tsd": 3, "thousand": 3, "千": 3, "万": 4, "m": 6, "mio": 6, "mn": 6, "million": 6,
    "億": 8, "b": 9, "bn": 9, "mrd": 9, "billion": 9,
}  # fmt: skip
SCALE = rf"(?i)([\d.\s])({'|'.join(sorted(SCALES, key=len, reverse=True))})\.?$"
Reading = Callable[[pl.Series], pl.Series]


def as_type(
    value: pl.Expr, origin: pl.DataType, dtype: str, form: str | Sequence[str] | None = None
) -> pl.Expr:
    """An expression that reads `value`, which has the type `origin`, as the catalog's `dtype`.

    `form` is the column's `format`; what stands in the plain form of its type is always read.
    """
    target = DTYPES[dtype]
    if form and dtype in ("date", "datetime") and origin.is_numeric():
        value, origin = value.cast(pl.String), pl.String()
    if origin.is_float() and dtype == "int":
        return pl.when(value == value.floor()).then(value).cast(target, strict=False)
    if origin != pl.String:
        return value.cast(target, strict=False)
    value = value.str.strip_chars()
    if dtype == "string":
        return value
    if dtype == "bool":
        text = value.str.replace(WHOLE, "$1").str.to_lowercase()
        return pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False)
    if dtype in ("date", "datetime"):
        forms = [form] if isinstance(form, str) else form or ()
        reading = partial(moments, dtype=dtype, forms=forms)
        return value.map_batches(reading, return_dtype=target, is_elementwise=True)
    if form is None:
        number = value.str.replace(WHOLE, "$1") if dtype == "int" else value
        number = number.cast(target, strict=False)
        return number if dtype == "int" else pl.when(number.is_finite()).then(number)
    reading = partial(numbers, dtype=dtype, form=form)
    return value.map_batches(reading, return_dtype=target, is_elementwise=True)


def read(values: pl.Series, dtype: str, form: str | Sequence[str] | None = None) -> pl.Series:
    """A column as the catalog's `dtype`; what cannot be read becomes null."""
    expression = as_type(pl.col(values.name), values.dtype, dtype, form).alias(values.name)
    return values.to_frame().select(expression)[values.name]


def reads(values: pl.Series, dtype: str, form: str | Sequence[str] | None = None) -> bool:
    """Whether every value can be read so; most that cannot show in the first ones."""
    parts = (values.head(SAMPLE), values) if len(values) > SAMPLE else (values,)
    return all(read(part, dtype, form).null_count() == 0 for part in parts)


def moments(values: pl.Series, dtype: str, forms: Sequence[str]) -> pl.Series:
    """The first reading that fits; a year of two digits is none where four are asked for."""
    if dtype == "date" and (plain := plain_days(values)) is not None:
        return plain
    values = undressed(values)
    clocks = [form for form in forms if form in COUNTS or re.search("%[HI]", form)]
    days = [partial(day, form=form) for form in (*DAY_FORMATS, *forms) if form not in clocks]
    if dtype == "date":
        counts = [partial(serial, form=form) for form in forms if form in COUNTS]
        return first_reading([(values, reading) for reading in (*days, *counts)])
    plain = values.str.replace(UTC, "${1}+0000").str.replace(OFFSET, "${1}${2}00")
    times = [(plain, partial(moment, form=form)) for form in (*TIME_FORMATS, *clocks)]
    series = first_reading([*times, *((values, reading) for reading in days)])
    return series.set(series.dt.year() < 1000, None)


def first_reading(readings: Sequence[tuple[pl.Series, Reading]]) -> pl.Series:
    """What the first reading says, then what the next says of those that are left."""
    (texts, reading), *others = readings
    series = reading(texts)
    for texts, reading in others:
        rest = (series.is_null() & texts.is_not_null()).arg_true()
        if rest.is_empty():
            break
        series = series.scatter(rest, reading(texts.gather(rest)).cast(series.dtype))
    return series


def moment(values: pl.Series, form: str) -> pl.Series:
    """Moments in UTC without saying so, or null."""
    if form in COUNTS:
        return serial(values, form)
    form, _, first = form.partition(FIRST)
    values, form = day_text(values, form)
    times = values.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)
    return counted_from(times, first) if first else times


def day(values: pl.Series, form: str) -> pl.Series:
    """Dates, or null."""
    form, _, first = form.partition(FIRST)
    values, form = day_text(values, form)
    days = values.str.to_date(form, strict=False)
    days = days.set(days.dt.year() < 1000, None)
    return counted_from(days, first) if first else days


def numbers(values: pl.Series, dtype: str, form: str | Sequence[str] | None) -> pl.Series:
    """Finite numbers of that type, written plainly or like the example `form`.

    Of several forms, one is such an example, and RANGE says that there are ranges, too.
    """
    example = example_of(form)
    series = plain_numbers(values, dtype, example)
    if RANGE in (form or ()) and len(rest := (series.is_null() & values.is_not_null()).arg_true()):
        reading = partial(plain_numbers, dtype="float", form=example)
        middles = numbers_of(narrow(values.gather(rest)), reading)
        series = series.cast(pl.Float64).scatter(rest, middles).cast(DTYPES[dtype], strict=False)
    return series


def plain_numbers(values: pl.Series, dtype: str, form: str | None) -> pl.Series:
    """The same without ranges."""
    if form and is_amount(form):
        series = amounts(values, form).cast(DTYPES[dtype], strict=False)
        return series.set(~series.is_finite(), None) if dtype == "float" else series
    plain = values if form is None else digits_of(values, form)
    if dtype == "int":
        plain = plain.str.replace(WHOLE, "$1")
    series = plain.cast(DTYPES[dtype], strict=False)
    return series.set(~series.is_finite(), None) if dtype == "float" else series


def digits_of(values: pl.Series, form: str) -> pl.Series:
    """The plain text of numbers that are written like the example `form`, or null."""
    if form.endswith(SCALED):
        powers = values.str.extract(SCALE, 2).str.to_lowercase().replace_strict(SCALES, default=0)
        digits = digits_of(values.str.replace(SCALE, "$1"), form.removesuffix(SCALED))
        return digits + "e" + powers.cast(pl.String)
    parts = EXAMPLE.fullmatch(form)
    prefix, group, decimal, suffix = parts.groups() if parts else ("", "", ".", "")
    pattern = (
        rf"^\(?\s*[-+]?\s*(?:{literal(prefix)})?\s*[-+]?"
        rf"((?:[1-9]\d{{0,2}}(?:{literal(group)}\d{{3}})+|\d+)?(?:{literal(decimal)}\d*)?(?:[eE][-+]?\d+)?)"
        rf"\s*(?:{literal(suffix)})?\s*[-)]?$"
    )
    tidy = values.str.replace_all("[\u00a0\u202f\u2009]", " ").str.replace("\u2212", "-")
    tidy = narrow(tidy.str.replace_all("\u2019", "'", literal=True))
    digits = tidy.str.extract(pattern, 1)
    if group:
        digits = digits.str.replace_all(group, "", literal=True)
    digits = digits.str.replace(decimal, ".", literal=True)
    return ("-" + digits).zip_with(tidy.str.contains(r"^\(|^[^\d]*-|-$"), digits)


def example_of(form: str | Sequence[str] | None) -> str | None:
    """The example of a number among the forms of a column."""
    forms = [form] if isinstance(form, str) else form or ()
    return next((one for one in forms if one != RANGE), None)


def decimal_of(form: str | Sequence[str] | None) -> str:
    """The decimal sign of numbers that are written like the example among these forms."""
    parts = EXAMPLE.fullmatch(example_of(form) or "")
    return parts["decimal"] if parts else "."


def literal(text: str) -> str:
    """A pattern for exactly this text, without the spaces around it."""
    return re.escape(text.strip() or text)


def find_number(values: pl.Series, european: bool) -> str | None:
    """The example under which every value is a number; what `1,234` is depends on the file."""
    sample = values.head(SAMPLE)
    if not sample.str.contains(r"\d").all() or sample.str.contains(r"\d[-/:]\d").any():
        return None  # whatever the style, a number has digits, and nothing like it between them
    prefix, suffix = affix(sample, rf"^[-+(\s]*({CURRENCY}\s*)"), affix(sample, rf"(\s?{UNIT})\)?$")
    suffix = SCALED if is_scaled(sample) else suffix
    styles = sorted(GROUPS, key=lambda style: (style[1] == ",") != european)
    for (group, decimal), first, last in product(styles, {prefix, ""}, {suffix, ""}):
        form = f"{first}1{group}234{decimal}5{last}"
        if reads(values, "float", form):
            return form
    return None


def is_scaled(values: pl.Series) -> bool:
    """Whether some of these numbers are thousands and others are not, by what stands behind them.

    Beside plain numbers, 12 m is a length, and 12b the number of a house.
    """
    scales = values.str.strip_chars(")").str.extract(SCALE, 2).str.to_lowercase()
    kinds = {*scales.drop_nulls()}
    if kinds <= {"m", "b"}:
        return len(kinds) > 1 and bool(values.str.contains(rf"{CURRENCY}|\d\.\d").any())
    return len(kinds) > 1 or scales.has_nulls()


def is_grouped(values: pl.Series, sign: str) -> bool:
    """Whether this sign surely parts thousands: 900 beside 1,250, for decimals would be 1,25."""
    signed = values.filter(values.str.contains(sign, literal=True))
    others = values.filter(~values.str.contains(sign, literal=True))
    if not (len(signed) and len(others)) or not signed.str.contains(r"0\D*$").any():
        return False
    groups = rf"^\D*[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+[^\d.,]*$"
    small = others.str.contains(r"^[^\d.,]*\d{1,3}[^\d.,]*$").all()
    return bool(signed.str.contains(groups).all() and small)


def affix(values: pl.Series, pattern: str) -> str:
    """What most values begin or end with."""
    affixes = values.str.extract(pattern, 1).drop_nulls()
    return str(affixes.mode().sort()[0]) if len(affixes) else ""


def has_european(texts: pl.DataFrame) -> bool:
    """Whether a column holds numbers with a decimal comma, beyond doubt."""
    number = r"^[-+(\s]*[^\d\s.,]{0,3}\s?\d{1,3}(\.?\d{3})*,(\d{1,2}|\d{4,})\D{0,6}$"
    return has_numbers(texts, number, r"^[-+(\s]*[^\d\s.,]{0,3}\s?[\d.]*(,\d+)?\D{0,6}$")


def has_pointed(texts: pl.DataFrame) -> bool:
    """Whether a column holds numbers with a decimal point, beyond doubt."""
    return has_numbers(texts, r"^[-+]?(0*\.\d+|\d+\.(\d{1,2}|\d{4,}))$", r"^[-+]?\d*\.?\d*$")


def has_numbers(texts: pl.DataFrame, doubtless: str, plain: str) -> bool:
    """Whether in a column of texts one value is beyond doubt, and all are of the plain form."""
    sample = pl.all().drop_nulls().head(SAMPLE)
    columns = texts.select(sample.str.contains(doubtless).any() & sample.str.contains(plain).all())
    return any(columns.rows()[0]) if columns.width else False
