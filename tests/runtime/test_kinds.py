"""What a column is found to be, where two readers of it once disagreed."""

import polars as pl
import pytest
from mlfactory_runtime.settings import params
from mlfactory_runtime.tables import formats, kinds

INTEGERS = [str(n) for n in range(60)]
WORDS = ["unknown", "refused", "later", "lost", "open"]


def kind(values: list[str], european: bool = False) -> kinds.Kind:
    return kinds.find_kind(pl.Series("v", values, dtype=pl.String), european)


@pytest.mark.parametrize("european", [False, True])
def test_an_apostrophe_may_group_digits_before_a_decimal_comma(european: bool) -> None:
    texts = pl.Series("v", ["1'234,5", "12'000,1"])
    found = kinds.find_kind(texts, european)
    assert found == kinds.Kind("float", "1'234,5")
    assert formats.read(texts, "float", found.format).to_list() == [1234.5, 12000.1]


def test_ways_to_say_unknown_in_german_are_markers_among_numbers() -> None:
    found = kind(["1.5", "k.A.", "s.o.", "3.1"])
    assert (found.dtype, set(found.missing)) == ("float", {"k.A.", "s.o."})


def test_markers_are_not_counted_as_odd_words() -> None:
    markers = ["-", "--", ".", "na", "None"]
    found = kind([*INTEGERS, *WORDS, *markers])
    assert (found.dtype, set(found.missing)) == ("int", {*WORDS, *markers})
    assert kind([*INTEGERS, *WORDS, "sixth", *markers]).dtype == "string"


def test_odd_words_are_few_rows_and_not_only_few_words() -> None:
    assert kind([*INTEGERS, *["unknown"] * 20]).dtype == "int"
    assert kind([*INTEGERS, *["unknown"] * 40]).dtype == "string"


def test_among_classes_odd_words_are_classes_and_markers_are_none() -> None:
    found = kind([*INTEGERS, "unknown", "-", "?"])
    assert kinds.of_classes(found) == kinds.Kind("string", None, ("?", "-"))


def test_what_means_missing_is_what_the_settings_of_a_new_factory_say() -> None:
    assert params.Data(path="a.csv", target="y").missing == kinds.MISSING


def test_a_moment_that_many_forms_read_is_that_of_the_first() -> None:
    values = pl.Series(
        "v", ["2025-01-31", "01/02/2025", "02.01.25", None, "2025-01-31 10:00Z", "x"]
    )
    found = formats.read(values, "datetime", ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%y"))
    shown = [str(moment)[:16] for moment in found]
    assert shown == ["2025-01-31 00:00", "2025-01-02 00:00", "2025-01-02 00:00", *["None"] * 3]
