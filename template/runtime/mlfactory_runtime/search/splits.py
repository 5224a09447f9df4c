"""The rows that a search is judged on: the factory's own inner splits, encoded once."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ..data.rows import key_text, load_part
from ..errors import FactoryError
from ..learn.draws import stretches
from ..learn.matrix import Matrix, matrix, usable
from ..learn.metrics import primary, row_losses
from ..learn.signature import Signature
from ..learn.split import split_key
from ..learn.stored import Parts
from ..learn.train import describe_model, read_split, refuse_unready
from ..learn.validation import Trial, classes_of, trials
from ..project import Project
from ..settings.model import Model
from ..settings.params import Params

MOST_ROWS = 50_000  # beyond, folds would cost more than they tell
FEW_ROWS, REPEATS = 1000, 2  # so many rows are parted anew so many times
BLOCKS, ENCODED = 100, 4
Array = np.ndarray


@dataclass(frozen=True)
class Part:
    """Rows to fit on, rows that tell when to stop, rows to score, and the block of each of these:
    blocks are of whole entities, or of stretches of time.
    """

    fitting: Matrix
    stopping: Matrix
    scoring: Matrix
    blocks: Array


@dataclass(frozen=True)
class View:
    """The parts as a model sees them that learns from some features."""

    signature: Signature
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Parting:
    """How the rows that are not held out are parted, in words, too."""

    project: Project
    frames: dict[str, pl.DataFrame]
    trials: tuple[Trial, ...]
    by: str
    is_past: bool
    views: dict[tuple[str, ...], View] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.frames.values())

    def view(self, params: Params) -> View:
        """The rows as these settings see them; what was encoded last is at hand."""
        without = params.model.without
        if without not in self.views:
            while len(self.views) >= ENCODED:
                del self.views[next(iter(self.views))]
            self.views[without] = encoded(self, self.project.with_params(params))
        return self.views[without]


def parting_of(project: Project) -> Parting:
    """The factory's inner splits; several times where rows are few. FactoryError without any."""
    refuse_unready(project)
    frames = {name: load_part(project, name) for name in ("train", "validation")}
    every, by, is_past = trials(project, frames, MOST_ROWS)
    if not is_past and len(every) > 1 and sum(f.height for f in frames.values()) <= FEW_ROWS:
        for luck in range(1, REPEATS):
            every += trials(project, frames, MOST_ROWS, luck)[0]
        by = f"{by}, {REPEATS} times"
    return Parting(project, frames, tuple(every), by, is_past)


def encoded(parting: Parting, project: Project) -> View:
    """What a model with the project's settings sees; parts that cannot be fitted are left out."""
    sizes = {name: frame.height for name, frame in parting.frames.items()}
    signature = describe_model(project, Parts(parting.frames, sizes), read_split(project))
    classes, parts = classes_of(project, parting.frames), []
    for number, trial in enumerate(parting.trials):
        scored = usable(trial.scoring, signature, project.compute)
        sides = (trial.fitting, trial.stopping, scored)
        fitting, stopping, scoring = (matrix(side, signature, project.compute) for side in sides)
        is_whole = all(len(part.y) for part in (fitting, stopping, scoring))
        if is_whole and len(np.unique(fitting.y)) >= classes:
            blocks = blocks_of(scored, project.params, number if parting.is_past else None)
            parts.append(Part(fitting, stopping, scoring, blocks))
    if not parts:
        raise FactoryError(
            f"no part of the rows ({parting.by}) can be fitted and scored",
            "deliver more rows, or of each class",
        )
    return View(signature, tuple(parts))


def blocks_of(rows: pl.DataFrame, params: Params, window: int | None) -> Array:
    """The block of each row, from 0: equal keys share one, and so do neighbours in time."""
    if window is not None:
        return stretches(rows[params.data.time or ""]) + 20 * window
    names = [name for name in split_key(params) if name in rows.columns] or rows.columns
    keys = key_text(rows, names)
    return np.array([zlib.crc32(key.encode()) % BLOCKS for key in keys], dtype=np.int64)


def counts_of(parts: Sequence[Part]) -> Array:
    """How many rows each block has."""
    return summed(parts, [np.ones(len(part.blocks)) for part in parts]).astype(int)


def summed(parts: Sequence[Part], losses: Sequence[Array]) -> Array:
    """Losses of rows, summed by block."""
    size = max(int(part.blocks.max()) for part in parts) + 1
    each = (np.bincount(p.blocks, w, size) for p, w in zip(parts, losses, strict=True))
    return np.asarray(sum(each))


def losses_of(
    project: Project, part: Part, signature: Signature, metric: str, settings: Model
) -> Array:
    """What a model that is fitted on a part loses on each row that it scores."""
    return row_losses(metric, part.scoring.y, answers_of(project, part, signature, settings))


def answers_of(project: Project, part: Part, signature: Signature, settings: Model) -> Array:
    """What a model that is fitted on a part says of the rows that it scores."""
    fit: Callable[..., Any] = project.estimator.fit
    model = fit(part.fitting, part.stopping, signature, settings)
    return np.asarray(project.estimator.predict(model, part.scoring.x))


def metric_of(view: View, params: Params) -> str:
    """What is made smaller."""
    return primary(view.signature.task, params.model)


def total(metric: str, losses: Array, weights: Array) -> float:
    """The metric of losses that stand for so many rows."""
    mean = float(losses.sum() / weights.sum())
    return mean**0.5 if metric == "rmse" else mean
