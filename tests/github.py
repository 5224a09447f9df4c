"""A stand-in for GitHub's REST API of a repository, as far as the jobs of a factory and a fleet use
it. It keeps what it was asked, and refuses what the real one refuses: a stranger, what a token may
not do, what is not there or switched off, a second request of one branch, and who asks too often.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from zipfile import ZipFile

from mlfactory_runtime.git import tries

from .stand_in import served

JOB, PROPOSER, READER = "t0ken-of-the-job", "t0ken-that-proposes", "t0ken-that-reads"
ACCOUNTS = {JOB: "github-actions[bot]", PROPOSER: "factory-app[bot]", READER: "reader"}
NAME = "org/churn"
PER_PAGE = 2  # few, so that lists have pages
REFUSED = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    409: "Git Repository is empty.",
    410: "Issues are disabled for this repo",
    422: "Validation Failed",
    429: "You have exceeded a secondary rate limit",
}
STRANGERS = [  # what others have opened, which fills the first pages
    {"number": 900 + k, "state": "open", "body": None, "user": None} for k in range(2 * PER_PAGE)
]


@dataclass
class GitHub:
    """A repository: its pull requests, issues, comments, and files of runs."""

    url: str = ""
    name: str = NAME
    origin: Path = Path()
    calls: list[str] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    strangers: list[dict[str, Any]] = field(default_factory=lambda: [*STRANGERS])
    merges: dict[str, list[int]] = field(default_factory=dict)  # the pulls of a commit, "*" of any
    reviews: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    commits: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # of pull requests
    alerts: list[str] = field(default_factory=list)
    rights: dict[str, set[str]] = field(default_factory=lambda: {PROPOSER: {"pulls"}})
    artifacts: dict[str, bytes] = field(default_factory=dict)
    pauses: int = 0  # so many calls are asked to wait
    has_issues: bool = True
    is_empty: bool = False
    has_drafts: bool = True  # which is a matter of the plan

    def reply(self, request: BaseHTTPRequestHandler, body: Any) -> None:
        path, _, query = request.path.partition("?")
        rest = path.removeprefix(f"/repos/{self.name}")
        self.calls.append(f"{request.command} {rest}")
        token = (request.headers["Authorization"] or "").removeprefix("Bearer ")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if match := re.fullmatch(r"/files/(\d+)", rest):
            send_file(request, [*self.artifacts.values()][int(match[1])])
            return
        is_paused = token in ACCOUNTS and self.pauses > 0
        code, answer = self.answer(request.command, rest, asked, token, body)
        request.send_response(code)
        if is_paused:
            request.send_header("Retry-After", "1")
        if code == 302:
            request.send_header("Location", f"{self.url}{answer}")
        if isinstance(answer, list):
            page = int(asked.pop("page", 1))
            if answer[page * PER_PAGE :]:
                following = f"{self.url}{path}?{urlencode(asked | {'page': page + 1})}"
                request.send_header("Link", f'<{following}>; rel="next"')
            answer = answer[(page - 1) * PER_PAGE : page * PER_PAGE]
        request.end_headers()
        told = {"message": REFUSED.get(code)} if answer is None else answer
        request.wfile.write(json.dumps(told).encode())

    def answer(
        self, method: str, path: str, asked: dict[str, str], token: str, body: Any
    ) -> tuple[int, Any]:
        """The status and what is answered."""
        if path == "/alerts":
            self.alerts.append(body["title"])
            return 200, {}
        if token not in ACCOUNTS:
            return 401, None
        if self.pauses:
            self.pauses -= 1
            return 403 if self.pauses % 2 else 429, None
        if method != "GET" and self.right(path) not in self.rights.get(token, ()):
            return 403, None
        if path == "":
            return 200, {"default_branch": "main"}
        if path == "/pulls":
            return self.list_pulls(asked) if method == "GET" else self.open_pull(token, body)
        if match := re.fullmatch(r"/issues/(\d+)/labels", path):
            return self.label(int(match[1]), body["labels"])
        if match := re.fullmatch(r"/pulls/(\d+)(/reviews|/commits)?", path):
            return self.of_pull(int(match[1]), match[2] or "", body)
        if match := re.fullmatch(r"/commits/(\w+)/pulls", path):
            return self.of_commit(match[1])
        if path.startswith("/actions/"):
            return self.of_runs(path)
        if "/comments" in path:
            return self.of_comments(method, path, token, body)
        return self.of_issues(method, path, asked, token, body)

    def right(self, path: str) -> str:
        """What a token has to be allowed for a change there."""
        if path.startswith("/pulls"):
            return "pulls"
        number = re.match(r"/issues/(\d+)", path)
        is_issue = bool(number) and int(number[1]) in [one["number"] for one in self.issues]
        if not is_issue and path.endswith("/labels"):
            return "pulls"
        return "comments" if "/comments" in path and not is_issue else "issues"

    def of_pull(self, number: int, part: str, body: Any) -> tuple[int, Any]:
        pulls = [one for one in self.pulls if one["number"] == number]
        if not pulls:
            return 404, None
        if part == "/commits":
            return 200, self.commits.get(number, [])
        if part == "/reviews":
            reviews = self.reviews.get(number, [])
            return 200, [review_by(name, state) for name, state in reviews]
        pulls[0].update(body)
        return 200, pulls[0]

    def of_commit(self, commit: str) -> tuple[int, Any]:
        """The pull requests that a commit was merged by."""
        numbers = self.merges.get(commit, self.merges.get("*", []))
        return (409, None) if self.is_empty else (200, [*map(self.pull_of, numbers)])

    def pull_of(self, number: int) -> dict[str, Any]:
        (pull,) = [one for one in self.pulls if one["number"] == number]
        return pull

    def of_issues(
        self, method: str, path: str, asked: dict[str, str], token: str, body: Any
    ) -> tuple[int, Any]:
        """As on the real one, pull requests are listed among the issues."""
        match = re.fullmatch(r"/issues(?:/(\d+))?", path)
        if not match:
            return 404, None
        if not self.has_issues:
            return 410, None
        if match[1]:
            places = [one for one in self.issues if one["number"] == int(match[1])]
            for one in places:
                one.update(body)
            return (200, places[0]) if places else (404, None)
        if method == "GET":
            pulls = [{**one, "pull_request": {}} for one in self.pulls]
            state = asked.get("state", "open")
            every = [*self.strangers, *pulls, *self.issues]
            return 200, [one for one in every if one["state"] == state]
        if not body.get("title"):
            return 422, None
        number = 1 + max((one["number"] for one in [*self.pulls, *self.issues]), default=0)
        own = {"number": number, "state": "open", "user": {"login": ACCOUNTS[token]}}
        self.issues.append(body | own)
        return 201, self.issues[-1]

    def of_runs(self, path: str) -> tuple[int, Any]:
        """The files of the one run; each is fetched from elsewhere, where a token is refused."""
        if match := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return 302, f"/files/{match[1]}"
        names = enumerate(self.artifacts)
        listed = [{"id": n, "name": name, "expired": False} for n, name in names]
        return 200, {"total_count": len(listed), "artifacts": listed}

    def of_comments(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        if match := re.fullmatch(r"/issues/(\d+)/comments", path):
            comments = self.comments.setdefault(int(match[1]), [])
            if method == "GET":
                return 200, comments
            number = 1 + sum(map(len, self.comments.values()))
            comments.append({**body, "id": number, "user": {"login": ACCOUNTS[token]}})
            return 201, comments[-1]
        if match := re.fullmatch(r"/issues/comments/(\d+)", path):
            every = [one for comments in self.comments.values() for one in comments]
            (comment,) = [one for one in every if one["id"] == int(match[1])]
            comment.update(body)
            return 200, comment
        return 404, None

    def list_pulls(self, asked: dict[str, str]) -> tuple[int, Any]:
        """The newest first; the real one lists all where it does not understand `head`."""
        owner, _, branch = asked.get("head", "").partition(":")
        state = asked.get("state", "open")
        pulls = [one for one in reversed(self.pulls) if state in ("all", one["state"])]
        if owner and branch:
            pulls = [one for one in pulls if one["head"]["label"] == f"{owner}:{branch}"]
        return 200, pulls

    def open_pull(self, token: str, body: Any) -> tuple[int, Any]:
        label = f"{self.name.partition('/')[0]}:{body['head']}"
        if not all(self.has_branch(body[side]) for side in ("head", "base")):
            return invalid({"resource": "PullRequest", "field": "head", "code": "invalid"})
        if any(p["head"]["label"] == label and p["state"] == "open" for p in self.pulls):
            return invalid({"message": f"A pull request already exists for {label}."})
        if body.get("draft") and not self.has_drafts:
            return 422, {"message": "Draft pull requests are not supported in this repository."}
        number = len(self.pulls) + 1
        address = f"{self.url}/{self.name}/pull/{number}"
        row = pull(number, body["head"], ACCOUNTS.get(token, "writer"), body, self.name)
        self.pulls.append({**row, "html_url": address, "node_id": f"{self.name}/{number}"})
        return 201, self.pulls[-1]

    def has_branch(self, branch: str) -> bool:
        return bool(tries(self.origin, "rev-parse", "--verify", f"refs/heads/{branch}"))

    def label(self, number: int, names: list[str]) -> tuple[int, Any]:
        """A label that the repository does not have yet is made."""
        labels = self.pull_of(number).setdefault("labels", [])
        labels += [{"name": one} for one in names]
        return 200, labels


def invalid(error: dict[str, str]) -> tuple[int, Any]:
    return 422, {"message": REFUSED[422], "errors": [error]}


def archive(content: bytes, name: str = "report.md") -> bytes:
    """An artifact of one file."""
    file = BytesIO()
    with ZipFile(file, "w") as out:
        out.writestr(name, content)
    return file.getvalue()


def send_file(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(400 if request.headers["Authorization"] else 200)
    request.end_headers()
    request.wfile.write(content)


def pull(number: int, branch: str, account: str, body: Any, name: str = NAME) -> dict[str, Any]:
    """A pull request of a branch of a repository."""
    label = f"{name.partition('/')[0]}:{branch}"
    head = {"ref": branch, "label": label, "repo": {"full_name": name}, "sha": "a" * 40}
    opened = {"number": number, "state": "open", "user": {"login": account}, "body": None}
    own = {"head": head, "base": {"ref": body.get("base", "main")}, "labels": []}
    return {**opened, "draft": False, "merged_at": None, **body, **own}


def merged(number: int, author: str, by: str) -> dict[str, Any]:
    """A pull request that somebody has merged."""
    content = {"state": "closed", "merged_at": "2026-01-01T00:00:00Z", "merged_by": {"login": by}}
    return pull(number, f"change-{number}", author, content)


def commit_by(name: str | None, message: str = "A change", parents: int = 1) -> dict[str, Any]:
    """A commit of a pull request; its author may be nobody that the forge knows."""
    author = {"login": name} if name else None
    return {"author": author, "commit": {"message": message}, "parents": [{}] * parents}


def review_by(name: str, state: str) -> dict[str, Any]:
    """A review; mallory is nobody's colleague."""
    role = "NONE" if name == "mallory" else "MEMBER"
    return {"user": {"login": name}, "state": state, "author_association": role}


@contextmanager
def github() -> Iterator[GitHub]:
    """The stand-in, on the loopback address."""
    place = GitHub()
    with served(place.reply) as address:
        place.url = f"http://{address}"
        yield place
