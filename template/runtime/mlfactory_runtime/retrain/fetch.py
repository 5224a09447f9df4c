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
from ..records.record import read, write
from ..tables.query import reason
from ..tables.read import read_batches
from .harvest import LOG, Harvest, already, harvest


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
    source = extent(copy)
    added, words = joined(project, copy)
    if added and source.end:
        own = read(Snapshot, copy.root / SNAPSHOT)
        end = {"source_end": source.end.isoformat()}
        write(copy.root / SNAPSHOT, (own or snapshot).model_copy(update=end))
    text = f"{snapshot.rows:,} rows from {snapshot.origin}{words}"
    if not fewer:
        refuse_less(project, source, added, text)
    return text


def tell(harvest: Harvest) -> str:
    """What came from the log, in words."""
    text = f"{harvest.rows:,} predictions whose outcome is known"
    return text + (f", {harvest.left_out:,} left out" if harvest.left_out else "")


def joined(project: Project, copy: Project) -> tuple[int, str]:
    """How many rows the log adds to those from a source, and in words; nothing where no outcome is
    known.
    """
    try:
        if not project.params.data.outcomes or not has_outcomes(project):
            return 0, ""
        more = harvest(copy, project.params, copy.catalog)
        return more.rows, f", and {tell(more)}"
    except FactoryError as error:
        return 0, f", without {LOG}: {error.message}"
    except sa.exc.SQLAlchemyError as error:
        return 0, f", without {LOG}: {reason(error, engine_of(project.params.log).url)}"


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


def refuse_less(project: Project, source: Extent, added: int, what: str) -> None:
    """FactoryError if there are fewer rows than here, or what a source gives ends earlier.

    A source that lost rows is refused though the log makes up for as many: of the rows that are
    here, those that the log gave before may be missing in it, and no others.
    """
    before, logged = extent(project), from_log(project)
    here = f"{before.rows:,} are here" + f", at most {logged:,} of the log" * bool(logged)
    if before.rows > source.rows + logged:
        why = f"{source.rows:,} rows come, and {here}: {what}"
    elif before.rows > source.rows + added:
        why = f"{source.rows + added:,} rows come, and {here}: {what}"
    elif (end := source_end(project, before)) and source.end and end > source.end:
        why = f"what comes ends with {source.end}, and what is here with {end}: {what}"
    else:
        return
    hint = "set data.source to where all of them are; if less is meant: factory retrain --fewer"
    raise FactoryError(why, hint)


def source_end(project: Project, here: Extent) -> datetime | None:
    """How far the rows that are here go, without those that the log gave; None if nobody knows."""
    snapshot = read(Snapshot, project.root / SNAPSHOT)
    if snapshot and snapshot.source_end:
        return datetime.fromisoformat(snapshot.source_end)
    return None if from_log(project) else here.end


def from_log(project: Project) -> int:
    """How many of the rows that are here the log may have given."""
    snapshot = read(Snapshot, project.root / SNAPSHOT)
    if snapshot is None or not snapshot.origin.endswith(LOG):
        return 0
    return already(project).height


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
