"""`mlfactory fleet init` for an organisation at GitHub or a group at GitLab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import has_credentials
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.update.ready import shorten

from . import census, inventory, work
from .census import Census
from .clone import fresh
from .forges import github, gitlab
from .forges.hosts import KINDS, Hosts, Site, owner_site, site_of
from .forges.kinds import Repository
from .inventory import Member
from .scout import Progress
from .work import Failure


def begin(text: str, file: Path, kind: str, progress: Progress, *, ssh: bool = False) -> Census:
    """Write a fleet's file for a folder, or for what an organisation has; what is archived or a
    fork is told of and left out. Raises an error where there is a file already."""
    if Path(text).is_dir():
        return census.begin(Path(text), file)
    census.check_new(file)
    site = owner_site(text)
    hosts = Hosts({site.host: kind} if kind else {})
    if (kind or hosts.kind_of(site.host)) not in inventory.FORGES:
        hint = f"Say which forge it is: --forge {' or '.join(inventory.FORGES)}"
        raise UsageError(f"{site.host} is not known", hint)
    rows = list(of_owner(hosts, site))
    ready = [row for row in rows if not (row.is_archived or row.is_fork)]
    members = [member(site, row, ssh=ssh) for row in ready]
    if not members:
        raise MlfactoryError(f"{site.host}/{site.name} has no repositories that the token may see")
    more = f"forges:\n  {site.host}: {kind}\n" if kind and site.host not in KINDS else ""
    entries = list(entries_of(members, progress))
    return census.begin_with(file, entries, more, tuple(notes(rows)))


def of_owner(hosts: Hosts, site: Site) -> Iterator[Repository]:
    """What an organisation or a group has. Raises MlfactoryError."""
    api = hosts.api(site)
    if not api.token:
        name = api.variables[0]
        raise MlfactoryError(
            f"there is no token for {site.host} in {' or '.join(api.variables)}",
            f"export {name}=...     # {api.need}",
        )
    module = github if hosts.kind_of(site.host) == "github" else gitlab
    yield from module.repositories(api, site.name)


def member(site: Site, row: Repository, *, ssh: bool) -> Member:
    """A repository as a member. Raises MlfactoryError for an address that leads elsewhere."""
    address = row.ssh if ssh else row.https
    there = site_of(address)
    own = site.host.partition(":")[0]
    is_own = there and there.host.partition(":")[0] == own
    if (
        not is_own
        or address.startswith("-")
        or has_credentials(address)
        or not address.isprintable()
    ):
        raise MlfactoryError(f"{site.host} names {visible(row.name)!r} with an odd address")
    return Member(row.name, address)


def entries_of(members: Sequence[Member], progress: Progress) -> Iterator[dict[str, str]]:
    """An entry for each project in each of the repositories, which are fetched for that."""
    results: dict[int, list[str] | Failure] = {}
    with progress.count("Fetch", len(members)) as tick:
        for number, result in work.wait_for(names_in, members):
            results[number] = result
            tick()
    for number, one in enumerate(members):
        names, where = results[number], {"url": one.address}
        if isinstance(names, Failure):
            reason = " ".join(names.message.split())[:100]
            yield {**where, "skip": f"it could not be fetched: {visible(reason)}"}
        else:
            yield from census.entries_at(where, names)


def names_in(one: Member) -> list[str]:
    """The names of the files on the default branch."""
    clone = fresh(one)
    tip = clone.tip(clone.default)
    argv = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", tip)
    return clone.repository.run(*argv).out.split("\0") if tip else []


def notes(rows: Sequence[Repository]) -> Iterator[str]:
    """What was left out, by name."""
    for word, names in (
        ("archived", [visible(row.name) for row in rows if row.is_archived]),
        ("forks", [visible(row.name) for row in rows if row.is_fork and not row.is_archived]),
    ):
        if names:
            yield f"left out, {word}: {shorten(names)}"
