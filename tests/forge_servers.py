"""Stand-ins for the REST APIs of GitHub and GitLab with many repositories, as a fleet meets them.
What one repository on GitHub holds is the stand-in that its jobs meet.

They refuse what the real ones refuse: strangers, tokens without rights, what is archived, a second
request of a branch, a request without a branch, and who writes too fast. What they hold can be
looked at and changed; each call is kept with the token that came along.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from .github import GitHub as Repository
from .stand_in import served

WRITER, READER = "t0ken-that-writes", "t0ken-that-reads"
PER_PAGE = 2  # few, so that lists have pages
Row = dict[str, Any]


@dataclass
class Forge:
    """Repositories of the organisation `org`; `origins` are their bare repositories."""

    origins: Path
    url: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    requests: dict[str, list[Row]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    verdicts: dict[str, str] = field(default_factory=dict)  # by repository, else none
    limit: int = 0  # so many writes are too much, and all that do not wait after one of those
    refused: float = 0.0  # when the last one was
    refusals: int = 0
    fail_after_open: int = 0  # so many requests are opened and answered with 502
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        path, _, query = request.path.partition("?")
        token = (request.headers["Authorization"] or "").removeprefix("Bearer ")
        words = {name: values[0] for name, values in parse_qs(query).items()}
        with self.lock:
            self.calls.append((request.command, unquote(path), token))
            code, answer = self.answer(request.command, path, words, token, body)
        headers = {}
        if code == 429 or answer == TOO_FAST:
            headers["Retry-After"] = f"{WAIT:.0f}"
        if code in (301, 307):
            headers["Location"] = str(answer)
        key = next((k for k in ("check_runs",) if isinstance(answer, dict) and k in answer), "")
        rows = answer[key] if key else answer
        if isinstance(rows, list):
            page = int(words.pop("page", 1))
            if rows[page * PER_PAGE :]:
                following = f"{self.url}{path}?{urlencode(words | {'page': page + 1})}"
                headers["Link"] = f'<{following}>; rel="next"'
            rows = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
            answer = {**answer, key: rows} if key else rows
        with suppress(BrokenPipeError):  # who has asked may be killed
            request.send_response(code)
            for name, value in headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(json.dumps(answer).encode())

    def answer(self, method: str, path: str, words: Row, token: str, body: Any) -> tuple[int, Any]:
        """The status and what is answered."""
        if token not in (WRITER, READER):
            return 401, {"message": "Bad credentials"}
        if method != "GET":
            is_early = self.refused and time.monotonic() - self.refused < WAIT
            if self.refusals < self.limit or is_early:
                self.refusals += 1
                self.refused = time.monotonic()
                return 403, TOO_FAST
        return self.route(method, path, words, token, body)

    def route(self, method: str, path: str, words: Row, token: str, body: Any) -> tuple[int, Any]:
        raise NotImplementedError

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.origins.glob("*.git"))

    def has_branch(self, name: str, branch: str) -> bool:
        argv = ("git", "rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
        return not subprocess.run(
            argv, cwd=self.origins / f"{name}.git", capture_output=True
        ).returncode

    def writes(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.calls if method != "GET"]

    def opened(self, name: str) -> list[Row]:
        return self.requests.setdefault(name, [])


WAIT = 1.0  # seconds
TOO_FAST = {"message": "You have exceeded a secondary rate limit. Please wait."}


@dataclass
class GitHub(Forge):
    """https://HOST/api/v3 of a GitHub Enterprise Server; drafts are a matter of the plan."""

    has_drafts: bool = True
    repositories: dict[str, Repository] = field(default_factory=dict)

    def route(self, method: str, path: str, words: Row, token: str, body: Any) -> tuple[int, Any]:
        if path == "/api/graphql":
            return self.graphql(body)
        rest = path.removeprefix("/api/v3")
        if rest == "/orgs/org/repos":
            return 200, [self.row(name) for name in self.names()]
        match = re.fullmatch(r"/repos/org/([^/]+)(/.*)?", rest)
        name = match[1] if match else ""
        if not match or name not in self.names():
            return 404, {"message": "Not Found"}
        if method != "GET":
            if token == READER:
                return 403, {"message": "Resource not accessible by personal access token"}
            if name in self.archived:
                return 403, {"message": "Repository was archived so is read-only."}
        return self.of_repository(method, name, match[2] or "", words, body)

    def of_repository(
        self, method: str, name: str, rest: str, words: Row, body: Any
    ) -> tuple[int, Any]:
        shop = self.repository(name)
        if rest == "/pulls":
            return shop.list_pulls(words) if method == "GET" else self.open(shop, body)
        if match := re.fullmatch(r"/pulls/(\d+)", rest):
            return shop.of_pull(int(match[1]), "", body)
        if match := re.fullmatch(r"/issues/(\d+)/labels", rest):
            return shop.label(int(match[1]), body["labels"])
        if re.fullmatch(r"/commits/\w+/check-runs", rest):
            verdict = self.verdicts.get(name)
            run = {"status": "completed", "conclusion": verdict}
            if verdict == "running":
                run = {"status": "in_progress", "conclusion": None}
            green = {"status": "completed", "conclusion": "success"}
            return 200, {"total_count": 3, "check_runs": [green, green, run] if verdict else []}
        if re.fullmatch(r"/commits/\w+/status", rest):
            return 200, {"state": "pending", "total_count": 0, "statuses": []}
        return 404, {"message": "Not Found"}

    def row(self, name: str) -> Row:
        host = self.url.removeprefix("http://")
        return {
            "name": name, "archived": name in self.archived, "fork": name.startswith("fork"),
            "clone_url": f"{self.url}/org/{name}.git", "ssh_url": f"git@{host}:org/{name}.git",
        }  # fmt: skip

    def repository(self, name: str) -> Repository:
        """One of them, as the jobs of its own CI meet it, too."""
        if name not in self.repositories:
            origin = self.origins / f"{name}.git"
            self.repositories[name] = Repository(self.url, f"org/{name}", origin)
        self.repositories[name].has_drafts = self.has_drafts
        return self.repositories[name]

    def opened(self, name: str) -> list[Row]:
        return self.repository(name).pulls

    def open(self, shop: Repository, body: Any) -> tuple[int, Any]:
        code, answer = shop.open_pull(WRITER, body)
        if code == 201 and self.fail_after_open:
            self.fail_after_open -= 1
            return 502, {"message": "Bad Gateway"}
        return code, answer

    def graphql(self, body: Any) -> tuple[int, Any]:
        _, name, number = body["variables"]["id"].split("/")
        row = self.opened(name)[int(number) - 1]
        row["draft"] = "convertPullRequestToDraft" in body["query"]
        return 200, {"data": {}}


@dataclass
class GitLab(Forge):
    """https://HOST/api/v4; `org` is a group with a group `sub` in it."""

    def route(self, method: str, path: str, words: Row, token: str, body: Any) -> tuple[int, Any]:
        rest = path.removeprefix("/api/v4")
        if rest == "/groups/org/projects":
            return 200, [self.row(name) for name in self.names()]
        match = re.fullmatch(r"/projects/([^/]+)(/.*)?", rest)
        owner, _, name = unquote(match[1]).rpartition("/") if match else ("", "", "")
        if not match or owner != "org" or name not in self.names():
            return 404, {"message": "404 Project Not Found"}
        if method != "GET":
            if token == READER:
                return 403, {"error": "insufficient_scope", "scope": "api"}
            if name in self.archived:
                return 403, {"message": "403 Forbidden"}
        return self.of_project(method, name, match[2] or "", words, body)

    def of_project(
        self, method: str, name: str, rest: str, words: Row, body: Any
    ) -> tuple[int, Any]:
        rows = self.opened(name)
        if rest == "/merge_requests" and method == "GET":
            branch = words.get("source_branch")
            return 200, [one for one in reversed(rows) if one["source_branch"] == branch]
        if rest == "/merge_requests":
            return self.open(name, body)
        if match := re.fullmatch(r"/merge_requests/(\d+)", rest):
            row = rows[int(match[1]) - 1]
            if body.pop("state_event", "") == "close":
                row["state"] = "closed"
            row["labels"] += [n for n in body.pop("add_labels", "").split(",") if n]
            row.update(body)
            return 200, row
        if re.fullmatch(r"/repository/commits/\w+", rest):
            verdict = self.verdicts.get(name)
            return 200, {"last_pipeline": {"status": verdict} if verdict else None}
        return 404, {"message": "404 Not Found"}

    def row(self, name: str) -> Row:
        host = self.url.removeprefix("http://")
        return {
            "path_with_namespace": f"org/{name}", "archived": name in self.archived,
            "http_url_to_repo": f"{self.url}/org/{name}.git",
            "ssh_url_to_repo": f"git@{host}:org/{name}.git",
        }  # fmt: skip

    def open(self, name: str, body: Any) -> tuple[int, Any]:
        branch = body["source_branch"]
        if not self.has_branch(name, branch):
            return 400, {"message": {"source_branch": ["does not exist"]}}
        if any(p["source_branch"] == branch and p["state"] == "opened" for p in self.opened(name)):
            text = "Another open merge request already exists for this source branch: !1"
            return 409, {"message": [text]}
        number = len(self.opened(name)) + 1
        labels = [one for one in body.pop("labels", "").split(",") if one]
        row = {
            **body, "iid": number, "state": "opened", "labels": labels, "project_id": 1,
            "source_project_id": 1, "web_url": f"{self.url}/org/{name}/-/merge_requests/{number}",
        }  # fmt: skip
        self.opened(name).append(row)
        return 201, row


@contextmanager
def at_work(forge: Forge) -> Iterator[Forge]:
    """The stand-in on the loopback address; what git asks of it is answered by the folder."""
    with served(forge.reply) as address:
        forge.url = f"http://{address}"
        name = f"url.{forge.origins}/.insteadOf"
        argv = ("git", "config", "--global", "--add", name, f"{forge.url}/org/")
        subprocess.run(argv, check=True)
        yield forge
