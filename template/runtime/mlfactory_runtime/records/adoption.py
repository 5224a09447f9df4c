"""plan.json of a retraining that is whole: what it puts in place, to be finished after a kill."""

from .record import Record


class Adoption(Record):
    """Files for git and of data, by their names below the factory's folder; `title` is a commit's.

    `undo` says that they are being taken back. `data` and `pulled` tell where new rows came from.
    """

    files: tuple[str, ...]
    data: str
    pulled: bool
    title: str | None = None
    undo: bool = False
