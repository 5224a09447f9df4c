"""Bare repositories of this machine, or of a disk that is mounted.

A request is a commit of its own under `refs/mlfactory/requests/`: its title and text are the
message, its parent is what is proposed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlfactory.base import objects

from ..clone import Clone
from .kinds import Request, Verdict, Wish

REQUESTS = "refs/mlfactory/requests/"
# The same request is the same commit, whenever it is made.
NO_TIME = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}


@dataclass(frozen=True)
class Local:
    """A bare repository; `send` pushes into it."""

    clone: Clone
    send: Callable[..., None]

    def requests(self, branch: str) -> list[Request]:
        ref = f"{REQUESTS}{branch}"
        return [Request(ref, ref, "open")] if ref in self.clone.refs else []

    def open(self, wish: Wish) -> Request:
        request = Request(f"{REQUESTS}{wish.branch}", f"{REQUESTS}{wish.branch}", "open")
        self.rewrite(request, wish)
        return request

    def rewrite(self, request: Request, wish: Wish) -> None:
        title = f"{'Draft: ' if wish.is_draft else ''}{wish.title}"
        message, tree = f"{title}\n\n{wish.text}", f"{wish.commit}^{{tree}}"
        store, old = self.clone.repository, self.clone.refs.get(request.path, "")
        new = objects.commit_tree(store, tree, wish.commit, message=message, author=NO_TIME)
        if old != new:
            lease = f"--force-with-lease={request.path}:{old}"
            self.send(self.clone, lease, f"{new}:{request.path}")

    def close(self, request: Request) -> None:
        old = self.clone.refs[request.path]
        self.send(self.clone, f"--force-with-lease={request.path}:{old}", f":{request.path}")

    def verdict(self, commit: str) -> Verdict:  # noqa: ARG002
        return "none"
