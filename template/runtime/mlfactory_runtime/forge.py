"""What the workflows ask of the forge, through its REST API and with the job's token.

Address, repository and token stand in the environment of a job on GitHub (GITHUB_API_URL,
GITHUB_REPOSITORY, GITHUB_TOKEN, GITHUB_SHA, GITHUB_ACTOR, GITHUB_EVENT_NAME, GITHUB_RUN_ID,
GITHUB_SERVER_URL).
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .errors import FactoryError
from .records.monitoring import Monitored
from .visible import plain

MARK = "<!-- kept by the workflow Monitor{}: one issue while something is wrong -->"
HANDLE = re.compile(r"@[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)?")
ACCOUNT = "github-actions[bot]"  # whose a job's own token is
ENV = os.environ


def call(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[Any, str]:
    """The answer for a path of this repository, and the address of the next page."""
    base = f"{ENV.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{ENV['GITHUB_REPOSITORY']}"
    url = path if "://" in path else base + path
    headers = {"Accept": "application/vnd.github+json"}
    headers["Authorization"] = f"Bearer {ENV['GITHUB_TOKEN']}"
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
            return json.load(answer), following[1] if following else ""
    except HTTPError as error:
        message = f"the forge answers {error.code} to {method} {path}: {error.reason}"
        raise FactoryError(message, "look at the job's permissions and its token") from error
    except URLError as error:
        message = f"the forge cannot be reached: {error.reason}"
        raise FactoryError(message, "run the job again when it answers") from error


def listed(path: str) -> Iterator[dict[str, Any]]:
    """All entries of a list, page after page."""
    while path:
        found, path = call("GET", path)
        yield from found


def approver(commit: str) -> str:
    """Who approved the pull request that a commit was merged by; else who merged it.

    Without one, who pushed it, where this job runs because of that push; else nobody is known.
    """
    for pull in listed(f"/commits/{commit}/pulls"):
        if not pull["merged_at"]:
            continue
        latest = {}
        for review in listed(f"/pulls/{pull['number']}/reviews?per_page=100"):
            if review["user"] and review["state"] != "COMMENTED":
                latest[review["user"]["login"]] = review["state"]
        if names := [f"@{name}" for name, state in latest.items() if state == "APPROVED"]:
            return ", ".join(names)
        if merged := call("GET", f"/pulls/{pull['number']}")[0]["merged_by"]:
            return f"@{merged['login']}"
    is_push = ENV.get("GITHUB_EVENT_NAME") == "push" and commit == ENV["GITHUB_SHA"]
    return f"@{ENV['GITHUB_ACTOR']}" if is_push else ""


def keep_issue(result: Monitored | None, folder: str = "") -> str:
    """Open the issue, write the open one anew, or close it; says what was done.

    Without a result the monitor has failed. Each factory in a folder of a larger repository has an
    issue of its own; one that another account opened is not the job's, whatever stands in it.
    """
    issues, mark = listed("/issues?state=open&per_page=100"), mark_of(folder)
    mine = (one for one in issues if mark in (one["body"] or "") and is_ours(one))
    place = f"/issues/{found['number']}" if (found := next(mine, None)) else ""
    if result and result.verdict == "healthy":
        if not place:
            return "nothing is wrong, and no issue is open"
        call("POST", f"{place}/comments", {"body": f"It is over: the monitor is healthy. {run()}"})
        call("PATCH", place, {"state": "closed", "state_reason": "completed"})
        return f"closed {place}"
    title = f"{result.verdict} of {plain(result.model.label)}" if result else "it fails"
    text = "\n\n".join([mark_of(folder), alarms(result, folder) if result else failure(folder)])
    content = {"title": f"Monitor: {title}", "body": text}
    if place:
        call("PATCH", place, content)
        return f"updated {place}"
    return f"opened /issues/{call('POST', '/issues', content)[0]['number']}"


def mark_of(folder: str) -> str:
    """What the issue of a factory is known by."""
    return MARK.format(f" of {folder}" if folder else "")


def is_ours(issue: dict[str, Any]) -> bool:
    """Whether it is an issue, and the job's own account has opened it."""
    return "pull_request" not in issue and (issue["user"] or {}).get("login") == ACCOUNT


def failure(folder: str) -> str:
    """The issue of a monitor that fails; the reason stays in the run, where secrets are masked."""
    return f"It sees nothing. {run()}, {runbook('the-monitor-fails', folder)}"


def alarms(result: Monitored, folder: str) -> str:
    """What is wrong, whom to ask, what to do, and what nobody could see."""
    window = result.window
    lines = [f"{window.rows:,} rows, {window.begin} to {window.end}. {run()}"]
    for check in result.checks:
        if check.status == "alarm":
            about = {"source": check.source, "owner": check.owner}
            known = [f"{key}: {whom(text)}" for key, text in about.items() if text]
            advice = runbook(check.runbook, folder)
            lines.append(f"- {plain(check.message)}. {', '.join([*known, advice])}")
    return "\n".join([*lines, "", "Not seen:", *(f"- {plain(text)}" for text in result.unseen)])


def whom(text: str) -> str:
    """An account is called, so that it is told; all else is plain text."""
    return text if HANDLE.fullmatch(text) else plain(text)


def runbook(entry: str, folder: str) -> str:
    """A link to an entry of the runbook."""
    place = f"{folder}/" if folder else ""
    return f"[what to do]({home()}/blob/HEAD/{place}docs/runbook.md#{entry})"


def home() -> str:
    """The repository's page."""
    return f"{ENV.get('GITHUB_SERVER_URL', 'https://github.com')}/{ENV['GITHUB_REPOSITORY']}"


def run() -> str:
    """A link to this run, which holds the page."""
    return f"[The run, with the monitor's page]({home()}/actions/runs/{ENV['GITHUB_RUN_ID']})"
