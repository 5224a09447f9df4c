"""The raw values of the data, as drafting looks at them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from ..data.rows import head_of, missing_as_null
from ..errors import FactoryError
from ..project import Project
from ..scratch import temporary
from ..settings.params import Params
from ..tables.file import is_parquet
from ..tables.kinds import any_european
from ..tables.read import check_table, parquet, read_batches, reading, unread_columns
from .glance import Glance, glances

CELLS = 2_000_000


@dataclass(frozen=True)
class Table:
    """The raw values, column by column from disk, and what is known of the file."""

    rows: pl.LazyFrame
    names: tuple[str, ...]
    height: int
    european: bool
    params: Params
    answers_unseen: bool = False
    unread: tuple[str, ...] = ()

    def columns(self, names: Sequence[str]) -> Iterator[tuple[pl.Series, Glance]]:
        """The values of the file, without the markers for missing and the blanks around them, and
        what shows of them at once.

        So many columns are read at once as hold about CELLS values.
        """
        step = max(1, CELLS // max(1, self.height))
        for begin in range(0, len(names), step):
            raw = self.rows.select(names[begin : begin + step]).collect()
            table = missing_as_null(raw, self.params.data)
            table = table.with_columns(pl.col(pl.String).str.strip_chars())
            views = glances(table, european=self.european)
            yield from ((one, views.get(one.name, Glance())) for one in table.iter_columns())


@contextmanager
def open_table(project: Project) -> Iterator[Table]:
    """The table behind data.path; FactoryError if it has no column for the target."""
    path = project.raw
    if not project.catalog.columns:
        check_table(path, project.params.data)
    params, beginning = head_of(path, project.params)
    if params.data.target not in beginning.columns:
        text = f"{project.relative(path)} has no column {params.data.target!r}"
        raise FactoryError(text, "correct data.target in params.yaml")
    with temporary() as folder, reading(path):
        if path.suffix != ".parquet":
            for i, batch in enumerate(read_batches(path, params.data)):
                batch.write_parquet(folder / f"{i:06}.parquet")
        rows = parquet(path if is_parquet(path) else f"{folder}/*.parquet")
        height = rows.select(pl.len()).collect().item()
        european = any_european(missing_as_null(beginning, params.data), params.data.separator)
        names = tuple(beginning.columns)
        unread = tuple(unread_columns(path)) if is_parquet(path) else ()
        yield Table(rows, names, height, european, params, project.answers_unseen, unread)
