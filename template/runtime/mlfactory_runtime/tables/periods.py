"""Moments that are written as a period (a quarter, a week, a month by its name) or as a number."""

from datetime import date

import polars as pl

QUARTER, WEEK, HALF, SPAN = "%YQ%q", "%GW%V", "%YH%h", "%Y/+1"
SHORT = "%yQ%q"  # a quarter of this century: Q4-21, 4Q21
PERIODS = (
    "%b-%Y", "%b %Y", "%b%Y", "%Y-%b", "%Y %b", "%Y%b", "%m/%Y", "%m-%Y", "%Y/%m", "%b/%Y",
    "%YM%m", "%Y-M%m", QUARTER, WEEK, HALF, SPAN, "FY%Y", "FY %Y",
    "%d%b%Y", "%d%b%Y:%H:%M:%S", "%Y年%m月", "%Y年%m月%d日", "%G-W%V-%u", "%Y%m%dT%H%M%S",
    "%Y%m%dT%H%M%SZ",
)  # fmt: skip
# Microseconds of one unit, and those from its beginning to 1970.
SERIALS = {
    "epoch s": (10**6, 0),
    "epoch ms": (10**3, 0),
    "epoch us": (1, 0),
    "epoch ns": (10**-3, 0),
    "excel": (86_400 * 10**6, 25_569),
}
DECIMAL = "%Y.%j"  # 2021.5 is the middle of 2021
COUNTS = (*SERIALS, DECIMAL)
THOUSAND = (date(1000, 1, 1) - date(1970, 1, 1)).days  # since when years have four digits
SEEN = 2100  # years up to this one are told as such
DIGITS = ("%Y", "%Y%m", "%y%m", "%Y%m%d")
# A quarter, a week and a half of a year as they are marked, beside Q, W and H.
Q = r"(?:[QTK]|(?:\.|er|e|º|o|\.º)? ?(?:quarter|quartal|kwartaal|trimestre|trim\.?))"
W = r"(?:W|KW|CW|wk|week|woche|semaine|semana|settimana)"
H = r"(?:[HS]|(?:\.|er|e|º|o|\.º)? ?(?:half|halbjahr|semestre|semester))"
GAP = r"(?: de |[-/ ])?"
YEAR = r"1[6-9]\d\d|20\d\d"
PERIOD = (
    rf"(?i)^(?:\d{{4}}{GAP}(?:{Q}|{W}|{H}|M) ?\d\d?|(?:{Q}|{W}|{H}) ?\d\d?{GAP}\d{{4}}"
    rf"|[1-4]{Q}{GAP}\d{{4}}|[12]{H}{GAP}\d{{4}}|\d{{4}}/\d\d|(?:0?[1-9]|1[0-2])[/-](?:{YEAR})"
    rf"|\d{{4}}[-/]\d{{4}}"
    rf"|\d{{4}}{GAP}\p{{L}}{{3,12}}\.?|\p{{L}}{{3,12}}\.?{GAP}\d{{4}}|FY ?(?:{YEAR})"
    r"|\d{4}年\d\d?月(?:\d\d?日)?|\d\d?\p{L}{3}\d{4}.*)$"
)
PARTED = {
    form: rf"(?i)^(?:({YEAR}){GAP}{word} ?({part})|{word} ?({part}){GAP}({YEAR})"
    rf"|({part}){word}{GAP}({YEAR}))$"
    for form, word, part in ((QUARTER, Q, "[1-4]"), (HALF, H, "[12]"))
}
SHORTENED = r"(?i)^(?:[QTK]([1-4])[-/ ]?'?(\d\d)|([1-4])[QTK][-/ ]?'?(\d\d))$"
WITHOUT_DAY = ("%m/%Y", "%m-%Y", "%Y年%m月")  # of one digit it may be, too
MONTHS_OF = {QUARTER: 3, HALF: 6}
# How a day is dressed beside what strptime knows: `Mo, 4.`, `1st`, `1er`, `13:07 Uhr`, wide digits.
WEEKDAY = r"^\p{L}{2,10}\.?, *(\d.*|\p{L}{3,12}\.? \d.*)$"
ORDINAL = r"(?i)\b(\d\d?)(?:st|nd|rd|th|er|ère|º|ª)\b"
HOURS = r"(?i)(:\d\d) ?(?:uhr|hrs?|h|hs)\.?$"
DRESS = rf"{WEEKDAY}|{ORDINAL}|{HOURS}|[\uff10-\uff19]"
WIDE, NARROW = "".join(map(chr, (*range(0xFF10, 0xFF1A), 0xFF0E, 0xFF0C, 0xFF0D))), "0123456789.,-"
NO_DAY = (  # what systems write where there is none
    r"^(?:0{1,4}[-/.]0{1,2}[-/.]0{1,4}|0001-01-01|0?1[./]0?1[./]0001)"
    r"(?:[T ]0{1,2}:00(?::00(?:\.0+)?)?Z?)?$"
)
# Of two digits, strptime takes years from 1969 on; a form may name another first year.
FIRST, SINCE, APART, LATE = " from ", 69, 5, 40
SHORT_YEARS = r"^(\d\d)([-/.])(\d\d)[-/.](\d\d)(?: .*)?$"
WEEKS = rf"(?i)^(?:({YEAR}){GAP}{W} ?(\d\d?)|{W} ?(\d\d?){GAP}({YEAR}))$"
SPANS = rf"^({YEAR})[-/](\d{{2}}|\d{{4}})$"
WORD = r"^(.*?)(\p{L}{3,})\.?(.*)$"
# Names of months in the languages of Western and Northern Europe, in Polish and in Turkish, by what
# strptime calls them.
MONTHS = {
    word: english
    for english, words in {
        "Jan": "jan january januar jänner januari janvier janv enero ene gennaio gen janeiro"
        " styczeń stycznia sty ocak oca",
        "Feb": "feb february februar februari février févr fév febrero febbraio fevereiro fev"
        " luty lutego lut şubat şub",
        "Mar": "mar march märz mär maart mrt mars marzo março marts marzec marca mart",
        "Apr": "apr april avril avr abril abr aprile kwiecień kwietnia kwi nisan nis",
        "May": "may mai mei mayo maggio mag maio maj maja may\u0131s",
        "Jun": "jun june juni juin junio giugno giu junho czerwiec czerwca cze haziran haz",
        "Jul": "jul july juli juillet juil julio luglio lug julho lipiec lipca lip temmuz tem",
        "Aug": "aug august augustus août aout agosto ago augusti sierpień sierpnia sie ağustos ağu",
        "Sep": "sep sept september septembre septiembre settembre set setembro"
        " wrzesień września wrz eylül eyl",
        "Oct": "oct october oktober okt octobre octubre ottobre ott outubro out"
        " październik października paź ekim eki",
        "Nov": "nov november novembre noviembre novembro listopad listopada lis kas\u0131m kas",
        "Dec": "dec december dezember dez december décembre déc diciembre dic dicembre dezembro"
        " desember des grudzień grudnia gru aral\u0131k ara",
    }.items()
    for word in words.split()
}


def find_serial(figures: pl.Series) -> str | None:
    """The form of numbers that count time: years, months, days, seconds and less, or Excel's days.

    They are told apart by their size, so a count from any other beginning is none of them.
    """
    low, high = figures.min(), figures.max()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    whole = bool((figures == figures.floor()).all())
    if whole and low >= 1000 and high <= 2999:
        return "%y%m" if is_short_month(figures) else "%Y"
    if whole and low >= 1000_01 and high <= 2999_12 and (figures % 100).is_between(1, 12).all():
        return "%Y%m"
    if whole and low >= 1000_01_01 and high <= 2999_12_31 and is_day_number(figures):
        return "%Y%m%d"
    if low >= 15_000 and high <= 80_000:
        return "excel"
    if low >= 1900 and high < SEEN:
        return DECIMAL
    sizes = {"epoch s": 1e8, "epoch ms": 1e11, "epoch us": 1e14, "epoch ns": 1e17}
    fitting = (form for form, size in sizes.items() if low >= 0 and size <= high < 1000 * size)
    return next(fitting, None)


def is_day_number(figures: pl.Series) -> bool:
    month, day = figures // 100 % 100, figures % 100
    return bool(month.is_between(1, 12).all() and day.is_between(1, 31).all())


def is_short_month(figures: pl.Series) -> bool:
    """Whether 1901, 1902 and so on are months of 2019 and after: all end in 01 to 12, and there are
    more than years of one century could be, or later ones than anybody has seen.
    """
    months = figures.unique() % 100
    many = len(months) > 12 or bool((figures > SEEN).any())
    return many and bool(months.is_between(1, 12).all())


def serial(values: pl.Series, form: str) -> pl.Series:
    """Moments in UTC that are counted in units since 1970, in days as spreadsheets do, or years."""
    count = values.cast(pl.Float64, strict=False)
    if form == DECIMAL:
        return of_years(count)
    unit, start = SERIALS[form]
    micros = ((count - start) * unit).round()
    whole = micros.set(~micros.is_finite(), None).cast(pl.Int64, strict=False)
    return whole.cast(pl.Datetime("us"))


def count_text(moments: pl.Series, form: str) -> pl.Series:
    """Moments as the numbers that `serial` reads; without a point where all are whole."""
    unit, start = SERIALS[form]
    count = moments.cast(pl.Datetime("us")).dt.epoch("us") / unit + start
    whole = count.drop_nulls()
    return (count.cast(pl.Int64) if (whole == whole.floor()).all() else count).cast(pl.String)


def of_years(count: pl.Series) -> pl.Series:
    """The days that numbers of years lie in; what is left of a year is that part of its days."""
    years = pl.lit(count)
    first = pl.date(years.floor().cast(pl.Int32, strict=False), 1, 1).cast(pl.Datetime("us"))
    days = ((years - years.floor()) * 365.25 + 0.5).floor().cast(pl.Int32, strict=False)
    return pl.select((first + pl.duration(days=days)).alias(count.name)).to_series()


def day_text(values: pl.Series, form: str) -> tuple[pl.Series, str]:
    """The values as strptime can read them: of a period its first day, months in English."""
    if form in PARTED:
        groups = values.str.extract_groups(PARTED[form]).struct.unnest()
        year, part = (pl.coalesce(pl.nth(*places)) for places in ((0, 3, 5), (1, 2, 4)))
        months = MONTHS_OF[form]
        month = part.cast(pl.Int8) * months - months + 1
        return groups.select(pl.format("{}-{}-1", year, month)).to_series(), "%Y-%m-%d"
    if form == SHORT:
        groups = values.str.extract_groups(SHORTENED).struct.unnest()
        part, year = (pl.coalesce(pl.nth(*places)) for places in ((0, 2), (1, 3)))
        month = part.cast(pl.Int8) * 3 - 2
        return groups.select(pl.format("20{}-{}-1", year, month)).to_series(), "%Y-%m-%d"
    if form == WEEK:
        groups = values.str.extract_groups(WEEKS).struct.unnest()
        year, week = (pl.coalesce(pl.nth(*places)) for places in ((0, 3), (1, 2)))
        return groups.select(pl.format("{}-W{}-1", year, week)).to_series(), "%G-W%V-%u"
    if form == SPAN:
        return first_years(values), "%Y"
    if form in DIGITS:
        return values.str.replace(r"\.0+$", ""), form
    if form in WITHOUT_DAY:
        values = values.str.replace(r"^(\d[-/]\d{4})$", "0$1").str.replace("年(\\d)月", "年0$1月")
    return (in_english(values) if "%b" in form else values), form


def plain_days(values: pl.Series) -> pl.Series | None:
    """Days that are all written from the year to the day; None if one is not."""
    days = values.str.to_date("%Y-%m-%d", strict=False)
    first = days.cast(pl.Int32).min()
    is_short = isinstance(first, int) and first < THOUSAND
    return None if is_short or days.null_count() > values.null_count() else days


def undressed(values: pl.Series) -> pl.Series:
    """The same without what strptime has no word for: weekdays, ordinals, `Uhr`, wide digits."""
    if not values.str.contains(DRESS).any():
        return values
    values = narrow(values).str.replace(WEEKDAY, "$1")
    return values.str.replace(ORDINAL, "$1").str.replace(HOURS, "$1")


def narrow(values: pl.Series) -> pl.Series:
    """The same with wide digits and signs, as Japanese and Chinese texts have, as plain ones."""
    if not values.str.contains(f"[{WIDE}]").any():
        return values
    return values.str.replace_many(list(WIDE), list(NARROW))


def is_year_short_and_first(values: pl.Series) -> bool:
    """Whether 24.03.31 is a day of 2024: what comes last are days of a month, and many of them."""
    parts = values.str.extract_groups(SHORT_YEARS).struct.unnest().cast(pl.Int64, strict=False)
    first, _, _, last = (parts[name] for name in parts.columns)
    low, high = last.min(), last.max()
    if first.null_count() or not (isinstance(low, int) and isinstance(high, int)):
        return False
    return low >= 1 and high in (30, 31) and last.n_unique() >= max(15, 2 * first.n_unique())


def first_year(years: pl.Series) -> int | None:
    """The year from which years of two digits are counted, if 1969 lies amid these: of persons who
    were born in 1950 and after, 50 is no 2050. Nor is it where hardly anything else is there.
    """
    ends: list[int] = sorted({year % 100 for year in years.drop_nulls()})
    if not ends:
        return None
    gaps = [(b - a) % 100 or 100 for a, b in zip([ends[-1], *ends[:-1]], ends, strict=True)]
    widest = max(gaps)
    begin = ends[gaps.index(widest)]
    end = ends[gaps.index(widest) - 1]
    is_amid = (begin - SINCE) % 100 > (end - SINCE) % 100
    if widest < APART or not (is_amid or LATE <= begin <= end < SINCE):
        return None
    return 1900 + begin - widest // 2


def counted_from(moments: pl.Series, first: str) -> pl.Series:
    """Moments whose years have two digits in the hundred years from the first one on."""
    year, begin = moments.dt.year(), int(first)
    early = moments.dt.offset_by("100y").zip_with((year < begin).fill_null(False), moments)
    late = (year >= begin + 100).fill_null(False)
    return moments.dt.offset_by("-100y").zip_with(late, early)


def first_years(values: pl.Series) -> pl.Series:
    """The first year of spans that end in the next one, such as 2018/19; else null."""
    parts = values.str.extract_groups(SPANS).struct.unnest().cast(pl.Int64)
    first, last = (parts[name] for name in parts.columns)
    follows = (last == first + 1) | (last == (first + 1) % 100)
    return first.cast(pl.String).set(~follows.fill_null(False), None)


def in_english(values: pl.Series) -> pl.Series:
    """Each name of a month as strptime knows it: in English, three letters, one of them large."""
    if not values.str.contains(r"\p{L}{3}").any():
        return values
    values = values.str.replace_all(" de ", " ", literal=True)
    parts = values.str.extract_groups(WORD).struct.rename_fields(["before", "word", "after"])
    word = pl.col("word")
    month = word.str.to_lowercase().replace_strict(MONTHS, default=word)
    texts = parts.struct.unnest().select(pl.concat_str("before", month, "after"))
    return texts.to_series().zip_with(values.str.contains(WORD), values)
