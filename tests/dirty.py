"""Tables as people keep them: one small file for each thing that is wrong or odd with real data.

Each has a target that can be learned, and is the same whenever it is made.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

ROWS = 200
Columns = Mapping[str, Callable[["Row"], object]]


@dataclass(frozen=True)
class Dirty:
    """A file, and what is to be found in it; `options` are keywords of `preflight.look`."""

    name: str
    filename: str
    content: bytes
    target: str
    task: str
    rows: int = ROWS
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def argv(self) -> tuple[str, ...]:
        """The same as options of `mlfactory new`."""
        flags = {"identifier": "--id", "time": "--time", "task": "--task"}
        values = (part for key, value in self.options.items() for part in (flags[key], value))
        return ("--target", self.target, *values)


@dataclass(frozen=True)
class Row:
    """What a row says, before somebody writes it down."""

    n: int
    amount: float
    visits: int
    region: str
    churned: bool
    price: float

    @property
    def day(self) -> date:
        return date(2023, 1, 1) + timedelta(days=self.n)

    @property
    def moment(self) -> datetime:
        return datetime(2023, 1, 1, 8, 30) + timedelta(hours=7 * self.n)

    def either(self, yes: str, no: str) -> str:
        return yes if self.churned else no


def row(n: int) -> Row:
    chance = Random(n)
    amount, visits = round(chance.uniform(1, 2000), 2), chance.randrange(30)
    churned = amount + 20 * visits + chance.gauss(0, 100) > 1300
    price = round(1500 + 3 * amount + 40 * visits + chance.gauss(0, 300), 2)
    return Row(n, amount, visits, chance.choice(("north", "south", "west")), churned, price)


TABLE = tuple(row(n) for n in range(ROWS))
NUMBERS: Columns = {"amount": lambda r: r.amount, "visits": lambda r: r.visits}
PLAIN: Columns = {**NUMBERS, "region": lambda r: r.region}
CHURN: Columns = {**PLAIN, "churned": lambda r: r.either("yes", "no")}


def sheet(columns: Columns, separator: str = ",", end: str = "\n") -> str:
    """The table as text, quoted where it must be."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end)
    writer.writerow(columns)
    writer.writerows([make(row) for make in columns.values()] for row in TABLE)
    return out.getvalue()


def grouped(number: float, group: str, decimal: str, digits: int = 2) -> str:
    """1234.5 as 1.234,50 or in another style."""
    plain = f"{number:,.{digits}f}"
    return plain.replace(".", "\0").replace(",", group).replace("\0", decimal)


def comma(number: float) -> str:
    return grouped(number, "", ",")


def churn(name: str, content: bytes | str, ending: str = ".csv", **options: str) -> Dirty:
    """A table that is read alike and differs in how it is written."""
    raw = content if isinstance(content, bytes) else content.encode()
    return Dirty(name, f"{name}{ending}", raw, "churned", "classification", options=options)


def target(name: str, make: Callable[[Row], object], task: str, separator: str = ",") -> Dirty:
    """A table whose target is written in some way."""
    text = sheet({**PLAIN, "price": make}, separator)
    return Dirty(name, f"{name}.csv", text.encode(), "price", task)


def timed(name: str, make: Callable[[Row], object]) -> Dirty:
    """A table with a time column that is written in some way."""
    return churn(name, sheet({"when": make, **CHURN}), time="when")


def semicolon() -> Dirty:
    columns: Columns = {
        "Kunde": lambda r: f"Müller {r.n}",
        "Größe": lambda r: comma(r.amount),
        "Besuche": lambda r: r.visits,
        "Gekündigt": lambda r: r.either("ja", "nein"),
    }
    raw = sheet(columns, ";", "\r\n").encode("cp1252")
    return Dirty("semicolon", "semicolon.csv", raw, "Gekündigt", "classification")


def cyrillic() -> Dirty:
    columns: Columns = {
        "сумма": lambda r: comma(r.amount),
        "визиты": lambda r: r.visits,
        "цвет": lambda r: ("синий", "красный", "чёрный")[r.n % 3],
        "ушёл": lambda r: r.either("да", "нет"),
    }
    raw = sheet(columns, ";").encode("cp1251")
    return Dirty("cyrillic", "cyrillic.csv", raw, "ушёл", "classification")


def japanese() -> Dirty:
    columns: Columns = {
        "金額": lambda r: r.amount,
        "回数": lambda r: r.visits,
        "地域": lambda r: ("東京", "大阪", "北海道")[r.n % 3],
        "解約": lambda r: r.either("はい", "いいえ"),
    }
    raw = sheet(columns).encode("shift_jis")
    return Dirty("japanese", "japanese.csv", raw, "解約", "classification")


def notes() -> Dirty:
    """Values with separators, quotes and line breaks in them."""
    extra: Columns = {"note": lambda r: f'said "{r.n}, no";\r\nthen\nleft, and came back'}
    return churn("notes", sheet({**extra, **CHURN}, end="\r\n"))


def markers() -> Dirty:
    """Five ways to say that there is no value, in every column, with the target among them."""
    ways = ("?", "-", "n/a", "", "NA")

    def holed(make: Callable[[Row], object], part: int) -> Callable[[Row], object]:
        return lambda r: ways[r.n % 5] if r.n % 11 == part else make(r)

    columns = {name: holed(make, place) for place, (name, make) in enumerate(PLAIN.items())}
    text = sheet({**columns, "price": holed(lambda r: r.price, 5)})
    return Dirty("markers", "markers.csv", text.encode(), "price", "regression")


def mixed() -> Dirty:
    """Numbers with a few words among them."""
    columns: Columns = {
        "amount": lambda r: "unknown" if r.n % 9 == 0 else r.amount,
        "visits": lambda r: "25+" if r.visits >= 25 else r.visits,
        "price": lambda r: ("not yet", "refused")[r.n % 3 % 2] if r.n % 20 == 7 else r.price,
    }
    return Dirty("mixed", "mixed.csv", sheet(columns).encode(), "price", "regression")


def names() -> Dirty:
    columns: Columns = {
        "1st amount (€)": lambda r: r.amount,
        "visits.per.year": lambda r: r.visits,
        "lambda": lambda r: r.amount % 7,
        "Région d'été": lambda r: r.region,
        "🙂 score": lambda r: r.visits % 5,
        'the "best", by far': lambda r: r.n % 3,
        "None": lambda r: r.n % 4,
        "class": lambda r: r.n % 5,
        "count": lambda r: r.either("yes", "no"),
    }
    return Dirty("names", "names.csv", sheet(columns).encode(), "count", "classification")


def wide() -> Dirty:
    def made(k: int) -> Callable[[Row], object]:
        return lambda r: (r.n * (k + 7) * 2654435761 >> 8) % 1000

    noise = {f"x{k}": made(k) for k in range(296)}
    return churn("wide", sheet({**noise, **CHURN}))


def repeated() -> Dirty:
    """Columns that never change, or say what another says."""
    columns: Columns = {
        "country": lambda _: "DE",
        "nothing": lambda _: "",
        **CHURN,
        "amount_again": lambda r: r.amount,
        "area": lambda r: {"north": "N", "south": "S", "west": "W"}[r.region],
    }
    return churn("repeated", sheet(columns))


def sparse() -> Dirty:
    columns: Columns = {"seldom": lambda r: r.amount if r.n % 50 == 0 else "", **CHURN}
    return churn("sparse", sheet(columns))


def spaced() -> Dirty:
    """A blank behind every comma, and a marker for missing among words."""
    work: Columns = {"work": lambda r: ("?", "private", "state")[r.n % 3], **CHURN}
    rows = sheet(work).replace(",", ", ")
    return churn("spaced", rows.replace(", ", ",", len(work) - 1))


def padded() -> Dirty:
    """Identifiers with zeros in front, in rows that belong together."""
    columns: Columns = {"customer": lambda r: f"{r.n // 2:05}", "zip": lambda r: f"0{r.n % 7}123"}
    return churn("padded", sheet({**columns, **CHURN}), identifier="customer")


def titled_commas() -> Dirty:
    """A header with commas, in a file whose separator is another."""
    text = sheet(CHURN, ";").replace("amount;visits", "amount, net;visits, all", 1)
    return churn("commas", text)


def mixed_days(r: Row) -> str:
    return f"{r.day:%d.%m.%Y}" if r.n % 2 else f"{r.day}"


def parenthesised(r: Row) -> str:
    balance = r.price - 4000
    return f"({-balance:,.2f})" if balance < 0 else f"{balance:,.2f}"


def written() -> tuple[Dirty, ...]:
    """The same table, written in other ways."""
    text, index = sheet(CHURN), {"": lambda r: r.n}
    words: Columns = {**PLAIN, "churned": lambda r: r.either("True", "FALSE")}
    blanks: Columns = {**PLAIN, "churned": lambda r: r.either("yes", "no") + r.n % 3 * " "}
    quality: Columns = {**PLAIN, "churned": lambda r: r.either("1.0", "0.0")}
    return (
        churn("tab", sheet(CHURN, "\t"), ".tsv"),
        churn("pipe", sheet(CHURN, "|"), ".psv"),
        churn("caret", sheet(CHURN, "^"), ".dat"),
        churn("hive", sheet(CHURN, "\x01"), ".txt"),
        churn("space", sheet(CHURN, " "), ".data"),
        churn("gzip", gzip.compress(text.encode(), mtime=0), ".csv.gz"),
        churn("packed", gzip.compress(text.encode(), mtime=0)),
        churn("unpacked", text, ".csv.gz"),
        churn("utf16", ("\ufeff" + sheet(CHURN, "\t", "\r\n")).encode("utf-16-le"), ".txt"),
        churn("utf16-bare", text.encode("utf-16-le")),
        churn("bom", ("\ufeff" + sheet(CHURN, end="\r\n")).encode()),
        churn("returns", sheet(CHURN, end="\r")),
        churn("note", "sep=;\r\n" + sheet(CHURN, ";", "\r\n")),
        churn("trailing", sheet(CHURN, ";", ";\n")),
        churn("blank", text.replace("\n", "\n\n", 9) + "\n\n"),
        churn("index", sheet({**index, **CHURN})),
        churn("booleans", sheet(words)),
        churn("blanks", sheet(blanks)),
        churn("floats", sheet(quality)),
    )


def numbers() -> tuple[Dirty, ...]:
    """Numbers that are kept as text."""
    return (
        target("dollars", lambda r: f"${r.price:,.2f}", "regression"),
        target("percent", lambda r: f"{r.price / 100:.0f} %", "regression"),
        target("points", lambda r: grouped(r.price, ".", ",", 1), "regression", ";"),
        target("milli", lambda r: f"{r.price / 1000:.3f}", "regression", ";"),
        target("comma", lambda r: comma(r.price), "regression"),
        target("euros", lambda r: grouped(r.price, "\u00a0", ",") + " €", "regression", ";"),
        target("francs", lambda r: f"CHF {grouped(r.price, chr(39), '.')}", "regression"),
        target("thousands", lambda r: f"{r.price:,.0f}", "regression"),
        target("weights", lambda r: f"{r.price:.1f} kg", "regression"),
        target("losses", parenthesised, "regression"),
        target("powers", lambda r: f"{r.price:.3e}", "regression"),
        target("exact", lambda r: r.price / 7000, "regression"),
        target("stars", lambda r: f"{r.price // 2500:.0f}", "classification"),
    )


def times() -> tuple[Dirty, ...]:
    """Moments in several forms."""
    return (
        timed("dotted", lambda r: f"{r.day:%d.%m.%Y}"),
        timed("mixed-days", mixed_days),
        timed("month-first", lambda r: f"{r.day:%m/%d/%Y}"),
        timed("day-first", lambda r: f"{r.day:%d/%m/%Y}"),
        timed("compact", lambda r: f"{r.day:%Y%m%d}"),
        timed("american", lambda r: f"{r.moment:%m/%d/%Y %I:%M %p}"),
        timed("spelled", lambda r: f"{r.day:%b %d, %Y}"),
        timed("slashed", lambda r: f"{r.moment:%Y/%m/%d %H:%M}"),
        timed("evening", lambda r: f"{r.moment:%Y/%m/%d %I:%M:%S %p}"),
        timed("compact-clock", lambda r: f"{r.moment:%Y%m%d %H:%M}"),
        timed("zoned", lambda r: f"{r.moment:%Y-%m-%dT%H:%M:%S.250+02:00}"),
        timed("postgres", lambda r: f"{r.moment:%Y-%m-%d %H:%M:%S.%f}-05"),
        timed("bigquery", lambda r: f"{r.moment} UTC"),
        timed("months", lambda r: f"{r.day:%Y-%m}"),
        timed("firsts", lambda r: f"01/{1 + r.n % 12:02}/{2000 + r.n // 12}"),
        timed("short", lambda r: f"{r.day:%d-%b-%y}"),
    )


DIRTY = (
    *(semicolon(), cyrillic(), japanese(), notes(), markers(), mixed(), names(), wide()),
    *(repeated(), sparse(), spaced(), padded(), titled_commas()),
    *(*written(), *numbers(), *times()),
)
