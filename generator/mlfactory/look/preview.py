"""What a factory's draft would say of the first rows, for whoever is asked about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from mlfactory_runtime.tables.file import is_parquet
from mlfactory_runtime.tables.kinds import ANYWHERE, MISSING

from . import columns, file, table, text
from .faults import as_ours

if TYPE_CHECKING:
    from mlfactory_runtime.draft.preview import Preview

SHORT, FILES = 24, 8


@dataclass(frozen=True)
class Beginning:
    """The first rows, as they stand in the data; in a `european` table 1,234 is a fraction."""

    frame: pl.DataFrame
    european: bool


@dataclass(frozen=True)
class Facts:
    """What the rows hold of a column: how many values differ, how many lack, and one of them."""

    name: str
    rows: int
    different: int
    missing: int
    example: str


@as_ours()
def beginning(paths: Sequence[Path], limit: int) -> Beginning:
    """At most so many rows, of several files the first of each of a few."""
    names = columns(tuple(paths))
    some = paths[:: -(-len(paths) // FILES)]
    parts = [first_rows(path, names, limit // len(some)) for path in some]
    frames = [frame for frame, _ in parts]
    return of_frame(pl.concat(frames, how="vertical_relaxed"), european=parts[0][1])


def first_rows(path: Path, names: Sequence[str], limit: int) -> tuple[pl.DataFrame, bool]:
    """The first rows of a file, and whether it is written as Europeans do."""
    if is_parquet(path):
        frame, _ = table.guard(path, lambda: table.read_parquet(path, names, file.SAMPLE_BYTES))
        return frame.head(limit), table.is_european(frame)
    head = text.read(path, file.SAMPLE_BYTES)
    frame = table.read_text(head, names).head(limit)
    return frame, table.is_european(frame, head.separator)


def of_frame(frame: pl.DataFrame, *, european: bool | None = None) -> Beginning:
    """The same of rows that were read elsewhere, without what holds no plain values."""
    plain = [name for name, dtype in frame.schema.items() if not table.is_no_value(dtype)]
    rows = frame.select(plain)
    return Beginning(rows, table.is_european(rows) if european is None else european)


def facts(rows: Beginning) -> tuple[Facts, ...]:
    """What is to be seen of each column."""
    return tuple(facts_of(values) for values in rows.frame.iter_columns())


def facts_of(values: pl.Series) -> Facts:
    """Blanks and what means missing in every table count as missing."""
    texts = values.cast(pl.String, strict=False).str.strip_chars()
    present = texts.filter(~texts.is_in(["", *MISSING, *ANYWHERE])).drop_nulls()
    example = present[0] if len(present) else "nothing"
    short = example if len(example) <= SHORT else f"{example[:SHORT]}…"
    lacking = len(values) - len(present)
    return Facts(values.name, len(values), present.n_unique(), lacking, short)


@as_ours()
def preview(rows: Beginning, *, task: str, target: str, identifier: str, time: str) -> Preview:
    """Which columns are about persons or may tell the target, and which rows belong together."""
    from mlfactory_runtime.draft import preview as draft

    return draft.preview(
        rows.frame,
        european=rows.european,
        task=task,
        target=target,
        identifier=identifier,
        time=time,
    )
