"""What a retraining learns from: data from their source, and outcomes of the prediction log."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from ..data.rows import missing_as_null, parse
from ..data.source import pull
from ..errors import FactoryError
from ..log.store import engine_of, labels
from ..project import SNAPSHOT, Project
from ..records.data import Snapshot
from ..records.record import read
from ..tables.query import reason
from ..tables.read import read_batches
from .harvest import LOG, Harvest, harvest


@dataclass(frozen=True)
class Extent:
    """How many rows there are, and when the newest one is dated; None where that is not known."""

    rows: int
    end: datetime | None


def fetch(project: Project, copy: Project, *, fewer: bool = False) -> str:
    """Take what is new into the copy; what that was, in words.

    FactoryError if a source gives fewer rows than are here, or ends earlier, unless that is meant.
    """
    if not project.params.data.source:
        return tell(harvest(copy, project.params, copy.catalog))  # its settings name the log in use
    snapshot = pull(project, into=copy).snapshot
    text = f"{snapshot.rows:,} rows from {snapshot.origin}{joined(project, copy)}"
    if not fewer:
        refuse_less(project, copy, text)
    return text


def tell(harvest: Harvest) -> str:
    """What came from the log, in words."""
    text = f"{harvest.rows:,} predictions whose outcome is known"
    return text + (f", {harvest.left_out:,} left out" if harvest.left_out else "")


def joined(project: Project, copy: Project) -> str:
    """What the log adds to rows from a source, in words; nothing where no outcome is known."""
    try:
        if not project.params.data.outcomes or not has_outcomes(project):
            return ""
        return f", and {tell(harvest(copy, project.params, copy.catalog))}"
    except FactoryError as error:
        return f", without {LOG}: {error.message}"
    except sa.exc.SQLAlchemyError as error:
        return f", without {LOG}: {reason(error, engine_of(project.params.log).url)}"


def has_outcomes(project: Project) -> bool:
    """Whether the log holds any; where there is no log, none is made."""
    params = project.params
    if not params.log.url_env and not Path(params.log.path).is_file():
        return False
    with engine_of(params.log).connect() as connection:
        if not sa.inspect(connection).has_table(labels.name):
            return False
        own = sa.select(labels.c.key).where(labels.c.target == params.data.target)
        return bool(connection.scalar(sa.select(own.exists())))


def refuse_less(project: Project, copy: Project, what: str) -> None:
    """FactoryError if the copy has fewer rows than what is here, or ends earlier."""
    before, now = extent(project), extent(copy)
    if before.rows > now.rows:
        why = f"{now.rows:,} rows come, and {before.rows:,} are here: {what}"
    elif before.end and now.end and before.end > now.end:
        why = f"what comes ends with {now.end}, and what is here with {before.end}: {what}"
    else:
        return
    hint = "set data.source to where all of them are; if less is meant: factory retrain --fewer"
    raise FactoryError(why, hint)


def extent(project: Project) -> Extent:
    """Of the raw data; where they are not at hand, as far as their record tells."""
    data, catalog = project.params.data, project.catalog
    if not project.raw.is_file():
        snapshot = read(Snapshot, project.root / SNAPSHOT)
        return Extent(snapshot.rows if snapshot else 0, None)
    rows, ends = 0, list[Any]()
    own = {name: one for name, one in catalog.columns.items() if name == data.time}
    for raw in read_batches(project.raw, data):
        rows += raw.height
        if own and data.time in raw.columns:
            moments = parse(missing_as_null(raw.select(list(own)), data, own), own)
            ends.append(moments.to_series().cast(pl.Datetime("us")).max())
    return Extent(rows, max((end for end in ends if end is not None), default=None))
