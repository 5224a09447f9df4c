"""models/model/card.json: the model card for machines."""

from typing import Literal

from .evaluation import Fold, Importance, Interval, Metrics, Segments
from .record import Part, Record, optional, with_alias


class Origin(Part):
    """Where a feature comes from: the sources of the raw columns that it is made of."""

    dtype: str
    role: str
    owner: str
    sources: dict[str, str] = with_alias("from")
    availability: str


class CardSplit(Part):
    """How rows were held out."""

    kind: Literal["time", "hash", "own"]
    cutoff: str | None


class Card(Record):
    """What the evaluation says of the model, and the lineage of every feature."""

    owner: str
    serving: str
    use: str
    task: Literal["binary", "multiclass", "regression"]
    target: str
    classes: tuple[str, ...]
    positive: str | None
    threshold: float | None
    rows: dict[str, int]
    metric: str
    models: dict[str, Metrics]
    gain: dict[str, Interval]
    verdict: Literal["accepted", "rejected"]
    reason: str
    segments: Segments | None
    importance: tuple[Importance, ...]
    backtest: tuple[Fold, ...]
    refit: int | None = optional()
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    split: CardSplit
    features: dict[str, Origin]
