"""The whole trail: what the log's database says, what git says, and whether the two fit."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta

import sqlalchemy as sa
from pydantic import ValidationError

from ..errors import FactoryError
from ..files import read_text
from ..git import tries
from ..log.store import EPOCH, engine_of, make, trail
from ..log.trail import Entry, entries, first, last, misfit, missing_rows, span
from ..project import Project
from ..records.record import parse
from ..records.registry import Promotion
from ..records.trail import Anchor, Event, Verified
from ..tables.query import reason
from .anchor import FIELD, TRAILER, has_log
from .models import message_json
from .promotions import PROMOTIONS, record_files, record_in, seal
from .tags import Tag, tags


def events(project: Project, newest: int) -> list[Event]:
    """What happened to the log and to versions and stages, the newest last."""
    with database(project) as connection:
        own = [event(one) for one in entries(connection, newest)] if connection else []
    both = [*own, *(promoted for tag in in_git(project) if (promoted := of_tag(tag)))]
    return sorted(both, key=lambda one: (one.time, one.number or 0))[-newest:]


def event(entry: Entry) -> Event:
    """An entry of the log."""
    return Event(
        time=moment(entry.time),
        kind=entry.kind,
        who=entry.actor,
        about=entry.values,
        number=entry.number,
        hash=entry.hash,
    )


def of_tag(tag: Tag) -> Event | None:
    """A registration, a promotion or a rollback."""
    message = message_json(tag.message)
    when = tag.since.isoformat(timespec="seconds")
    if tag.version:
        about: dict[str, object] = {"version": tag.version, "model": message.get("model")}
        return Event(time=when, kind="register", who=tag.tagger, about=about)
    names = ("stage", "version", "from", "approved_by", "record")
    about = {name: message[name] for name in names if message.get(name)} or {"stage": tag.stage}
    return Event(time=when, kind=str(message.get("kind", "stage")), who=tag.tagger, about=about)


def in_git(project: Project) -> list[Tag]:
    """The tags of this artifact; none outside of a repository."""
    return tags(project) if tries(project.root, "rev-parse", "--git-dir") else []


def moment(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat(timespec="seconds")


@contextmanager
def database(project: Project) -> Iterator[sa.Connection | None]:
    """One state of the log to look at, or to hold on to; None where there is no log yet.

    FactoryError where it cannot be reached.
    """
    settings = project.params.log
    if not has_log(settings):
        yield None
        return
    engine = engine_of(settings)
    try:
        make(engine)
        with engine.connect() as connection:
            of_one_moment(connection)
            yield connection
    except sa.exc.SQLAlchemyError as error:
        message = f"the log cannot be read: {reason(error, engine.url)}"
        raise FactoryError(message, "is its database there, and may you read it?") from error


def of_one_moment(connection: sa.Connection) -> None:
    """What is written meanwhile is not seen."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.execution_options(isolation_level="REPEATABLE READ")


def verify(project: Project) -> Verified:
    """Whether every entry follows from the ones before, the rows are those that entries account
    for, and all that git holds on to is there.
    """
    in_git, faults, notes = list(anchors(project)), list[str](), list[str]()
    with database(project) as connection:
        begin, end = (first(connection), last(connection)) if connection else (None, None)
        if connection and begin:
            with closing(entries(connection)) as chain:
                odd = misfit(chain)
            faults += [odd] if odd else missing_rows(connection)
            faults += cut_off(connection, begin, in_git)
        elif connection:
            faults.append("the trail is empty: its entries were taken out")
        else:
            notes.append("there is no log here yet")
    apart = [where for where, anchor in in_git if begin is None or anchor.begin != begin.hash]
    if apart:
        what = "another database's, or this one was begun anew"
        line = f"{apart[-1]} knows of a trail that is not here: {what}"
        (notes if len(apart) < len(in_git) else faults).append(line)
    return Verified(
        entries=end.number if end else 0,
        since=moment(begin.time) if begin else None,
        head=span(begin, end),
        faults=(*faults, *record_faults(project)),
        notes=tuple(notes),
    )


def cut_off(
    connection: sa.Connection, begin: Entry, pairs: Sequence[tuple[str, Anchor]]
) -> Iterator[str]:
    """What git knows of this trail, and the database does not."""
    for where, anchor in pairs:
        if anchor.begin != begin.hash:
            continue
        own = sa.select(trail.c.hash).where(trail.c.number == anchor.number)
        here = connection.scalar(own)
        if here is None:
            yield f"the trail was cut off: {where} knows entry {anchor.number}"
            return
        if here != anchor.hash:
            yield f"entry {anchor.number} is not the one that {where} knows"
            return


def anchors(project: Project) -> Iterator[tuple[str, Anchor]]:
    """What git holds on to: in tags, in records of promotions, and in commits of retraining."""
    for tag in in_git(project):
        if anchor := held_on(message_json(tag.message).get(FIELD)):
            yield tag.tag, anchor
    for file in record_files(project):
        if anchor := record_in(file).trail:
            yield f"{PROMOTIONS / file.name}", anchor
    form = f"%h %(trailers:key={TRAILER},valueonly,separator=%x20)"
    for line in tries(project.root, "log", "--all", "--reverse", f"--format={form}").splitlines():
        commit, *parts = line.split()
        values = dict(zip(("begin", "number", "hash"), parts, strict=False))
        if anchor := held_on(values):
            yield f"commit {commit}", anchor


def held_on(content: object) -> Anchor | None:
    """What a tag or a commit says of a trail, if it does."""
    try:
        return Anchor.model_validate(content)
    except ValidationError:
        return None


def record_faults(project: Project) -> Iterator[str]:
    """Records of promotions that were changed or taken out."""
    files = {file.stem: file for file in record_files(project)}
    for name, file in files.items():
        former = record_in(file).former
        if former and former.record not in files:
            yield f"{PROMOTIONS}/{former.record}.json is missing: {name} follows it"
        elif former and seal(read_text(files[former.record])) != former.sha256:
            yield f"{PROMOTIONS}/{former.record}.json was changed after {name} was written"
    for tag in in_git(project):
        message, name = message_json(tag.message), str(message_json(tag.message).get("record", ""))
        if name in files:
            here = record_in(files[name])
            there = parse(Promotion, json.dumps(message), tag.tag)
            if here.model_copy(update={"approved_by": there.approved_by}) != there:
                yield f"{PROMOTIONS}/{name}.json is not what the tag {tag.tag} says"
        elif name and was_here(project, name):
            yield f"{PROMOTIONS}/{name}.json is missing: {tag.tag} was made of it"


def was_here(project: Project, name: str) -> bool:
    """Whether a record stood here once; one that is proposed on a branch may come yet."""
    return bool(tries(project.root, "log", "-1", "--format=%h", "--", f"{PROMOTIONS}/{name}.json"))
