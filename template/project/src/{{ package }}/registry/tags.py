"""Versions and stages, as GTO writes them into git's annotated tags.

`churn@v1.2.0` is a version of the artifact `churn`, `churn#prod#3` puts one on a stage, and a `!`
takes either back. In a folder of a larger repository the artifact is `folder=churn`.
"""

import re
import time
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import FactoryError
from .git import git

STAGES = ("staging", "prod")
FETCH = "git fetch --tags"
FIELDS = ("refname:strip=2", "objecttype", "*objectname", "taggerdate:unix", "contents")


@dataclass(frozen=True)
class Version:
    """A registered model. `commit` holds its code, settings and locks."""

    version: str
    commit: str
    time: datetime
    tag: str


@dataclass(frozen=True)
class Stage:
    """A version on a stage, since when, and what the tag says of it (JSON, as a rule)."""

    stage: str
    version: str
    number: int
    since: datetime
    tag: str
    commit: str
    message: str


@dataclass(frozen=True)
class Tag:
    """An annotated tag of this factory's artifact, taken apart."""

    tag: str
    commit: str
    time: datetime
    message: str
    version: str | None
    stage: str | None
    number: int
    cancel: bool


def artifact() -> str:
    """The name in the tags: the project's, made fit for GTO, behind the folder it stands in."""
    file = Path("pyproject.toml")
    if not file.is_file():
        raise FactoryError(f"{file} is not here", "run this in the factory's own folder")
    name = str(tomllib.loads(file.read_text("utf-8"))["project"]["name"]).lower()
    name = re.sub(r"[^a-z0-9/_-]", "-", name).strip("-/_")
    folder = re.sub(r"[^A-Za-z0-9_./-]", "-", git("rev-parse", "--show-prefix").rstrip("/"))
    return f"{folder}={name}" if folder else name


def parse(tag: str, name: str) -> re.Match[str] | None:
    """The parts of a tag of this artifact; None for every other tag."""
    version, stage = r"@(?P<version>v\d+\.\d+\.\d+)", r"#(?P<stage>[a-zA-Z0-9][\w/-]*?)"
    form = rf"{re.escape(name)}(?:{version}|{stage})(?P<cancel>!?)(?:#(?P<number>\d+))?"
    return re.fullmatch(form, tag)


def tags(remote: str = "") -> list[Tag]:
    """All tags of this artifact in the order in which they were made: those here, or a remote's.

    A remote tells neither when nor why; that is known of tags that are here, too.
    """
    here = local_tags()
    if not remote:
        return here
    known, found = {one.tag: one for one in here}, []
    for line in git("ls-remote", "--tags", remote, hint="git remote -v").splitlines():
        commit, _, ref = line.partition("\t")
        tag = ref.removeprefix("refs/tags/").removesuffix("^{}")
        if ref.endswith("^{}") and (parts := parse(tag, artifact())):
            same = known.get(tag) if tag in known and known[tag].commit == commit else None
            found.append(same or taken_apart(parts, commit, 0, ""))
    return sorted(found, key=lambda one: (one.number, one.time))


def taken_apart(parts: re.Match[str], commit: str, seconds: int, message: str) -> Tag:
    """A tag with the parts of its name."""
    when, number = datetime.fromtimestamp(seconds, UTC), int(parts["number"] or 0)
    kept = parts["version"], parts["stage"], number, bool(parts["cancel"])
    return Tag(parts.string, commit, when, message, *kept)


def local_tags() -> list[Tag]:
    """The annotated tags that are here."""
    name, found = artifact(), []
    form = "%00".join(f"%({field})" for field in FIELDS) + "%1e"
    for line in git("for-each-ref", f"--format={form}", "refs/tags").split("\x1e"):
        if not line.strip():
            continue
        tag, kind, commit, seconds, message = line.lstrip("\n").split("\0")
        if kind == "tag" and (parts := parse(tag, name)):
            found.append(taken_apart(parts, commit, int(seconds), message.strip()))
    return sorted(found, key=lambda one: (one.number, one.time))


def order(version: str) -> tuple[int, ...]:
    """What versions are sorted by."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


def versions(all_tags: list[Tag] | None = None) -> list[Version]:
    """Every version that has not been taken back, the oldest number first."""
    found: dict[str, Version] = {}
    known = tags() if all_tags is None else all_tags
    for one in sorted(known, key=lambda one: (one.time, one.cancel)):
        if one.version and one.cancel:
            found.pop(one.version, None)
        elif one.version:
            found[one.version] = Version(one.version, one.commit, one.time, one.tag)
    return sorted(found.values(), key=lambda one: order(one.version))


def held(stage: str, all_tags: list[Tag] | None = None) -> list[Stage]:
    """What a stage holds, last, and before it what it would go back to.

    Going back to a version takes away what came after it, so that nobody goes back to that.
    """
    known = tags() if all_tags is None else all_tags
    names = {one.commit: one.version for one in versions(known)}
    kept: list[Stage] = []
    for one in known:
        if one.stage != stage:
            continue
        places = [place for place, before in enumerate(kept) if before.commit == one.commit]
        kept = kept[: places[0]] if places else kept
        if not one.cancel:
            version = names.get(one.commit, one.commit[:12])
            kept.append(
                Stage(stage, version, one.number, one.time, one.tag, one.commit, one.message)
            )
    return kept


def stages(all_tags: list[Tag] | None = None) -> dict[str, Stage]:
    """What each stage holds now."""
    known = tags() if all_tags is None else all_tags
    names = dict.fromkeys(one.stage for one in known if one.stage)
    return {name: found[-1] for name in names if (found := held(name, known))}


def next_stage_tag(stage: str) -> tuple[str, int]:
    """The name of the next tag of a stage, and a time in seconds after that of all others.

    GTO counts over all stages, and sorts by time.
    """
    known = [one for one in tags() if one.stage]
    number = max((one.number for one in known), default=0) + 1
    latest = max((int(one.time.timestamp()) for one in known), default=0)
    return f"{artifact()}#{stage}#{number}", max(int(time.time()), latest + 1)


def registered(version: str) -> Version:
    """The version of that name. FactoryError if there is none here."""
    known = {one.version: one for one in versions()}
    if version not in known:
        names = ", ".join(known) or "none"
        raise FactoryError(
            f"there is no version {version} here (known: {names})",
            f"{FETCH}; or make one: factory register",
        )
    return known[version]
