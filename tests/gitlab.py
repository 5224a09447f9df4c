"""A stand-in for GitLab's REST API, as far as the jobs of a factory use it. It keeps what it was
asked, and refuses what the real one refuses: a stranger, a job's own token, what a role may not do,
what is not there, a second merge request of one branch, and who asks too often."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from mlfactory_runtime.git import tries

from .stand_in import served

TOKEN, JOB_TOKEN, READER = "glpat-of-the-project", "glcbt-of-the-job", "glpat-that-only-reads"
REPORTER = "glpat-that-comments"
BOT, MALLORY = {"id": 7, "username": "project_1_bot"}, {"id": 9, "username": "mallory"}
CRITIC = {"id": 8, "username": "project_1_bot_2"}
ACCOUNTS = {TOKEN: BOT, READER: BOT, REPORTER: CRITIC, JOB_TOKEN: MALLORY}
PROJECT = "/api/v4/projects/1217"
IDS = {"project_id": 1217, "source_project_id": 1217}
PER_PAGE = 2  # few, so that lists have pages
REFUSALS = {
    401: {"message": "401 Unauthorized"},
    403: {"error": "insufficient_scope"},
    404: {"message": "404 Not Found"},
    409: {"message": ["Another open merge request already exists for this source branch"]},
    429: {"message": "429 Too Many Requests"},
}


@dataclass
class GitLab:
    """A project: its issues, its merge requests, and those that its commits were merged by."""

    url: str = ""
    origin: Path = Path()
    calls: list[str] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # on issues
    requests: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # on merge requests
    merges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    approved: dict[int, list[str]] = field(default_factory=dict)
    commits: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # of merge requests
    alerts: list[str] = field(default_factory=list)
    has_issues: bool = True
    pauses: int = 0  # so many calls are asked to wait

    @property
    def api(self) -> str:
        return f"{self.url}/api/v4"

    def reply(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        path, _, query = request.path.partition("?")
        self.calls.append(f"{request.command} {path.removeprefix(PROJECT)}")
        token = (request.headers["Authorization"] or "").removeprefix("Bearer ")
        options = {name: values[0] for name, values in parse_qs(query).items()}
        code, answer = self.answer(request.command, path, options, token, body)
        request.send_response(code)
        if code == 429:
            request.send_header("Retry-After", "1")
        if isinstance(answer, list):
            page = int(options.pop("page", 1))
            if answer[page * PER_PAGE :]:
                following = f"{self.url}{path}?{urlencode(options | {'page': page + 1})}"
                request.send_header("Link", f'<{following}>; rel="next"')
            answer = answer[(page - 1) * PER_PAGE : page * PER_PAGE]
        request.end_headers()
        content = REFUSALS.get(code) if answer is None else answer
        request.wfile.write(json.dumps(content).encode())

    def answer(
        self, method: str, path: str, options: dict[str, str], token: str, body: Any
    ) -> tuple[int, Any]:
        """The status and what is answered."""
        if path == "/alerts":
            self.alerts.append(body["title"])
            return 200, {}
        if token not in ACCOUNTS:
            return 401, None
        if self.pauses:
            self.pauses -= 1
            return 429, None
        rest = path.removeprefix(PROJECT)
        if token == JOB_TOKEN or not may(token, method, rest):
            return 403, None
        if path == "/api/v4/user":
            return 200, ACCOUNTS[token]
        if rest == "":
            return 200, {"default_branch": "main"}
        if match := re.fullmatch(r"/repository/commits/(\w+)/merge_requests", rest):
            return 200, self.merges.get(match[1], [])
        if match := re.fullmatch(r"/merge_requests/(\d+)/commits", rest):
            return 200, self.commits.get(int(match[1]), [])
        if match := re.fullmatch(r"/merge_requests/(\d+)/approvals", rest):
            names = self.approved.get(int(match[1]), [])
            return 200, {"approved_by": [{"user": person(name)} for name in names]}
        if match := re.fullmatch(r"/merge_requests/(\d+)/notes(?:/(\d+))?", rest):
            return self.of_comments(method, int(match[1]), match[2], token, body)
        if rest.startswith("/merge_requests"):
            return self.of_requests(method, rest, options, body)
        if rest.startswith("/issues") and self.has_issues:
            return self.of_issues(method, rest, options, body)
        return 404, None

    def of_comments(
        self, method: str, request: int, note: str | None, token: str, body: Any
    ) -> tuple[int, Any]:
        comments = self.comments.setdefault(request, [])
        if method == "GET":
            return 200, comments
        if method == "POST":
            number = 1 + sum(map(len, self.comments.values()))
            comments.append({**body, "id": number, "author": ACCOUNTS[token]})
            return 201, comments[-1]
        (comment,) = [one for one in comments if str(one["id"]) == note]
        if comment["author"] != ACCOUNTS[token]:
            return 403, None
        comment.update(body)
        return 200, comment

    def of_requests(
        self, method: str, rest: str, options: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        """The newest first, those of forks among them."""
        if match := re.fullmatch(r"/merge_requests/(\d+)", rest):
            places = [one for one in self.requests if one["iid"] == int(match[1])]
            for one in places if method == "PUT" else ():
                change = {key: body[key] for key in body.keys() - {"state_event", "add_labels"}}
                change |= {"state": "closed"} if body.get("state_event") == "close" else {}
                labels = [name for name in body.get("add_labels", "").split(",") if name]
                one.update({**change, "labels": [*one.get("labels", ()), *labels]})
            return (200, places[0]) if places else (404, None)
        if method == "GET":
            branch = options.get("source_branch")
            listing = [one for one in self.requests if branch in (None, one["source_branch"])]
            return 200, listing[::-1]
        branch = body["source_branch"]
        own = [one for one in self.requests if one["source_project_id"] == one["project_id"]]
        if any(one["source_branch"] == branch and one["state"] == "opened" for one in own):
            return 409, None
        sha = tries(self.origin, "rev-parse", "--verify", f"refs/heads/{branch}")
        if not (sha and body.get("title")):
            return 422, {"message": {"source_branch": ["does not exist"]}}
        draft = body["title"].startswith("Draft: ")
        labels = [name for name in body.get("labels", "").split(",") if name]
        content = {**body, "draft": draft, "labels": labels}
        self.requests.append(merge_request(len(self.requests) + 1, sha, **content))
        return 201, self.requests[-1]

    def of_issues(
        self, method: str, rest: str, options: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        match = re.fullmatch(r"/issues(?:/(\d+)(/notes)?)?", rest)
        if not match:
            return 404, None
        if method == "GET" and not match[1]:
            return 200, [
                one
                for one in self.issues
                if one["state"] == options.get("state", one["state"])
                and str(one["author"]["id"]) == options.get("author_id", str(one["author"]["id"]))
            ]
        if method == "POST" and not match[1]:
            if not body.get("title"):
                return 400, {"error": "title is missing"}
            state = {"iid": len(self.issues) + 1, "state": "opened", "author": BOT}
            self.issues.append(body | state)
            return 201, self.issues[-1]
        one = self.issues[int(match[1]) - 1]
        if method == "POST" and match[2]:
            self.notes.append(body["body"])
            return 201, body
        if method != "PUT" or match[2]:
            return 405, {}
        if body.pop("state_event", "") == "close":
            one["state"] = "closed"
        one.update(body)
        return 200, one


def may(token: str, method: str, rest: str) -> bool:
    """Whether a token's role and scope are enough: a reporter comments, and changes nothing."""
    if method == "GET" or token == TOKEN:
        return True
    return token == REPORTER and "/notes" in rest


def merge_request(number: int, sha: str, **content: Any) -> dict[str, Any]:
    """An open merge request of a branch of the project."""
    opened = {"iid": number, "state": "opened", "target_branch": "main", **IDS}
    return {**opened, "sha": sha, "description": None, **content}


def merged(number: int, by: str, author: str = "erin") -> dict[str, Any]:
    """A merge request that somebody has merged."""
    people = {"merge_user": person(by), "author": person(author)}
    return {"iid": number, "state": "merged", "target_branch": "main", **people}


def person(username: str) -> dict[str, Any]:
    """An account; `erin` is called Erin."""
    return {"username": username, "name": username.capitalize()}


def commit_by(name: str, address: str = "", message: str = "A change", parents: int = 1) -> Any:
    """A commit of a merge request: GitLab names its author's name and address, and no account."""
    author = {"author_name": name, "author_email": address or f"{name}@example.org".lower()}
    return {**author, "message": message, "parent_ids": ["a" * 40] * parents}


@contextmanager
def gitlab() -> Iterator[GitLab]:
    """The stand-in, on the loopback address."""
    place = GitLab()
    with served(place.reply) as address:
        place.url = f"http://{address}"
        yield place
