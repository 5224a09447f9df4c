"""What a field of a request may hold, and when features are gone round."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime.serving import schema, scoring
from mlfactory_runtime.settings import catalog

from .services import Row


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds nothing."""
    return rows.with_columns(
        # pl.lit(1).alias("one"),
    )


def clipped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.selectors.numeric().clip(0))


def called(rows: pl.DataFrame) -> pl.DataFrame:
    rows.insert_column(0, pl.Series("one", [1]))
    return rows


@pytest.mark.parametrize(("function", "lean"), [(plain, True), (clipped, False), (called, False)])
def test_only_features_that_add_nothing_are_gone_round(function: Any, lean: bool) -> None:
    assert scoring.unchanged(function) is lean


FIELDS: dict[str, tuple[dict[str, Any], Row, list[str]]] = {
    "int": ({"range": [0.5, 9]}, {"5": 5, "5.0": 5}, ["0", "10", "5.5", '"5"', "true", "1e400"]),
    "float": ({"range": [None, 9]}, {"5": 5.0, "-1e9": -1e9}, ["9.1", '"5"', "true", "NaN"]),
    "bool": ({}, {"true": True}, ["1", '"true"', "{}"]),
    "string": ({"values": ["a", "NA"]}, {'" a "': "a"}, ['"b"', '"NA"', '""', "1", "[]"]),
    "date": ({}, {'"2025-01-31"': date(2025, 1, 31)}, ['"2025-02-30"', "20250131", '"x"']),
    "datetime": (
        {},
        {
            '"2025-01-31T12:00:00"': datetime(2025, 1, 31, 12),
            '"2025-01-31T12:00:00.5+02:00"': datetime(2025, 1, 31, 10, 0, 0, 500_000),
            '"2025-01-31"': datetime(2025, 1, 31),
        },
        ['"1738324800"', "1738324800", '"2025-01-31T25:00:00"', '"0001-01-01T00:00:00+23:00"'],
    ),
}


MEANINGS: dict[str, tuple[dict[str, Any], str]] = {
    "as the catalog says": ({"dtype": "int", "description": "days since"}, "days since"),
    "a usual range": (
        {"dtype": "float", "description": "of a day", "usual": [None, 30]},
        "of a day; usually to 30",
    ),
    "a rule stands elsewhere": ({"dtype": "int", "range": [0, 9], "usual": [1, 8]}, ""),
    "known values": (
        {"dtype": "string", "values": [*"abcdefghij"], "unseen": "answer"},
        "known are a, b, c, d, e, f, g, h and 2 more; another one is answered as unseen",
    ),
    "of a person": (
        {"dtype": "string", "values": ["a"], "unseen": "answer", "sensitive": "personal"},
        "",
    ),
}


@pytest.mark.parametrize("case", MEANINGS)
def test_each_field_says_what_it_means(case: str) -> None:
    told, meaning = MEANINGS[case]
    column = catalog.Column.model_validate({"role": "ignored", "availability": "online", **told})
    document = schema.parser({"f": schema.Input(column)}, 1).one.json_schema()
    assert document["properties"]["f"].get("description", "") == meaning


def test_what_names_and_dates_a_row_says_so() -> None:
    for role, dtype, purpose in (
        ("identifier", "string", "names the row, and its answer"),
        ("datetime", "date", "dates the row in the log"),
    ):
        told = {"dtype": dtype, "role": role, "availability": "online"}
        column = catalog.Column.model_validate(told)
        assert schema.Input(column, required=False).meaning == purpose
        assert schema.Input(column).meaning == ""


@pytest.mark.parametrize("dtype", FIELDS)
def test_each_type_takes_its_values_and_no_others(dtype: str) -> None:
    rules, good, bad = FIELDS[dtype]
    told = {"dtype": dtype, "role": "ignored", "availability": "online", **rules}
    column = catalog.Column.model_validate(told)
    for needed in (True, False):
        known = schema.Input(column, needed, frozenset({"", "NA"}))
        parser = schema.parser({"f": known}, 1)
        for text, value in (good if needed else good | {"null": None}).items():
            found = parser.read(f'{{"f": {text}}}'.encode())[0]["f"]
            assert (found, type(found)) == (value, type(value))
        for text in [*bad, "null"] if needed else bad:
            with pytest.raises(schema.RefusedError) as refused:
                parser.read(f'{{"f": {text}}}'.encode())
            assert refused.value.status == 422


def test_free_text_that_says_missing_is_missing_as_in_a_file() -> None:
    told = {"dtype": "string", "role": "categorical", "availability": "online"}
    column = catalog.Column.model_validate(told)
    known = schema.Input(column, False, frozenset({"", "NA"}))
    parser = schema.parser({"f": known}, 3)
    body = b'[{"f": " NA"}, {"f": "  "}, {"f": "x "}]'
    assert parser.read(body) == [{"f": None}, {"f": None}, {"f": "x"}]
