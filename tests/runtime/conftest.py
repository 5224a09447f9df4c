"""A factory that is trained once, in a folder of its own, and what its tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import EXAMPLE, Trained, train_copy, write_yaml

from ..customers import customers
from ..postgres import Server
from ..warm import before, put_clients, put_environment
from .factories import Factory, committed, drafted, end_started, in_dvc, kept, make, train
from .services import Row, Service, running

TASKS: dict[str, dict[str, Any]] = {
    "multiclass": {"task": "classification", "target": {"values": ["high", "low", "middle"]}},
    "regression": {
        "task": "regression",
        "target": {"dtype": "float", "range": [0, 100]},
        "time": "since",
    },
}


DERIVED = """import polars as pl


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns((pl.col("balance") / pl.col("age")).alias("balance per year"))
"""


def make_factory(folder: Path) -> Project:
    """The code that every new factory begins with, and a name; the example's catalog is lent it."""
    return make(folder, "example").project


def train_variant(
    folder: Path, task: str, target: dict[str, Any], *, refit: bool = False, **data: str
) -> Trained:
    """The example with another target, with rows that a column dates, or fitted anew on all."""
    own = make_factory(folder / "own")
    catalog = yaml.safe_load((EXAMPLE / "features.yaml").read_text("utf-8"))
    catalog["columns"]["churned"] |= {"values": None, **target}
    write_yaml(own.root / "features.yaml", catalog)
    known = {"path": "data/raw/rows.csv", "target": "churned", "id": "customer", **data}
    settings = {"task": task, "data": known, "model": {"refit": refit}}
    write_yaml(own.root / "params.yaml", settings)
    (folder / "factory").mkdir()
    return train_copy(own, folder / "factory")


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """The example's pipeline, run on made-up rows: prepare and train; each task once."""

    @cache
    def train(task: str) -> Trained:
        folder = tmp_path_factory.mktemp(task)
        if task in TASKS:
            return train_variant(folder, **TASKS[task])
        own = make_factory(folder / "own")
        if task == "derived":
            (own.source / "features.py").write_text(DERIVED, "utf-8")
            catalog = yaml.safe_load((EXAMPLE / "features.yaml").read_text("utf-8"))
            catalog["derived"] = {"balance per year": {"parents": ["balance", "age"]}}
            write_yaml(own.root / "features.yaml", catalog)
            shutil.copy(EXAMPLE / "params.yaml", own.root)
        if task == "linear":
            settings = yaml.safe_load((EXAMPLE / "params.yaml").read_text("utf-8"))
            write_yaml(own.root / "params.yaml", settings | {"model": {"kind": "linear"}})
            shutil.copy(EXAMPLE / "features.yaml", own.root)
        (folder / "factory").mkdir()
        return train_copy(own, folder / "factory")

    return train


@pytest.fixture(scope="session")
def trained(examples: Callable[[str], Trained]) -> Trained:
    """The example as it comes: two classes."""
    return examples("binary")


@pytest.fixture
def trained_copy(trained: Trained, tmp_path: Path) -> Project:
    """The trained factory in a folder of its own, with its code and no log, to be changed."""
    left = shutil.ignore_patterns("log", "__pycache__")
    shutil.copytree(trained.folder, tmp_path / "copy", ignore=left)
    return Project(tmp_path / "copy")


@pytest.fixture(autouse=True)
def _end_started() -> Iterator[None]:
    """Nothing that a test starts outlives it."""
    yield
    end_started()


@pytest.fixture(scope="session")
def _churn(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    table, folder = customers().drop("revenue", "segment"), tmp_path_factory.mktemp("churn")
    data = {"target": "churned", "id": "customer id"}
    return committed(train(drafted(folder / "churn", table, "classification", **data)))


@pytest.fixture
def churn(_churn: Factory, tmp_path: Path) -> Factory:
    """A trained factory of customers that stay or leave, to be changed."""
    return _churn.copy(tmp_path / "churn")


@pytest.fixture(scope="session")
def _tracked(_churn: Factory, tmp_path_factory: pytest.TempPathFactory) -> Factory:
    return in_dvc(_churn.copy(tmp_path_factory.mktemp("tracked") / "churn"))


@pytest.fixture
def tracked(_tracked: Factory, tmp_path: Path) -> Factory:
    """The same factory with its data and its pipeline in DVC."""
    return _tracked.copy(tmp_path / "churn")


@pytest.fixture(scope="session")
def _worse(_tracked: Factory, tmp_path_factory: pytest.TempPathFactory) -> Factory:
    factory = _tracked.copy(tmp_path_factory.mktemp("worse") / "churn")
    factory.change(model={"max_rounds": 1, "averaged": 1, "learning_rate": 0.001})
    factory.column("signup date", owner="@org/crm|<b>")
    return kept(train(factory), "Try next to nothing")


@pytest.fixture
def worse(_worse: Factory, tmp_path: Path) -> Factory:
    """The same factory, whose last commit makes the model worse, and renames an owner."""
    return _worse.copy(tmp_path / "churn")


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folders with `factory` and `dvc`, for tests that are not about how programs start."""
    place = tmp_path_factory.mktemp("warm")
    (place / "clients").mkdir()
    return before(str(put_environment(place / "own")), put_clients(place / "clients"))


@pytest.fixture
def database(postgres: Server) -> str:
    """The URL of an empty database of PostgreSQL."""
    return postgres.new_database()


@pytest.fixture(scope="session")
def services(
    examples: Callable[[str], Trained], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Service]]:
    """The running service of an example; each is started once."""
    with ExitStack() as stack:

        @cache
        def start(task: str) -> Service:
            folder = tmp_path_factory.mktemp("service")
            return stack.enter_context(running(examples(task), folder))

        yield start


@pytest.fixture
def service(services: Callable[[str], Service]) -> Service:
    """The service with the key that every request of these tests carries."""
    return services("binary")


@pytest.fixture
def row(service: Service) -> Row:
    """A row that the document gives as an example."""
    found: Row = service.json("/openapi.json")["components"]["schemas"]["Row"]["examples"][0]
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, churn: Factory, monkeypatch: pytest.MonkeyPatch
) -> Factory:
    """A factory whose log is in one of the databases, empty."""
    if request.param == "postgresql":
        monkeypatch.setenv("LOG_URL", request.getfixturevalue("database"))
        churn.change(log={"url_env": "LOG_URL"})
    return churn
