"""What shows of many columns at once is what a closer look at each of them says."""

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft import glance, outcome, personal
from mlfactory_runtime.tables import formats, kinds

COLUMNS = {
    "whole": (["1", "-20", "0"], "int"),
    "broken": (["1.5", "-0.25", "3"], "float"),
    "days": (["2024-02-29", "1999-12-31"], "date"),
    "words": (["a", "b", None, "c"], "string"),
    "truth": (["Yes", "no", "yes"], "bool"),
    "whole with a gap": (["7", None, "7"], "int"),
}
DOUBTFUL = [
    ["007", "12"], ["20240101", "20240131"], ["12345678901234567", "1"], ["1.234", "5.678"],
    ["2024-02-30", "2024-03-01"], ["1e5", "2"], ["+1", "2"], ["1,5", "2,5"], ["?", "1"],
    ["n/a", "a"], ["-", "1", "2"], [], [None, None], ["9" * 400, "1"], ["1", "0"], ["ja", "nein"],
    ["yes", "no", "maybe"],
    ["1.0", "2.0"], ["-0", "1"], ["99991231", "20240101"],
    ["0.1" + "0" * 30, "2"], ["\u0661\u0662", "\u0663"], ["JA", "Nein", "ja"],
    ["on", "off", "\u0130"],
]  # fmt: skip


def views(values: list[str | None], european: bool = False) -> tuple[pl.Series, glance.Glance]:
    column = pl.Series("v", values, dtype=pl.String)
    rows = pl.DataFrame([column, pl.Series("other", [0.5] * len(column))])
    return column, glance.glances(rows, european=european).get("v", glance.Glance())


@pytest.mark.parametrize("values, dtype", COLUMNS.values(), ids=list(COLUMNS))
def test_it_shows(values: list[str | None], dtype: str) -> None:
    column, view = views(values)
    assert view.kind == kinds.Kind(dtype) == kinds.find_kind(column, european=False)
    assert view.values is not None
    assert view.values.equals(formats.read(column, dtype))


@pytest.mark.parametrize("european", [False, True])
@pytest.mark.parametrize("values", [*(values for values, _ in COLUMNS.values()), *DOUBTFUL])
def test_it_never_says_other_than_a_closer_look(values: list[str | None], european: bool) -> None:
    column, view = views(values, european)
    if view.kind:
        assert view.kind == kinds.find_kind(column, european)
        assert view.values is not None
        assert view.values.equals(formats.read(column, view.kind.dtype))
    for name in ("amount", "phone", "birth date", "zip"):
        alike = personal.sensitivity(name, column, is_plain=view.is_plain)
        assert alike == personal.sensitivity(name, column)


def test_long_tables_are_looked_at_column_by_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "MANY", 2)
    assert views(["1", "2", "3"])[1] == glance.Glance()


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(["b", None, "a", "b", "\u00e4", "Z", ""]),
        pl.Series([2.5, float("nan"), None, -1.0, 2.5, -0.0, 0.0]),
        pl.Series([2**60 + 1, None, 2**60, -5]),
        pl.Series([True, None, False]),
        pl.Series(["2024-01-02", None, "1890-01-01"]).str.to_date(),
        pl.Series([None, None], dtype=pl.Float64),
    ],
)
def test_codes_are_the_dense_ranks(values: pl.Series) -> None:
    clean = values.fill_nan(None) if values.dtype.is_float() else values
    ranks = clean.rank("dense").fill_null(0).to_numpy()
    assert np.array_equal(outcome.codes_of(values), ranks)
