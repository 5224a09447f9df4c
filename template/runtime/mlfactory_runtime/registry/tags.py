"""Versions and stages, as GTO writes them into git's annotated tags.

`churn@v1.2.0` is a version of the artifact `churn`, `churn#prod#3` puts one on a stage, and a `!`
takes either back. In a folder of a larger repository the artifact is `folder=churn`.
"""

import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..errors import FactoryError
from ..git import git
from ..project import PYPROJECT, Project

STAGES = ("staging", "prod")
FETCH, CLONE = "git fetch --tags", "run this in a clone of the factory's repository"
FIELDS = ("refname:strip=2", "*objectname", "taggerdate:unix", "contents", "taggername")


@dataclass(frozen=True)
class Tag:
    """An annotated tag of this artifact: of a version, or of a stage, then with the version there.

    `number` counts the tags of all stages; `cancel` takes back what an earlier tag says; `message`
    is JSON where it is ours.
    """

    tag: str
    commit: str
    since: datetime
    message: str
    version: str
    stage: str
    number: int
    cancel: bool
    tagger: str = ""


def artifact(project: Project) -> str:
    """The name in the tags: the project's, made fit for GTO, behind the folder it stands in."""
    if not project.pyproject:
        raise FactoryError(f"{PYPROJECT} is not here", "run this in the factory's own folder")
    name = str(project.pyproject["project"]["name"]).lower()
    name = re.sub(r"[^a-z0-9/_-]", "-", name).strip("-/_")
    folder = folder_of(project)
    return f"{folder}={name}" if folder else name


def folder_of(project: Project) -> str:
    """Where the factory stands in a larger repository, as a tag and a branch can have it; empty
    where the repository is its own."""
    prefix = git(project.root, "rev-parse", "--show-prefix", hint=CLONE).rstrip("/")
    return re.sub(r"[^A-Za-z0-9_./-]", "-", prefix)


def tags(project: Project, remote: str = "") -> list[Tag]:
    """All tags of this artifact in the order in which they were made: those here, or a remote's.

    A remote tells neither when nor why; that is known of tags that are here, too.
    """
    name, form = artifact(project), "%00".join(f"%({field})" for field in FIELDS) + "%1e"
    lines = git(project.root, "for-each-ref", f"--format={form}", "refs/tags").split("\x1e")
    parts = [line.strip("\n").split("\0") for line in lines if line.strip()]
    here_tags = [one for tag, *rest in parts if (one := taken_apart(name, tag, *rest))]
    if remote:
        here = {(one.tag, one.commit): one for one in here_tags}
        lines = git(project.root, "ls-remote", "--tags", remote, hint="git remote -v").splitlines()
        pairs = [line.split("\trefs/tags/") for line in lines if line.endswith("^{}")]
        there = [(tag.removesuffix("^{}"), commit) for commit, tag in pairs]
        there_tags = [here.get(pair) or taken_apart(name, *pair) for pair in there]
        here_tags = [one for one in there_tags if one]
    return sorted(here_tags, key=lambda one: (one.number, one.since, one.cancel))


def taken_apart(
    name: str, tag: str, commit: str, seconds: str = "0", message: str = "", tagger: str = ""
) -> Tag | None:
    """A tag of the artifact by its parts; None for any other, and for one that is not annotated."""
    version, stage = r"@(?P<version>v\d+\.\d+\.\d+)", r"#(?P<stage>[a-zA-Z0-9][\w/-]*?)"
    form = rf"{re.escape(name)}(?:{version}|{stage})(?P<cancel>!?)(?:#(?P<number>\d+))?"
    parts = re.fullmatch(form, tag)
    if not parts or not commit:
        return None
    when, number = moment(seconds), int(parts["number"] or 0)
    values = parts["version"] or "", parts["stage"] or "", number, bool(parts["cancel"])
    return Tag(tag, commit, when, message.strip(), *values, tagger)


def moment(seconds: str) -> datetime:
    """When a tag was made; the earliest one where it does not say so, or names no moment."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def order(version: str) -> tuple[int, ...]:
    """What versions are sorted by."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


def versions(project: Project, all_tags: list[Tag] | None = None) -> list[Tag]:
    """Every version that has not been taken back, the oldest number first."""
    by_name: dict[str, Tag] = {}
    for one in sorted(tags(project) if all_tags is None else all_tags, key=lambda one: one.since):
        if one.version and one.cancel:
            by_name.pop(one.version, None)
        elif one.version:
            by_name[one.version] = one
    return sorted(by_name.values(), key=lambda one: order(one.version))


def line_of(project: Project, stage: str, all_tags: list[Tag] | None = None) -> list[Tag]:
    """What a stage holds, last, and before it what it would go back to.

    Going back to a version takes away what came after it, so that nobody goes back to that.
    """
    all_tags = tags(project) if all_tags is None else all_tags
    names = {one.commit: one.version for one in versions(project, all_tags)}
    line: list[Tag] = []
    for one in all_tags:
        if one.stage == stage:
            places = [k for k, before in enumerate(line) if before.commit == one.commit]
            line = line[: places[0]] if places else line
            own = replace(one, version=names.get(one.commit, one.commit[:12]))
            line += [] if one.cancel else [own]
    return line


def stages(project: Project, all_tags: list[Tag] | None = None) -> dict[str, Tag]:
    """What each stage holds now."""
    all_tags = tags(project) if all_tags is None else all_tags
    names = dict.fromkeys(one.stage for one in all_tags if one.stage)
    return {name: line[-1] for name in names if (line := line_of(project, name, all_tags))}


def next_stage_tag(project: Project, stage: str) -> tuple[str, int]:
    """The name of the next tag of a stage, and a time in seconds after that of all others.

    GTO counts over all stages, and sorts by time.
    """
    promotions = [one for one in tags(project) if one.stage]
    number = max((one.number for one in promotions), default=0) + 1
    latest = max((int(one.since.timestamp()) for one in promotions), default=0)
    return f"{artifact(project)}#{stage}#{number}", max(int(time.time()), latest + 1)


def full_name(version: str) -> str:
    """A version as its tag has it, also where somebody types only the number, or the whole tag."""
    name = version.rpartition("@")[2].strip()
    number = name[1:].lstrip() if name[:1] in ("v", "V") else name
    return f"v{number}" if number[:1].isdigit() else version


def registered(project: Project, version: str) -> Tag:
    """The version of that name. FactoryError if there is none here."""
    version = full_name(version)
    by_version = {one.version: one for one in versions(project)}
    if version not in by_version:
        names = ", ".join(by_version) or "none"
        raise FactoryError(
            f"there is no version {version} here (known: {names})",
            f"{FETCH}; or make one: factory register",
        )
    return by_version[version]
