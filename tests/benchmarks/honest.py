"""Tables without a leak: real ones (scikit-learn's own and the samples of `mlfactory new`, with one
column after the other as the target), and drawn ones that tempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from sklearn import datasets

SAMPLES = Path(__file__).parents[2] / "generator/mlfactory/new/samples"
WORDS = "please call about invoice delivery good thanks late broken"
DAY0 = np.datetime64("2021-03-01")
Draw = np.random.Generator
Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A table with its target, and the columns that give the outcome away."""

    name: str
    rows: pl.DataFrame
    target: str
    planted: tuple[str, ...] = ()
    identifier: str | None = None
    copies: Array | None = field(default=None, repr=False)  # of each row: which row it repeats

    @property
    def task(self) -> str:
        y = self.rows[self.target]
        return "regression" if y.dtype.is_numeric() and y.n_unique() > 10 else "classification"


# Tables without a leak ------------------------------------------------------------------------

# What is made of the target, or is the same measure once more, is left out of these.
REAL: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "iris": (("species", ()), ("sepal length", ()), ("sepal width", ()), ("petal width", ())),
    "wine": (
        ("class", ()), ("alcohol", ()), ("color_intensity", ()), ("proline", ()),
        ("flavanoids", ("total_phenols",)),
    ),
    "cancer, means": (
        ("diagnosis", ()), ("mean texture", ()), ("mean smoothness", ()), ("mean symmetry", ()),
    ),
    "cancer, errors": (("diagnosis", ()), ("texture error", ()), ("smoothness error", ())),
    "cancer, worst": (("diagnosis", ()), ("worst symmetry", ())),
    "digits": (("digit", ()), ("even", ("digit",)), ("three or eight", ("digit", "even"))),
    "diabetes": (
        ("progression", ()), ("bmi", ("progression",)), ("bp", ("progression",)),
        ("ltg", ("progression",)), ("glu", ("progression",)),
    ),
    "penguins": (
        ("sex", ()), ("species", ()), ("island", ()), ("body_mass_g", ()),
        ("flipper_length_mm", ()), ("culmen_length_mm", ()), ("delta_15_n", ()),
    ),
    "cars": (
        ("miles_per_gallon", ()), ("acceleration", ()), ("horsepower", ()), ("weight_lbs", ()),
        ("origin", ()),
    ),
}  # fmt: skip


@cache
def real(name: str) -> pl.DataFrame:
    """A table of measurements, with its labels as words."""
    if name in ("penguins", "cars"):
        return pl.read_csv(SAMPLES / f"{name}.csv", infer_schema_length=None)
    stem = {"cancer": "breast_cancer"}.get(name.split(",")[0], name)
    load = getattr(datasets, f"load_{stem}")
    found = load(scaled=False) if stem == "diabetes" else load()
    names = [str(n).removesuffix(" (cm)") for n in found.feature_names]
    if stem == "diabetes":
        names = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]
    table = pl.DataFrame(found.data, names)
    if stem == "digits":
        digit = pl.Series("digit", found.target)
        told = [digit.cast(pl.String), (digit % 2 == 0).alias("even")]
        return table.with_columns(*told, digit.is_in([3, 8]).alias("three or eight"))
    if stem == "diabetes":
        return table.with_columns(progression=pl.Series(found.target))
    label = {"iris": "species", "wine": "class"}.get(stem, "diagnosis")
    words = pl.Series([str(found.target_names[k]) for k in found.target])
    part = {"means": "mean ", "errors": " error", "worst": "worst "}.get(name.split(", ")[-1], "")
    return table.select(c for c in table.columns if part in c).with_columns(words.alias(label))


def real_tables() -> Iterator[Case]:
    """Real tables with one of their own columns as the target."""
    for name, targets in REAL.items():
        for target, without in targets:
            labels = {"even", "three or eight"} if name == "digits" else set()
            rows = real(name).drop(without, *(labels - {target} - {*without}))
            yield Case(f"{name}: {target}", rows.drop_nulls(target), target)


def drawn(draw: Draw, rows: int) -> pl.DataFrame:
    """Orders of a shop: numbers, counts, categories, a date and gaps."""
    region = draw.integers(0, 12, rows)
    age = draw.integers(18, 85, rows)
    income = np.round(np.exp(draw.normal(10, 0.5, rows) + age / 150), -1)
    visits = draw.poisson(2 + region % 3, rows)
    table = pl.DataFrame(
        {
            "age": age,
            "income": income,
            "visits": visits,
            "region": [f"region {k}" for k in region],
            "channel": draw.choice(["web", "shop", "phone"], rows, p=[0.6, 0.3, 0.1]),
            "first_order": DAY0 - draw.integers(10, 2000, rows),
            "rating": np.round(draw.beta(5, 2, rows) * 5, 1),
            "balance": np.round(draw.normal(200, 900, rows), 2),
        }
    )
    return table.with_columns(
        rating=pl.Series(draw.random(rows) < 0.15).replace_strict({True: None, False: 1})
        * pl.col("rating")
    )


def score(table: pl.DataFrame, draw: Draw) -> Array:
    """What depends on some numbers of a table, with as much luck; mean 0, deviation 1."""
    numbers = table.select(pl.selectors.numeric())
    z = numbers.select(draw.choice(numbers.columns, min(4, numbers.width), replace=False))
    values = z.fill_null(strategy="mean").to_numpy().astype(float)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    total = values @ draw.normal(size=values.shape[1]) + draw.normal(0, 1, len(values))
    result: Array = (total - total.mean()) / total.std()
    return result


def features(draw: Draw, place: int, least: int = 100) -> pl.DataFrame:
    """The features of the next table: every other one is real, of some or all of its rows."""
    if place % 2:
        return drawn(draw, int(draw.choice([least, 400, 1500, 5000])))
    names = [n for n in REAL if real(n).height >= least and n != "digits"]
    table = real(names[place // 2 % len(names)])
    said = {"species", "class", "diagnosis", "progression", "bird_id", "name"}
    table = table.drop(said & {*table.columns})
    rows = int(draw.integers(min(least, table.height), table.height + 1))
    return table.sample(rows, seed=int(draw.integers(10**6)), shuffle=True)


def number(table: pl.DataFrame, draw: Draw) -> Array:
    """A target of one of four forms: normal, skewed, with two decimals, whole."""
    z = score(table, draw)
    forms = (
        z * 40 + 12, np.exp(z * 0.7) * 100, np.round(z * 8 + 60, 2), np.round(np.exp(z * 0.6) * 90),
    )  # fmt: skip
    return forms[int(draw.integers(4))]


def binary(table: pl.DataFrame, draw: Draw) -> Array:
    """One of two classes, from a tenth to half of them true."""
    z = score(table, draw)
    result: Array = z > np.quantile(z, draw.choice([0.5, 0.7, 0.9]))
    return result


def tempting(draw: Draw) -> Iterator[Case]:
    """Tables without a leak, whose columns are much like one."""
    rows = 1500
    table = drawn(draw, rows)

    def case(name: str, target: str, **columns: object) -> Case:
        told = [pl.Series(one, values) for one, values in columns.items()]
        return Case(name, table.with_columns(told), target)

    z = score(table, draw)
    walk = np.cumsum(draw.normal(size=rows)) + 50
    yield case("the day before", "sold", before=walk, sold=np.append(walk[1:], walk[-1]))
    last = 0.95 * z + draw.normal(0, 0.31, rows)
    yield case("a year ago", "weight", weight_before=last * 12 + 80, weight=z * 12 + 80)
    planned = np.round(z * 20 + 60)
    hours = planned * draw.lognormal(0.1, 0.15, rows)
    yield case("planned hours", "hours", planned_hours=planned, hours=hours)
    shop, rate = draw.integers(0, 40, rows), draw.beta(3, 5, 40)
    past = (draw.binomial(60, rate) / 60)[shop].round(3)
    back = draw.random(rows) < rate[shop]
    yield case("rate of last year", "returned", shop=shop, rate_last_year=past, returned=back)
    area, sales = (rate * 900).round()[shop], rate[shop] * 900 * draw.lognormal(3, 0.2, rows)
    yield case("area of a shop", "sales", shop=shop, area=area, sales=sales)
    months = draw.choice([12, 24, 36, 48, 60], rows)
    bad = z + months / 30 + draw.normal(0, 1, rows) > 2.5
    yield case("duration of a loan", "default", duration=months, default=bad)
    late = binary(table, draw)
    notes = [" ".join(draw.choice(WORDS.split(), 7, p=_weights(one))) for one in late]
    yield case("complaints in a text", "complaint", note=notes, complaint=late)
    rent, food, rest = (draw.gamma(2, 40, rows).round(2) for _ in range(3))
    yield case("two of three parts", "cost", rent=rent, food=food, cost=rent + food + rest)
    test = (z * 10.5 + 95 + draw.normal(0, 4, rows)).round(1)
    yield case("another test of the same", "iq", test=test, iq=(z * 15 + 100).round())
    yield case("time of day", "event", time=draw.integers(0, 24, rows), event=binary(table, draw))
    p = 1 / (1 + np.exp(-1.5 * z))
    yield case("another model", "failed", risk=p.round(3), failed=draw.random(rows) < p)
    wet = np.maximum(draw.normal(0, 1, rows), 0).round(2)
    yield case("a limit of detection", "grown", nitrate=wet, grown=z + wet > 0.5)


def _weights(late: bool) -> Array:
    """How likely each word is: the last two are commoner where something was late."""
    found = np.append(np.ones(7), [5.0, 5.0] if late else [1.0, 1.0])
    shares: Array = found / found.sum()
    return shares
