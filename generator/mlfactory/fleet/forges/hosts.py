"""Which forge stands behind an address, and the token that opens it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlfactory.base.errors import UsageError

from . import github, gitlab
from .github import GitHub
from .gitlab import GitLab
from .kinds import Forge
from .rest import Api, Pace, token_of

KINDS = {"github.com": "github", "gitlab.com": "gitlab"}
SCP = re.compile(r"(?:[^@/\s]+@)?([\w.-]+):(?!//)(.+)")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Site:
    """A repository by its forge's host, the scheme of its pages, and its name there."""

    scheme: str
    host: str
    name: str


@dataclass(frozen=True)
class Hosts:
    """The forges of a fleet, each asked at a pace of its own. `kinds` are those of fleet.yml."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    pace: float = 1.0
    apis: dict[str, Api] = field(default_factory=dict)

    def kind_of(self, host: str) -> str:
        return self.kinds.get(host) or KINDS.get(host, "")

    def api(self, site: Site) -> Api:
        """The API of a host that is known to be a forge."""
        if site.host not in self.apis:
            kind = github if self.kind_of(site.host) == "github" else gitlab
            names = variables(site.host)
            base = kind.address(site.scheme, site.host)
            headers = github.HEADERS if kind is github else {}
            facts = (site.host, base, kind.NEED, names, token_of(names))
            self.apis[site.host] = Api(*facts, Pace(self.pace), headers)
        return self.apis[site.host]

    def forge(self, address: str) -> tuple[Forge | None, str]:
        """The forge of a repository, else why there is none."""
        site = site_of(address)
        if not site or not self.kind_of(site.host):
            return None, ""
        api = self.api(site)
        if not api.token:
            return None, f"there is no token in {' or '.join(api.variables)}"
        is_github = self.kind_of(site.host) == "github"
        return GitHub(api, site.name) if is_github else GitLab(api, site.name), ""


def site_of(address: str) -> Site | None:
    """Where a repository is on the web, or None for a path and what else is no address of one."""
    if "://" in address:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2].lower()
        if parts.scheme == "ssh":
            host = re.sub(r":\d+$", "", host)
        elif parts.scheme not in ("http", "https"):
            return None
        path = parts.path
    elif match := SCP.fullmatch(address):
        host, path = match[1].lower(), match[2]
    else:
        return None
    name = path.strip("/").removesuffix(".git")
    is_plain = address.startswith("http://") and re.sub(r":\d+$", "", host) in LOOPBACK
    return Site("http" if is_plain else "https", host, name) if host and name else None


def variables(host: str) -> tuple[str, ...]:
    """The variables in which a host's token is looked for: no two hosts have one in common, but
    for the job's own at the host that runs it."""
    name = host.replace("-", "__").replace(".", "_").replace(":", "_")
    own = (f"MLFACTORY_TOKEN_{name}".upper(),)
    usual = {"github.com": ("GH_TOKEN", "GITHUB_TOKEN"), "gitlab.com": ("GITLAB_TOKEN",)}
    server = urlsplit(os.environ.get("GITHUB_SERVER_URL", "https://github.com")).netloc.lower()
    more = usual.get(host, ())
    return (*own, *(n for n in more if n != "GITHUB_TOKEN" or server == host))


def owner_site(text: str) -> Site:
    """An organisation or a group, as somebody types it. Raises UsageError."""
    address = text if "://" in text else f"https://{text}"
    site = site_of(address.rstrip("/"))
    if not site or ("." not in site.host and site.host.split(":")[0] != "localhost"):
        hint = "Name a folder with clones, or HOST/ORGANISATION, such as github.com/acme."
        raise UsageError(f"{text} is no directory, and no organisation of a forge", hint)
    return site
