"""What the monitor finds: what it prints, and what it keeps of each window in the log."""

from typing import Literal

from .evaluation import Metrics, OwnMetric
from .profile import Quality
from .record import Part, Record, optional

Number = int | float
State = Literal["alarm", "warning", "unknown", "ok"]
Verdict = Literal["alarm", "healthy", "unknown"]


class Model(Part):
    """The model that is watched."""

    version: str
    label: str
    commit: str | None


class Span(Part):
    """What was looked at: a file, or the log from `begin` to `end`, in windows of a `length`."""

    source: str
    begin: str | None = optional(alias="from")
    end: str | None = optional(alias="to")
    rows: int
    other_models: dict[str, int]
    length: str | None = optional()


class Rule(Part):
    """It rings when so many of the last windows are bad."""

    breaches: int
    windows: int


class Checked(Part):
    """A check with its status; `runbook` is a heading of docs/runbook.md.

    `detectable` is the smallest change that it finds in four of five windows with as many rows.
    """

    name: str
    kind: Literal["data", "prediction", "performance", "operation"]
    status: State
    value: Number | None
    threshold: Number | None
    message: str
    runbook: str
    feature: str | None = optional()
    source: str | None = optional()
    owner: str | None = optional()
    detectable: float | None = optional()


class Distribution(Part):
    """Shares of rows by bin, and of rows without a value, or with one that is new."""

    missing: float | None = optional()
    unseen: float | None = optional()
    rows: int | None = optional()
    bins: tuple[str, ...] | None = optional()
    shares: tuple[float, ...] | None = optional()


class Line(Part):
    """A feature, or a score, now and in training; None where it was not compared.

    Only features have a type, a role, and somebody to ask. `moved` is the share of rows that lie
    elsewhere, `surely` what is sure of it at 5 %, `error` the standard error, and
    `detectable` the smallest share that is found in four of five windows.
    """

    name: str
    test: str | None = None
    psi: float | None = None
    statistic: float | None = None
    p: float | None = None
    q: float | None = None
    missing: float | None = None
    unseen: float | None = None
    expected: Distribution = Distribution()
    observed: Distribution = Distribution()
    dtype: str | None = optional()
    role: str | None = optional()
    description: str | None = optional()
    source: str | None = optional()
    owner: str | None = optional()
    moved: float | None = optional()
    surely: float | None = optional()
    error: float | None = optional()
    detectable: float | None = optional()
    status: State = "unknown"


class Refusal(Part):
    """Rows in which a field broke a rule; `values` are new categories, with their rows."""

    field: str
    rule: str
    rows: int
    values: dict[str, int] = optional({})


class Refusals(Part):
    """Rows that got no answer; one that broke several rules counts for each of `rules`.

    Requests of `strangers`, who hold no key or whose key was not read, are counted apart.
    """

    rows: int
    rules: tuple[Refusal, ...]
    strangers: tuple[Refusal, ...] = optional(())


class Coverage(Part):
    """How many rows have an outcome, and in what these differ from the others (PSI, or a share)."""

    rows: int
    labelled: int
    differs: dict[str, float]


class Measured(Part):
    """The metrics of a window: of the rows with an outcome, and as estimated of all."""

    begin: str | None = optional(alias="from")
    end: str | None = optional(alias="to")
    rows: int
    labelled: int
    observed: Metrics | None
    estimate: Metrics | None


class Window(Record):
    """What later runs need to know of a window; `mark` tells whether rows came since, and `taken`
    when an outcome had last been taken in.

    `values` and `breaches` are of checks, by their names; `quality` is what answers with an outcome
    were worth, and `draws` says what these came in, if not by themselves: 12 values of 'shop'.
    """

    begin: str | None = optional(alias="from")
    end: str | None = optional(alias="to")
    model: str
    rows: int
    labelled: int
    draws: str = optional("")
    values: dict[str, Number]
    breaches: tuple[str, ...]
    observed: Metrics | None
    estimate: Metrics | None
    quality: dict[str, Quality] = optional({})
    coverage: Coverage | None = optional()
    verdict: Verdict | None = optional()
    mark: tuple[int, int, int] | None = optional()
    taken: int | None = optional()

    def measured(self) -> Measured:
        """Its metrics alone."""
        return Measured.model_validate(dict(self))


class EstimateError(Part):
    """How right the estimates of windows were, and in how many of them within their interval."""

    windows: int
    mean_error: float
    within: int


class Performance(Part):
    """How good the model is, beside the holdout (`reference`); the latest of `windows` is last."""

    task: str
    metric: str
    lower_is_better: bool
    own_metrics: dict[str, OwnMetric] = optional({})
    tolerance: float
    reference: Metrics | None
    rows: int
    labelled: int
    observed: Metrics | None
    estimate: Metrics | None
    estimate_was: EstimateError | None
    windows: tuple[Measured, ...]


class Monitored(Record):
    """All that was found in the latest window, or in a file; `history` tells of windows before."""

    verdict: Verdict
    model: Model
    window: Span
    rule: Rule
    checks: tuple[Checked, ...]
    features: tuple[Line, ...]
    predictions: tuple[Line, ...]
    performance: Performance
    unseen: tuple[str, ...]
    refused: Refusals | None = optional()
    coverage: Coverage | None = optional()
    history: tuple[Window, ...] = ()
