"""Values as people write them."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from mlfactory_runtime.tables import formats, kinds


def kind(values: list[str | None], european: bool = False) -> kinds.Kind:
    """What a column of these texts is."""
    return kinds.find_kind(pl.Series("v", values, dtype=pl.String), european)


def values(texts: list[str | None], european: bool = False) -> list[object]:
    """The texts, read as what they are found to be."""
    found = kind(texts, european)
    column = pl.Series("v", texts, dtype=pl.String)
    column = column.set(column.is_in(list(found.missing)), None)
    return list(formats.read(column, found.dtype, found.format))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1,234", "5"], [1234, 5]),
        (["$5", "$1,234.50", "-$3", "($7)"], [5, 1234.5, -3, -7]),
        (["1.234,5", "12"], [1234.5, 12]),
        (["12 %", "3%"], [12, 3]),
        (["1 234,5", "1\u00a0000,0"], [1234.5, 1000]),
        (["1'234.5", "7"], [1234.5, 7]),
        (["5 kg", "1,200 kg"], [5, 1200]),
        (["1e3", "2.5E-1"], [1000, 0.25]),
        (["EUR 5", "EUR 1,200"], [5, 1200]),
        (["5-", "3"], [-5, 3]),
        (["1,234円", "500円"], [1234, 500]),
        (["71 歳", "30 歳"], [71, 30]),
        (["\uff11\uff12\uff13", "\uff14\uff0e\uff15"], [123, 4.5]),
        (["5k", "500", "2.5k"], [5000, 500, 2500]),
        (["€110.5M", "€565K", "€0"], [110_500_000, 565_000, 0]),
        (["1,5 Mio.", "300 Tsd."], [1_500_000, 300_000]),
        (["$1.2B", "$500M"], [1_200_000_000, 500_000_000]),
        (["5k", "6k"], [5, 6]),
        (["5 m", "3 m", "4"], [5, 3, 4]),
    ],
)
def test_numbers_in_the_dress_of_people(texts: list[str | None], expected: list[float]) -> None:
    assert values(texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["2018 Mar", "2019 Oct"],
        ["Mar-2018", "Oct-2019"],
        ["March 2018", "OCTOBER 2019"],
        ["März 2018", "Okt 2019"],
        ["mars 2018", "octobre 2019"],
        ["03/2018", "10/2019"],
        ["2018/03", "2019/10"],
        ["2018M03", "2019-M10"],
        ["marzo de 2018", "octubre de 2019"],
        ["mar/2018", "out/2019"],
        ["3/2018", "10/2019"],
        ["mar 2018", "paź 2019"],
        ["marca 2018", "października 2019"],
        ["Mart 2018", "Ekim 2019"],
        ["mars 2018", "okt 2019"],
        ["2018年3月", "2019年10月"],
    ],
)
def test_a_month_is_its_first_day(texts: list[str | None]) -> None:
    assert values(texts) == [date(2018, 3, 1), date(2019, 10, 1)]


@pytest.mark.parametrize(
    "texts",
    [
        ["2000Q1", "2001 Q4"],
        ["Q1 2000", "Q4-2001"],
        ["1Q2000", "4Q2001"],
        ["2000-T1", "T4 2001"],
        ["1er trimestre 2000", "4. Quartal 2001"],
        ["2000K1", "2001 K4"],
    ],
)
def test_a_quarter_is_its_first_day(texts: list[str | None]) -> None:
    assert values(texts) == [date(2000, 1, 1), date(2001, 10, 1)]


def test_a_week_is_its_monday() -> None:
    assert values(["2018-W05", "2019 W6"]) == [date(2018, 1, 29), date(2019, 2, 4)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2018H1", "S2 2019"], [date(2018, 1, 1), date(2019, 7, 1)]),
        (["KW 5 2018", "2019/KW06"], [date(2018, 1, 29), date(2019, 2, 4)]),
        (["2018/19", "2019-2020"], [date(2018, 1, 1), date(2019, 1, 1)]),
        (["FY2018", "FY 2019"], [date(2018, 1, 1), date(2019, 1, 1)]),
        (["05FEB2018", "31dic2019"], [date(2018, 2, 5), date(2019, 12, 31)]),
        (["5 February, 2018", "31 October, 2019"], [date(2018, 2, 5), date(2019, 10, 31)]),
        (["Mon Feb 05 2018", "Thu Oct 31 2019"], [date(2018, 2, 5), date(2019, 10, 31)]),
        (["2018年2月5日", "2019年10月31日"], [date(2018, 2, 5), date(2019, 10, 31)]),
        (["5 stycznia 2018", "31 grudnia 2019"], [date(2018, 1, 5), date(2019, 12, 31)]),
    ],
)
def test_a_period_is_its_first_day(texts: list[str | None], expected: list[date]) -> None:
    assert values(texts) == expected


@pytest.mark.parametrize("texts", [["4711K2", "1234K3"], ["2018/25"], ["3a4", "5y6"], ["T1", "T2"]])
def test_codes_are_no_periods(texts: list[str | None]) -> None:
    assert kind(texts).dtype == "string"


def test_codes_with_a_year_in_them_are_no_months() -> None:
    assert kind(["ABC1234", "DEC1235"]).dtype == "string"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1999", "2024"], [date(1999, 1, 1), date(2024, 1, 1)]),
        (["1999.0"], [date(1999, 1, 1)]),
        (["202403"], [date(2024, 3, 1)]),
        (["1700000000", "1700000000.5"], ["2023-11-14 22:13:20", "2023-11-14 22:13:20.500000"]),
        (["1700000000500"], ["2023-11-14 22:13:20.500000"]),
        (["45292", "45293"], [date(2024, 1, 1), date(2024, 1, 2)]),
        (["45292.75"], ["2024-01-01 18:00:00"]),
        (["Jan-18"], [date(2018, 1, 1)]),
        (["fev/18"], [date(2018, 2, 1)]),
        (["02.2018", "11.2018"], [date(2018, 2, 1), date(2018, 11, 1)]),
        (["2018-036"], [date(2018, 2, 5)]),
        (["Q4-21", "3Q22"], [date(2021, 10, 1), date(2022, 7, 1)]),
        (["2018.0", "2019.5"], [date(2018, 1, 1), date(2019, 7, 3)]),
        (["2312", "2401"], [date(2023, 12, 1), date(2024, 1, 1)]),
        (["1901", "1912", "2012"], [date(1901, 1, 1), date(1912, 1, 1), date(2012, 1, 1)]),
        (["1", "2"], None),
    ],
)
def test_numbers_that_count_time_are_moments_where_time_is_asked_for(
    texts: list[str | None], expected: list[object] | None
) -> None:
    column = pl.Series("v", texts)
    found = kinds.of_moments(kind(texts), column)
    if expected is None:
        assert found == kind(texts)
        return
    read = formats.read(column, found.dtype, found.format).to_list()
    assert [str(moment) for moment in read] == [str(moment) for moment in expected]
    if (
        texts[0] and texts[0].replace(".", "").isdigit() and texts[0] != "02.2018"
    ):  # Parquet holds them as numbers
        numbers = pl.Series("v", [float(text or 0) for text in texts])
        assert formats.read(numbers, found.dtype, found.format).to_list() == read


def test_a_whole_number_beside_missing_ones_may_have_become_a_float() -> None:
    texts = pl.Series("v", ["42.0", "42", "-7.00", "42.5", None])
    assert formats.read(texts, "int").to_list() == [42, 42, -7, None, None]
    assert formats.read(pl.Series(["1.0", "0.0"]), "bool").to_list() == [True, False]
    assert kind(["42.0", "7.0"]).dtype == "float"


def test_three_digits_after_a_comma_are_thousands_unless_the_file_says_otherwise() -> None:
    assert values(["1,234", "5,678"]) == [1234, 5678]
    assert values(["1,234", "5,678"], european=True) == [1.234, 5.678]
    assert values(["1.234", "5.678"]) == [1.234, 5.678]
    assert values(["1.234", "5.678"], european=True) == [1234, 5678]
    assert values(["0.234", "5.678"], european=True) == [0.234, 5.678]
    assert values(["0,234", "5,678"]) == [0.234, 5.678]
    assert values(["1,250", "900"], european=True) == [1250, 900]  # decimals would be 1,25
    assert values(["1.250", "900"]) == [1250, 900]
    assert values(["1.250", "1500"]) == [1.25, 1500]


def test_semicolons_stand_between_numbers_with_points_too() -> None:
    rows = pl.DataFrame({"a": ["1.234"], "b": ["1.5"]})

    assert kinds.any_european(rows.select("a"), ";")
    assert not kinds.any_european(rows, ";")
    assert kinds.any_european(rows.with_columns(c=pl.lit("1,5")), ";")


@pytest.mark.parametrize(
    "texts", [["007", "123"], ["5 kg", "3 l"], ["A12", "A13"], ["12345678901234567890", "1"]]
)
def test_names_stay_names(texts: list[str | None]) -> None:
    assert kind(texts).dtype == "string"
    assert values(texts) == texts


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["01.02.2024", "31.12.1999"], [date(2024, 2, 1), date(1999, 12, 31)]),
        (["12/31/1999", "01/02/2024"], [date(1999, 12, 31), date(2024, 1, 2)]),
        (["31/12/1999", "01/02/2024"], [date(1999, 12, 31), date(2024, 2, 1)]),
        (["2024-01-05", "05.01.2024", "Jan 5, 2024"], [date(2024, 1, 5)] * 3),
        (["01/11/2023", "01/12/2023", "01/01/2024"],
         [date(2023, 11, 1), date(2023, 12, 1), date(2024, 1, 1)]),
        (["2023-12", "2024-01"], [date(2023, 12, 1), date(2024, 1, 1)]),
        (["2024-01-05 10:00:00+02", "2024-01-05 08:00:00.0 UTC", "2024-01-05 06:00:00 -0200"],
         [datetime(2024, 1, 5, 8)] * 3),
        (["20240131", "20231201"], [date(2024, 1, 31), date(2023, 12, 1)]),
        (["05-Jan-24", "06-Feb-24"], [date(2024, 1, 5), date(2024, 2, 6)]),
        (["4 de enero de 2024", "1 de marzo de 2023"], [date(2024, 1, 4), date(2023, 3, 1)]),
        (["1er mars 2024", "4 mars 2024"], [date(2024, 3, 1), date(2024, 3, 4)]),
        (["March 3rd, 2024", "May 1st, 2023"], [date(2024, 3, 3), date(2023, 5, 1)]),
        (["Montag, 4. März 2024", "Di, 05.03.2024"], [date(2024, 3, 4), date(2024, 3, 5)]),
        (["Monday, March 04, 2024", "Tuesday, March 05, 2024"],
         [date(2024, 3, 4), date(2024, 3, 5)]),
        (["2024年3月1日", "\uff12\uff10\uff12\uff13年\uff11\uff12月\uff11日"],
         [date(2024, 3, 1), date(2023, 12, 1)]),
        (["2024-W10-1", "2024-W10-2"], [date(2024, 3, 4), date(2024, 3, 5)]),
        (["04.03.2024 13:07 Uhr", "05.03.2024 8:30 Uhr"],
         [datetime(2024, 3, 4, 13, 7), datetime(2024, 3, 5, 8, 30)]),
        (["20240304T130700Z", "20240305T083000Z"],
         [datetime(2024, 3, 4, 13, 7), datetime(2024, 3, 5, 8, 30)]),
        (["1/5/2024 3:04 PM", "1/6/2024 12:00 AM"],
         [datetime(2024, 1, 5, 15, 4), datetime(2024, 1, 6)]),
    ],
)  # fmt: skip
def test_moments_in_several_forms(texts: list[str | None], expected: list[object]) -> None:
    assert values(texts) == expected


def test_years_of_two_digits_come_first_where_days_of_months_come_last() -> None:
    days = [date(2024, 1, 1) + timedelta(days=3 * k) for k in range(100)]
    for form in ("%y.%m.%d", "%d.%m.%y", "%y/%m/%d"):
        assert values([day.strftime(form) for day in days]) == days


@pytest.mark.parametrize(
    ("years", "first"),
    [
        (range(1950, 2001), 1925),
        (range(1941, 1969), 1905),
        (range(1960, 2006), 1933),
        (range(1970, 2020), None),
        (range(2018, 2026), None),
        (range(2000, 2041), None),
        (range(1930, 2030), None),  # all there are: nothing tells
    ],
)
@pytest.mark.parametrize("clock", ["", " %H:%M"])
def test_years_of_two_digits_that_follow_one_another_are_of_one_stretch(
    years: range, first: int | None, clock: str
) -> None:
    days = [datetime(year, 1 + year % 12, 13 + year % 15, 10 * len(clock) // 6) for year in years]
    texts = [day.strftime(f"%d.%m.%y{clock}") for day in days]
    found = kind([*texts])
    assert found.format == (f"%d.%m.%y{clock}" + (f" from {first}" if first else ""),)
    if len(years) < 100:
        assert values([*texts]) == (days if clock else [day.date() for day in days])


@pytest.mark.parametrize("blank", ["0000-00-00", "00.00.0000", "0001-01-01", "0001-01-01 00:00:00"])
def test_a_day_that_none_is_means_missing(blank: str) -> None:
    found = kind(["2024-03-01", "2023-12-11", blank])
    assert (found.dtype, found.missing) == ("date", (blank,))
    assert kinds.odd_words(found) == (blank,)  # so it is told


def test_few_odd_words_among_numbers_mean_missing() -> None:
    found = kind([*map(str, range(20)), "unknown", "-"])

    assert (found.dtype, found.missing) == ("int", ("-", "unknown"))


def test_what_is_no_number_among_numbers_means_missing() -> None:
    assert kind([*map(str, range(20)), "inf", "-Infinity"]).missing == ("-Infinity", "inf")


def test_many_odd_words_do_not() -> None:
    assert kind([*map(str, range(20)), *"abcdefgh"]).dtype == "string"


def test_truth_in_words() -> None:
    assert values(["ja", "nein", "Ja"]) == [True, False, True]
    assert values(["Нет", "да"]) == [False, True]
    assert kind(["no", "nein"]).dtype == "string"


def test_what_cannot_be_read_is_missing_not_wrong() -> None:
    column = pl.Series("v", ["1.234,5 €", "5 $", "x"])

    assert formats.read(column, "float", "1.234,5 €").to_list() == [1234.5, None, None]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0", "1", "2-10", "Over 100"], [0, 1, 6, 150]),
        (["1", "2 to 10", ">3"], [1, 6, 4.5]),
        (["7", "zwischen 2 und 4", "über 20", "bis 5", "10 oder mehr"], [7, 3, 30, 2.5, 15]),
        (["3", "plus de 10", "10 et plus"], [3, 15, 15]),
        (["0.5", "<0.1", "≤ 0"], [0.5, 0.05, -0.5]),
        (["18", "65+"], [18, 97.5]),
        (["$5", "$10-$20", "$1,000+"], [5, 15, 1500]),
        (["1,5", "2,5\u20133,5"], [1.5, 3]),
        (["5 kg", "5-10 kg"], [5, 7.5]),
        (["3", "(0, 10]"], [3, 5]),
        (["12", "10人以上", "6人未満"], [12, 15, 3]),
        (["30", "20-29歳", "\uff11〜\uff15"], [30, 24.5, 3]),
    ],
)
def test_a_range_among_numbers_is_a_number_in_its_place(
    texts: list[str | None], expected: list[float]
) -> None:
    assert values(texts) == expected


@pytest.mark.parametrize(
    "texts",
    [["18-24", "25-34", "65+"], ["10001", "12345-6789"], ["5", "2020-01-02"], ["1", "1-0", "2-1"]],
)
def test_what_only_looks_like_ranges_stays_text(texts: list[str | None]) -> None:
    assert kind(texts).dtype == "string"
