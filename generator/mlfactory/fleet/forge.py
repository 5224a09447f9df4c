"""Where proposals are made: a branch, and beside it a request to merge that people can read.

Of a bare repository of this machine or one that is mounted, a request is a commit of its own under
`refs/mlfactory/requests/`: its title and text are the message, its parent is what is proposed. For
forges on the web the branch is pushed, and somebody opens the request there.
"""

from __future__ import annotations

from pathlib import Path

from mlfactory.base import git, objects
from mlfactory.base.errors import MlfactoryError

from .clone import HEADS, Clone

REQUESTS = "refs/mlfactory/requests/"
NO_TERMINAL = {"GIT_TERMINAL_PROMPT": "0"}
# The same request is the same commit, whenever it is made.
NO_TIME = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}


def is_local(clone: Clone) -> bool:
    return folder_of(clone).is_dir()


def folder_of(clone: Clone) -> Path:
    return Path(clone.address.removeprefix("file://"))


def check_pushable(clone: Clone) -> None:
    """Raises MlfactoryError for a person's clone: nothing is pushed into where somebody works."""
    if not is_local(clone):
        return
    argv = ("rev-parse", "--is-bare-repository")
    if git.run(*argv, cwd=folder_of(clone)).out.strip() != "true":
        raise MlfactoryError(
            f"{clone.address} is somebody's clone, and has no origin to push to",
            "git remote add origin URL     # in that clone; or name the URL in fleet.yml",
        )


def push(clone: Clone, branch: str, commit: str) -> None:
    """Put a commit on a branch of the origin. Raises MlfactoryError when it is refused, or when
    the branch is no longer what was fetched: nothing of others is overwritten."""
    ref = f"{HEADS}{branch}"
    lease = f"--force-with-lease={ref}:{clone.tip(branch)}"
    send(clone, lease, f"{commit}:{ref}")


def send(clone: Clone, *argv: str) -> None:
    *options, spec = argv
    words = ("push", "--quiet", *options, "--", clone.address, spec)
    clone.repository.run(*words, env=NO_TERMINAL)


def delete(clone: Clone, branch: str) -> None:
    """Close a request and take its branch away, unless somebody has changed it meanwhile."""
    ref = f"{HEADS}{branch}"
    send(clone, f"--force-with-lease={ref}:{clone.tip(branch)}", f":{ref}")
    request = f"{REQUESTS}{branch}"
    if old := clone.refs.get(request):
        send(clone, f"--force-with-lease={request}:{old}", f":{request}")


def propose(clone: Clone, branch: str, commit: str, title: str, text: str) -> str:
    """Open a request, or bring the open one up to date; gives where it is, or an empty string where
    the forge has to be told by somebody. There is never a second one for a branch."""
    if not is_local(clone):
        return ""
    ref, message = f"{REQUESTS}{branch}", f"{title}\n\n{text}"
    tree = f"{commit}^{{tree}}"
    request = objects.commit_tree(clone.repository, tree, commit, message=message, author=NO_TIME)
    old = clone.refs.get(ref, "")
    if old != request:
        send(clone, f"--force-with-lease={ref}:{old}", f"{request}:{ref}")
    return ref
