"""`mlfactory fleet status`: how every member stands to its template, without its code being run."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mlfactory import __version__
from mlfactory.base.credentials import mask
from mlfactory.base.objects import text_at
from mlfactory.project.record import PYPROJECT, Project
from mlfactory.template import security, wheel
from mlfactory.template.repository import Upstream
from mlfactory.update import drift
from mlfactory.update.changes import Change, Conflict

from . import levels, production, proposal, work
from .inventory import Fleet, Member
from .production import Health, Metric, Model
from .scout import Place, Progress, at_hand, scout
from .work import Failure

PIN = re.compile(r"""["']mlfactory-runtime(?:\[[^\]]*\])?==([0-9A-Za-z.+!]+)["']""")
FORM = 3  # of what is kept; another number looks anew


@dataclass(frozen=True)
class Row:
    """How a member stands. `behind` counts the template's releases since its version, -1 where
    that is no release; `proposal` is how one stands, `branch` where; `remark` tells of a person's
    clone. `security` are fixes that `runtime`, the library in it, has not. `updated` and `trained`
    are days, and `adoption` are those on which it took a version. Of what cannot be looked at only
    `error` is known."""

    name: str
    address: str
    folder: str = ""
    group: str = ""
    owner: str = ""
    skip: str = ""
    pin: str = ""
    source: str = ""
    version: str = ""
    newest: str = ""
    behind: int = 0
    files: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    questions: Mapping[str, Any] = field(default_factory=dict)
    proposal: str = ""
    branch: str = ""
    remark: str = ""
    updated: str = ""
    trained: str = ""
    runtime: str = ""
    security: tuple[str, ...] = ()
    model: Model | None = None
    health: Health = field(default_factory=Health)
    warnings: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    adoption: tuple[tuple[str, str], ...] = ()
    error: str = ""
    hint: str = ""

    @property
    def drift(self) -> dict[str, int]:
        """How many of the template's files are in which state, the clean ones aside."""
        return dict(Counter(f.state for f in self.files if f.state != drift.CLEAN))

    @property
    def needs_attention(self) -> bool:
        has_news = self.behind or self.conflicts or self.security
        return bool(has_news or self.health.state == "alarm")


def statuses(
    fleet: Fleet, members: Sequence[Member], progress: Progress, jobs: int = 0
) -> list[Row]:
    """A row for each member, in their order."""
    rows = [outline(member) for member in members]
    numbers = [number for number, member in enumerate(members) if not member.skip]
    todo: list[tuple[int, Place]] = []
    scouts = scout([members[number] for number in numbers], progress)
    for number, place in zip(numbers, scouts, strict=True):
        if isinstance(place, Failure):
            rows[number] = failure(rows[number], place)
        elif row := recall(fleet, place):
            rows[number] = with_remark(row, place)
        else:
            todo.append((number, place))
    if todo:
        places = [place for _, place in todo]
        with (
            progress.count("Compare with the templates", len(todo)) as tick,
            at_hand(places) as own,
        ):
            for at, result in work.compute(partial(look, fleet), own, jobs):
                number = todo[at][0]
                rows[number] = (
                    failure(rows[number], result) if isinstance(result, Failure) else result
                )
                tick()
    return rows


def outline(member: Member) -> Row:
    facts = (member.folder, member.group, member.owner, member.skip, member.pin)
    return Row(member.name, mask(member.address), *facts)


def failure(row: Row, why: Failure) -> Row:
    return replace(row, error=why.message, hint=why.hint)


def with_remark(row: Row, place: Place) -> Row:
    """A row that was kept, with what can change although no repository moved."""
    fresh = outline(place.member)
    owner = fresh.owner or row.owner
    return replace(row, name=fresh.name, group=fresh.group, owner=owner, remark=place.clone.remark)


def look(fleet: Fleet, place: Place) -> Row:
    """Compare one member with its template. Raises MlfactoryError."""
    project, clone = place.project, place.clone
    course = place.course()
    one = drift.status_of(course)
    branch = proposal.branch_of(fleet.branch, place.member.folder)
    state, where = proposal.state(clone, project, branch, course.new)
    news = production.production(project)
    row = replace(
        outline(place.member),
        owner=place.member.owner or str(project.answers.get("owner") or ""),
        source=mask(one.source),
        version=one.version,
        newest=one.newest,
        behind=releases_behind(place.up, one) if one.behind else 0,
        files=tuple(f for f in one.files if f.state != drift.CLEAN),
        conflicts=one.conflicts,
        questions=one.questions,
        proposal=state,
        branch=where,
        remark=clone.remark,
        updated=last_change(project, project.file),
        trained=last_change(project, "dvc.lock"),
        runtime=(runtime := runtime_of(project)),
        security=security.missing(runtime),
        model=news.model,
        health=news.health,
        warnings=one.warnings,
        levels=levels.levels(project, news),
        adoption=levels.adoption(project),
    )
    keep(fleet, place, row)
    return row


def releases_behind(up: Upstream, one: drift.Status) -> int:
    """How many releases of the template came since; -1 where one of both is none."""
    tags = up.tags
    if one.version not in tags or one.newest not in tags:
        return -1
    return max(tags.index(one.newest) - tags.index(one.version), -1)


def last_change(project: Project, name: str) -> str:
    """The day of the last commit that changed a file, or an empty string."""
    argv = ("log", "--max-count=1", "--format=%cs", project.head, "--", project.spec(name))
    return project.repository.run(*argv).out.strip()


def runtime_of(project: Project) -> str:
    """The version of the library that a factory has in vendor/ or asks an index for, or an empty
    string; of one that has it as source, the version that it began with."""
    argv = ("ls-tree", "-z", "--name-only", f"{project.head}:{project.prefix}vendor")
    names = project.repository.run(*argv, ok=(0, 128)).out.split("\0")
    wheels = sorted(n for n in names if n.startswith(wheel.PACKAGE) and n.endswith(".whl"))
    if wheels:
        return wheel.version_of(wheels[-1])
    text = text_at(project.repository, project.head, f"{project.prefix}{PYPROJECT}") or ""
    pin = PIN.search(text)
    return pin[1] if pin else ""


def key(fleet: Fleet, place: Place) -> str:
    """What decides on a row: while it is the same, nothing has moved."""
    member, clone = place.member, place.clone
    options = (member.key, member.branch, member.pin, clone.default, fleet.branch)
    fixes = sorted(security.fixes())
    parts = (FORM, __version__, fixes, options, place.stamp, sorted(clone.refs.items()))
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogateescape")).hexdigest()


def path_of(place: Place) -> Path:
    name = hashlib.sha256(json.dumps(place.member.key).encode()).hexdigest()[:12]
    return place.clone.store.parent / f"status-{name}.json"


def keep(fleet: Fleet, place: Place, row: Row) -> None:
    """Keep a row for as long as nothing moves; where that cannot be, it is made again."""
    file = path_of(place)
    part = file.with_suffix(".part")
    document = {"key": key(fleet, place), "row": asdict(row)}
    with suppress(OSError):
        part.write_text(json.dumps(document, default=str), "utf-8", "surrogateescape")
        part.replace(file)


def recall(fleet: Fleet, place: Place) -> Row | None:
    """The row as it was kept, if nothing has moved since."""
    try:
        document = json.loads(path_of(place).read_text("utf-8", "surrogateescape"))
        return read_row(document["row"]) if document["key"] == key(fleet, place) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_row(fields: Mapping[str, Any]) -> Row:
    """A row out of its JSON."""
    facts = dict(fields)
    facts["files"] = tuple(Change(**one) for one in facts["files"])
    facts["conflicts"] = tuple(Conflict(**one) for one in facts["conflicts"])
    facts |= {name: tuple(facts[name]) for name in ("warnings", "levels", "security")}
    facts["adoption"] = tuple((day, version) for day, version in facts["adoption"])
    facts["health"] = Health(**facts["health"])
    if model := facts["model"]:
        metrics = tuple(Metric(**one) for one in model["metrics"])
        facts["model"] = Model(**{**model, "metrics": metrics})
    return Row(**facts)


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """How many there are of each kind that somebody has to look at."""
    return {
        "repositories": len(rows),
        "current": sum(not (r.behind or r.error or r.skip) for r in rows),
        "behind": sum(bool(r.behind) for r in rows),
        "drifted": sum(bool(r.drift) for r in rows),
        "in conflict": sum(bool(r.conflicts) for r in rows),
        "proposed": sum(bool(r.proposal) for r in rows),
        "in production": sum(r.model is not None for r in rows),
        "without a security fix": sum(bool(r.security) for r in rows),
        "in alarm": sum(r.health.state == "alarm" for r in rows),
        "skipped": sum(bool(r.skip) for r in rows),
        "failed": sum(bool(r.error) for r in rows),
    }
