"""A stand-in for GitLab's REST API, as far as the jobs of a factory use it. It keeps what it was
asked, and refuses what the real one refuses: a stranger, a job's own token, what is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from .stand_in import served

TOKEN, JOB_TOKEN, READER = "glpat-of-the-project", "glcbt-of-the-job", "glpat-that-only-reads"
BOT, MALLORY = {"id": 7, "username": "project_1_bot"}, {"id": 9, "username": "mallory"}
PROJECT = "/api/v4/projects/1217"
PER_PAGE = 2  # few, so that lists have pages


@dataclass
class GitLab:
    """A project: its issues, and the merge requests that its commits were merged by."""

    url: str = ""
    calls: list[str] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    merges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    approved: dict[int, list[str]] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    has_issues: bool = True

    @property
    def api(self) -> str:
        return f"{self.url}/api/v4"

    def reply(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        path, _, query = request.path.partition("?")
        self.calls.append(f"{request.command} {path.removeprefix(PROJECT)}")
        token = (request.headers["Authorization"] or "").removeprefix("Bearer ")
        code, answer = self.answer(request.command, path, query, token, body)
        page, last = int(dict(re.findall(r"(\w+)=(\w+)", query)).get("page", 1)), False
        if isinstance(answer, list):
            rest = answer[(page - 1) * PER_PAGE :]
            answer, last = rest[:PER_PAGE], len(rest) <= PER_PAGE
        request.send_response(code)
        if isinstance(answer, list) and not last:
            following = f"{self.url}{path}?{re.sub('&?page=[0-9]+', '', query)}&page={page + 1}"
            request.send_header("Link", f'<{following}>; rel="next"')
        request.end_headers()
        request.wfile.write(json.dumps(answer).encode())

    def answer(self, method: str, path: str, query: str, token: str, body: Any) -> tuple[int, Any]:
        """The status and what is answered."""
        if path == "/alerts":
            self.alerts.append(body["title"])
            return 200, {}
        if token not in (TOKEN, READER, JOB_TOKEN):
            return 401, {"message": "401 Unauthorized"}
        if token == JOB_TOKEN or (token == READER and method != "GET"):
            return 403, {"error": "insufficient_scope"}
        if path == "/api/v4/user":
            return 200, BOT
        rest = path.removeprefix(PROJECT)
        if found := re.fullmatch(r"/repository/commits/(\w+)/merge_requests", rest):
            return 200, self.merges.get(found[1], [])
        if found := re.fullmatch(r"/merge_requests/(\d+)/approvals", rest):
            names = self.approved.get(int(found[1]), [])
            return 200, {"approved_by": [{"user": {"username": name}} for name in names]}
        if rest.startswith("/issues") and self.has_issues:
            return self.of_issues(method, rest, query, body)
        return 404, {"message": "404 Not Found"}

    def of_issues(self, method: str, rest: str, query: str, body: Any) -> tuple[int, Any]:
        found = re.fullmatch(r"/issues(?:/(\d+)(/notes)?)?", rest)
        if not found:
            return 404, {}
        if method == "GET" and not found[1]:
            asked = dict(re.findall(r"(\w+)=(\w+)", query))
            return 200, [
                one
                for one in self.issues
                if one["state"] == asked.get("state", one["state"])
                and str(one["author"]["id"]) == asked.get("author_id", str(one["author"]["id"]))
            ]
        if method == "POST" and not found[1]:
            if not body.get("title"):
                return 400, {"error": "title is missing"}
            state = {"iid": len(self.issues) + 1, "state": "opened", "author": BOT}
            self.issues.append(body | state)
            return 201, self.issues[-1]
        one = self.issues[int(found[1]) - 1]
        if method == "POST" and found[2]:
            self.notes.append(body["body"])
            return 201, body
        if method != "PUT" or found[2]:
            return 405, {}
        if body.pop("state_event", "") == "close":
            one["state"] = "closed"
        one.update(body)
        return 200, one


@contextmanager
def gitlab() -> Iterator[GitLab]:
    """The stand-in, on the loopback address."""
    found = GitLab()
    with served(found.reply) as address:
        found.url = f"http://{address}"
        yield found


def merged(number: int, by: str) -> dict[str, Any]:
    return {"iid": number, "state": "merged", "merge_user": {"username": by}}
