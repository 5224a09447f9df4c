"""Outcomes that come for some kinds of rows only: the monitor says of which its metrics tell."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ..customers import customers
from .factories import Factory
from .test_monitor_weeks import check, score

PRICE = pl.col("price €")


@pytest.mark.parametrize(
    ("kept", "differs"),
    [
        (PRICE > 40, {"price €"}),
        (
            pl.col("# calls 📞").is_null() | (pl.int_range(pl.len()) % 3 == 0),
            {"# calls 📞 (missing)"},
        ),
        (pl.int_range(pl.len()) % 2 == 0, set()),
    ],
)
def test_the_rows_with_an_outcome_are_compared_with_the_others(
    churn: Factory, kept: pl.Expr, differs: set[str]
) -> None:
    request = score(churn, 1)
    rows = customers(900).with_row_index("row").with_columns(request_id=pl.lit(request))
    some = rows.filter(kept).select("request_id", "row", "churned")
    some.write_csv(churn.path / "outcomes.csv")
    churn.run("label", "outcomes.csv")

    done = churn.json("monitor", "--json", code=None)

    found, told = done["coverage"], check(done, "coverage")
    assert (found["rows"], found["labelled"]) == (900, some.height)
    assert differs <= {*found["differs"]}
    assert told["status"] == ("unknown" if differs else "ok")
    assert done["verdict"] == "healthy"
    assert ("the metrics tell of such rows only" in churn.run("monitor", code=None).err) == bool(differs)  # fmt: skip  # noqa: E501
    if not differs:
        assert found["differs"] == {}


def test_too_few_of_either_kind_are_not_compared(churn: Factory) -> None:
    request = score(churn, 1)
    rows = pl.DataFrame({"row": np.arange(890), "churned": ["no", "yes"] * 445})
    rows.with_columns(request_id=pl.lit(request)).write_csv(churn.path / "outcomes.csv")
    churn.run("label", "outcomes.csv")

    assert "coverage" not in churn.json("monitor", "--json", code=None)


def test_outcomes_that_come_weeks_later_say_of_which_rows_they_are(churn: Factory) -> None:
    """The latest window has none yet: the metrics are of an earlier one, and so is the coverage."""
    request = score(churn, 3)
    rows = customers(900).with_row_index("row").with_columns(request_id=pl.lit(request))
    rows.filter(PRICE > 40).select("request_id", "row", "churned").write_csv(
        churn.path / "outcomes.csv"
    )
    score(churn, 2)
    score(churn, 1)
    churn.run("label", "outcomes.csv")

    done = churn.json("monitor", "--json", code=None)

    told, performance = check(done, "coverage"), check(done, "performance:log_loss")
    end = done["history"][0]["to"]
    assert "price €" in told["message"]
    assert told["status"] == "unknown"
    assert f"up to {end}" in told["message"]
    assert f"up to {end}" in performance["message"]
    assert done["history"][0]["coverage"]["differs"]
    assert "coverage" not in done
