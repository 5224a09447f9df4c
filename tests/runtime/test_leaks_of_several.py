"""Leaks that one column's values alone do not show: together, by name, by entity, in a text."""

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft import leaks
from mlfactory_runtime.draft.later import is_later

ROWS = 600
DRAW = np.random.default_rng(3)
LATE = DRAW.permutation(np.arange(ROWS) % 3 == 0)
DIED = pl.Series(np.where(LATE, "yes", "no"))
PRICE = DRAW.gamma(2, 50, ROWS).round(2)
OTHER = DRAW.gamma(2, 50, ROWS).round(2)
WATCHED = np.where(LATE, DRAW.integers(1, 200, ROWS), DRAW.integers(100, 400, ROWS))
DAYS = pl.Series(WATCHED + 18_000).cast(pl.Int32).cast(pl.Date)
SHOP = DRAW.integers(0, 40, ROWS)
LUCK, NOISE = DRAW.normal(0, 1, (2, ROWS))


def found(
    target: pl.Series | np.ndarray, texts: tuple[str, ...] = (), **columns: object
) -> dict[str, str]:
    """What is suspect among columns, a matter of luck beside them."""
    told = {name: pl.Series(values) for name, values in columns.items()}
    name, values = ("death", target) if isinstance(target, pl.Series) else ("dep_delay", target)
    rows = pl.DataFrame({**told, "luck": LUCK, "shop": SHOP, name: values})
    task = "classification" if name == "death" else "regression"
    learned = [one for one in rows.columns if one not in (*texts, name)]
    return leaks.find_leaks(rows, name, task, learned, texts, ["shop"])


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (OTHER, PRICE - OTHER, "a + b in 100% of rows"),
        (PRICE + OTHER, OTHER, "a - b in 100% of rows"),
        (PRICE * OTHER, OTHER, "a / b in 100% of rows"),
        ((PRICE - 3 * OTHER) / 2, OTHER + 0.001 * NOISE, "+2 a"),
    ],
)
def test_what_the_target_is_made_of_is_named(one: np.ndarray, other: np.ndarray, said: str) -> None:
    suspect = found(PRICE, a=one, b=other)

    assert {*suspect} == {"a", "b"}
    assert said in suspect["a"]


@pytest.mark.parametrize("whole", [1, 100])
def test_a_share_of_two_and_a_growth_are_named(whole: int) -> None:
    won, lost = DRAW.integers(0, 50, ROWS), DRAW.integers(1, 50, ROWS)
    share = (whole * won / (won + lost)).round(4)
    suspect = found(share, won=won, lost=lost, other=OTHER)
    assert {*suspect} == {"won", "lost"}
    assert "is won / (won + lost)" in suspect["won"]
    before = DRAW.gamma(5, 20, ROWS).round(2)
    growth = (whole * (OTHER - before) / before).round(3)
    assert {*found(growth, now=OTHER, before=before, won=won)} == {"now", "before"}
    guess = DRAW.normal(share, 0.1 * whole).round(4)
    assert not found(guess, won=won, lost=lost)


def test_a_product_with_something_added_is_named() -> None:
    pieces, sent = DRAW.integers(1, 9, ROWS), DRAW.choice([0, 4.9, 9.9], ROWS)
    columns = {"pieces": pieces, "price": OTHER, "{sent}": sent, "size": DRAW.normal(0, 1, ROWS)}
    suspect = found((pieces * OTHER + sent).round(2), **columns)
    assert {*suspect} == {"pieces", "price", "{sent}"}
    assert "+ {sent} in" in suspect["price"]


def test_a_product_of_powers_is_named() -> None:
    height, share = DRAW.normal(1.7, 0.1, ROWS).round(2), DRAW.choice([0, 0.1, 0.25], ROWS)

    assert {*found((OTHER / height**2).round(1), kg=OTHER, m=height)} == {"kg", "m"}
    charged = (OTHER * (SHOP + 1) * (1 - share)).round(2)
    assert {*found(charged, price=OTHER, pieces=SHOP + 1, off=share)} >= {"price", "off"}
    assert not found(OTHER * np.exp(NOISE / 10) / height, kg=OTHER, m=height)


def test_a_median_per_entity_is_made_of_the_outcome() -> None:
    rows = pl.DataFrame({"shop": SHOP, "y": PRICE})
    medians = rows.select(pl.col("y").median().over("shop"))["y"]

    assert "made of the outcome" in found(PRICE, usual=medians)["usual"]


@pytest.mark.parametrize(
    ("time", "event"),
    [
        ("tiempo_seguimiento", "fallecido"),
        ("Überlebenszeit (Tage)", "Verstorben"),
        ("durée_suivi", "décès"),
        ("giorni", "deceduto"),
        ("dias_hasta_recaida", "recaida"),
        ("letzter_kontakt_tage", "rezidiv"),
    ],
)
def test_follow_up_times_have_names_in_other_languages(time: str, event: str) -> None:
    rows = pl.DataFrame({time: WATCHED, "luck": LUCK, event: DIED})
    assert {*leaks.find_leaks(rows, event, "classification", [time, "luck"])} == {time}


def test_odd_rows_do_not_hide_a_sum_and_a_part_of_one_is_no_leak() -> None:
    odd = np.where(np.arange(ROWS) % 30 == 0, DRAW.permutation(PRICE), PRICE)

    assert {*found(odd, a=OTHER, b=PRICE - OTHER)} == {"a", "b"}
    assert not found(PRICE + 30 * np.abs(NOISE), a=OTHER, b=PRICE - OTHER)


def test_a_class_that_is_a_cut_of_a_difference_names_both() -> None:
    limit = DRAW.uniform(100, 5000, ROWS)

    assert {*found(DIED, paid=limit + np.where(LATE, PRICE, -OTHER), limit=limit)} == {
        "paid",
        "limit",
    }


@pytest.mark.parametrize("name", ["time", "futime", "days_to_death", "survivalMonths"])
def test_a_follow_up_time_is_known_only_afterwards(name: str) -> None:
    assert [*found(DIED, **{name: WATCHED})] == [name]
    assert not found(DIED, **{name: OTHER})


@pytest.mark.parametrize("name", ["tenure", "age_days", "year", "days_since_last_contact"])
def test_how_long_somebody_was_known_before_is_no_follow_up(name: str) -> None:
    assert not found(DIED, **{name: WATCHED})


def test_a_date_of_the_last_contact_is_known_only_afterwards() -> None:
    assert [*found(DIED, last_contact=DAYS)] == ["last_contact"]
    assert not found(DIED, first_contact=DAYS)


def test_a_later_measure_is_told_by_its_name_and_an_earlier_one_is_not() -> None:
    arrival = PRICE * 1.02 + 25 * NOISE - 6

    assert [*found(PRICE, arr_delay=arrival)] == ["arr_delay"]
    assert [*found(PRICE, arr_delay=PRICE + 0.9 * PRICE.std() * NOISE)] == ["arr_delay"]
    assert not found(PRICE, planned_delay=arrival, arr_gate=OTHER)
    assert is_later(["dropoff", "km"], ["pickup", "km"])
    assert not is_later(["dropoff", "fee"], ["pickup", "km"])


def test_noise_around_the_target_is_told_from_what_the_target_comes_from() -> None:
    noisy = PRICE + 20 * NOISE
    label = pl.Series(LATE + 0.4 * NOISE)

    assert [*found(PRICE, guess=noisy)] == ["guess"]
    assert not found(noisy, guess=PRICE)
    assert not found(PRICE, guess=noisy * 1.3)
    assert [*found(DIED, guess=label)] == ["guess"]
    assert not found(DIED, guess=label * 1.5)


@pytest.mark.parametrize("target", [DIED, PRICE])
def test_the_mean_of_the_target_per_entity_is_found_however_it_is_made(
    target: pl.Series | np.ndarray,
) -> None:
    y = LATE.astype(float) if isinstance(target, pl.Series) else PRICE
    sizes, sums = np.bincount(SHOP)[SHOP], np.bincount(SHOP, y)[SHOP]
    means = {
        "mean": sums / sizes,
        "others": ((sums - y) / (sizes - 1)).round(4),
        "drawn": (sums + 10 * y.mean()) / (sizes + 10),
    }
    earlier = (sums / sizes + DRAW.normal(0, 0.03 * y.std(), 40)[SHOP]).round(4)

    suspect = found(target, **means)
    assert {*suspect} == {*means}
    assert "over the rows with one shop" in suspect["others"]
    assert not found(target, earlier=earlier)


def test_a_value_in_which_one_class_ends_is_a_cut() -> None:
    ct = np.where(LATE, DRAW.uniform(15, 44, ROWS).round(1), 45.0)
    three = pl.Series(np.where(np.arange(ROWS) % 10 == 0, "invalid", np.where(LATE, "yes", "no")))

    assert "45.0 in 90% of rows" not in str(found(three, ct=ct))
    assert [*found(DIED, ct=ct)] == ["ct"]
    assert not found(DIED, ct=np.where(LATE & (NOISE < 1), ct, 45.0))


def test_a_text_that_tells_the_outcome_is_named_and_an_honest_one_is_not() -> None:
    ends = {True: ["cancelled by letter", "moved abroad"], False: ["asked for a card", "all fine"]}
    filler = ["the", "caller", "was", "friendly", "and", "line", "poor", "today"]

    def notes(tells: float) -> pl.Series:
        known = np.where(DRAW.random(ROWS) < tells, LATE, DRAW.permutation(LATE))
        cores = [str(DRAW.choice(ends[bool(late)])) for late in known]
        return pl.Series([" ".join((*DRAW.choice(filler, 5), core)) for core in cores])

    paid = [f"{' '.join(DRAW.choice(filler, 4))} paid {price:,.2f} EUR" for price in PRICE]

    assert found(DIED, ("note",), note=notes(1.0))["note"]
    assert not found(DIED, ("note",), note=notes(0.8))
    assert "stands in 100% of the texts" in found(PRICE, ("note",), note=paid)["note"]


def test_columns_of_which_one_is_the_target_are_named() -> None:
    draw = np.random.default_rng(8)
    asked = draw.uniform(10, 90, ROWS).round(2)
    agreed = np.where(draw.random(ROWS) < 0.3, (asked * 0.8).round(2), np.nan)
    other = draw.normal(50, 10, ROWS).round(2)
    for values, parts in (
        (np.where(np.isnan(agreed), asked, agreed), {"asked", "agreed"}),
        (np.maximum(asked, other), {"asked", "other"}),
        (np.where(draw.random(ROWS) < 0.5, asked, draw.permutation(asked)), set()),
        (np.where(draw.random(ROWS) < 0.9, other, other + 1), set()),
        (np.where(draw.random(ROWS) < 0.97, 0.0, other + 1), set()),  # zeros meet zeros by chance
    ):
        if not parts:
            agreed = np.where(draw.random(ROWS) < 0.95, 0.0, agreed)
        table = {"asked": asked, "agreed": agreed, "other": other, "price": values}
        suspect = leaks.find_leaks(pl.DataFrame(table), "price", "regression", list(table)[:3])
        assert {n for n, why in suspect.items() if "is one of" in why} <= parts
        assert suspect.keys() >= parts


@pytest.mark.parametrize(
    ("sign", "noise", "named"), [(1, 0.0, True), (-1, 0.0, True), (1, 2, False)]
)
def test_columns_of_which_the_largest_is_the_class_are_named(
    sign: int, noise: float, named: bool
) -> None:
    draw = np.random.default_rng(8)
    scores = draw.dirichlet([1, 1, 1, 1], ROWS)
    classes = (scores + noise * draw.random(scores.shape)).argmax(axis=1)
    order = draw.permutation(4)
    table = pl.DataFrame((sign * scores)[:, order], schema=list("abcd")).with_columns(
        y=pl.Series(classes).cast(pl.String)
    )
    suspect = leaks.find_leaks(table, "y", "classification", list("abcd"))
    assert (suspect.keys() == {*"abcd"}) == named
