"""What a project has in production, by its tags and its branch `status` alone.

Versions and stages are tags in GTO's form: `churn@v1.2.0` is a version, `churn#prod#3` puts one on
a stage, and a `!` takes either back. In a folder of a larger repository the artifact is called
`folder=churn`, and the branch `status-folder`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlfactory.base import answers
from mlfactory.base.git import Repository
from mlfactory.base.objects import text_at
from mlfactory.project.record import PYPROJECT, Project

STAGE, CATALOG = "prod", "catalog.json"
FORM = "%00".join(f"%({name})" for name in ("refname:strip=2", "*objectname", "taggerdate:unix"))
LATEST = 253402300799  # of the year 9999: a tag may say any time
NAMED = r"(?:@(?P<version>v\d+\.\d+\.\d+)|#(?P<stage>[a-zA-Z0-9][\w/-]*?))"


@dataclass(frozen=True)
class Metric:
    """A metric of a model on held-out rows, with its interval where it has one."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Model:
    """The model in production; `since` is a time in UTC as ISO 8601 has it.

    What only the branch `status` tells is empty where that tells of another version.
    """

    version: str
    since: str
    commit: str
    forced: bool | None = None
    why: str = ""
    verdict: str = ""
    data: str = ""
    trained: str = ""
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True)
class Health:
    """What the monitor said when it last looked, and when that was."""

    state: str = ""
    time: str = ""

    def age(self, now: datetime) -> int | None:
        """How many hours old the news are; None where that is not known."""
        try:
            then = datetime.fromisoformat(self.time)
        except ValueError:
            return None
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max(int((now - then).total_seconds() // 3600), 0)


@dataclass(frozen=True)
class Production:
    """What is known of a project's models without looking at any of its files."""

    model: Model | None = None
    health: Health = field(default_factory=Health)


@dataclass(frozen=True)
class Tag:
    """A tag of an artifact by its parts."""

    commit: str
    seconds: int
    version: str
    stage: str
    number: int
    cancel: bool


def production(project: Project) -> Production:
    """What the tags and the branch `status` of a project say."""
    name = artifact(project)
    news = catalog(project)
    drift = mapping(news.get("drift"))
    health = Health(text(drift.get("status")), text(drift.get("time")))
    tag, version = holder(tags(project.repository, name)) if name else (None, "")
    if tag is None:
        return Production(None, health)
    since = datetime.fromtimestamp(min(max(tag.seconds, 0), LATEST), UTC).isoformat()
    facts = mapping(mapping(news.get("stages")).get(STAGE))
    return Production(model(version, since, tag.commit, facts), health)


def model(version: str, since: str, commit: str, facts: Mapping[str, Any]) -> Model:
    """What is in production, with what the branch tells of the same commit."""
    if facts.get("commit") != commit:
        return Model(version, since, commit)
    forced = facts.get("forced")
    words = {key: text(facts.get(key)) for key in ("why", "verdict", "data")}
    rows = mapping(facts.get("metrics")).items()
    metrics = tuple(metric(text(key), mapping(value)) for key, value in rows)
    trained = text(facts.get("trained_at"))
    is_forced = forced if isinstance(forced, bool) else None
    return Model(version, since, commit, is_forced, **words, trained=trained, metrics=metrics)


def metric(name: str, values: Mapping[str, Any]) -> Metric:
    return Metric(name, *(number(values.get(key)) for key in ("value", "low", "high")))


def artifact(project: Project) -> str:
    """The name in the tags: the project's, made fit for GTO, behind the folder it stands in."""
    file = text_at(project.repository, project.head, f"{project.prefix}{PYPROJECT}")
    name = re.sub(r"[^a-z0-9/_-]", "-", text(answers.table(file, "project").get("name")).lower())
    folder = folder_of(project)
    name = name.strip("-/_")
    return f"{folder}={name}" if folder and name else name


def folder_of(project: Project) -> str:
    """Its folder, as a tag and a branch can have it."""
    return re.sub(r"[^A-Za-z0-9_./-]", "-", project.prefix.rstrip("/"))


def branch_of(project: Project) -> str:
    return "-".join(filter(None, ["status", *folder_of(project).split("/")]))


def catalog(project: Project) -> Mapping[str, Any]:
    """What the branch `status` holds; nothing where it holds nothing readable."""
    file = text_at(project.repository, f"refs/heads/{branch_of(project)}", CATALOG)
    try:
        return mapping(json.loads(file or "{}"))
    except (ValueError, RecursionError):
        return {}


def tags(repository: Repository, artifact: str) -> list[Tag]:
    """The annotated tags of an artifact, in the order in which they count."""
    form = re.compile(rf"{re.escape(artifact)}{NAMED}(?P<cancel>!?)(?:#(?P<number>\d{{1,9}}))?")
    listing = repository.run("for-each-ref", f"--format={FORM}", "refs/tags").out
    rows = [line.split("\0") for line in listing.split("\n") if line]
    pairs = [(form.fullmatch(name), commit, when) for name, commit, when in rows]
    both = [
        Tag(
            commit,
            int(when or 0),
            parts["version"] or "",
            parts["stage"] or "",
            int(parts["number"] or 0),
            bool(parts["cancel"]),
        )
        for parts, commit, when in pairs
        if parts and commit
    ]
    return sorted(both, key=lambda one: (one.number, one.seconds, one.cancel))


def holder(tags: Iterable[Tag]) -> tuple[Tag | None, str]:
    """What production holds, and its version. Going back takes away what came after."""
    versions: dict[str, str] = {}
    stack: list[Tag] = []
    rows = list(tags)
    for one in sorted(rows, key=lambda one: one.seconds):
        if one.version and one.cancel:
            versions.pop(one.version, None)
        elif one.version:
            versions[one.version] = one.commit
    for one in rows:
        if one.stage == STAGE:
            places = [k for k, before in enumerate(stack) if before.commit == one.commit]
            stack = stack[: places[0]] if places else stack
            stack += [] if one.cancel else [one]
    if not stack:
        return None, ""
    names = {versions[version]: version for version in sorted(versions, key=order)}
    return stack[-1], names.get(stack[-1].commit, stack[-1].commit[:12])


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").split("."))


def mapping(value: Any) -> Mapping[str, Any]:
    """A value of a stranger's JSON where a mapping should be."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else None
