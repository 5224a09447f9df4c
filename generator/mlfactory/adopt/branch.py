"""The merge as git has it: a commit of the template's files, and one that joins both."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from tempfile import TemporaryDirectory

from mlfactory.base import git, objects
from mlfactory.base.git import Repository
from mlfactory.base.objects import Leaf
from mlfactory.render.safety import LINK

from .place import Place


def blob(repository: Repository, place: str, content: bytes, mode: str) -> Leaf:
    """A file as the repository stores it: its attributes and filters are applied."""
    how = ("--no-filters",) if mode == LINK else ("--path", place)
    oid = repository.run("hash-object", "-w", "--stdin", *how, stdin=content).out.strip()
    return mode, oid


def tree(repository: Repository, base: str, files: Mapping[str, Leaf | None]) -> str:
    """A commit's tree with these files; None takes one away. Without a base, these alone."""
    zero = "0" * len(git.head(repository))
    rows = (
        f"0 {zero}\t{name}\0" if leaf is None else f"{leaf[0]} {leaf[1]}\t{name}\0"
        for name, leaf in files.items()
    )
    with TemporaryDirectory(prefix="mlfactory-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        if base:
            repository.run("read-tree", base, env=env)
        stdin = "".join(rows).encode("utf-8", "surrogateescape")
        repository.run("update-index", "-z", "--index-info", env=env, stdin=stdin)
        return repository.run("write-tree", env=env).out.strip()


def template_side(here: Place, files: Mapping[str, Leaf | None], message: str) -> str:
    """A commit of the template's files alone, whose history is not the project's."""
    return objects.commit_tree(here.repository, tree(here.repository, "", files), message=message)


def join(here: Place, side: str, files: Mapping[str, Leaf | None], message: str) -> str:
    """The commit that joins the project and the template, on no branch yet."""
    own = () if git.has_identity(here.repository.top) else git_identity()
    parents = ("-p", here.head, "-p", side)
    whole = tree(here.repository, here.head, files)
    argv = ("commit-tree", whole, *parents, "-F", "-")
    return here.repository.run(*own, *argv, stdin=message.encode()).out.strip()


def git_identity() -> tuple[str, ...]:
    return "-c", f"user.name={git.NAME}", "-c", f"user.email={git.EMAIL}"


def before(here: Place) -> str:
    """The branch that git was on before it came to this one, as it is typed."""
    argv = ("rev-parse", "--quiet", "--verify", "--abbrev-ref", "@{-1}")
    name = here.repository.run(*argv, ok=(0, 1, 128)).out.strip()
    return quote(name) if name not in ("", here.branch) else quote(here.main_branch or "BRANCH")
