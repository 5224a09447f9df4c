"""`mlfactory template`: the template's versions, and a git server of a team's own for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import addresses, git, organisation
from mlfactory.base.errors import MlfactoryError, UsageError

from . import history, mirror, news, repository
from .repository import Release, Upstream

MAIN, TAGS = "refs/heads/main", "refs/tags/"


@dataclass(frozen=True)
class Changelog:
    """What changed between two versions."""

    source: str
    from_version: str
    to_version: str
    text: str


@dataclass(frozen=True)
class Published:
    """What a team's repository has, and what of it is new; `done` is false for a dry run."""

    url: str
    versions: tuple[str, ...]
    new: tuple[str, ...]
    done: bool

    @property
    def summary(self) -> str:
        if not self.new:
            return f"{self.url} has all of them already: {', '.join(self.versions)}"
        verb = "has got" if self.done else "would get"
        return f"{self.url} {verb} {', '.join(self.new)}"


def template(url: str, prefix: str = "") -> Upstream:
    """The template at an address; without one, mlfactory's own. Where its repository holds more,
    the tags of its versions have a prefix."""
    addresses.refuse("--template", url)
    if is_own(url):
        return mirror.own(Path.cwd())
    up = mirror.of_address(url, prefix=prefix)
    if prefix and not up.tags:
        others = sorted({repository.prefix_of(tag) for tag in up.commits} - {""})
        hint = f"There are: {', '.join(others)}" if others else f"git ls-remote --tags {url}"
        raise UsageError(f"no version of {url} begins with {prefix}", hint)
    return up


def is_own(url: str) -> bool:
    return url in ("", history.SOURCE, history.URL)


def versions(url: str = "", prefix: str = "") -> list[Release]:
    """All released versions, newest first."""
    releases = repository.releases(template(url or organisation.value("template"), prefix))
    return [one for one in releases if not is_development(one.version)]


def is_development(version: str) -> bool:
    """Whether a version is one of a checkout, that nobody else has."""
    number = repository.number(version)
    return number is not None and number.is_devrelease


def changelog(span: str, url: str = "", prefix: str = "") -> Changelog:
    """The changes of a span FROM..TO; either end may be left out."""
    up = template(url or organisation.value("template"), prefix)
    if not up.tags:
        raise MlfactoryError(f"the template {up.source} has no released versions")
    first, dots, last = span.partition("..")
    if span and not dots:
        first, last = "", span
    new = repository.version(up, last or up.newest)
    if not first:
        return Changelog(up.source, "", new.name, news.changes(up, None, new))
    old = repository.version(up, first)
    if repository.is_older(up, new, old):
        raise UsageError(f"{new.name} is older than {old.name}", f"Write {last}..{first}.")
    return Changelog(up.source, old.name, new.name, news.changes(up, old, new))


def publish(url: str, *, dry_run: bool = False) -> Published:
    """Push the releases that a team's repository lacks, same commits.

    Raises MlfactoryError when it has another history; nothing is ever forced.
    """
    addresses.refuse("GIT_URL", url)
    releases = history.releases_in(history.HISTORY)
    folder, address = history.repository(releases), repository.git_url(url)
    if address.startswith("-"):
        raise UsageError(f"{url} is no address", "Give a git URL.")
    ours = mirror.refs(git.run("show-ref", "--dereference", cwd=folder).out)
    there = mirror.refs(mirror.listing_of(address, url))
    check_history(url, ours, there)
    tags = [name for name in ours if name.startswith(TAGS) and name not in there]
    new = tuple(name.removeprefix(TAGS) for name in tags)
    if tags and not dry_run:
        argv = ("push", "--quiet", "--atomic", "--", address, MAIN, *tags)
        env = {"GIT_TERMINAL_PROMPT": "0"}
        git.run(*argv, cwd=folder, env=env, hint=repository.trying(address))
    all_of_them = tuple(f"v{name}" for name in releases.versions)
    return Published(url, all_of_them, tuple(n for n in all_of_them if n in new), not dry_run)


def check_history(url: str, ours: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Raises MlfactoryError unless a repository is empty or has a part of the same history; that
    it has more, which a newer program published, is well."""
    other = [name for name in ours if name in there and name != MAIN and ours[name] != there[name]]
    commits = {commit for name, commit in ours.items() if name.startswith(TAGS)}
    has_all = all(name in there for name in ours)
    if other or (MAIN in there and there[MAIN] not in commits and not has_all):
        what = ", ".join(name.removeprefix(TAGS) for name in other) or "main"
        raise MlfactoryError(
            f"{url} has another history: its {what} is not the template's",
            "Give an empty repository, or one that was published to before.",
        )
