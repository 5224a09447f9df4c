"""Data from PostgreSQL, from SQLite and from many files: the page's commands, and new snapshots."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from ..postgres import Server
from ..warehouse import TABLE, customers, inserted
from .conftest import SCRIPTS, Factory, execute

pytestmark = pytest.mark.xdist_group("postgres")
PAGE = Path(__file__).parents[2] / "docs/how-to/warehouse.md"
PLACEHOLDER = "postgresql://reader:secret@db.example.org:5432/shop"
RAW = "data/raw/churn.parquet"


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
def page(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str], postgres: Server) -> Made:
    """The page from top to bottom, with a month between its first two chapters."""
    folder = tmp_path_factory.mktemp("warehouse")
    postgres.execute(TABLE)
    postgres.execute(inserted(customers(1, 600)))
    (folder / "exports").mkdir()
    january, february = customers(1, 300), customers(301, 300)
    january.write_csv(folder / "exports/2025-01.csv")
    february[:, ::-1].write_csv(folder / "exports/2025-02.csv", separator=";")
    first, later = PAGE.read_text("utf-8").split("## New data next month")
    (query,) = (block for language, block in blocks(first) if language == "sql")
    (folder / "churn.sql").write_text(query, "utf-8")
    assert PLACEHOLDER in first
    known = {**warm, "WAREHOUSE_URL": postgres.url()}
    begun = typed(first.replace(PLACEHOLDER, postgres.url()), folder, warm)
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
