"""`mlfactory fleet catalog`: what is in production everywhere, by git alone.

Tags say which version, the branch `status` what is known of it, and the catalog of the tagged
commit which features it learned from. No template is asked, and nothing of a project is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlfactory.base.objects import text_at
from mlfactory.project.record import Project

from . import production, work
from .inventory import Member
from .production import Health, Model
from .scout import Progress, Visit, visits
from .work import Failure

FILE = "features.yaml"
LEARNED = ("numeric", "categorical", "boolean", "datetime")


@dataclass(frozen=True)
class Entry:
    """What a member has in production. `features` are the columns that its model learns from, each
    with what their lineage says; of what cannot be looked at only `error` is known."""

    name: str
    owner: str = ""
    target: str = ""
    task: str = ""
    template: str = ""
    model: Model | None = None
    health: Health = field(default_factory=Health)
    features: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Shared:
    """A feature of several models: who learns from it, and each source that is stated for it."""

    feature: str
    members: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """All that is in production, and what several models have in common."""

    entries: tuple[Entry, ...]
    shared: tuple[Shared, ...]


def catalog(members: Sequence[Member], progress: Progress) -> Catalog:
    """An entry for each member that is not skipped, in their order."""
    active = [member for member in members if not member.skip]
    places = visits(active, progress)
    entries: list[Entry] = []
    for member, place in zip(active, places, strict=True):
        if isinstance(place, Failure):
            entries.append(Entry(member.name, member.owner, error=place.message))
        else:
            result = work.attempt(entry, place)
            entries.append(
                Entry(member.name, member.owner, error=result.message)
                if isinstance(result, Failure)
                else result
            )
    return Catalog(tuple(entries), shared(entries))


def entry(place: Visit) -> Entry:
    """What one member has in production."""
    member, project = place.member, place.project
    news, answers = production.production(project), project.answers
    return Entry(
        member.name,
        member.owner or str(answers.get("owner") or ""),
        str(answers.get("target") or ""),
        str(answers.get("task") or ""),
        project.version,
        news.model,
        news.health,
        features(project, news.model.commit) if news.model else {},
    )


def features(project: Project, commit: str) -> dict[str, str]:
    """The columns that a model learns from, by the catalog of its commit, each with its source."""
    text = text_at(project.repository, commit, f"{project.prefix}{FILE}")
    try:
        document: Any = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return {}
    columns = production.mapping(production.mapping(document).get("columns"))
    facts = {str(name): production.mapping(column) for name, column in columns.items()}
    rows = facts.items()
    return {n: production.text(c.get("source")) for n, c in rows if c.get("role") in LEARNED}


def shared(entries: Sequence[Entry]) -> tuple[Shared, ...]:
    """The features of more than one model, those of most models first."""
    users: dict[str, list[Entry]] = {}
    for one in entries:
        for name in one.features:
            users.setdefault(name, []).append(one)
    rows = [
        Shared(name, tuple(one.name for one in several), sources(name, several))
        for name, several in users.items()
        if len(several) > 1
    ]
    return tuple(sorted(rows, key=lambda row: (-len(row.members), row.feature)))


def sources(name: str, entries: Sequence[Entry]) -> tuple[str, ...]:
    """What is stated of a feature's origin, once each."""
    return tuple(sorted({one.features[name] for one in entries} - {""}))
