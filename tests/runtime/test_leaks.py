"""What gives the outcome away is named, and what is merely strong is not."""

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft import leaks

ROWS = 600
DRAW = np.random.default_rng(5)
LATE = DRAW.permutation(np.arange(ROWS) % 4 == 0)
CHURNED = pl.Series("churned", np.where(LATE, "yes", "no"))
OTHERS = LATE ^ (np.arange(ROWS) % 100 == 0)
PRICE = DRAW.lognormal(5, 1, ROWS)
AMOUNT = pl.Series(DRAW.random(ROWS))

CLASS_LEAKS = {
    "copy": pl.Series(LATE + 1),
    "nearly a copy": pl.Series(np.where(OTHERS, "left", "stayed")),
    "reason": AMOUNT.set(pl.Series(~LATE), None),
    "refund": AMOUNT * LATE,
    "score": pl.Series(LATE + DRAW.uniform(0, 0.9, ROWS)),
}
NUMBER_LEAKS = {
    "gross": pl.Series(PRICE * 1.19),
    "logarithm": pl.Series(np.log(PRICE)),
    "rounded": pl.Series(PRICE.round(-1)),
    "band": pl.Series((PRICE > 100).astype(int) + (PRICE > 300)).cast(pl.String),
}


@pytest.mark.parametrize(
    ("task", "target", "planted", "honest"),
    [
        ("classification", CHURNED, CLASS_LEAKS, LATE * 2.7 + DRAW.normal(0, 1, ROWS)),
        ("regression", PRICE, NUMBER_LEAKS, np.log(PRICE) + DRAW.normal(0, 0.2, ROWS)),
    ],
)
def test_every_planted_leak_is_named_and_an_honest_feature_is_not(
    task: str, target: pl.Series, planted: dict[str, pl.Series], honest: np.ndarray
) -> None:
    rows = pl.DataFrame({**planted, "honest": honest, "luck": AMOUNT, "y": target})

    assert set(leaks.find_leaks(rows, "y", task, rows.columns)) == set(planted)


def test_the_evidence_says_what_was_seen() -> None:
    rows = pl.DataFrame({**CLASS_LEAKS, "churned": CHURNED})
    found = leaks.find_leaks(rows, "churned", "classification", rows.columns)

    assert found["copy"] == "each value of it has one value of churned: a copy of the target?"
    assert found["reason"] == (
        "it is filled in 100% of rows with churned = yes and in 0.0% of the others: "
        "known only after the outcome?"
    )


def test_an_order_that_tells_the_target_is_found_and_a_drift_is_not() -> None:
    drift = DRAW.random(ROWS) < np.linspace(0.05, 0.6, ROWS)
    rows = pl.DataFrame({"id": [f"C{n}" for n in range(ROWS)], "y": LATE, "drift": drift})
    rows = rows.with_columns(pl.col("y", "drift").cast(pl.String))

    assert leaks.find_order(rows, "drift", "classification", ["id"]) == {}
    handed_out = rows.sort("y").with_columns(rows["id"])
    assert list(leaks.find_order(handed_out, "y", "classification", ["id"])) == ["", "id"]
    assert list(leaks.find_order(handed_out.sample(ROWS, shuffle=True, seed=0), "y",
                                 "classification", ["id"])) == ["id"]  # fmt: skip


def test_rows_of_one_customer_are_found_and_those_of_one_city_are_not() -> None:
    customer, city = np.arange(ROWS) // 5, DRAW.integers(0, 30, ROWS)
    rows = pl.DataFrame({"customer_id": customer, "city": city, "y": LATE[customer]})
    rows = rows.with_columns(pl.col("y", "city").cast(pl.String))

    assert leaks.find_entity(rows, "y", "classification", ["city"]) is None
    assert leaks.find_entity(rows, "y", "classification", ["city", "customer_id"]) == (
        "customer_id",
        "120 values in 600 rows, and rows with one value mostly share y",
    )


def test_where_nearly_all_rows_are_alike_values_that_meet_by_chance_name_nobody() -> None:
    draw = np.random.default_rng(0)
    seen = pl.Series("y", np.where(np.arange(700) < 3, "yes", "no"))
    rows = pl.DataFrame({"x": draw.normal(0, 1, 700).round(3), "n": draw.integers(0, 2000, 700)})
    rows = rows.with_columns(seen)
    assert 700 - rows["x"].n_unique() > 50
    assert leaks.find_entity(rows, "y", "classification", ["x"]) is None
    assert leaks.find_entity(rows, "y", "classification", ["n"]) is None


def test_a_target_with_few_values_does_not_make_a_category_its_grouping() -> None:
    region = pl.Series(DRAW.choice(["north", "south", "west"], ROWS))
    rows = pl.DataFrame({"region": region, "price": DRAW.choice([0.5, 1.5], ROWS)})

    assert not leaks.find_leaks(rows, "price", "regression", ["region"])
