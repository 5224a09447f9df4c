"""`mlfactory new --query`: what is wrong is told before anything is made, without the password."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
import yaml
from mlfactory import look
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.look import query

from . import evolving
from .conftest import Command
from .postgres import Server
from .waiting import own_port

pytestmark = [pytest.mark.xdist_group("postgres"), pytest.mark.usefixtures("here")]
URL = "WAREHOUSE_URL"
SELECT = "select id, amount, churned from customers order by id"


@pytest.fixture
def mlfactory() -> Command:
    """The program in a process that has imported its packages: how it starts is not asked here."""
    return evolving.mlfactory


@pytest.fixture
def sql(here: Path) -> Path:
    path = here / "churn.sql"
    path.write_text(SELECT + ";\n")
    return path


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An SQLite database, whose URL stands in the environment."""
    path = tmp_path / "shop.db"
    rows = [(n, n % 7 + 0.5, "yes" if n % 3 else "no") for n in range(300)]
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table customers (id integer, amount real, churned text)")
        database.executemany("insert into customers values (?, ?, ?)", rows)
        database.commit()
    monkeypatch.setenv(URL, f"sqlite:///{path}")
    return path


def new(mlfactory: Command, here: Path, *options: object, code: int = 1, **env: str) -> str:
    """What `mlfactory new` says when it fails; nothing is left behind."""
    before = sorted(here.iterdir())
    result = mlfactory("new", "churn", "--defaults", *options, code=code, **env)
    assert "Traceback" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert "\nhint: " in result.stderr
    assert sorted(here.iterdir()) == before
    return result.stderr + result.stdout


CHURN = ("--query", "churn.sql", "--url-env", URL, "--target", "churned")


# What was typed.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--query", "churn.sql", "--target", "churned"), "--query needs --url-env"),
        (("--url-env", URL), "there is none"),
        ((*CHURN, "--data", "x.csv"), "--data and --query both"),
        ((*CHURN, "--set", "data_source=x.sql"), "--query says where the data are, and --set too"),
        (("--query", "churn.sql", "--url-env", URL), "The columns are id, amount, churned."),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    here: Path, sql: Path, mlfactory: Command, options: tuple[str, ...], said: str
) -> None:
    assert sql.is_file()
    assert said in new(mlfactory, here, *options, code=2)


def test_a_url_in_place_of_the_variables_name_is_not_repeated(
    here: Path, sql: Path, mlfactory: Command
) -> None:
    assert sql.is_file()
    options = ("--query", "churn.sql", "--url-env", "postgresql://me:s3cret@host/db")
    assert "s3cret" not in new(mlfactory, here, *options, code=2)


def test_a_template_without_the_question_takes_no_query(
    here: Path, sql: Path, mlfactory: Command, contract_template: Path
) -> None:
    assert sql.is_file()
    output = new(mlfactory, here, *CHURN, "--template", contract_template, code=2)
    assert "this template has no question" in output


# The file.


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(
    here: Path, sql: Path, mlfactory: Command
) -> None:
    options = ("--query", "chrun.sql", "--url-env", URL, "--target", "churned")
    assert f"Did you mean {sql}?" in new(mlfactory, here, *options)


@pytest.mark.parametrize("text", ["", " \n", ";\n"])
def test_an_empty_query_is_refused(sql: Path, text: str) -> None:
    sql.write_text(text)
    with pytest.raises(MlfactoryError, match="is empty"):
        query.check(sql)


@pytest.mark.parametrize("name", ["a b.sql", "churn.txt", "{{ x }}.sql"])
def test_a_query_has_a_plain_name(here: Path, name: str) -> None:
    (here / name).write_text(SELECT)
    with pytest.raises(UsageError, match="plain name"):
        query.check(here / name)


def test_a_variable_that_is_not_set_is_named(here: Path, sql: Path, mlfactory: Command) -> None:
    assert sql.is_file()
    assert "WAREHOUSE_URL is not set" in new(mlfactory, here, *CHURN, **{URL: ""})


# The database.


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "WAREHOUSE_URL is not set"),
        ("nonsense", "holds no SQLAlchemy URL"),
        ("postgresql://me:s3cret", "holds no SQLAlchemy URL"),
        ("postgresql://me:s3@cret@host/db", "in a password, @ is %40"),
        ("sqlite:///nothing.db", "there is no database 'nothing.db'"),
        ("nosuch://me:s3cret@host/db", "the driver"),
        ("postgresql+nosuch://me:s3cret@host/db", "the driver"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv(URL, url)
    with pytest.raises(MlfactoryError) as caught:
        query.connect(URL)
    text = f"{caught.value.message}\n{caught.value.hint}"
    assert said in text
    assert "s3" not in text
    assert not (here / "nothing.db").exists()


def test_a_path_that_means_another_file_in_the_factory_is_told(
    here: Path, sql: Path, shop: Path, mlfactory: Command
) -> None:
    assert sql.is_file()
    shop.rename(here / "shop.db")
    output = new(mlfactory, here, *CHURN, **{URL: "sqlite:///shop.db"})
    assert f"export {URL}=sqlite:///{here}/shop.db" in output


def test_a_server_that_does_not_answer_is_told(here: Path, sql: Path, mlfactory: Command) -> None:
    assert sql.is_file()
    with own_port() as port:
        url = f"postgresql://me:s3cret@127.0.0.1:{port}/db"
        output = new(mlfactory, here, *CHURN, **{URL: url})
    assert "the database of WAREHOUSE_URL cannot be reached" in output
    assert "s3cret" not in output


def test_a_server_that_refuses_the_password_is_told(
    here: Path, sql: Path, mlfactory: Command, postgres: Server
) -> None:
    assert sql.is_file()
    output = new(mlfactory, here, *CHURN, **{URL: postgres.url("s3cret")})
    assert "password authentication failed" in output
    assert "s3cret" not in output


# What the query gives.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selec 1", 'syntax error at or near "selec"'),
        ("select * from nothing", 'relation "nothing" does not exist'),
        ("select 1 / (n - 5) as x from generate_series(1, 9) n", "division by zero"),
        ("select 1 as a, 2 as a", "two columns are named 'a'"),
        ("select 1 + 1, 2 as b", "column 1 has no name"),
        ("select n as churned from generate_series(1, 9) n where false", "gives no row"),
        ("create table made (a int)", "fails"),
        ("select n as churned from generate_series(1, 99) n", "has one column only"),
        ("select n, 'yes' as churned from generate_series(1, 99) n", "'yes' in every row"),
        ("select n, n % 2 as churned from generate_series(1, 5) n", "rows"),
    ],
)
def test_what_is_no_table_to_learn_from_is_told(
    sql: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv(URL, postgres.url())
    sql.write_text(text)
    with pytest.raises(MlfactoryError) as caught:
        answer = query.ask(sql, URL)
        look.look_frame("the query", answer.frame, answer.rows, target="churned")
    assert said in caught.value.message
    assert caught.value.hint


def test_a_query_that_fails_is_told_before_anything_is_made(
    here: Path, sql: Path, mlfactory: Command, postgres: Server
) -> None:
    sql.write_text("select * from nothing")
    output = new(mlfactory, here, *CHURN, **{URL: postgres.url()})
    assert f'the query in {sql} fails: relation "nothing" does not exist' in output
    assert postgres.password not in output


def test_the_database_is_not_changed(sql: Path, shop: Path) -> None:
    sql.write_text("delete from customers returning id, churned")
    query.ask(sql, URL)
    with closing(sqlite3.connect(shop)) as database:
        assert database.execute("select count(*) from customers").fetchone() == (300,)


def test_what_a_statement_without_rows_gives_is_no_table(sql: Path) -> None:
    sql.write_text("delete from customers")
    with pytest.raises(MlfactoryError, match="it gives no table"):
        query.ask(sql, URL)


def test_only_the_first_rows_are_looked_at_and_that_is_said(
    sql: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, postgres.url())
    sql.write_text("select n, n % 2 = 0 as even from generate_series(1, 3000000) n")
    answer = query.ask(sql, URL)
    assert (answer.frame.height, answer.rows) == (10_000, None)
    facts = look.look_frame("numbers", answer.frame, answer.rows, target="even")
    assert any("first 10,000 rows" in warning for warning in facts.warnings)


def test_types_are_those_that_the_factory_will_have(
    sql: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, postgres.url(scheme="postgres"))
    sql.write_text("""
        select 1.5::numeric as amount, 5000000000 as big, true as flag, 'Müller' as name,
        null as nothing, date '2025-01-31' as day, timestamptz '2025-01-31 12:00+02' as moment,
        array[1, 2] as list, '{"a": 1}'::jsonb as nested""")
    assert query.ask(sql, URL).frame.schema == {
        "amount": pl.Float64(),
        "big": pl.Int64(),
        "flag": pl.Boolean(),
        "name": pl.String(),
        "nothing": pl.String(),
        "day": pl.Date(),
        "moment": pl.Datetime("us"),
        "list": pl.String(),
        "nested": pl.String(),
    }


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgres://h/d", "postgresql"),
        ("postgresql+psycopg://h/d", "postgresql"),
        ("postgresql+psycopg2://h/d", "other"),
        ("mariadb://h/d", "mysql"),
        ("oracle://h/d", "other"),
    ],
)
def test_the_kind_of_database_decides_what_a_factory_installs(
    monkeypatch: pytest.MonkeyPatch, url: str, kind: str
) -> None:
    monkeypatch.setenv(URL, url)
    assert query.database(URL) == kind


# Making and resuming.


def test_the_query_is_committed_and_the_url_is_nowhere(
    here: Path, sql: Path, mlfactory: Command, command: Command, postgres: Server
) -> None:
    sql.write_text("select n as id, n % 3 = 0 as churned from generate_series(1, 99) n;")
    env = {URL: postgres.url()}
    result = mlfactory("new", "churn", *CHURN, "--defaults", "--no-setup", "--json", **env)
    assert json.loads(result.stdout)["rows"] == 99
    tracked = command("git", "ls-files", cwd=here / "churn").stdout.split()
    assert "data/churn.sql" in tracked
    settings = (here / "churn/params.yaml").read_text()
    assert 'source: "data/churn.sql"\n' in settings
    assert 'url_env: "WAREHOUSE_URL"\n' in settings
    assert "mlfactory-runtime[train,postgresql]" in (here / "churn/pyproject.toml").read_text()
    files = [path for path in (here / "churn").rglob("*") if path.is_file()]
    history = command("git", "log", "--all", "--patch", cwd=here / "churn").stdout
    written = b"".join(path.read_bytes() for path in files) + (result.stderr + history).encode()
    assert postgres.password.encode() not in written
    assert b"@127.0.0.1" not in written


def test_an_update_keeps_the_source(
    here: Path, sql: Path, mlfactory: Command, command: Command
) -> None:
    assert sql.is_file()
    mlfactory("new", "churn", *CHURN, "--defaults", "--no-setup")
    version = yaml.safe_load((here / "churn/.copier-answers.yml").read_text())["_commit"]
    again = ("copier", "recopy", "--defaults", "--overwrite", "--quiet", "--vcs-ref", version)
    command(*again, cwd=here / "churn")
    assert command("git", "status", "--porcelain", cwd=here / "churn").stdout == ""


def test_another_query_does_not_resume(here: Path, sql: Path, mlfactory: Command) -> None:
    mlfactory("new", "churn", *CHURN, "--defaults", "--no-setup")
    (here / "other.sql").write_text(SELECT)
    result = mlfactory("new", "churn", "--query", "other.sql", code=2)
    assert f"--query says '{here}/other.sql', but churn was begun with '{sql}'" in result.stderr
    assert "is there already" in mlfactory("new", "churn", *CHURN, "--no-setup").stderr
