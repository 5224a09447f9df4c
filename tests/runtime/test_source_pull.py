"""New snapshots from PostgreSQL and from many files: what is refused, and batches from queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from mlfactory_runtime.tables.query import batches, connect
from mlfactory_runtime.testing.trained import write_yaml

from ..postgres import Server
from ..warehouse import TABLE, customers, inserted
from .factories import Factory, commit, make, program_path, train

pytestmark = pytest.mark.xdist_group("database")
RAW = "data/raw/churn.parquet"
QUERY = "select customer_id, plan, calls, price, since, churned from customers order by customer_id"


@dataclass(frozen=True)
class Shop:
    """The database of a shop."""

    server: Server
    url: str

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(sql.encode())


@pytest.fixture(scope="module")
def shop(postgres: Server) -> Iterator[Shop]:
    found = Shop(postgres, postgres.new_database())
    found.execute(TABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_URL", found.url)
        patch.setenv("PATH", program_path())
        yield found


def empty(folder: Path, **data: str) -> Factory:
    """A factory in git and DVC that has no data yet."""
    factory = make(folder, "churn")
    settings = {"target": "churned", "id": "customer_id", **data}
    write_yaml(folder / "params.yaml", {"task": "classification", "data": settings})
    factory.tool("git", "init", "--quiet", "--initial-branch=main")
    factory.tool("dvc", "init", "--quiet")
    return factory


@pytest.fixture(scope="module")
def _churn(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Factory:
    where = {"path": RAW, "source": "data/churn.sql", "url_env": "WAREHOUSE_URL"}
    factory = empty(tmp_path_factory.mktemp("shop") / "churn", **where)
    factory.write("data/churn.sql", QUERY)
    shop.execute(inserted(customers(1, 700)))
    factory.run("data", "pull")
    factory.run("catalog", "draft")
    return commit(train(factory), "The first model")


@pytest.fixture
def churn(_churn: Factory, shop: Shop, tmp_path: Path) -> Iterator[Factory]:
    """The trained factory on the database, to be changed; rows that a test adds are taken out."""
    yield _churn.copy(tmp_path / "churn")
    shop.execute("delete from customers where customer_id > 700")


def refused(factory: Factory, *argv: str) -> str:
    """What a pull says that must fail and change nothing."""
    kept = (factory.path / RAW).read_bytes(), factory.text("data/snapshot.json")
    done = factory.run("data", "pull", *argv, code=1)
    assert ((factory.path / RAW).read_bytes(), factory.text("data/snapshot.json")) == kept
    assert sorted(path.name for path in (factory.path / "data/raw").iterdir()) == [
        ".gitignore",
        "churn.parquet",
        "churn.parquet.dvc",
    ]
    return done.err


def test_a_snapshot_that_breaks_the_contract_is_refused(churn: Factory, shop: Shop) -> None:
    churn.column("plan", unseen="refuse")
    odd = customers(701, 3).with_columns(pl.lit("gold").alias("plan"))
    shop.execute(inserted(odd))
    said = refused(churn)
    assert "plan: 3 rows: the value is none of the values in the catalog" in said
    assert "the old one stays" in said


def test_a_column_that_is_gone_is_refused(churn: Factory) -> None:
    churn.write("data/churn.sql", churn.text("data/churn.sql").replace("price, ", ""))
    assert "price: the data have no such column" in refused(churn)


def test_a_new_column_is_pointed_out_and_drafted(churn: Factory, shop: Shop) -> None:
    shop.execute(inserted(customers(701, 100)))
    shop.execute("update customers set late = 'last' where customer_id = 800")
    query = churn.text("data/churn.sql").replace("churned", "churned, late, moment")
    churn.write("data/churn.sql", query)
    told = churn.run("data", "pull").err
    assert "late, moment (source: churn.parquet): it is not in the catalog" in told
    churn.run("catalog", "draft")
    catalog = churn.text("features.yaml")
    assert "late:" in catalog
    rows = pl.read_parquet(churn.path / RAW)
    assert rows["moment"].dtype == pl.Datetime("us")
    assert str(rows["moment"][0]) == "2025-03-01 10:00:00"
    assert rows["late"].drop_nulls().to_list() == ["last"]


def test_what_is_wrong_with_the_database_is_told(
    churn: Factory, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", shop.url.replace(shop.server.password, "s3cret"))
    told = refused(churn)
    assert "password authentication failed" in told
    assert "s3cret" not in told
    monkeypatch.setenv("WAREHOUSE_URL", "")
    assert "WAREHOUSE_URL is not set" in refused(churn)
    monkeypatch.setenv("WAREHOUSE_URL", shop.url)
    churn.write("data/churn.sql", "select * from nothing")
    assert 'the query in data/churn.sql fails: relation "nothing"' in refused(churn)


TODAY = (
    "select customer_id, plan, calls, price, since, moment,"
    " 9007199254740993::numeric(20, 0) as account from customers where customer_id <= 50"
)


def test_a_batch_is_scored_from_the_database(
    churn: Factory, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a file with the same rows: decimals, dates and missing values among them."""
    (churn.path / "today.sql").write_text(f"{TODAY} order by customer_id;\n")
    customers(1, 50).drop("churned").write_csv(churn.path / "today.csv")
    ways = (
        ("WAREHOUSE_URL", ("--query", "today.sql", "one.parquet")),
        ("OTHER_URL", ("--query", "today.sql", "two.csv", "--url-env", "OTHER_URL")),
        ("WAREHOUSE_URL", ("today.csv", "three.csv")),
    )
    for variable, way in ways:
        with monkeypatch.context() as patch:
            patch.delenv("WAREHOUSE_URL")
            patch.setenv(variable, shop.url)
            done = churn.json("predict", *way, "--json", "--no-log")
        assert (done["rows"], done["invalid"]) == (50, 0)
    one = pl.read_parquet(churn.path / "one.parquet")
    for name in ("two.csv", "three.csv"):
        read = pl.read_csv(churn.path / name, schema_overrides=one.schema)
        assert read.drop("scored_at").equals(one.drop("scored_at"))


def test_rows_of_a_query_that_break_the_contract_go_aside(churn: Factory) -> None:
    (churn.path / "today.sql").write_text(TODAY.replace("price", "'many' as price"))
    done = churn.run("predict", "--query", "today.sql", "out.csv", code=1)
    assert "50 of 50 rows cannot be scored" in done.err
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
    done = churn.run("predict", "--query", "today.sql", "out.csv", code=1)
    assert told in done.err
    assert "hint: " in done.err
    assert not list(churn.path.glob("out*"))


def test_a_server_that_is_away_is_named_without_its_password(
    churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://reader:s3cret@127.0.0.1:1/none")
    (churn.path / "today.sql").write_text(TODAY)
    done = churn.run("predict", "--query", "today.sql", "out.csv", code=1)
    assert "the database of WAREHOUSE_URL cannot be reached" in done.err
    assert "s3cret" not in done.err


def test_many_batches_are_one_table(churn: Factory, tmp_path: Path) -> None:
    """A column that is empty in the first batch, and one whose numbers become fractions."""
    (tmp_path / "many.sql").write_text(
        "select n, case when n > 60000 then 'late' end as late, n % 2 = 0 as even,"
        " case when n < 60000 then 1::numeric else 0.5 end as part"
        " from generate_series(1, 120000) n order by n"
    )
    churn.write("features.yaml", "columns: {}\n")
    pull = ("data", "pull", "--json", "--from", str(tmp_path / "many.sql"))
    assert [churn.json(*pull)["changed"] for _ in range(2)] == [True, False]
    rows = pl.read_parquet(churn.path / RAW)
    assert rows.dtypes == [pl.Int64, pl.String, pl.Boolean, pl.Float64]
    assert (rows["n"].is_sorted(), rows.height) == (True, 120_000)
    assert rows["late"].null_count() == 60_000


@pytest.mark.usefixtures("shop")
def test_rows_are_read_in_batches() -> None:
    with connect("WAREHOUSE_URL") as connection:
        read = batches(connection, "select generate_series(1, 120000)")
        assert [batch.height for batch in read] == [50_000, 50_000, 20_000]


@pytest.fixture
def sales(tmp_path: Path) -> Factory:
    """A factory on many files, with the data of all of them."""
    (tmp_path / "exports").mkdir()
    customers(1, 300).write_csv(tmp_path / "exports/2025-01.csv")
    customers(301, 300)[:, ::-1].write_csv(tmp_path / "exports/2025-02.csv", separator=";")
    factory = empty(tmp_path / "sales", path="data/raw/exports.csv", source="../exports/*.csv")
    factory.run("data", "pull")
    return factory


def snapshot(factory: Factory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(factory.text("data/snapshot.json"))
    return found


def test_a_file_with_another_column_is_named(sales: Factory) -> None:
    exports = sales.path.parent / "exports"
    customers(601, 50).with_columns(visits=1).write_csv(exports / "2025-03.csv")
    told = sales.run("data", "pull", code=1).err
    assert "../exports/2025-03.csv do not have the same columns: 'visits'" in told
    assert snapshot(sales)["rows"] == 600


def test_the_origin_can_be_said(sales: Factory) -> None:
    argv = ("--from", "../exports/2025-01.csv", "--origin", "the export of March")
    told = sales.json("data", "pull", *argv, "--json")
    assert (told["origin"], told["rows"]) == ("the export of March", 300)
    assert told["before"]["rows"] == 600
