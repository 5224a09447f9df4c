"""Tables that are larger than `data.in_memory_rows`: their rows stay in the prepared Parquet.

The model learns from all of them, a batch at a time. What is measured, compared and described is
so on a part of each side, drawn evenly, so that it takes no more memory than a table of that size.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from ..data.computed import featured
from ..data.rows import Part, load_part
from ..errors import FactoryError
from ..project import Project
from ..records.data import SplitRecord
from ..settings.catalog import Column, Derived
from .matrix import Matrix, matrix
from .signature import Feature, Signature, feature_of, masked

PARTS: tuple[Part, ...] = ("train", "validation", "holdout")
CELLS, MOST = 4_000_000, 100_000  # of a batch: numbers and rows
STORED, ON_CLUSTER = "row groups", "dask"  # what a model's record says of how its rows were read


@dataclass(frozen=True)
class Parts:
    """The rows of each part: all of them, or as many as are looked at where the others stay stored.

    `counts` says how many there are.
    """

    rows: dict[str, pl.DataFrame]
    counts: dict[str, int]

    @property
    def are_stored(self) -> bool:
        return any(rows.height < self.counts[part] for part, rows in self.rows.items())


class Stored:
    """A matrix of shape (rows, features) that is read from its files in order, batch by batch.

    Going back begins anew, so that it is fast only for who goes forward, as LightGBM does. As an
    array (`np.asarray`) it is whole, and takes the memory of that.
    """

    dtype, ndim = np.dtype(np.float64), 2

    def __init__(self, project: Project, files: Sequence[Path], signature: Signature) -> None:
        self.project, self.files, self.signature = project, tuple(files), signature
        self.size = max(1, min(MOST, CELLS // max(len(signature.features), 1)))
        places = [(place, part.y) for place, part in self._pieces()]
        # of each batch: its file, its first row there and the one after its last, and those in use
        self.blocks = [(*place, len(y)) for place, y in places]
        self.y = np.concatenate([np.empty(0), *(y for _, y in places)])
        self._start, self._block = 0, self._empty()
        self._rest: Iterator[Matrix] = iter(())

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.y), len(self.signature.features)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, place: int | slice) -> np.ndarray:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            return np.asarray(self._between(first, last)[::step])
        return np.array(self._between(place, place + 1)[0])

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self._between(0, len(self))

    def batches(self) -> Iterator[Matrix]:
        """The rows that the encoder does not refuse, encoded, in their order."""
        return (part for _, part in self._pieces() if len(part.y))

    def _pieces(self) -> Iterator[tuple[tuple[Path, int, int], Matrix]]:
        for file in self.files:
            begin = 0
            for rows in stored_rows(file, self.size):
                place = file, begin, begin + rows.height
                yield place, matrix(rows, self.signature, self.project.compute)
                begin += rows.height

    def _between(self, first: int, last: int) -> np.ndarray:
        if first < self._start or not len(self._block):
            self._start, self._block, self._rest = 0, self._empty(), self.batches()
        pieces, begin = [self._empty()], first
        while begin < last:
            end = self._start + len(self._block)
            if begin >= end:
                self._start, self._block = end, next(self._rest).x
                continue
            pieces.append(self._block[begin - self._start : last - self._start])
            begin += len(pieces[-1])
        return pieces[-1] if len(pieces) == 2 else np.concatenate(pieces)

    def _empty(self) -> np.ndarray:
        return np.empty((0, len(self.signature.features)))


def stored_rows(file: Path, size: int) -> Iterator[pl.DataFrame]:
    """The rows of a prepared part, a batch at a time."""
    return pl.scan_parquet(file).collect_batches(chunk_size=size, maintain_order=True)


def rows_between(file: Path, first: int, last: int) -> pl.DataFrame:
    """Some rows of a prepared part, from the first to before the last."""
    return pl.scan_parquet(file).slice(first, last - first).collect()


def part_files(project: Project, parts: Iterable[str] = PARTS) -> list[Path]:
    """Where the rows of these parts stand."""
    return [project.prepared / f"{part}.parquet" for part in parts]


def load_parts(project: Project, split: SplitRecord) -> Parts:
    """The three parts: whole, or of a large table and a model that can learn from stored rows, a
    part of each that is drawn evenly; together data.in_memory_rows.
    """
    total, most = sum(split.rows.values()), project.params.data.in_memory_rows
    if total <= most or not project.learns_in_batches:
        return Parts({part: load_part(project, part) for part in PARTS}, split.rows)
    rows = dict[str, pl.DataFrame]()
    for part, file in zip(PARTS, part_files(project), strict=True):
        count = split.rows[part]
        rows[part] = draw_rows(file, count, round(most / total * count))
    return Parts(rows, split.rows)


def draw_rows(file: Path, count: int, most: int) -> pl.DataFrame:
    """So many of the rows of a file, each as likely as another, in their order.

    FactoryError where the file is not the one whose rows were counted.
    """
    if not file.is_file():
        raise FactoryError(f"{file} is not here", "make it: dvc repro prepare")
    mask = np.zeros(count, dtype=bool)
    mask[np.random.default_rng(0).permutation(count)[: max(1, most)]] = True
    begin, pieces = 0, []
    for rows in stored_rows(file, MOST):
        pieces.append(rows.filter(pl.Series(mask[begin : begin + rows.height])))
        begin += rows.height
    return pl.concat(pieces)


def matrix_of(project: Project, files: Sequence[Path], signature: Signature) -> Matrix:
    """All rows of the files, which stay there; only what is predicted is held."""
    stored = Stored(project, files, signature)
    return Matrix(cast(np.ndarray, stored), stored.y)


def features_of(
    project: Project,
    parts: Iterable[str],
    declared: Mapping[str, Column | Derived],
    salts: Mapping[str, str],
) -> tuple[Feature, ...]:
    """What all rows of these parts say of each feature, as `describe` says it of those at hand."""
    counts = {n: Counter[str]() for n, one in declared.items() if one.role == "categorical"}
    missing = dict.fromkeys(declared, False)
    for file in part_files(project, parts):
        for rows in stored_rows(file, MOST):
            frame = featured(rows, declared, project.compute)
            for name in declared:
                missing[name] |= bool(frame[name].null_count())
            for name, own in counts.items():
                texts = masked(frame[name].drop_nulls(), salts[name]).rename("text")
                own.update(dict(texts.value_counts().sort("text").iter_rows()))
    return tuple(
        feature_of(n, one.dtype, one.role, missing[n], counts.get(n), salts[n])
        for n, one in declared.items()
    )


def reading(project: Project, parts: Parts) -> dict[str, str]:
    """What a model's record says of how it was fitted; nothing of one whose rows were held."""
    if not parts.are_stored:
        return {}
    return {"read": ON_CLUSTER if project.params.engine.kind == "dask" else STORED}


def notes(project: Project, parts: Parts) -> list[str]:
    """What to say of a model whose rows stay stored."""
    if not parts.are_stored:
        return []
    some, every = parts.rows["holdout"].height, parts.counts["holdout"]
    cluster = "it was fitted on a cluster, and is not reproducible to the byte"
    return [cluster] * (project.params.engine.kind == "dask") + [
        f"beyond data.in_memory_rows: the model learns from all {parts.counts['train']:,} rows, in "
        f"batches, and is measured on {some:,} of {every:,} held-out rows, drawn evenly"
    ]
