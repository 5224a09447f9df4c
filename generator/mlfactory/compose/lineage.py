"""A company's released versions: which came last, and what the next one is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git, objects
from mlfactory.base.errors import UsageError
from mlfactory.template import mirror, repository
from mlfactory.template.repository import Upstream, Version
from mlfactory.template.stream import File, Files

MOVED = (
    "upstream's {} is another commit than the one that {} was made from, {}: somebody has moved "
    "the tag, so look what else changed"
)
POST = re.compile(r"(?P<base>.+)\.post(?P<count>\d+)(?P<trial>\.dev\d+)?")


@dataclass(frozen=True)
class Lineage:
    """A company's repository: what it has published, the last version of that, and the release that
    this was made on, as it was then.

    `raw` are tags in it that are upstream's own, and that plain copier would take in their place.
    """

    up: Upstream
    last: Version | None
    base: Version
    raw: tuple[str, ...]
    counts: Mapping[str, int]

    def next(self, on: Version) -> str:
        """The name of the next version that is made on one of upstream's."""
        number = repository.number(on.name)
        count = self.counts.get(on.name, 0) + 1
        if number is not None and number.is_devrelease:
            return f"v{number.base_version}.post{count}.dev{number.dev}"
        return f"{on.name}.post{count}"


NOTHING = Version("", "")
NONE = Lineage(Upstream("", Path(), ""), None, NOTHING, (), {})


def of(url: str, upstream: Upstream) -> Lineage | None:
    """What a company's repository holds. Raises MlfactoryError when it cannot be reached."""
    if not url:
        return None
    up = mirror.of_address(url)
    matches = {tag: match for tag in up.tags if (match := POST.fullmatch(tag))}
    counts: dict[str, int] = {}
    for match in matches.values():
        if not match["trial"]:
            counts[match["base"]] = max(counts.get(match["base"], 0), int(match["count"]))
    ours = repository.stable(matches)
    last = Version(ours[-1], up.commits[ours[-1]]) if ours else None
    base = NOTHING
    if last:
        name = matches[last.name]["base"]
        base = Version(name, made_on(up, last, matches, upstream.commits.get(name, "")))
    raw = tuple(tag for tag in up.tags if upstream.commits.get(tag) == up.commits[tag])
    return Lineage(up, last, base, raw, counts)


def made_on(up: Upstream, last: Version, matches: Mapping[str, re.Match[str]], there: str) -> str:
    """Upstream's commit that a version was made from, else the one that is `there` under its name
    now: somebody may have made a version by hand."""
    ours = {up.commits[tag] for tag in matches}
    parents = git.run("log", "-1", "--format=%P", last.commit, cwd=up.folder).out.split()
    return next((commit for commit in reversed(parents) if commit not in ours), there)


def moved(up: Upstream, lineage: Lineage) -> str:
    """What is said where upstream's tag names another commit than when the last version was made
    from it."""
    there = up.commits.get(lineage.base.name, lineage.base.commit)
    if lineage.last is None or there == lineage.base.commit:
        return ""
    return MOVED.format(lineage.base.name, lineage.last.name, lineage.base.commit[:10])


def release_of(up: Upstream, ref: str) -> Version:
    """The release to compose on, by the name that somebody gives it; of a commit with several the
    highest. Raises UsageError when there is none."""
    state = repository.version(up, ref)
    exact = [tag for tag in (ref, f"v{ref}") if tag in up.tags]
    tags = repository.in_order(list(up.names.get(state.commit, ())))
    return Version([*exact, *reversed(tags), state.name][0], state.commit)


def check_base(on: Version, lineage: Lineage | None) -> None:
    """Raises UsageError for a state of upstream that no version of a company can be made on."""
    number = repository.number(on.name)
    if number is None or number.is_postrelease:
        text = f"{on.name} is no release of upstream's own, and a version is named after one"
        raise UsageError(text, "Give one that `mlfactory template versions` lists.")
    base = repository.number(lineage.base.name) if lineage else None
    if lineage and lineage.last and base and number < base:
        raise UsageError(
            f"{on.name} is older than {lineage.base.name}, on which {lineage.last.name} was made",
            f"Give --on {lineage.base.name} or a later one.",
        )


def files_of(up: Upstream, commit: str) -> Files:
    """All files of a version. Raises UsageError for links and submodules."""
    leaves = objects.leaves(up.repository, commit)
    for name, (mode, _) in leaves.items():
        if mode not in ("100644", "100755"):
            raise UsageError(f"{name} is a link or a submodule", "Compose on plain files only.")
    contents = objects.blobs(up.repository, [oid for _, oid in leaves.values()])
    pairs = zip(leaves.items(), contents, strict=True)
    return {name: File(mode, content) for (name, (mode, _)), content in pairs}


def time_of(up: Upstream, commit: str) -> int:
    """When a commit was made, as seconds since 1970."""
    return int(git.run("log", "-1", "--format=%ct", commit, cwd=up.folder).out)
