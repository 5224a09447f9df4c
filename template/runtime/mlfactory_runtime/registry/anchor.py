"""The end of the log's trail, for git to hold on to."""

from pathlib import Path

from ..errors import FactoryError
from ..project import Project
from ..records.trail import Anchor
from ..settings.params import Log

FIELD, TRAILER = "trail", "Trail"  # in the message of a tag, and of a commit


def has_log(settings: Log) -> bool:
    """Whether there is a log already, as far as one can tell without asking a server."""
    return bool(settings.url_env) or Path(settings.path).is_file()


def anchor(project: Project) -> Anchor | None:
    """The end of the trail, to be held on to; None where there is no log, or it is away."""
    try:
        settings = project.params.log
    except FactoryError:
        return None
    if not has_log(settings):
        return None
    import sqlalchemy as sa

    from ..log.store import engine_of, make
    from ..log.trail import head

    try:
        engine = engine_of(settings)
        make(engine)
        with engine.begin() as connection:
            return head(connection)
    except (FactoryError, sa.exc.SQLAlchemyError, OSError):
        return None


def trailer(anchor: Anchor | None) -> str:
    """How a commit says it."""
    return f"\n\n{TRAILER}: {anchor.begin} {anchor.number} {anchor.hash}" if anchor else ""
