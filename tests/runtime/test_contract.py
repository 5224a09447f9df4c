"""The data contract: what is not in order is found, wherever it stands."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.data import check, contract
from mlfactory_runtime.settings import catalog, params
from mlfactory_runtime.tables import read as tables_read

VALUES = ("0", "9", "9.0", "10", "-1", "", "a", "A", "1.5")
SETTINGS = params.Data(path="data.csv", target="y")


def column(dtype: str, **more: Any) -> catalog.Column:
    """A column that is ignored, so that only its contract counts."""
    return catalog.Column.model_validate(
        {"dtype": dtype, "role": "ignored", "availability": "batch", **more}
    )


@pytest.mark.parametrize(
    ("rule", "value", "broken"),
    [
        (column("int"), "twelve", "cannot be read as int"),
        (column("int"), "5.5", "cannot be read as int"),
        (column("float"), "1,5", "cannot be read as float"),
        (column("float"), "inf", "cannot be read as float"),
        (column("bool"), "maybe", "cannot be read as bool"),
        (column("date"), "2024-02-30", "cannot be read as date"),
        (column("datetime"), "noon", "cannot be read as datetime"),
        (column("int", range=(0, 9)), "10", "is above 9"),
        (column("float", range=(0, None)), "-0.1", "is below 0"),
        (column("string", values=["a", "b"]), "c", "is none of the values in the catalog"),
        (column("float", nullable=False), "NA", "is missing"),
        (column("string", nullable=False), " ", "is missing"),
    ],
)
def test_a_value_that_breaks_the_contract_is_told_by_rule(
    rule: catalog.Column, value: str, broken: str
) -> None:
    raw = pl.DataFrame({"x": [value]})

    found = contract.read_rows(raw, {"x": rule}, SETTINGS)[1]

    assert contract.broken_rules(found) == {("x", broken): 1}


@pytest.mark.parametrize(
    ("rule", "value", "read"),
    [
        (column("int", range=(0, 9)), " 9", 9),
        (column("float", range=(None, 1)), "-1e300", -1e300),
        (column("int"), "42.0", 42),
        (column("bool"), "Yes", True),
        (column("float"), "N/A", None),
        (column("string", values=["a"]), "", None),
        (column("string", values=["a b"]), "a b  ", "a b"),
    ],
)
def test_a_value_that_keeps_the_contract_is_read(
    rule: catalog.Column, value: str, read: object
) -> None:
    rows, found = contract.read_rows(pl.DataFrame({"x": [value]}), {"x": rule}, SETTINGS)

    assert (rows["x"].to_list(), found.height) == ([read], 0)


def test_a_bad_value_in_the_last_batch_is_found(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("y\n" + "1\n" * (2 * tables_read.BATCH) + "one\n", "utf-8")
    settings = params.Params(task="regression", data=params.Data(path=str(path), target="y"))

    (found,) = check.check_data(path, catalog.Catalog(columns={"y": column("int")}), settings.data)

    assert sum(1 for _ in tables_read.read_batches(path, settings.data)) > 1
    assert (found.level, found.feature) == ("error", "y")
    assert found.message == "1 row: the value cannot be read as int"


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(errors.FactoryError, match="the data lack the column 'gone'"):
        contract.read_rows(pl.DataFrame({"x": ["1"]}), {"gone": column("int")}, SETTINGS)


def test_what_is_broken_is_summed_over_batches(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x\n10\n11\n" + "1\n" * tables_read.BATCH + "12\n13\n14\n", "utf-8")
    settings = params.Params(task="regression", data=params.Data(path=str(path), target="x"))
    columns = catalog.Catalog(columns={"x": column("int", source="orders", range=(0, 9))})

    (found,) = check.check_data(path, columns, settings.data)

    assert (found.source, found.message) == ("orders", "5 rows: the value is above 9")


def test_what_is_outside_the_usual_is_told_and_not_refused(tmp_path: Path) -> None:
    columns = {"x": column("float", usual=(0, 9)), "y": column("int", usual=(None, 5))}
    known = catalog.Catalog(columns=columns)
    (tmp_path / "data.csv").write_text("x,y\n-1,3\n10,9\n5,1\n-2,2\n")
    found = check.check_data(tmp_path / "data.csv", known, SETTINGS)
    assert [(one.level, one.feature, one.message) for one in found] == [
        ("warning", "x", "2 rows: the value is below the usual 0"),
        ("warning", "x", "1 row: the value is above the usual 9"),
        ("warning", "y", "1 row: the value is above the usual 5"),
    ]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (column("int", range=(0, 9)), ("0", "9", "9.0", "")),
        (column("int", range=(None, 9), nullable=False), ("0", "9", "9.0", "-1")),
        (column("float", range=(0, None)), ("0", "9", "9.0", "10", "", "1.5")),
        (column("string", values=["a", "9"]), ("9", "", "a")),
        (
            column("string", values=["9"], unseen="answer", nullable=False),
            (*VALUES[:5], *VALUES[6:]),
        ),
    ],
)
def test_pandera_finds_nothing_where_it_is_not_asked(
    rule: catalog.Column, allowed: tuple[str, ...], value: str
) -> None:
    raw = pl.DataFrame({"x": [value, "9", value]})

    rows, cases = contract.read_rows(raw, {"x": rule}, SETTINGS)

    if cases.is_empty():
        assert contract.schema({"x": rule}).validate(rows, lazy=True).equals(rows)
    assert cases.is_empty() == (value in allowed)
