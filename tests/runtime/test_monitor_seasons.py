"""What is ordinary: seasons, growth, what is known in advance, and batches with pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.learn.profile import profile
from mlfactory_runtime.learn.signature import Signature, describe
from mlfactory_runtime.learn.within import labels, segments
from mlfactory_runtime.monitor.drift import drift
from mlfactory_runtime.monitor.operations import overdue, traffic
from mlfactory_runtime.monitor.reading import Seen, Watched, production
from mlfactory_runtime.monitor.window import BATCHES, Window
from mlfactory_runtime.settings.catalog import Catalog, Column
from mlfactory_runtime.testing.trained import Trained

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DTYPES = {"holiday": "bool", "price": "float", "weekend": "string", "plain": "float"}
ROLES = {"bool": "boolean", "float": "numeric", "string": "categorical"}


def world(first: date, days: int, a_day: int, seed: int) -> pl.DataFrame:
    """Holidays are frequent in November and December, and prices rise by a sixth of a year."""
    draw, rows = np.random.default_rng(seed), days * a_day
    day = np.repeat(np.arange(days), a_day)
    when = pl.Series("day", [first + timedelta(days=int(k)) for k in range(days)])[day]
    busy = when.dt.month().to_numpy() >= 11
    age = (when - date(2024, 1, 1)).dt.total_days().to_numpy()
    return pl.DataFrame(
        {
            "day": when,
            "holiday": draw.random(rows) < np.where(busy, 0.5, 0.02),
            "price": 100 + age / 20 + 20 * draw.normal(size=rows),
            "weekend": np.where(when.dt.weekday().to_numpy() > 5, "yes", "no"),
            "plain": draw.normal(size=rows),
        }
    ).with_columns(plain=pl.when(pl.Series(draw.random(rows) >= 0.02 + 0.28 * busy)).then("plain"))


@pytest.fixture(scope="module")
def watched(examples: Callable[[str], Trained]) -> Watched:
    """A model of two years of this world."""
    rows = world(date(2024, 1, 1), 730, 20, 1)
    features = tuple(describe(n, t, ROLES[t], rows[n]) for n, t in DTYPES.items())
    known = Signature(task="regression", target="y", features=features)
    own = profile(rows, known, np.zeros(100), lambda frame: frame, time="day")
    columns = {
        n: Column(dtype=t, role=ROLES[t], availability="online")  # type: ignore[arg-type]
        for n, t in DTYPES.items()
    }
    one = production(examples("regression").project)
    return replace(one, signature=known, profile=own, catalog=Catalog(columns=columns))


def bad(rows: pl.DataFrame, watched: Watched) -> set[str]:
    seen = Seen()
    seen.count(rows, watched, rows["day"])
    return {check.name for check in drift(seen, watched).checks if check.bad}


def test_only_what_comes_again_is_told_by_months_and_weekdays(watched: Watched) -> None:
    assert {"holiday", "weekend"} <= watched.profile.seasons.keys()
    assert "plain" not in watched.profile.seasons
    assert watched.profile.trends.keys() == {"price"}


@pytest.mark.parametrize("month", range(1, 13))
def test_an_ordinary_month_does_not_ring(month: int, watched: Watched) -> None:
    assert bad(world(date(2026, month, 1), 28, 60, month), watched) == set()


@pytest.mark.parametrize("day", range(1, 8))
def test_an_ordinary_day_does_not_ring(day: int, watched: Watched) -> None:
    assert bad(world(date(2026, 6, day), 1, 500, day), watched) == set()


def test_what_is_out_of_season_rings(watched: Watched) -> None:
    december, june = world(date(2026, 12, 1), 28, 60, 1), world(date(2026, 6, 1), 28, 60, 2)
    swapped = june.with_columns(holiday=december["holiday"])
    assert bad(swapped, watched) == {"drift:holiday"}
    none = december.with_columns(holiday=june["holiday"])
    assert bad(none, watched) == {"drift:holiday"}
    assert bad(june.with_columns(pl.col("plain") + 0.3), watched) == {"drift:plain"}
    assert bad(june.with_columns(pl.col("price") * 2), watched) == {"drift:price"}
    assert bad(june.with_columns(plain=december["plain"]), watched) == {"missing:plain"}
    assert bad(december.with_columns(plain=june["plain"]), watched) == {"missing:plain"}


def test_what_is_known_in_advance_does_not_drift(watched: Watched) -> None:
    columns = dict(watched.catalog.columns)
    columns["plain"] = columns["plain"].model_copy(update={"ahead": True})
    own = replace(watched, catalog=Catalog(columns=columns))
    rows = world(date(2026, 6, 1), 28, 60, 3).with_columns(pl.col("plain") + 5)
    assert bad(rows, watched) == {"drift:plain"}
    assert bad(rows, own) == set()
    columns["plain"] = columns["plain"].model_copy(update={"usual": (-5.0, 5.0)})
    assert bad(rows, replace(own, catalog=Catalog(columns=columns))) == {"contract:plain"}


def test_sixty_rows_are_judged_with_the_power_that_they_have(watched: Watched) -> None:
    rows = world(date(2026, 6, 1), 30, 2, 4)
    seen = Seen()
    seen.count(rows, watched, rows["day"])
    found = {check.name: check for check in drift(seen, watched).checks}
    assert found["drift:plain"].bad is False
    assert 0.15 < (found["drift:plain"].detectable or 0) < 0.5
    assert bad(rows.with_columns(pl.col("plain") + 2), watched) == {"drift:plain"}


@pytest.mark.parametrize(
    ("before", "state"),
    [
        ([60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0], None),
        ([60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0], None),  # a month of five Mondays
        ([60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 0], True),
        ([60, 60, 0, 0, 60, 60, 60, 0, 0, 60, 60, 0, 0, 60, 0, 0], None),  # a holiday on Monday
        ([60, 60, 60, 60, 60], True),
        ([60, 60, 0, 0, 60, 60], True),
        ([60, 0, 0, 60], True),
    ],
)
def test_a_pause_between_batches_is_ordinary_where_it_is_usual(
    before: list[int], state: bool | None
) -> None:
    span = Window(NOW - timedelta(days=7), NOW, 1)
    fresh = traffic(Seen(), span, NOW - timedelta(days=20), before, 5)[0]
    assert fresh.bad is state


@pytest.mark.parametrize(
    ("before", "rows", "is_odd"),
    [
        ([900, 1000, 1100, 900], 1000, False),
        ([900, 1000, 1100, 900], 150, True),
        ([900, 1000, 1100, 900], 6000, True),
        ([20, 900, 4000, 60, 30, 1500, 2500], 110, False),  # batches of any size
        ([20, 900, 4000, 60, 30, 1500, 2500], 20_000, True),
        ([60, 0, 0, 0, 60, 0, 0, 0, 70], 65, False),
        ([60, 0, 0, 0, 60, 0, 0, 0, 70], 900, True),
    ],
)
def test_the_volume_is_odd_where_it_is_beyond_what_comes_and_goes(
    before: list[int], rows: int, is_odd: bool
) -> None:
    span = Window(NOW - timedelta(days=7), NOW, 1)
    *_, volume = traffic(Seen(rows=rows), span, NOW, before, 5)
    assert (volume.name, volume.bad) == ("volume", is_odd)


def test_a_batch_that_does_not_come_is_overdue() -> None:
    batches = [
        Window(NOW + timedelta(days=30 * k), NOW + timedelta(days=30 * k, hours=1), BATCHES)
        for k in range(5)
    ]
    late = partial(overdue, batches)
    assert [one.bad for one in late(batches[-1].end + timedelta(days=45))] == [False]
    assert [one.bad for one in late(batches[-1].end + timedelta(days=75))] == [True]
    assert overdue(batches[:2], NOW + timedelta(days=900)) == []


def test_a_change_in_one_group_is_seen_there(watched: Watched) -> None:
    """It is a twentieth of the rows, and no column lies otherwise as a whole."""
    draw, names = np.random.default_rng(0), ["kind", "x"]

    def rows(count: int, shift: float) -> pl.DataFrame:
        kind = draw.choice(["a", "b"], count, p=[0.95, 0.05])
        return pl.DataFrame({"kind": kind, "x": draw.normal(size=count) + shift * (kind == "b")})

    table = rows(20_000, 0)
    forms = {"kind": ("string", "categorical"), "x": ("float", "numeric")}
    features = tuple(describe(n, *forms[n], table[n]) for n in names)
    known = Signature(task="regression", target="y", features=features)
    own = profile(table, known, np.zeros(100), lambda frame: frame)
    own = own.model_copy(update={"segments": segments(table, known, own.features, ["kind"])})
    columns = {
        n: Column(dtype=d, role=r, availability="online")  # type: ignore[arg-type]
        for n, (d, r) in forms.items()
    }
    one = replace(watched, signature=known, profile=own, catalog=Catalog(columns=columns))

    def bad(table: pl.DataFrame) -> set[str]:
        seen = Seen()
        seen.count(table, one)
        return {check.name for check in drift(seen, one).checks if check.bad}

    assert bad(rows(5000, 0)) == set()
    assert bad(rows(5000, 1)) == {"within:kind=b:x"}
    quarters = labels(table["x"], own.features["x"]).value_counts()["count"].to_list()
    assert sorted(quarters) == pytest.approx([5000] * 4, rel=0.02)
