"""The split: nobody changes sides."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.data import rows as data_rows
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.learn import split
from mlfactory_runtime.settings import catalog, params

SPLIT = params.Split(holdout=0.3, validation=0.3, salt="salt")
KEYS = pl.Series([f"customer-{number}" for number in range(5000)])


def sides(path: Path, dtype: str, scratch: Path) -> list[int]:
    """The sides of the rows of a file whose identifier the catalog types so."""
    columns = catalog.Catalog.model_validate(
        {
            "columns": {
                "id": {"dtype": dtype, "role": "identifier", "availability": "online"},
                "y": {"dtype": "int", "role": "target", "availability": "after_outcome"},
            }
        }
    )
    settings = params.Params(
        task="regression", data=params.Data(path=str(path), target="y", id="id"), split=SPLIT
    )
    scratch.mkdir()
    return split.read(path, settings, columns, scratch)[0].collect()[split.SIDE].to_list()


def held(days: pl.Series) -> pl.Series:
    """The sides of rows of these days."""
    return days.to_frame().select(split.by_time(pl.col("day"), *split.cutoffs(days, SPLIT)))["day"]


def test_a_row_keeps_its_side_while_data_grow() -> None:
    before = split.by_hash(KEYS[:2000], SPLIT)

    assert split.by_hash(KEYS, SPLIT)[:2000].equals(before)


def test_rows_with_the_same_key_share_a_side() -> None:
    twice = split.by_hash(KEYS.append(KEYS.reverse()), SPLIT)

    assert twice.equals(twice.reverse())


def test_parts_have_the_sizes_that_were_asked_for() -> None:
    shares = split.by_hash(KEYS, SPLIT).value_counts(normalize=True, name="share").sort("")

    assert shares["share"].to_list() == pytest.approx([0.49, 0.21, 0.3], abs=0.03)


def test_another_salt_makes_another_split() -> None:
    other = SPLIT.model_copy(update={"salt": "pepper"})

    assert not split.by_hash(KEYS, other).equals(split.by_hash(KEYS, SPLIT))


def test_the_parsed_value_plays_no_part(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id,y\n" + "".join(f"{number},1\n" for number in range(500)), "utf-8")
    drawn = sides(path, "int", tmp_path / "a")
    path.write_text(path.read_text("utf-8") + "5.5,1\n", "utf-8")

    assert sides(path, "float", tmp_path / "b")[:-1] == drawn
    assert sides(path, "string", tmp_path / "c")[:-1] == drawn


def test_a_whole_number_in_parquet_keeps_its_side_when_its_column_turns_into_floats() -> None:
    whole = pl.DataFrame({"id": [1, 2, 3]})
    mixed = pl.DataFrame({"id": [1.0, 2.0, 3.0, 5.5, None]})

    assert data_rows.key_text(mixed, ["id"])[:3].equals(data_rows.key_text(whole, ["id"]))
    known = {"id": catalog.Column(dtype="int", role="identifier", availability="batch")}
    texts = pl.DataFrame({"id": ["42.0", "42", "42.5"]})
    assert data_rows.key_text(texts, ["id"], known).to_list() == ["42", "42", "42.5"]
    assert data_rows.key_text(texts, ["id"]).to_list() == ["42.0", "42", "42.5"]


def test_a_key_of_several_columns_does_not_run_together() -> None:
    rows = pl.DataFrame({"a": ["1", "12", None], "b": ["23", "3", "123"]})

    assert data_rows.key_text(rows, ["a", "b"]).n_unique() == 3


def test_by_time_the_newest_rows_are_held_out() -> None:
    days = pl.Series("day", [date(2024, 1, 1) + timedelta(days=i) for i in range(100)]).reverse()

    found = held(days)

    train, validation, holdout = (days.filter(found == side) for side in range(3))
    assert train.max() < validation.min() <= validation.max() < holdout.min()
    assert holdout.len() == 30


def test_rows_of_one_moment_share_a_side() -> None:
    days = pl.Series("day", [date(2024, 1, 1) + timedelta(days=i // 7) for i in range(100)])

    found = held(days)

    assert pl.DataFrame([days, found.alias("side")]).unique().height == days.n_unique()


def test_a_time_column_without_moments_is_refused() -> None:
    with pytest.raises(FactoryError, match="the time column 'when' holds no moments, such as 'a'"):
        split.cutoffs(pl.Series("when", ["a", "b"]), SPLIT)
