"""What the trail of the log says, and where git holds on to it."""

from pydantic import Field

from .record import Part


class Anchor(Part):
    """An entry of a trail, kept elsewhere: `begin` is the hash of that trail's first entry."""

    begin: str
    number: int = Field(ge=1, lt=2**63)
    hash: str


class Former(Part):
    """The promotion record before a record, and the SHA-256 of its text."""

    record: str
    sha256: str


class Event(Part):
    """What happened, when, and who did it; `number` is that of an entry in the log."""

    time: str
    kind: str
    who: str
    about: dict[str, object]
    number: int | None = None
    hash: str | None = None


class Verified(Part):
    """How far a trail fits together. `faults` are what does not, `notes` what nobody can tell."""

    entries: int
    since: str | None
    head: Anchor | None
    faults: tuple[str, ...]
    notes: tuple[str, ...]
