"""The settings in params.yaml: every one is checked, and has its default here."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from ..files import short_hash
from ..languages import ENGLISH, codes
from .batch import Batch
from .decision import Decision
from .engine import Engine
from .model import Model
from .monitor import Monitor as Monitor
from .release import Release
from .section import Section
from .yaml import read_checked

Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]


class Data(Section):
    """Where the rows come from and which columns play a part."""

    path: str = Field(description="The file that holds the raw data; DVC keeps it.")
    source: str | None = Field(
        default=None,
        description="Where `factory data pull` fetches it: a file, a glob, or a .sql or .py file.",
    )
    table: str | None = Field(
        default=None, description="The sheet or the table, of a source that holds several."
    )
    url_env: str | None = Field(
        default=None, description="The environment variable with the database's URL, for a .sql."
    )
    outcomes: bool = Field(
        default=True,
        description="Whether retraining also learns from logged predictions with a known outcome.",
    )
    target: str = Field(description="The column to predict.")
    id: str | None = Field(default=None, description="The column that names a row or an entity.")
    time: str | None = Field(
        default=None, description="The column that dates a row; the newest rows are held out."
    )
    separator: str = Field(default=",", description="What parts the columns of a text file.")
    encoding: str = Field(default="utf-8", description="How a text file that is not UTF-8 is read.")
    missing: tuple[str, ...] = Field(
        default=("", "NA", "N/A", "NaN", "nan", "null", "NULL"),
        description="Values that mean missing in every column; others stand in features.yaml.",
    )
    max_columns: int = Field(
        default=20_000, ge=2, description="A table with more columns than this is refused."
    )
    max_ratio: float = Field(
        default=200, gt=1, description="A packed file may grow so many times when it is unpacked."
    )
    in_memory_rows: int = Field(
        default=1_000_000,
        ge=20_000,
        description="A model of more rows learns in batches, and is measured on so many.",
    )
    min_class_rows: int = Field(
        default=1, ge=1, description="Rows of a class that has fewer are left out, and named."
    )
    positive: Trimmed | None = Field(
        default=None, description="Of two classes, the one that the probability is about."
    )


class Split(Section):
    """How rows are held out."""

    holdout: float = Field(default=0.2, gt=0, lt=1, description="The share of rows to test on.")
    validation: float = Field(
        default=0.2, gt=0, lt=1, description="Of the others, the share that tells when to stop."
    )
    salt: str | None = Field(
        default=None, description="Decides who is held out. Drawn once: another one changes sides."
    )
    key: tuple[str, ...] = Field(
        default=(), description="Without data.id: the columns whose values decide on the side."
    )
    group: str | tuple[str, ...] | None = Field(
        default=None, description="A column, or several, whose equal rows all stay on one side."
    )
    backtest_folds: int = Field(
        default=3, ge=0, le=20, description="With data.time: how many past windows are tested."
    )

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns of `group`."""
        return (self.group,) if isinstance(self.group, str) else self.group or ()


def _language(code: str) -> str:
    if code not in codes():
        raise ValueError(f"is {code!r}, and the languages are {', '.join(codes())}")
    return code


class Report(Section):
    """What people read: in which language, and which columns' groups the report compares."""

    segments: tuple[str, ...] = Field(
        default=(), description="Columns whose groups the report compares."
    )
    language: Annotated[str, AfterValidator(_language)] = Field(
        default=ENGLISH,
        description="The language of reports, the monitor's page and alerts: en or es.",
        json_schema_extra={"enum": [*codes()]},
    )


class Gate(Section):
    """When a new model counts as better than the one before."""

    metric: str | None = Field(
        default=None, description="What they are compared by; else log_loss, or rmse of numbers."
    )
    margin: float = Field(
        default=0.02,
        gt=0,
        lt=1,
        description="A difference that matters, as a share of the old model's metric.",
    )
    min_rows: int = Field(
        default=200, ge=30, description="With fewer rows that are new to both, nothing is decided."
    )
    window: float | None = Field(
        default=None, gt=0, description="Only rows of the last so many days count; else all."
    )
    time: str | None = Field(
        default=None, description="The column that dates rows for the window; else data.time."
    )


class Serving(Section):
    """How predictions are made, which decides what a model may know."""

    mode: Literal["batch", "online"] = Field(
        default="batch", description="In batches, or one by one on request."
    )
    max_rows: int = Field(default=1000, ge=1, description="So many rows one request may hold.")
    max_body: int = Field(
        default=1_000_000, ge=1000, description="So many bytes one request may hold."
    )
    timeout: float = Field(
        default=10, gt=0, description="So many seconds a client may take to send its request."
    )
    key_env: str = Field(
        default="FACTORY_API_KEY",
        description="If this environment variable is set, requests must carry its value as a key.",
    )
    keys_env: str = Field(
        default="FACTORY_API_KEYS",
        description="If this one names a file, the keys stand in it, each on a line: NAME: KEY.",
    )
    max_connections: int = Field(
        default=1000, ge=1, description="So many connections one process may hold at once."
    )
    max_rate: float | None = Field(
        default=None, gt=0, description="So many requests a second one client may make; else any."
    )


class Log(Section):
    """Where predictions and outcomes are written down, how soon, and for how long."""

    enabled: bool = Field(default=True, description="Whether predictions are written down.")
    path: str = Field(
        default="log/predictions.db",
        description="The SQLite file that holds predictions and outcomes.",
    )
    url_env: str | None = Field(
        default=None,
        description="The environment variable with a database's URL, instead of the file.",
    )
    key_env: str = Field(
        default="FACTORY_LOG_KEY",
        description="The environment variable with the key that sensitive values are hashed with.",
    )
    interval: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="What waits is written after so many seconds; a crash loses no more.",
    )
    batch: int = Field(
        default=1000, ge=1, description="Where so many rows wait, they are written at once."
    )
    queue: int = Field(
        default=10_000,
        ge=1,
        description="At most so many rows wait; what is more is dropped, and counted.",
    )
    retention_days: int = Field(
        default=365, ge=1, description="Rows older than so many days are deleted."
    )


class Alerts(Section):
    """Who is told when something is wrong; the channels are secrets, and stand in no file."""

    urls_env: str = Field(
        default="FACTORY_ALERT_URLS",
        description="The environment variable with the channels, as Apprise's URLs.",
    )
    repeat_days: int = Field(
        default=7, ge=1, description="What goes on is said again after so many days."
    )


class Signing(Section):
    """Whose models are used: those that one of the keys has signed; without a key, any."""

    keys: tuple[str, ...] = Field(
        default=(),
        description="Files of public keys (PEM): if there are any, no other model is used.",
    )


class Params(Section):
    """All settings of the factory."""

    task: Literal["classification", "regression"] = Field(description="What is predicted.")
    data: Data
    split: Split = Split()
    model: Model = Model()
    decision: Decision = Decision()
    report: Report = Report()
    gate: Gate = Gate()
    serving: Serving = Serving()
    batch: Batch = Batch()
    engine: Engine = Field(
        default=Engine(),
        exclude_if=lambda engine: bool(engine.kind == "none"),  # older models keep their hash
    )
    log: Log = Log()
    monitor: Monitor = Monitor()
    alerts: Alerts = Alerts()
    release: Release = Release()
    signing: Signing = Signing()

    @model_validator(mode="after")
    def _objective_fits_the_task(self) -> "Params":
        if self.model.objective and self.task != "regression":
            raise ValueError(
                f"model.objective is {self.model.objective}, which is for numbers, and the task is "
                f"{self.task}: leave it out"
            )
        return self


def load_params(path: Path) -> Params:
    """Read and check the settings; a FactoryError names every setting that is wrong."""
    return read_checked(path, Params)


# Where rows came from, and how models are served and looked after, changes nothing learned.
NOT_LEARNED: dict[str, Any] = {
    "data": {"source", "url_env", "outcomes", "max_columns", "max_ratio"},
    "serving": {
        "max_rows",
        "max_body",
        "timeout",
        "key_env",
        "keys_env",
        "max_connections",
        "max_rate",
    },
    "report": {"language"},
    "batch": True,
    "engine": {"address", "workers"},
    "log": True,
    "gate": True,
    "monitor": True,
    "alerts": True,
    "release": True,
    "signing": True,
}


def params_hash(params: Params) -> str:
    """Of the settings that a model depends on.

    One that is younger than models that exist counts only where it is set.
    """
    usual = {"min_class_rows", "in_memory_rows"}
    younger = {n for n in usual if getattr(params.data, n) == Data.model_fields[n].default}
    left_out = NOT_LEARNED | {"data": NOT_LEARNED["data"] | younger}
    return short_hash(params.model_dump_json(exclude=left_out).encode())
