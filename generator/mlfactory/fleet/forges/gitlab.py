"""GitLab, gitlab.com or a server of one's own.

https://docs.gitlab.com/api/merge_requests/, .../commits/, .../groups/#list-projects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .kinds import MARK, Repository, Request, Verdict, Wish
from .rest import Api, call, entries

NEED = "the scope api, and the role Developer"
DRAFT = "Draft: "
STATES = {"opened": "open", "merged": "merged"}
VERDICTS: dict[str, Verdict] = {
    "success": "passed", "failed": "failed", "canceled": "failed", "skipped": "none",
    "manual": "passed",
}  # fmt: skip


def address(scheme: str, host: str) -> str:
    return f"{scheme}://{host}/api/v4"


@dataclass(frozen=True)
class GitLab:
    """A project, `name` is its path with the groups that it is in."""

    api: Api
    name: str

    @property
    def path(self) -> str:
        return f"/projects/{quote(self.name, safe='')}"

    def requests(self, branch: str) -> list[Request]:
        query = f"state=all&per_page=100&source_branch={quote(branch, safe='')}"
        rows = entries(self.api, f"{self.path}/merge_requests?{query}")
        return [
            self.request(row)
            for row in rows
            if row.get("source_branch") == branch
            and row.get("source_project_id") == row.get("project_id")
        ]

    def request(self, row: dict[str, Any]) -> Request:
        title = str(row.get("title") or "")
        return Request(
            f"{self.path}/merge_requests/{int(row['iid'])}",
            str(row.get("web_url") or ""),
            STATES.get(str(row.get("state")), "closed"),  # type: ignore[arg-type]
            title.removeprefix(DRAFT),
            str(row.get("description") or ""),
            title.startswith(DRAFT),
            tuple(map(str, row.get("labels") or ())),
            is_ours=MARK in str(row.get("description") or ""),
        )

    def open(self, wish: Wish) -> Request:
        content = {"source_branch": wish.branch, "target_branch": wish.base, **text_of(wish)}
        if wish.labels:
            content["labels"] = ",".join(wish.labels)
        return self.request(call(self.api, "POST", f"{self.path}/merge_requests", content)[0])

    def rewrite(self, request: Request, wish: Wish) -> None:
        content = {}
        if not request.is_as(wish) or request.is_draft != wish.is_draft:
            content = text_of(wish)
        if missing := [one for one in wish.labels if one not in request.labels]:
            content["add_labels"] = ",".join(missing)
        if content:
            call(self.api, "PUT", request.path, content)

    def close(self, request: Request) -> None:
        call(self.api, "PUT", request.path, {"state_event": "close"})

    def verdict(self, commit: str) -> Verdict:
        row, _ = call(self.api, "GET", f"{self.path}/repository/commits/{commit}")
        pipeline = row.get("last_pipeline") or {}
        return VERDICTS.get(str(pipeline.get("status")), "running") if pipeline else "none"


def text_of(wish: Wish) -> dict[str, str]:
    """Title and text; a draft is one by its title."""
    return {"title": f"{DRAFT if wish.is_draft else ''}{wish.title}", "description": wish.body}


def repositories(api: Api, owner: str) -> Iterator[Repository]:
    """All projects of a group and the groups in it. Raises ForgeError."""
    query = "projects?include_subgroups=true&per_page=100"
    for row in entries(api, f"/groups/{quote(owner, safe='')}/{query}"):
        addresses = (str(row.get("http_url_to_repo") or ""), str(row.get("ssh_url_to_repo") or ""))
        name, is_fork = str(row.get("path_with_namespace") or ""), "forked_from_project" in row
        yield Repository(name, *addresses, bool(row.get("archived")), is_fork)
