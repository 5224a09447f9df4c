"""What the token of a factory's jobs may do: asked of its forge, by calls that change nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, build_opener

from mlfactory.base import answers, git
from mlfactory.base.bearer import Stay, is_one_line
from mlfactory.base.errors import MlfactoryError

from .finding import ERROR, OK, WARNING, Observation

NAME = "FACTORY_FORGE_TOKEN"
ADDRESS = re.compile(r"(?:\w+://)?(?:[^@/]+@)?([^/:]+)(?::\d+(?=/))?[/:](.+?)(?:\.git)?/?")
# A job names its server, and the API of it. On a machine of yours both may be another's.
SERVERS = {"github": "GITHUB_SERVER_URL", "gitlab": "CI_SERVER_URL"}
APIS = {"github": "GITHUB_API_URL", "gitlab": "CI_API_V4_URL"}
SCOPES = {"api": "open merge requests", "write_repository": "push by git"}
DEVELOPER = 30  # the level of access from which on GitLab lets branches be pushed
NO_COMMIT, NO_BRANCH = "0" * 40, "mlfactory-doctor-asks"
# What is asked for cannot be made: whoever may try is told so (422), and others are refused.
WAYS = {
    "push branches and tags": ("/git/refs", {"ref": f"refs/heads/{NO_BRANCH}", "sha": NO_COMMIT}),
    "open pull requests": ("/pulls", {"head": NO_BRANCH, "base": NO_BRANCH, "title": NO_BRANCH}),
}


class TOK001:
    """The token of the jobs that push and propose may do so"""

    @staticmethod
    def check(folder: Path) -> Observation:
        if not (place := place_of(folder, os.environ.get(NAME, "").strip())):
            return Observation(OK, "no forge runs jobs that need one")
        if not place.token:
            mend = f"{NAME}=... mlfactory doctor     # the same that the jobs have: README.md"
            return Observation(WARNING, f"{NAME} is not at hand to be tried", mend)
        if lacking := lacks(place):
            return Observation(ERROR, f"it may not {', nor '.join(lacking)}", "README.md, Checks")
        return Observation(OK, "it may push, and open requests")


@dataclass(frozen=True)
class Place:
    """A repository on a forge, in its API."""

    forge: str
    url: str
    token: str = field(repr=False)


def place_of(folder: Path, token: str) -> Place | None:
    """Where the factory's origin stands; None for one without jobs, or on no forge."""
    forge = answers.read(folder / ".copier-answers.yml").get("ci")
    address = git.run("remote", "get-url", "origin", cwd=folder, ok=(0, 2, 128)).out.strip()
    match = ADDRESS.fullmatch(address)
    if forge not in ("github", "gitlab") or not match or address.startswith(("/", ".", "file:")):
        return None
    host, name = match.groups()
    api = api_of(forge, host)
    path = f"projects/{quote(name, safe='')}" if forge == "gitlab" else f"repos/{name}"
    return Place(forge, f"{api}/{path}", token)


def api_of(forge: str, host: str) -> str:
    """The API of the origin's host: the one that the environment names is that of the server which
    it names, and no other host is to get the token.
    """
    server, api = (os.environ.get(names[forge], "") for names in (SERVERS, APIS))
    if api and urlsplit(server).hostname == host.lower():
        return api
    if forge == "gitlab":
        return f"https://{host}/api/v4"
    return "https://api.github.com" if host.lower() == "github.com" else f"https://{host}/api/v3"


def lacks(place: Place) -> list[str]:
    """What the token may not do, of what jobs need. Raises MlfactoryError for one that is void."""
    return [*(on_gitlab(place) if place.forge == "gitlab" else on_github(place))]


def on_github(place: Place) -> Iterator[str]:
    for what, (path, body) in WAYS.items():
        code, _ = ask(place, path, body)
        if code != 422:
            yield what


def on_gitlab(place: Place) -> Iterator[str]:
    code, text = ask(place, "")
    access = json.loads(text).get("permissions", {}) if code == 200 else {}
    levels = [one["access_level"] for one in access.values() if one]
    if max(levels, default=0) < DEVELOPER:
        yield "push branches and tags"
    own = place.url.partition("/projects/")[0]
    code, text = ask(replace(place, url=own), "/personal_access_tokens/self")
    scopes = json.loads(text)["scopes"] if code == 200 else []
    for scope, what in SCOPES.items():
        if scope not in scopes:
            yield what


def ask(place: Place, path: str, body: dict[str, str] | None = None) -> tuple[int, str]:
    """The status and the text of an answer."""
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"}
    if not is_one_line(place.token):
        raise MlfactoryError(f"{NAME} is not one line of ASCII", f"export {NAME}=TOKEN")
    content = None if body is None else json.dumps(body).encode()
    try:
        request = Request(place.url + path, content, headers)  # noqa: S310 - the origin's forge
        with build_opener(Stay).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            if error.code == 401:
                message = f"{place.forge} does not take {NAME}: it has expired, or is another's"
                raise MlfactoryError(message, "make another one: README.md, Checks") from error
            return error.code, ""
    except URLError as error:
        message = f"{place.forge} cannot be reached: {error.reason}"
        raise MlfactoryError(message, "mlfactory doctor, when it answers") from error
