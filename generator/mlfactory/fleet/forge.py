"""What leaves this machine: branches, pushed so that nothing of others is lost, and requests."""

from __future__ import annotations

from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError

from .clone import HEADS, Clone
from .forges import opening
from .forges.hosts import Hosts
from .forges.kinds import Forge, Verdict, Wish
from .forges.local import Local

NO_TERMINAL = {"GIT_TERMINAL_PROMPT": "0"}


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
    if other := in_the_way(clone, ref):
        text = f"{branch} cannot be a branch beside {other}: git keeps branches as files do"
        raise MlfactoryError(text, "Name another `branch` in fleet.yml, and plan again.")
    lease = f"--force-with-lease={ref}:{clone.tip(branch)}"
    send(clone, lease, f"{commit}:{ref}")


def in_the_way(clone: Clone, ref: str) -> str:
    """A branch of the origin which is called as a folder of this ref is, or the other way round."""
    for name in clone.refs:
        if ref.startswith(f"{name}/") or name.startswith(f"{ref}/"):
            return name.removeprefix(HEADS)
    return ""


def send(clone: Clone, *argv: str) -> None:
    *options, spec = argv
    words = ("push", "--quiet", *options, "--", clone.address, spec)
    clone.repository.run(*words, env=NO_TERMINAL)


def of(hosts: Hosts, clone: Clone) -> tuple[Forge | None, str]:
    """The forge of a repository, or None and why somebody has to open requests there."""
    return (Local(clone, send), "") if is_local(clone) else hosts.forge(clone.address)


def propose(hosts: Hosts, clone: Clone, wish: Wish) -> tuple[str, str]:
    """Open a request, or bring the open one up to date; gives where it is, or an empty string and
    what is left to do. There is never a second one for a branch. Raises MlfactoryError."""
    forge, why = of(hosts, clone)
    if not forge:
        return "", f"open a request for {wish.branch}" + (f": {why}" if why else "")
    request = opening.settle(forge, wish)
    note = "" if request.is_ours else "somebody else has opened the request"
    return request.page or request.path, note


def withdraw(hosts: Hosts, clone: Clone, branch: str) -> None:
    """Take a branch away, unless somebody has changed it meanwhile, and close its request."""
    ref = f"{HEADS}{branch}"
    if tip := clone.tip(branch):
        send(clone, f"--force-with-lease={ref}:{tip}", f":{ref}")
    forge, _ = of(hosts, clone)
    for request in forge.requests(branch) if forge else ():
        if forge and request.state == "open" and request.is_ours:
            forge.close(request)


def verdict(hosts: Hosts, clone: Clone, commit: str) -> Verdict:
    """What the checks of the forge say of a commit. Raises ForgeError."""
    forge, _ = of(hosts, clone)
    return forge.verdict(commit) if forge else "none"
