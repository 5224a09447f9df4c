"""The first look at the data: what is decided, and the sentence for everything that is wrong."""

from __future__ import annotations

import datetime as dt
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory.base.errors import ERROR, MlfactoryError
from mlfactory.look import Look, columns, file, look, look_frame

from .dirty import DIRTY, Dirty, sheet

ROWS = 120


def column(make: Callable[[int], object], rows: int = ROWS) -> list[object]:
    return [make(n) for n in range(rows)]


def write_csv(
    path: Path, columns: dict[str, list[Any]], separator: str = ",", encoding: str = "utf-8"
) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [columns.keys(), *rows]
    text = "".join(separator.join(map(str, line)) + "\n" for line in lines)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def data() -> dict[str, list[Any]]:
    """A table in which everything is as it should be."""
    return {
        "id": column(lambda n: f"c{n}"),
        "day": column(lambda n: f"2025-{1 + n % 12:02}-{1 + n % 28:02}"),
        "amount": column(lambda n: n * 1.5 + 0.25),
        "visits": column(lambda n: n * 7 % 101),
        "stars": column(lambda n: n % 5),
        "churned": column(lambda n: "yes" if n % 3 else "no"),
    }


@pytest.fixture
def file_of(tmp_path: Path, data: dict[str, list[Any]]) -> Callable[..., Path]:
    """The table as CSV, with columns replaced, added or, where None, left out."""

    def make(**changes: list[Any] | None) -> Path:
        columns = {**data, **changes}
        parts = {name: values for name, values in columns.items() if values is not None}
        return write_csv(tmp_path / "data.csv", parts)

    return make


def refused(path: Path, target: str = "churned", **options: str) -> MlfactoryError:
    with pytest.raises(MlfactoryError) as caught:
        look(path, target, **options)
    assert caught.value.hint, caught.value.message
    return caught.value


# ---- what is decided


def test_a_look_says_what_is_there(file_of: Callable[..., Path]) -> None:
    path = file_of()
    assert look(path, "churned") == Look(
        path=path,
        rows=ROWS,
        columns=("id", "day", "amount", "visits", "stars", "churned"),
        dtypes=("String", "String", "Float64", "Int64", "Int64", "String"),
        target="churned",
        task="classification",
        reason="the target 'churned' holds 2 different names, so the task is classification",
        separator=",",
        warnings=(),
    )


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (column(lambda n: "ab"[n % 2]), "classification"),
        (column(lambda n: n % 2 == 0), "classification"),
        (column(lambda n: n % 10), "classification"),
        (column(lambda n: n % 11), "regression"),
        (column(lambda n: f"{n % 2}.0"), "classification"),
        (column(lambda n: f"{n % 3}.0"), "regression"),
        (column(lambda n: n % 3 + 0.5), "regression"),
        (column(lambda n: f"1e{n % 20}"), "regression"),
        (column(lambda n: f"-{n}"), "regression"),
        (column(lambda n: f"00{n % 4}"), "classification"),
    ],
)
def test_the_task_follows_from_the_target(
    file_of: Callable[..., Path], values: list[Any], task: str
) -> None:
    assert look(file_of(churned=values), "churned").task == task


@pytest.mark.parametrize(
    ("dtype", "values", "task"),
    [
        (pl.Boolean, column(lambda n: n % 2 == 0), "classification"),
        (pl.Int8, column(lambda n: n % 3), "classification"),
        (pl.Float32, column(lambda n: n / 7), "regression"),
        (pl.Decimal(10, 2), column(lambda n: n / 4), "regression"),
        (pl.Categorical, column(lambda n: "ab"[n % 2]), "classification"),
        (pl.Enum(["a", "b"]), column(lambda n: "ab"[n % 2]), "classification"),
        (pl.String, column(lambda n: str(n / 7)), "regression"),
    ],
)
def test_parquet_types_are_understood(
    tmp_path: Path, dtype: Any, values: list[Any], task: str
) -> None:
    path = tmp_path / "data.parquet"
    target = pl.Series("y", values, dtype=dtype, strict=False)
    pl.DataFrame([pl.Series("x", range(ROWS)), target]).write_parquet(path)
    facts = look(path, "y")
    assert (facts.task, facts.rows) == (task, ROWS)


def test_a_task_that_was_asked_for_holds(file_of: Callable[..., Path]) -> None:
    facts = look(file_of(), "stars", task="regression")
    assert (facts.task, facts.reason[:40]) == (
        "regression",
        "the task is regression, as asked for; th",
    )


@pytest.mark.parametrize("dirty", DIRTY, ids=lambda dirty: dirty.name)
def test_a_table_is_read_however_it_is_written(tmp_path: Path, dirty: Dirty) -> None:
    path = tmp_path / dirty.filename
    path.write_bytes(dirty.content)
    facts = look(path, dirty.target, **dirty.options)
    assert (facts.task, facts.rows) == (dirty.task, dirty.rows)


@pytest.mark.parametrize("separator", [*",;\t|^~#: ", "\x01"])
def test_the_separator_is_found(tmp_path: Path, data: dict[str, list[Any]], separator: str) -> None:
    path = write_csv(tmp_path / "data.csv", data, separator)
    assert look(path, "churned").separator == separator


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("utf-8", "größer"),
        ("utf-16", "größer"),
        ("cp1252", "größer"),
        ("cp1250", "žluťoučký"),
        ("cp1251", "красный"),
        ("shift_jis", "カタカナ"),
        ("gb18030", "北京上海广州深圳客户"),
        ("euc_kr", "부산고객"),
    ],
)
def test_the_encoding_is_found(
    tmp_path: Path, data: dict[str, list[Any]], encoding: str, word: str
) -> None:
    columns = {word: column(lambda n: f"{word} {n % 7}"), **data}
    path = write_csv(tmp_path / "data.csv", columns, encoding=encoding)
    facts = look(path, "churned")
    assert (facts.encoding, facts.columns[0]) == (encoding, word)
    assert any(f"read as {encoding}" in warning for warning in facts.warnings) is (
        not encoding.startswith("utf")
    )


def test_commas_inside_values_do_not_part_columns(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "d.csv", {"a": column(lambda n: f"{n},5,6"), "y": column(lambda n: n % 2)}, ";"
    )
    assert look(path, "y").separator == ";"


def test_quotes_bom_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    lines = ['"target","a note"', *(f'"{"ab"[n % 2]}","x, ""{n}""\r\ny"' for n in range(ROWS))]
    path.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    facts = look(path, "target")
    assert (facts.columns, facts.rows) == (("target", "a note"), ROWS)


def test_columns_are_the_header(file_of: Callable[..., Path]) -> None:
    assert columns(file_of(day=None))[:2] == ("id", "amount")


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.5Z"],
)
def test_moments_are_read_as_a_factory_reads_them(file_of: Callable[..., Path], form: str) -> None:
    start = dt.datetime(2024, 1, 31, 8, 30)
    path = file_of(day=column(lambda n: (start + dt.timedelta(hours=n)).strftime(form)))
    assert look(path, "churned", time="day", identifier="id").warnings == ()


def test_a_time_column_of_parquet_may_have_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(days=n) for n in range(ROWS)]
    pl.DataFrame({"t": moments, "x": range(ROWS), "y": [0.5, 1.5] * 60}).write_parquet(path)
    assert look(path, "y", time="t").task == "regression"


# ---- the file


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \n\n", "is empty"),
        ("a.csv", b"\xef\xbb\xbf", "is empty"),
        ("a.parquet", b"", "is empty"),
        ("a.csv", b"PAR1\0\0\0\0\0\0PAR1", "is a Parquet file"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "cut off or damaged"),
        ("a.csv.gz", b"\x1f\x8b", "cut off or damaged"),
        ("a.csv.gz", gzip.compress(gzip.compress(b"a,b\n", mtime=0), mtime=0), "gzip twice"),
        ("a.csv.gz", gzip.compress(b"PK\x03\x04\0\0", mtime=0), "Excel"),
        ("a.parquet", gzip.compress(b"PAR1", mtime=0), "compressed by gzip"),
        ("a.csv", b"PK\x03\x04\0\0\0\0", "Excel"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("a.csv", b"<!DOCTYPE html>\n<html>", "web page"),
        ("a.csv", b'{"a": 1}', "JSON"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16") + b"x", "line 3 has the byte 0x78"),
        ("a.csv", "a,b\né,ü\n".encode() + b"\xff,2\n", "some bytes: line 3 has the byte 0xFF"),
        ("a.csv", "a,b\n1,2\n".encode("utf-32"), "zero bytes"),
        ("a.csv", b"a,b\nM\xfcller," + b"\xfc" * 9 + b"\x81\n", "line 2 has the byte 0x81"),
        ("a.csv", b"a,b\n\x02\x03,\x04\n", "control characters"),
        ("a.csv", b"a,b\n1,\0\n", "zero bytes"),
        ("a.csv", b"\na,b\n1,2\n", "no header"),
        ("a.csv", b'"sep=;"\na;b\n1;2\n', "spreadsheets"),
        ("a.csv", b"Sales of 2024\n\na;b\n1;2\n3;4\n", "begins in line 3"),
        ("a.csv", b"Sales of 2024;;\n;;\na;b;c\n1;2;3\n", "begins in line 3"),
        ("a.csv", b"a,b,a\n1,2,3\n", "two columns named 'a'"),
        ("a.csv", b"a,,column_2\n0,1,2\n", "two columns named 'column_2'"),
        ("a.csv", b'"a\nb",c\n1,2\n', "line break"),
        ("a.csv", b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "not a header"),
        ("a.csv", b"1,2,3\n4,5,6\n", "not a header"),
        ("a.csv", b"text\nsome\n", "one column only"),
        ("a.parquet", b"a,b\n1,2\n", "no Parquet file"),
        ("a.parquet", b"PAR1 and then nothing", "cut off"),
        ("a.parquet", b"PAR1" + b"x" * 20 + b"PAR1", "cannot be read as a table"),
    ],
)
def test_a_file_that_is_no_table_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path, "a")
    assert said in error.message
    assert name in error.message
    assert error.exit_code == ERROR


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
    error = refused(tmp_path / "a.csv")
    assert "is a link to" in error.message
    assert "dvc pull" in error.hint


def test_what_the_system_refuses_is_said(tmp_path: Path) -> None:
    assert "cannot be read: File name too long" in refused(tmp_path / f"{'x' * 300}.csv").message


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert "not a regular file" in refused(tmp_path / "a.csv").message


def test_a_line_with_too_many_values_is_named(file_of: Callable[..., Path]) -> None:
    path = file_of()
    path.write_text(path.read_text() + "a,b,c,d,e,f,g\n")
    assert f"line {ROWS + 2} has 7 values, the header 6" in refused(path).message


def test_such_a_line_is_found_where_the_target_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("y,x\n" + "1,2\n0,3\n" * 60 + "1,2,3\n")
    assert "line 122 has 3 values" in refused(path, "y").message


def test_quotes_that_do_not_end_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("y,x,z\n" + "1,2,3\n0,3,4\n" * 60 + '1,"2,3\n' + "1,2,3\n" * 9)
    assert "the quotes in line 122 do not end" in refused(path, "y").message


def test_a_quote_in_a_value_without_quotes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("y,x\n" + "1,TV\n0,PC\n" * 60 + '1,TV 42"\n')
    assert "line 122 has a quote in a value" in refused(path, "y").message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("data.CSV", "mv "),
        ("data.TXT.GZ", "mv "),
        ("data.csv.7z", "Unpack"),
        ("data.parquet.gz", "Unpack"),
        ("data.xlsx", "Save the table as CSV"),
        ("data.csv.dvc", "dvc pull"),
        ("data", "Save the table as CSV"),
    ],
)
def test_another_kind_of_file_gets_its_own_advice(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    error = refused(tmp_path / name)
    assert hint in error.hint
    assert error.exit_code == ERROR


def test_a_missing_file_suggests_its_neighbour(file_of: Callable[..., Path]) -> None:
    path = file_of()
    assert refused(path.with_name("dta.csv")).hint == f"Did you mean {path}?"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "no" / "data.csv").hint.startswith("There is no folder")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path).message


@pytest.mark.parametrize("address", ["https://example.org/a.csv", "s3://bucket/a.parquet"])
def test_an_address_is_no_file(address: str) -> None:
    assert "is an address" in refused(Path(address)).message


@pytest.mark.parametrize("name", ["data[1].csv", "a*.csv", "${x}.csv", "{{ x }}.csv", "a\nb.csv"])
def test_a_name_that_pipelines_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    assert "characters that mean something" in refused(tmp_path / name).message


def test_a_name_with_spaces_and_accents_is_fine(file_of: Callable[..., Path]) -> None:
    path = file_of()
    assert look(path.rename(path.with_name("données (1).csv")), "churned").rows == ROWS


# ---- the columns and their parts


@pytest.mark.parametrize(("option", "key"), [("--id", "identifier"), ("--time", "time")])
def test_a_column_that_is_missing_suggests_the_nearest(
    file_of: Callable[..., Path], option: str, key: str
) -> None:
    error = refused(file_of(), **{key: "Amuont"})
    assert "has no column 'Amuont'" in error.message
    assert error.hint.startswith(f"Did you mean {option} 'amount'?")


def test_a_target_that_is_far_from_all_lists_the_columns(file_of: Callable[..., Path]) -> None:
    error = refused(file_of(), "zzz")
    assert error.hint == "Its columns are id, day, amount, visits, stars, churned."
    assert error.exit_code == ERROR


def test_an_empty_target_is_refused(file_of: Callable[..., Path]) -> None:
    assert "--target names no column" in refused(file_of(), "").message


@pytest.mark.parametrize(
    "options",
    [{"identifier": "churned"}, {"time": "churned"}, {"identifier": "day", "time": "day"}],
)
def test_a_column_plays_one_part(file_of: Callable[..., Path], options: dict[str, str]) -> None:
    assert "at once" in refused(file_of(), **options).message


def test_something_must_be_left_to_learn_from(tmp_path: Path, data: dict[str, list[Any]]) -> None:
    columns = {name: data[name] for name in ("id", "churned")}
    path = write_csv(tmp_path / "d.csv", columns)
    assert "no column to learn from" in refused(path, identifier="id").message


def test_an_unknown_task_is_refused(file_of: Callable[..., Path]) -> None:
    assert "no task 'ranking'" in refused(file_of(), task="ranking").message


# ---- the target


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([""] * ROWS, "is missing in every row"),
        (["NA"] * ROWS, "is missing in every row"),
        (column(lambda n: "x" if n < 49 else ""), "has 49 rows with a target"),
        (["x"] * ROWS, "is 'x' in every row"),
        ([0] * ROWS, "is '0' in every row"),
        (column(lambda n: "x" if n % 2 else ""), "is 'x' in every row that has one"),
        (column(lambda n: f"₹1'23'{n:03}"), "numbers with other signs"),
        (column(lambda n: f"name {n}"), "has 120 classes"),
        (column(lambda n: f"about {n}" if n > 112 else n), "holds numbers, but also 'about 113'"),
        (column(lambda n: f"2025-01-{1 + n % 28:02}"), "holds dates"),
        (column(lambda n: f"1'23'{n:03}"), "numbers with other signs"),
        (column(lambda n: f"2025{1 + n % 12:02}{1 + n % 28:02}"), "holds dates"),
        (column(lambda n: "rare" if n < 2 else "a"), "'rare' (2)"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(
    file_of: Callable[..., Path], values: list[Any], said: str
) -> None:
    assert said in refused(file_of(churned=values)).message


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    assert "a header and no row" in refused(tmp_path / "a.csv", "a").message


def test_names_cannot_be_predicted_as_numbers(file_of: Callable[..., Path]) -> None:
    assert "no number" in refused(file_of(), task="regression").message


def test_too_many_numbers_are_no_classes(file_of: Callable[..., Path]) -> None:
    error = refused(file_of(), "amount", task="classification")
    assert "at most 100 can" in error.message
    assert error.hint == "Say --task regression."


def test_lists_are_no_target(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": range(ROWS), "y": [[n] for n in range(ROWS)]}).write_parquet(path)
    assert "List(Int64) values" in refused(path, "y").message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (column(lambda n: "" if n < 9 else "ab"[n % 2]), "9 of 120 rows have no target"),
        (column(lambda n: "ab"[n % 2] if n > 5 else "rare"), "few rows: 'rare' (6)"),
        (column(lambda n: "ab"[n % 2] if n > 1 else "rare"), "are left out: 'rare' (2)"),
        (column(lambda n: ("yes", "Yes", "no")[n % 3]), "differ in spelling only"),
    ],
)
def test_what_is_odd_about_the_target_is_a_warning(
    file_of: Callable[..., Path], values: list[Any], said: str
) -> None:
    assert said in " ".join(look(file_of(churned=values), "churned").warnings)


# ---- identifier and time


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (column(lambda n: "" if n == 5 else n), "is missing in 1 of 120 rows"),
        (column(lambda n: n % 9), "has 9 different values only"),
    ],
)
def test_an_identifier_must_tell_rows_apart(
    file_of: Callable[..., Path], values: list[Any], said: str
) -> None:
    assert said in refused(file_of(id=values), identifier="id").message


def test_an_identifier_that_has_a_third_of_all_rows_is_a_warning(
    file_of: Callable[..., Path],
) -> None:
    path = file_of(id=column(lambda n: n if n > 50 else "guest"))
    assert "42% of the rows have the identifier 'guest'" in str(
        look(path, "churned", identifier="id").warnings
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (column(lambda n: f"{1 + n % 28:02}.13.2025"), "not dates: '01.13.2025'"),
        (column(lambda n: ("12/31/2025", "31/12/2025")[n % 2]), "not dates: '31/12/2025'"),
        (column(lambda n: "soon" if n == 5 else f"2025-01-{1 + n % 28:02}"), "not dates: 'soon'"),
        (column(lambda n: f"customer {n}"), "not dates: 'customer 0'"),
        (column(lambda n: "" if n == 5 else f"2025-01-{1 + n % 28:02}"), "missing in 1 rows"),
        (["2025-01-01"] * ROWS, "in every row"),
        (column(lambda n: 12 + n), "not dates: '12'"),
        (column(lambda n: f"2025-02-{1 + n % 30:02}"), "not dates: '2025-02-29'"),
    ],
)
def test_a_time_column_must_order_all_rows(
    file_of: Callable[..., Path], values: list[Any], said: str
) -> None:
    assert said in refused(file_of(day=values), time="day").message


def test_a_time_column_that_is_a_number_is_refused_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"t": range(ROWS), "x": range(ROWS), "y": [0, 1] * 60}).write_parquet(path)
    assert "not dates: '0'" in refused(path, "y", time="t").message


def test_a_time_in_the_future_is_a_warning(file_of: Callable[..., Path]) -> None:
    path = file_of(day=column(lambda n: "9999-12-31" if n == 5 else f"2025-01-{1 + n % 28:02}"))
    assert "into the future, up to 9999-12-31" in str(look(path, "churned", time="day").warnings)


# ---- large files


@pytest.mark.parametrize("name", ["big.csv", "big.parquet"])
def test_of_a_large_file_only_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(file, "SAMPLE_BYTES", 1 << 20)
    numbers = pl.Series("x", range(400_000)).hash(seed=1)
    frame = pl.DataFrame([numbers, (numbers % 2).alias("y")])
    path = tmp_path / name
    frame.write_csv(path) if name.endswith("csv") else frame.write_parquet(path)
    facts = look(path, "y")
    assert facts.rows == (None if name.endswith("csv") else 400_000)
    assert "only its first" in facts.warnings[0]


def test_what_the_beginning_does_not_show_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "SAMPLE_BYTES", 1 << 20)
    path = tmp_path / "sorted.csv"
    path.write_text("x,y\n" + "12345,no\n" * 300_000 + "12345,yes\n" * 300_000)
    assert "never changes in what was looked at" in str(look(path, "y").warnings)


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_a_name_that_is_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_text(f"{name},churned\n" + "1,yes\n2,no\n" * 50)
    error = refused(tmp_path / "t.csv", "churned")
    assert repr(name) in error.message
    assert error.hint == "Rename it in the data."


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        (column(lambda n: "unknown" if n % 9 == 0 else n), ["no target", "are 'unknown'"]),
        (column(lambda n: "-" if n % 9 == 0 else f"{n:,} km"), ["14 of 120 rows have no target"]),
        (column(lambda n: "inf" if n == 3 else n + 0.5), ["1 of 120 rows have", "are 'inf'"]),
    ],
)
def test_words_among_numbers_count_as_missing(
    file_of: Callable[..., Path], values: list[Any], warned: list[str]
) -> None:
    facts = look(file_of(churned=[f'"{value}"' for value in values]), "churned")
    assert facts.task == "regression"
    assert all(part in " ".join(facts.warnings) for part in warned)


# ---- several files, and tables from elsewhere


@pytest.fixture
def monthly(tmp_path: Path, data: dict[str, list[Any]]) -> Callable[..., tuple[Path, ...]]:
    """Two files of one table, the second with its columns in another order or changed."""

    def make(**changes: list[Any] | None) -> tuple[Path, ...]:
        columns = {**dict(reversed(data.items())), **changes}
        parts = {name: values for name, values in columns.items() if values is not None}
        first = write_csv(tmp_path / "2025-01.csv", data)
        return first, write_csv(tmp_path / "2025-02.csv", parts, ";")

    return make


def test_several_files_are_one_table(monthly: Callable[..., tuple[Path, ...]]) -> None:
    paths = monthly(churned=["no"] * ROWS)
    facts = look(paths, "churned", identifier="id", time="day")
    assert (facts.rows, facts.path, facts.columns[0]) == (2 * ROWS, paths[0], "id")
    assert columns(paths) == facts.columns


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visits": None}, "2025-02.csv has no column 'visits', which"),
        ({"extra": [0] * ROWS}, "2025-02.csv has a column 'extra', which"),
    ],
)
def test_a_file_with_other_columns_is_named(
    monthly: Callable[..., tuple[Path, ...]], changes: dict[str, Any], said: str
) -> None:
    assert said in refused(monthly(**changes)).message  # type: ignore[arg-type]


def test_files_of_two_kinds_are_refused(tmp_path: Path, file_of: Callable[..., Path]) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    error = refused((file_of(), tmp_path / "a.parquet"))  # type: ignore[arg-type]
    assert "data.csv is text" in error.message


def test_several_parquet_files_are_one_table(tmp_path: Path) -> None:
    paths = (tmp_path / "a.parquet", tmp_path / "b.parquet")
    pl.DataFrame({"x": range(ROWS), "y": [0, 1] * 60}).write_parquet(paths[0])
    pl.DataFrame({"y": [2.5] * ROWS, "x": range(ROWS)}).write_parquet(paths[1])
    facts = look(paths, "y")
    assert (facts.task, facts.rows) == ("regression", 2 * ROWS)


def test_only_the_first_files_of_many_are_read(
    monthly: Callable[..., tuple[Path, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "SAMPLE_BYTES", 3000)
    facts = look(monthly(churned=["never"] * ROWS), "churned")
    assert facts.rows is None
    assert "and 1 more is large: only its first" in " ".join(facts.warnings)


@pytest.mark.parametrize(("rows", "warned"), [(ROWS, False), (None, True)])
def test_a_frame_is_looked_at_like_a_file(
    data: dict[str, list[Any]], rows: int | None, warned: bool
) -> None:
    frame = pl.DataFrame(data).with_columns(pl.col("day").str.to_date())
    facts = look_frame(
        "churn.sql", frame, rows, target="amount", identifier="id", time="day", task="auto"
    )
    assert (facts.task, facts.rows, facts.columns[0]) == ("regression", rows, "id")
    assert any("churn.sql is large" in warning for warning in facts.warnings) is warned


def test_what_is_wrong_with_a_frame_names_it(data: dict[str, list[Any]]) -> None:
    with pytest.raises(MlfactoryError, match=r"churn\.sql has no column 'Churned'") as caught:
        look_frame("churn.sql", pl.DataFrame(data), ROWS, target="Churned")
    assert caught.value.hint.startswith("Did you mean --target 'churned'?")
    with pytest.raises(MlfactoryError, match=r"churn\.sql has a header and no row"):
        look_frame("churn.sql", pl.DataFrame(data).clear(), 0, target="churned")


def test_a_cut_in_quotes_is_moved_to_the_end_of_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.csv"
    text = sheet({"note": lambda r: f"a\n\n\n{r.n}\n\n\nb", "y": lambda r: r.n % 2})
    path.write_text(text)
    for limit in range(2000, 2024):
        monkeypatch.setattr(file, "SAMPLE_BYTES", limit)
        assert look(path, "y").task == "classification"
