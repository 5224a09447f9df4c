"""Rows of the log as the raw file has them: every kind of file takes them in its own form."""

import gzip
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.data import rows as data_rows
from mlfactory_runtime.retrain import harvest, values
from mlfactory_runtime.settings import catalog, params
from mlfactory_runtime.tables.formats import DTYPES, read
from mlfactory_runtime.tables.read import read_batches

KNOWN = catalog.Catalog.model_validate(
    {
        "columns": {
            "id": {"dtype": "string", "role": "identifier", "availability": "batch"},
            "größe": {"dtype": "float", "role": "numeric", "availability": "batch",
                      "format": "1.234,5 €"},
            "n": {"dtype": "int", "role": "numeric", "availability": "batch", "range": [0, 99]},
            "ja": {"dtype": "bool", "role": "boolean", "availability": "batch"},
            "tag": {"dtype": "date", "role": "datetime", "availability": "batch",
                    "format": ["%d.%m.%Y"]},
            "um": {"dtype": "datetime", "role": "datetime", "availability": "batch"},
            "wort": {"dtype": "string", "role": "categorical", "availability": "batch"},
        }
    }
)  # fmt: skip
HEADER = "id;größe;n;ja;tag;um;andere;wort"
FIRST = '007;1.234,50 €;1;ja;31.12.2024;2024-12-31 10:00;x;"a;b"'
ROWS = pl.DataFrame(
    {
        "id": ["008", "009", "010"],
        "größe": [12345.678, None, -1e-7],
        "n": [0, None, 99],
        "ja": [True, False, None],
        "tag": [date(2025, 1, 2), None, date(1999, 12, 31)],
        "um": [datetime(2025, 1, 2, 3, 4, 5, 678), None, datetime(2025, 1, 2)],
        "wort": ['sagt "nein"; geht', None, "Möbel"],
    }
)


def taken_in(path: Path, rows: pl.DataFrame = ROWS) -> pl.DataFrame:
    """Append the rows to the file, and read all of it."""
    settings = params.Params(
        task="regression", data=params.Data(path=str(path), target="n", encoding="cp1252")
    )
    found, head = data_rows.head_of(path, settings)
    raw, good = harvest.written(rows, head, KNOWN, settings.data)
    assert good.all()
    fresh = path.with_name(f"fresh-{path.name}")
    harvest.append(path, raw, fresh, found.data)
    raw = pl.concat(read_batches(fresh, settings.data))
    return data_rows.parse(
        data_rows.missing_as_null(raw, settings.data, KNOWN.columns), KNOWN.columns
    )


@pytest.mark.parametrize("line", ["\n", "\r\n"])
@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_text_file_keeps_its_form(tmp_path: Path, encoding: str, line: str, end: bool) -> None:
    text = line.join((HEADER, FIRST)) + line * end
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    assert taken_in(path).tail(3).equals(ROWS)
    made = (tmp_path / "fresh-rows.csv").read_bytes()
    assert made.startswith(path.read_bytes())
    assert made.decode(encoding).count(line) == 5
    assert made.decode(encoding).splitlines()[2].split(";")[3:5] == ["ja", "02.01.2025"]


def test_a_packed_file_stays_packed(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{FIRST}\n".encode()))
    assert taken_in(path).tail(3).equals(ROWS)
    assert (tmp_path / "fresh-rows.csv.gz").read_bytes().startswith(path.read_bytes())


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    first = ROWS.head(1).with_columns(
        pl.col("n").cast(pl.Int16), pl.col("um").dt.replace_time_zone("Europe/Berlin"), nested=[[1]]
    )
    first.write_parquet(path)
    assert taken_in(path).tail(3).equals(ROWS)
    assert pl.read_parquet_schema(tmp_path / "fresh-rows.parquet") == first.schema


@pytest.mark.parametrize(
    ("dtype", "form", "known", "value"),
    [
        ("datetime", "epoch ms", 1735639200000, datetime(2025, 1, 2, 3, 4)),
        ("datetime", "epoch s", 1735639200.0, datetime(2025, 1, 2, 3, 4)),
        ("date", "%Y", 2024, date(2025, 1, 1)),
        ("date", "%Y%m%d", 20241231, date(2025, 1, 2)),
        ("string", None, time(10), "11:30:00"),
    ],
)
def test_times_in_a_parquet_file_keep_their_types(
    dtype: str, form: str | None, known: object, value: object
) -> None:
    column = KNOWN.columns["um"].model_copy(update={"dtype": dtype, "format": form})
    own, head = catalog.Catalog(columns={"t": column}), pl.DataFrame({"t": [known]})
    rows = pl.DataFrame({"t": [value, None]}, schema_overrides={"t": DTYPES[dtype]})
    raw, good = harvest.written(rows, head, own, params.Data(path="x.parquet", target="n"))
    assert (good.to_list(), raw.schema) == ([True, True], head.schema)
    assert data_rows.parse(raw, own.columns).equals(rows)


def test_a_count_that_is_no_moment_is_none() -> None:
    assert read(pl.Series(["9" * 30, "1735639200"]), "datetime", "epoch s").null_count() == 1


def test_what_does_not_read_as_it_was_is_left_out() -> None:
    rows = ROWS.with_columns(n=pl.Series([5, 100, 6]), wort=pl.Series(["NA", "b", "c"]))
    head = pl.DataFrame(schema=dict.fromkeys(HEADER.split(";"), pl.String()))
    raw, good = harvest.written(rows, head, KNOWN, params.Data(path="x.csv", target="n"))
    assert (good.to_list(), raw["id"].to_list()) == ([False, False, True], ["010"])


def test_a_letter_that_the_encoding_lacks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"{HEADER}\n{FIRST}\n".encode("cp1252"))
    with pytest.raises(errors.FactoryError, match="cannot be written in cp1252"):
        taken_in(path, ROWS.with_columns(wort=pl.lit("はい")))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (["Yes", "No", "Yes"], {True: "Yes", False: "No"}),
        (["0", "1", None], {True: "1", False: "0"}),
        (["1.0", "1.0"], {True: "1.0", False: "false"}),
        (["TRUE", "maybe"], {True: "TRUE", False: "false"}),
        ([None], {True: "true", False: "false"}),
    ],
)
def test_truth_is_written_in_the_words_of_the_file(
    known: list[str | None], words: dict[bool, str]
) -> None:
    assert values.words_of(pl.Series("ja", known, dtype=pl.String)) == words


@pytest.mark.parametrize(
    ("form", "known", "text"),
    [
        (("%d.%m.%Y %H:%M",), "31.12.2024 10:00", "02.01.2025 03:04"),
        (("%d.%m.%Y",), "31.12.2024", "2025-01-02 03:04:00.000000"),
        ((), "2024-12-31", "2025-01-02 03:04:00.000000"),
        ((), "2024-12-31T10:00:00Z", "2025-01-02T03:04:00Z"),
        ((), "2024-12-31 10:00:00.123+02:00", "2025-01-02 03:04:00.000Z"),
        ((), "2024/12/31 10:00", "2025/01/02 03:04"),
        (("epoch s",), "1735639200", "1735787040"),
        (("excel",), "45657.5", "45659.12777777777"),
    ],
)
def test_a_moment_is_written_as_in_the_file_where_that_holds_it(
    form: tuple[str, ...], known: str, text: str
) -> None:
    column = KNOWN.columns["um"].model_copy(update={"format": form})
    moments = pl.Series([datetime(2025, 1, 2, 3, 4)])
    assert values.moment_text(moments, column, pl.Series([known])).to_list() == [text]
