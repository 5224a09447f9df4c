"""`factory compare FILE`: a model against answers that something else gave to the same rows."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ..data.contract import read_rows
from ..errors import FactoryError
from ..files import recorded, short_hash
from ..learn.looks import looks
from ..learn.metrics import primary
from ..learn.signature import Signature
from ..predict.scorer import probabilities
from ..project import Project
from ..records.comparison import Comparison, Model
from ..registry.resolve import resolve
from ..scratch import temporary
from ..tables.read import read_batches
from . import compare as models
from .compare import NUMBER, Side
from .judge import judge

ENDINGS = (".csv", ".parquet")
BLIND = "; whether the other model has learned from these rows, its answers do not say"


def compare(project: Project, a: str, b: str) -> Comparison:
    """The verdict on B; A is a model, or a file of answers. Also written to reports/."""
    file = project.root / a
    if not (file.suffix in ENDINGS and file.is_file()):
        return models.compare(project, a, b)
    return models.keep(project, measured(project, file, b))


def measured(project: Project, file: Path, b: str) -> Comparison:
    """The same of a file, and nothing is written. FactoryError for a file that does not fit."""
    side = models.side_of(resolve(project, b))
    raw, rows = models.new_to_both(project, [side], [models.own_holdout(project, side)])
    classes = side.signature.classes
    theirs = answers(project, file, side, raw)
    with temporary() as folder:
        source = folder / "rows.parquet"
        raw.with_row_index(NUMBER).write_parquet(source)
        ours = models.answers(project, side.model, source, raw.height, classes)
    scored, groups = models.aligned(project, [side, side], rows, (theirs, ours), classes)
    verdict = judge(scored, groups, project.params, project.metrics)
    label = recorded(str(file.relative_to(project.root)))
    return Comparison(
        a=Model(label=label, model=short_hash(file.read_bytes())),
        b=side.as_model(),
        metric=project.params.gate.metric or primary(side.signature.task, project.params.model),
        a_metrics=verdict.a_metrics,
        b_metrics=verdict.b_metrics,
        rows=len(scored.y),
        left_out=raw.height - len(scored.y),
        segments=verdict.segments,
        margin=verdict.margin,
        difference=verdict.difference,
        verdict=verdict.verdict,
        reason=verdict.reason + BLIND,
        looks=looks(project),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def answers(project: Project, file: Path, side: Side, raw: pl.DataFrame) -> np.ndarray:
    """What the file says of each row, as metrics.py takes it; NaN where it says nothing."""
    columns = columns_of(side.signature)
    pieces = list(read_batches(file, project.params.data))
    if not pieces:
        message = f"{project.relative(file)} holds no row"
        raise FactoryError(message, "give one answer for each held-out row")
    table = pl.concat(pieces)
    if lacking := [name for name in columns if name not in table.columns]:
        raise FactoryError(
            f"{project.relative(file)} has no column {lacking[0]!r}",
            f"it needs {', '.join(columns)}, and the column that names a row",
        )
    numbers = table.select(pl.col(name).cast(pl.Float64, strict=False) for name in columns)
    p = in_order(project, file, table, numbers, raw)
    return p if len(columns) > 1 else p[:, 0]


def columns_of(signature: Signature) -> list[str]:
    """The columns that answers stand in: as `factory predict` writes them."""
    names = probabilities(signature)
    return ["prediction"] if not names else names[-1:] if len(names) == 2 else names


def in_order(
    project: Project, file: Path, table: pl.DataFrame, numbers: pl.DataFrame, raw: pl.DataFrame
) -> np.ndarray:
    """The numbers in the order of the rows: found by the column that names a row, or, without
    one, as they stand, where there are as many."""
    name, label = project.params.data.id, project.relative(file)
    if not name:
        if table.height != raw.height:
            why = f"{label} has {table.height:,} rows, and {raw.height:,} are held out"
            raise FactoryError(why, "score data/prepared/holdout.parquet, row by row")
        return numbers.to_numpy()
    if name not in table.columns:
        raise FactoryError(f"{label} has no column {name!r}", "it names the rows: data.id")
    both = [
        read_rows(part, {name: project.catalog.columns[name]}, project.params.data)[0][name]
        for part in (table, raw)
    ]
    keys = [values.cast(pl.String) for values in both]
    if keys[0].drop_nulls().is_duplicated().any():
        raise FactoryError(f"{label} names a row twice by {name!r}", "keep one answer for each")
    have = numbers.with_columns(keys[0].alias(NUMBER)).filter(keys[0].is_not_null())
    held_rows = pl.DataFrame({NUMBER: keys[1]})
    return (
        held_rows.join(have, on=NUMBER, how="left", maintain_order="left").drop(NUMBER).to_numpy()
    )
