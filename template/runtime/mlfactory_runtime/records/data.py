"""Where data come from, and which of their rows are held out."""

from typing import Literal

from pydantic import Field

from .record import Part, Record, optional


class Snapshot(Record):
    """data/snapshot.json: from where and when the raw data were taken; `hash` is DVC's, and
    `source_end` the last moment of what their source gave, where rows of the log are among them.
    """

    origin: str
    taken: str
    rows: int
    columns: int
    hash: str
    source_end: str | None = optional()


class SplitRecord(Record):
    """data/prepared/split.json: how rows were held out; `data` is the MD5 of the raw data.

    `classes` counts the rows of each part by class, where there are classes; `code` is the hash of
    a factory's own split.py, where that decided; `until` is the last moment of all parts, where
    rows have a time.
    """

    kind: Literal["time", "hash", "own"]
    cutoff: str | None
    rows: dict[str, int]
    unlabelled: int
    warnings: tuple[str, ...]
    data: str
    classes: dict[str, dict[str, int]] | None = optional()
    code: str | None = optional()
    until: str | None = optional()


class HeldOut(Part):
    """What a model says of the split that it was made with."""

    kind: Literal["time", "hash", "own"] = "hash"
    cutoff: str | None = None
    rows: dict[str, int] = Field(default_factory=dict)
    code: str | None = optional()
