"""Numbers of which each names its unit, `1.2 kg` beside `500 g`, and times as clocks show them."""

import polars as pl

from .periods import undressed

IN, CLOCK = "in ", "1:30"  # the forms: `in kg`; a clock counts in its first part, so 1:30 is 1.5
# By what is measured, how much of a unit that no one sees the units are, and what they are called.
UNITS: dict[str, dict[float, str]] = {
    "time": {
        0.001: "ms msec millisecond milliseconds",
        1: "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos"
        " secondo secondi sekundy \u0441 сек 秒",
        60: "m min mins minute minutes minuten minuto minutos minuti minuut minuty мин 分",
        3600: "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur godz"
        " ч час часа часов 時 時間",
        86_400: "d day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen"
        " dzień dni день дня дней 日",
        604_800: "w wk wks week weeks woche wochen semaine semaines semana semanas settimana"
        " settimane weken tydzień tygodnie 週",
        2_629_800: "mo mos month months mon monat monate monaten mois mes meses mese mesi maand"
        " maanden miesiąc miesiące ヶ月",
        31_557_600: "y yr yrs year years jahr jahre jahren an ans année années año años ano anos"
        " anno anni jaar rok lat lata год года лет 年",
    },
    "mass": {
        1e-6: "µg mcg ug",
        0.001: "mg",
        1: "g gr gram grams gramm gramme grammes gramo gramos \u0433",
        28.349_523: "oz ounce ounces",
        453.592_37: "lb lbs pound pounds",
        1000: "kg kgs kilo kilos kilogram kilograms кг",
        1_000_000: "t ton tons tonne tonnes tonnen т",
    },
    "length": {
        1: "mm мм",
        10: "cm см",
        25.4: "\" \u2033 '' in inch inches",
        100: "dm",
        304.8: "' \u2032 ft foot feet",
        914.4: "yd yds yard yards",
        1000: "m meter meters metre metres mètre mètres м",
        1_000_000: "km kilometer kilometers км",
        1_609_344: "mi mile miles",
    },
    "volume": {1: "ml мл", 10: "cl", 100: "dl", 1000: "l ltr liter liters litre litres л"},
    "size": {
        1: "b byte bytes",
        1024: "kb kib",
        1024**2: "mb mib",
        1024**3: "gb gib",
        1024**4: "tb tib",
    },
}
FIGURE = r"(\d+(?:[.,]\d{1,2}|[.,]\d{4,}|\.\d{3})?)\s*"  # 1,250 may be either
ISO = r"^p(?:\d+d)?t?(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s)?$"
CLOCKED = r"^(?:(\d+) days?,? )?(\d{1,4}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?(?: ?([ap])\.?m\.?)?$"
LETTERS = "a-zµ\u00c0-\u024f\u0370-\u052f\u3040-\u9fff"  # of all it is built slowly
SIGNS, AND = "'\"\u2032\u2033", ("and", "und", "et", "y", "e", "i", "en")
LIKE = r"""^\d.*[\p{L}:'"\u2032\u2033]|^P(?:T|\d)"""
SAMPLE, DIGITS = 1000, 12
LONG = 86_400  # of units this long, `m` may be a month


def find_amount(texts: pl.Series) -> str | None:
    """The form under which all texts are amounts of several units, or what a clock shows."""
    sample = tidy(texts.head(SAMPLE))
    if sample.is_empty() or not sample.str.contains(LIKE.replace("P", "p")).all():
        return None
    form = clock_form(sample) or unit_form(sample)
    return form if form and amounts(texts, form).null_count() == 0 else None


def clock_form(sample: pl.Series) -> str | None:
    if not sample.str.contains(CLOCKED).all():
        return None
    parts = sample.str.extract_groups(CLOCKED).struct.unnest()
    days, _, _, seconds, half = (parts[name] for name in parts.columns)
    if half.count() or not (days.count() or seconds.count()):
        return CLOCK
    return f"{IN}s"


def unit_form(sample: pl.Series) -> str | None:
    """The form of amounts whose units are of one kind, in the unit that most have."""
    words = sample.str.extract_all(rf"\d\s*[{LETTERS}{SIGNS}]+").explode().drop_nulls()
    words = words.str.strip_chars_start("0123456789 ")
    counts = dict(words.rename("word").value_counts().iter_rows())
    for units in UNITS.values():
        names = {name: scale for scale, text in units.items() for name in text.split()}
        if not counts or not counts.keys() <= names.keys():
            continue
        scales = {names[name] for name in counts}
        if units is UNITS["time"] and "m" in counts and max(scales) >= LONG and 3600 not in scales:
            return None
        usual = max(names, key=lambda name: counts.get(name, 0))
        same = [usual, *units[names[usual]].split()]
        return IN + next(name for name in same if name.isalpha() and units_of(name) is units)
    return None


def is_amount(form: str | None) -> bool:
    """Whether this form is one of amounts."""
    return form is not None and (form == CLOCK or form.startswith(IN))


def amounts(values: pl.Series, form: str) -> pl.Series:
    """The amounts as numbers in the unit of the form; plain numbers are that, too; else null."""
    plain = values.cast(pl.Float64, strict=False)
    texts = tidy(values)
    if form == CLOCK:
        return plain.zip_with(plain.is_not_null(), parted(clocked(texts), 3600))
    name = form.removeprefix(IN)
    units = units_of(name)
    scale = next((scale for scale, text in units.items() if name in text.split()), 1)
    sums = measured(texts, units)
    if units is UNITS["time"]:
        clock = clocked(texts, of_seconds=True)
        sums = clock.zip_with(clock.is_not_null(), sums)
    return plain.zip_with(plain.is_not_null(), parted(sums, scale))


def units_of(name: str) -> dict[float, str]:
    """The units of the first kind that has one of this name."""
    kinds = (units for units in UNITS.values() if any(name in w.split() for w in units.values()))
    return next(kinds, {})


def parted(numbers: pl.Series, scale: float) -> pl.Series:
    """So many of a unit, without what binary fractions leave at the end."""
    return (numbers / scale).round_sig_figs(DIGITS)


def measured(texts: pl.Series, units: dict[float, str]) -> pl.Series:
    """The sum of what stands before the units, where nothing else stands there."""
    total = pl.Series(texts.name, [0.0]).new_from_index(0, len(texts))
    rest = texts
    for scale, words in units.items():
        pattern = amount_of(*words.split())
        part = texts.str.extract(pattern, 1).str.replace(",", ".", literal=True)
        total += part.cast(pl.Float64, strict=False).fill_null(0.0) * scale
        rest = rest.str.replace(pattern, "$2")
    is_all = rest.str.contains(rf"^(?:\s|,|{'|'.join(AND)})*$") & (rest != texts)
    return total.set(~is_all.fill_null(False), None)


def amount_of(*names: str) -> str:
    """A pattern of a number with one of these units, and what follows."""
    words = "|".join(sorted((name.replace(".", r"\.") for name in names), key=len, reverse=True))
    return rf"{FIGURE}(?:{words})([^{LETTERS}]|$)"


def clocked(texts: pl.Series, *, of_seconds: bool = False) -> pl.Series:
    """What a clock shows, in seconds; with `of_seconds` two parts are minutes and seconds."""
    parts = texts.str.extract_groups(CLOCKED).struct.unnest()
    days, first, second, third, half = (parts[name] for name in parts.columns)
    one, two = first.cast(pl.Float64), second.cast(pl.Float64)
    late = half.is_not_null()
    one = one.zip_with(~late, one % 12 + 12 * (half == "p").cast(pl.Float64).fill_null(0))
    whole = one * 3600 + two * 60 + third.cast(pl.Float64).fill_null(0)
    whole = whole + days.cast(pl.Float64).fill_null(0) * 86_400
    if not of_seconds:
        return whole
    return whole.zip_with(days.is_not_null() | third.is_not_null(), one * 60 + two)


def tidy(values: pl.Series) -> pl.Series:
    """In small letters, one way of writing times and feet."""
    texts = undressed(values).str.to_lowercase().str.strip_chars()
    is_iso = texts.str.contains(ISO)
    texts = texts.str.replace_all("[pt]", "").zip_with(is_iso.fill_null(False), texts)
    texts = texts.str.replace(r"^(\d{1,2}) ?h ?(\d\d)$", "${1}h${2}min")
    return texts.str.replace(r"^(\d+)['\u2032] ?(\d+(?:\.\d+)?)$", "${1}'${2}\"")
