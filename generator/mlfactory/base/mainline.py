"""The branch of a repository that jobs run on."""

from __future__ import annotations

from .git import Repository

MAIN = "main"
USUAL = (MAIN, "master", "trunk", "develop")
HEAD = ("symbolic-ref", "--quiet", "--short")


def main_branch(repository: Repository) -> str:
    """What a forge would call its main branch: what origin says, else a usual name that is there,
    else where we are; empty where nothing tells."""
    if origin := at_origin(repository):
        return origin
    form = "--format=%(refname:strip=2)"
    branches = repository.run("for-each-ref", form, "refs/heads").out.split("\n")
    usual = [one for one in USUAL if one in branches]
    return usual[0] if usual else repository.run(*HEAD, "HEAD", ok=(0, 1, 128)).out.strip()


def at_origin(repository: Repository) -> str:
    """What origin calls its main branch, as far as this clone knows; empty where it does not."""
    name = repository.run(*HEAD, "refs/remotes/origin/HEAD", ok=(0, 1, 128)).out.strip()
    return name.removeprefix("origin/")
