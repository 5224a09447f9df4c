"""GitHub, github.com or a server of one's own.

https://docs.github.com/rest/pulls/pulls, .../checks/runs, .../commits/statuses, and for drafts
https://docs.github.com/graphql/reference/mutations#markpullrequestreadyforreview.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .kinds import MARK, ForgeError, Repository, Request, Verdict, Wish
from .rest import Api, call, entries

NEED = "repository contents and pull requests, read and write"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
BAD = ("failure", "timed_out", "cancelled", "action_required", "startup_failure")
READY = "mutation($id: ID!) {{ {verb}(input: {{pullRequestId: $id}}) {{ clientMutationId }} }}"


def address(scheme: str, host: str) -> str:
    return "https://api.github.com" if host == "github.com" else f"{scheme}://{host}/api/v3"


@dataclass(frozen=True)
class GitHub:
    """A repository, `name` is OWNER/NAME."""

    api: Api
    name: str

    @property
    def path(self) -> str:
        return f"/repos/{quote(self.name)}"

    def requests(self, branch: str) -> list[Request]:
        owner = self.name.partition("/")[0]
        query = f"state=all&per_page=100&head={quote(f'{owner}:{branch}', safe='')}"
        rows = entries(self.api, f"{self.path}/pulls?{query}")
        return [self.request(row) for row in rows if self.is_from(row, branch)]

    def is_from(self, row: dict[str, Any], branch: str) -> bool:
        """Whether it is of that branch: a name that GitHub does not understand gives all there
        are."""
        head = row.get("head") or {}
        name = str((head.get("repo") or {}).get("full_name") or "")
        return head.get("ref") == branch and name.lower() == self.name.lower()

    def request(self, row: dict[str, Any]) -> Request:
        state = "open" if row.get("state") == "open" else "closed"
        labels = tuple(str(one.get("name")) for one in row.get("labels") or ())
        return Request(
            f"{self.path}/pulls/{int(row['number'])}",
            str(row.get("html_url") or ""),
            "merged" if row.get("merged_at") else state,  # type: ignore[arg-type]
            str(row.get("title") or ""),
            str(row.get("body") or ""),
            bool(row.get("draft")),
            labels,
            str(row.get("node_id") or ""),
            MARK in str(row.get("body") or ""),
        )

    def open(self, wish: Wish) -> Request:
        content = {"title": wish.title, "head": wish.branch, "base": wish.base, "body": wish.body}
        try:
            row = self.post(content, draft=wish.is_draft)
        except ForgeError as error:
            if error.code != 422 or "raft" not in error.message:
                raise
            row = self.post(content, draft=False)  # its plan has no drafts
        request = self.request(row)
        self.label(request, wish)
        return request

    def post(self, content: dict[str, Any], *, draft: bool) -> dict[str, Any]:
        body = {**content, "draft": True} if draft else content
        row: dict[str, Any] = call(self.api, "POST", f"{self.path}/pulls", body)[0]
        return row

    def rewrite(self, request: Request, wish: Wish) -> None:
        if not request.is_as(wish):
            body = {"title": wish.title, "body": wish.body}
            call(self.api, "PATCH", request.path, body)
        if request.is_draft != wish.is_draft and request.node:
            verb = "convertPullRequestToDraft" if wish.is_draft else "markPullRequestReadyForReview"
            query = {"query": READY.format(verb=verb), "variables": {"id": request.node}}
            with suppress(ForgeError):  # the text says it, too
                call(self.api, "POST", self.graphql, query)
        self.label(request, wish)

    @property
    def graphql(self) -> str:
        base = self.api.base
        return f"{base.removesuffix('/v3')}/graphql"

    def label(self, request: Request, wish: Wish) -> None:
        """Add what is missing; a label is no reason to fail."""
        issue = request.path.replace("/pulls/", "/issues/")
        if missing := [one for one in wish.labels if one not in request.labels]:
            with suppress(ForgeError):
                call(self.api, "POST", f"{issue}/labels", {"labels": missing})

    def close(self, request: Request) -> None:
        call(self.api, "PATCH", request.path, {"state": "closed"})

    def verdict(self, commit: str) -> Verdict:
        where = f"{self.path}/commits/{commit}"
        runs = list(entries(self.api, f"{where}/check-runs?per_page=100", "check_runs"))
        status, _ = call(self.api, "GET", f"{where}/status?per_page=100")
        states = [status.get("state")] if status.get("total_count") else []
        if any(run.get("conclusion") in BAD for run in runs) or {"failure", "error"} & {*states}:
            return "failed"
        if any(run.get("status") != "completed" for run in runs) or "pending" in states:
            return "running"
        return "passed" if runs or states else "none"


def repositories(api: Api, owner: str) -> Iterator[Repository]:
    """All repositories of an organisation, or of an account. Raises ForgeError."""
    query = "repos?type=all&per_page=100"
    try:
        rows = list(entries(api, f"/orgs/{quote(owner)}/{query}"))
    except ForgeError as error:
        if error.code != 404:
            raise
        rows = list(entries(api, f"/users/{quote(owner)}/{query}"))
    for row in rows:
        addresses = (str(row.get("clone_url") or ""), str(row.get("ssh_url") or ""))
        is_closed = bool(row.get("archived") or row.get("disabled"))
        yield Repository(str(row.get("name") or ""), *addresses, is_closed, bool(row.get("fork")))
