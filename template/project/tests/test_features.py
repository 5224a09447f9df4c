"""The three rules of features.py, on this factory's own columns."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from .conftest import Trained
from .package import features


@pytest.fixture
def rows(trained: Trained) -> pl.DataFrame:
    """What features.py is given: typed rows without the target."""
    return trained.rows.drop(trained.params.data.target).head(40)


def assert_same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Equal but for the last bits: polars divides a table and a single row in different ways."""
    assert_frame_equal(found, expected, rel_tol=1e-9, abs_tol=0.0)


def test_features_of_a_row_do_not_depend_on_other_rows(rows: pl.DataFrame) -> None:
    alone = pl.concat([features.features(row) for row in rows.iter_slices(1)])

    assert_same(alone, features.features(rows))


def test_features_do_not_depend_on_the_order_of_rows(rows: pl.DataFrame) -> None:
    turned = features.features(rows.reverse()).reverse()

    assert_same(turned, features.features(rows))


def test_computing_features_changes_neither_rows_nor_the_next_result(rows: pl.DataFrame) -> None:
    before = rows.clone()
    first = features.features(rows)

    assert_frame_equal(rows, before, check_exact=True)
    assert_frame_equal(features.features(rows), first, check_exact=True)


def test_what_features_compute_is_what_the_catalog_declares(
    rows: pl.DataFrame, trained: Trained
) -> None:
    added = set(features.features(rows).columns) - set(rows.columns)

    assert added == set(trained.catalog.derived)
