"""Data from PostgreSQL, from SQLite and from many files: the page's commands, and new snapshots."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ..postgres import Server
from .conftest import SCRIPTS, Factory, execute

pytestmark = pytest.mark.xdist_group("postgres")
PAGE = Path(__file__).parents[2] / "docs/how-to/warehouse.md"
PLACEHOLDER = "postgresql://reader:secret@db.example.org:5432/shop"
RAW = "data/raw/churn.parquet"


def customers(first: int, rows: int) -> pl.DataFrame:
    """Rows of a shop's customers; the numbers of the first ones are missing in some columns."""
    draw = random.Random(first)
    table = []
    for number in range(first, first + rows):
        calls, price = draw.randrange(9), round(draw.uniform(5, 90), 2)
        table.append(
            {
                "customer_id": number,
                "plan": draw.choice(["básico", "Pro"]),
                "calls": None if number < 20 else calls,
                "price": price,
                "since": date(2024, 1, 1) + timedelta(days=draw.randrange(400)),
                "churned": "yes" if calls + price / 30 + draw.gauss(0, 1) > 6 else "no",
            }
        )
    return pl.DataFrame(table)


def inserted(table: pl.DataFrame) -> str:
    """The statement that puts the rows into the table `customers`."""

    def literal(value: object) -> str:
        return "null" if value is None else f"'{value}'"

    rows = ", ".join(f"({', '.join(map(literal, row))})" for row in table.iter_rows())
    return f"insert into customers ({', '.join(table.columns)}) values {rows}"


@dataclass(frozen=True)
class Made:
    """What the page's commands made, and what they wrote."""

    folder: Path
    env: dict[str, str]
    out: str

    @property
    def churn(self) -> Factory:
        return Factory(self.folder / "churn", self.env)

    @property
    def sales(self) -> Factory:
        return Factory(self.folder / "sales", self.env)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str], postgres: Server) -> Made:
    """The page from top to bottom, with a month between its first two chapters."""
    folder = tmp_path_factory.mktemp("warehouse")
    postgres.execute(
        "create table customers (customer_id bigint, plan text, calls int, price numeric(10, 2),"
        " since date, churned text, late text, moment timestamptz default '2025-03-01 12:00+02')"
    )
    postgres.execute(inserted(customers(1, 600)))
    (folder / "exports").mkdir()
    january, february = customers(1, 300), customers(301, 300)
    january.write_csv(folder / "exports/2025-01.csv")
    february[:, ::-1].write_csv(folder / "exports/2025-02.csv", separator=";")
    first, later = PAGE.read_text("utf-8").split("## New data next month")
    (query,) = (block for language, block in blocks(first) if language == "sql")
    (folder / "churn.sql").write_text(query, "utf-8")
    assert PLACEHOLDER in first
    known = {**env, "WAREHOUSE_URL": postgres.url()}
    begun = typed(first.replace(PLACEHOLDER, postgres.url()), folder, env)
    postgres.execute(inserted(customers(601, 100)))
    return Made(folder, known, begun + typed(later, folder, known))


def typed(text: str, folder: Path, env: dict[str, str]) -> str:
    """Type a chapter's commands into a shell; returns all that was shown."""
    script = "".join(block for language, block in blocks(text) if not language)
    done = execute(("bash", "-euo", "pipefail", "-c", script), folder, env)
    return done.stdout + done.stderr


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def churn(page: Made, postgres: Server) -> Iterator[Factory]:
    """The trained factory on PostgreSQL; what a test does to it and to the table is taken back."""
    yield page.churn
    reset(page.churn)
    postgres.execute("delete from customers where customer_id > 700")


@pytest.fixture
def sales(page: Made) -> Iterator[Factory]:
    """The factory on many files, with the data of all of them."""
    page.sales.run("factory", "data", "pull")
    page.sales.run("git", "add", "--all")
    page.sales.run("git", "commit", "--quiet", "--no-verify", "--allow-empty", "--message", "all")
    yield page.sales
    (page.folder / "exports/2025-03.csv").unlink(missing_ok=True)
    reset(page.sales)


def reset(factory: Factory) -> None:
    factory.run("git", "reset", "--quiet", "--hard")
    factory.run("git", "clean", "--quiet", "--force", "-d")
    (tracked,) = (factory.path / "data/raw").glob("*.dvc")
    factory.run("dvc", "checkout", "--quiet", "--force", str(tracked))


def snapshot(factory: Factory) -> dict[str, object]:
    found: dict[str, object] = json.loads(factory.text("data/snapshot.json"))
    return found


def refused(factory: Factory, *argv: str) -> str:
    """What a pull says that must fail and change nothing."""
    kept = (factory.path / RAW).read_bytes(), factory.text("data/snapshot.json")
    done = factory.run("factory", "data", "pull", *argv, code=1)
    assert "Traceback" not in done.stderr
    assert ((factory.path / RAW).read_bytes(), factory.text("data/snapshot.json")) == kept
    assert sorted(path.name for path in (factory.path / "data/raw").iterdir()) == [
        ".gitignore",
        "churn.parquet",
        "churn.parquet.dvc",
    ]
    return done.stderr


# From a database.


def test_the_page_runs_and_the_new_rows_are_there(page: Made) -> None:
    assert "700 rows from data/churn.sql through WAREHOUSE_URL (before: 600)" in page.out
    subjects = page.churn.run("git", "log", "--format=%s").stdout.splitlines()
    assert subjects[:2] == ["The data of this month", "Train the first model"]
    assert "up to date" in page.churn.run("dvc", "status").stdout
    assert page.churn.run("git", "status", "--porcelain").stdout == ""


def test_origin_time_rows_and_hash_are_recorded(page: Made) -> None:
    told = snapshot(page.churn)
    assert told["origin"] == "data/churn.sql through WAREHOUSE_URL"
    assert (told["rows"], told["columns"]) == (700, 6)
    assert f"md5: {told['hash']}" in page.churn.text(f"{RAW}.dvc")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", str(told["taken"]))


def test_the_password_is_nowhere(page: Made, postgres: Server) -> None:
    own = [path for path in page.churn.path.rglob("*") if ".venv" not in path.parts]
    written = b"".join(path.read_bytes() for path in own if path.is_file())
    history = page.churn.run("git", "log", "--all", "--patch").stdout
    for text in (written, history.encode(), page.out.encode()):
        assert postgres.password.encode() not in text
        assert f"127.0.0.1:{postgres.port}".encode() not in text


def test_values_keep_their_types_and_the_order_of_the_query(page: Made) -> None:
    rows = pl.read_parquet(page.churn.path / RAW)
    assert dict(zip(rows.columns, rows.dtypes, strict=True)) == {
        "customer_id": pl.Int64(),
        "plan": pl.String(),
        "calls": pl.Int64(),
        "price": pl.Float64(),
        "since": pl.Date(),
        "churned": pl.String(),
    }
    assert rows["customer_id"].to_list() == list(range(1, 701))
    assert rows.equals(pl.concat([customers(1, 600), customers(601, 100)]))


def test_the_same_rows_are_the_same_data(churn: Factory) -> None:
    told = churn.json("factory", "data", "pull", "--json")
    assert told["changed"] is False
    assert churn.run("git", "status", "--porcelain").stdout == ""


def test_a_snapshot_that_breaks_the_contract_is_refused(churn: Factory, postgres: Server) -> None:
    odd = customers(701, 3).with_columns(pl.lit("gold").alias("plan"))
    postgres.execute(inserted(odd))
    said = refused(churn)
    assert "plan: 3 rows: the value is none of the values in the catalog" in said
    assert "the old one stays" in said


def test_a_column_that_is_gone_is_refused(churn: Factory) -> None:
    churn.write("data/churn.sql", churn.text("data/churn.sql").replace("price, ", ""))
    assert "price: the data have no such column" in refused(churn)


def test_a_new_column_is_pointed_out_and_drafted(churn: Factory, postgres: Server) -> None:
    postgres.execute(inserted(customers(701, 100)))
    postgres.execute("update customers set late = 'last' where customer_id = 800")
    query = churn.text("data/churn.sql").replace("churned", "churned, late, moment")
    churn.write("data/churn.sql", query)
    told = churn.run("factory", "data", "pull").stderr
    assert "late, moment (source: churn.parquet): it is not in the catalog" in told
    churn.run("factory", "catalog", "draft")
    catalog = churn.text("features.yaml")
    assert "late:" in catalog
    rows = pl.read_parquet(churn.path / RAW)
    assert rows["moment"].dtype == pl.Datetime("us")
    assert str(rows["moment"][0]) == "2025-03-01 10:00:00"
    assert rows["late"].drop_nulls().to_list() == ["last"]


def test_what_is_wrong_with_the_database_is_told(churn: Factory, postgres: Server) -> None:
    def under(url: str) -> Factory:
        return Factory(churn.path, {**churn.env, "WAREHOUSE_URL": url})

    told = refused(under(postgres.url("s3cret")))
    assert "password authentication failed" in told
    assert "s3cret" not in told
    assert "WAREHOUSE_URL is not set" in refused(under(""))
    churn.write("data/churn.sql", "select * from nothing")
    assert 'the query in data/churn.sql fails: relation "nothing"' in refused(churn)


TODAY = (
    "select customer_id, plan, calls, price, since, moment,"
    " 9007199254740993::numeric(20, 0) as account from customers where customer_id <= 50"
)


def test_a_batch_is_scored_from_the_database(churn: Factory, postgres: Server) -> None:
    """As from a file with the same rows: decimals, dates and missing values among them."""
    (churn.path / "today.sql").write_text(f"{TODAY} order by customer_id;\n")
    customers(1, 50).drop("churned").write_csv(churn.path / "today.csv")
    known = {**churn.env, "OTHER_URL": postgres.url(), "WAREHOUSE_URL": ""}
    ways = (
        (churn, ("--query", "today.sql", "one.parquet")),
        (Factory(churn.path, known), ("--query", "today.sql", "two.csv", "--url-env", "OTHER_URL")),
        (churn, ("today.csv", "three.csv")),
    )
    for factory, way in ways:
        done = factory.json("factory", "predict", *way, "--json", "--no-log")
        assert (done["rows"], done["invalid"]) == (50, 0)
    one = pl.read_parquet(churn.path / "one.parquet")
    for name in ("two.csv", "three.csv"):
        read = pl.read_csv(churn.path / name, schema_overrides=one.schema)
        assert read.drop("scored_at").equals(one.drop("scored_at"))


def test_rows_of_a_query_that_break_the_contract_go_aside(churn: Factory) -> None:
    (churn.path / "today.sql").write_text(TODAY.replace("price", "-1 * price as price"))
    done = churn.run("factory", "predict", "--query", "today.sql", "out.csv", code=1)
    assert "50 of 50 rows cannot be scored" in done.stderr
    assert (churn.path / "out.quarantine.csv").is_file()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select * from nothing", 'fails: relation "nothing" does not exist'),
        (f"{TODAY} and false", "gives no row"),
        ("select customer_id, plan from customers", "the data lack the columns"),
        ("select 1, 2", "column 1 has no name: give it one with AS"),
        ("select pg_terminate_backend(pg_backend_pid()) as x", "the query in today.sql fails: "),
    ],
)
def test_a_query_that_cannot_be_scored_says_why(churn: Factory, sql: str, told: str) -> None:
    (churn.path / "today.sql").write_text(sql)
    done = churn.run("factory", "predict", "--query", "today.sql", "out.csv", code=1)
    assert told in done.stderr
    assert "hint: " in done.stderr
    assert not list(churn.path.glob("out*"))


def test_a_server_that_is_away_is_named_without_its_password(churn: Factory) -> None:
    away = {**churn.env, "WAREHOUSE_URL": "postgresql://reader:s3cret@127.0.0.1:1/none"}
    (churn.path / "today.sql").write_text(TODAY)
    argv = ("factory", "predict", "--query", "today.sql", "out.csv")
    done = Factory(churn.path, away).run(*argv, code=1)
    assert "the database of WAREHOUSE_URL cannot be reached" in done.stderr
    assert "s3cret" not in done.stderr


def test_many_batches_are_one_table(churn: Factory, tmp_path: Path) -> None:
    """A column that is empty in the first batch, and one whose numbers become fractions."""
    (tmp_path / "many.sql").write_text(
        "select n, case when n > 60000 then 'late' end as late, n % 2 = 0 as even,"
        " case when n < 60000 then 1::numeric else 0.5 end as part"
        " from generate_series(1, 120000) n order by n"
    )
    churn.write("features.yaml", "columns: {}\n")
    pull = ("factory", "data", "pull", "--json", "--from", str(tmp_path / "many.sql"))
    assert [churn.json(*pull)["changed"] for _ in range(2)] == [True, False]
    rows = pl.read_parquet(churn.path / RAW)
    assert rows.dtypes == [pl.Int64, pl.String, pl.Boolean, pl.Float64]
    assert (rows["n"].is_sorted(), rows.height) == (True, 120_000)
    assert rows["late"].null_count() == 60_000


def test_rows_are_read_in_batches(churn: Factory) -> None:
    code = (
        "from mlfactory_runtime.tables.query import batches, connect\n"
        "with connect('WAREHOUSE_URL') as connection:\n"
        "    print([b.height for b in batches(connection, 'select generate_series(1, 120000)')])"
    )
    assert churn.run("python", "-c", code).stdout == "[50000, 50000, 20000]\n"


def test_linter_types_and_tests_of_such_a_factory_are_content(churn: Factory) -> None:
    churn.run("ruff", "format", "--check", ".")
    churn.run("ruff", "check", ".")
    churn.run("mypy")
    churn.run("pytest")


def test_sqlite_leads_to_a_trained_model(tmp_path: Path, env: dict[str, str]) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute(
            "create table customers (customer_id integer, plan text, calls integer, price real,"
            " since text, churned text)"
        )
        database.execute(inserted(customers(1, 500)))
        database.commit()
    (tmp_path / "churn.sql").write_text("select * from customers order by customer_id")
    known = {**env, "SHOP": f"sqlite:///{tmp_path}/shop.db"}
    query = ("--query", "churn.sql", "--url-env", "SHOP", "--target", "churned", "--defaults")
    argv = (str(SCRIPTS / "mlfactory"), "new", "churn", *query, "--id", "customer_id", "--json")
    made = json.loads(execute(argv, tmp_path, known).stdout)
    factory = Factory(tmp_path / "churn", known)
    assert (made["rows"]["train"] > 0, made["verdict"] is not None) == (True, True)
    assert snapshot(factory)["rows"] == 500
    assert "psycopg" not in factory.text("pyproject.toml")
    (factory.path / "new.sql").write_text("select * from customers where customer_id > 400")
    factory.run("factory", "predict", "--query", "new.sql", "../scored.csv")
    assert pl.read_csv(tmp_path / "scored.csv").height == 100
    (factory.path / "new.sql").unlink()
    assert factory.run("git", "status", "--porcelain").stdout == ""


# From many files.


def test_files_are_joined_whatever_their_columns_order_and_separator(sales: Factory) -> None:
    joined = pl.read_csv(sales.path / "data/raw/exports.csv", try_parse_dates=True)
    assert joined.equals(pl.concat([customers(1, 300), customers(301, 300)]))
    assert snapshot(sales)["origin"] == "../exports/*.csv (2 files)"


def test_the_file_of_next_month_is_taken_too(sales: Factory) -> None:
    exports = sales.path.parent / "exports"
    customers(601, 50).write_csv(exports / "2025-03.csv")
    told = sales.run("factory", "data", "pull").stderr
    assert "650 rows from ../exports/*.csv (3 files) (before: 600)" in told
    assert sales.json("factory", "check", "--json")["ok"]


def test_a_file_with_another_column_is_named(sales: Factory) -> None:
    exports = sales.path.parent / "exports"
    customers(601, 50).with_columns(visits=1).write_csv(exports / "2025-03.csv")
    told = sales.run("factory", "data", "pull", code=1).stderr
    assert "../exports/2025-03.csv do not have the same columns: 'visits'" in told
    assert snapshot(sales)["rows"] == 600


def test_the_origin_can_be_said(sales: Factory) -> None:
    argv = ("--from", "../exports/2025-01.csv", "--origin", "the export of March")
    told = sales.json("factory", "data", "pull", *argv, "--json")
    assert (told["origin"], told["rows"]) == ("the export of March", 300)
    assert told["before"]["rows"] == 600
