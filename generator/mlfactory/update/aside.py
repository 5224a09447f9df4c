"""What is staged outside of a project: git picks nothing while there is any, so it waits aside."""

from __future__ import annotations

from mlfactory.base import git, objects
from mlfactory.base.git import Repository

CACHED, ADDED = ("--cached",), ("--diff-filter=A",)
PROMISED = "promised"  # git add --intent-to-add: a name without contents


def staged(repository: Repository) -> tuple[str, ...]:
    """The entries of the index that the last commit has otherwise, each as `git update-index
    --index-info` takes it; of a file that is only promised, that word and its name."""
    names = differing(repository, *CACHED)
    listing = repository.run("ls-files", "--stage", "-z", passive=True).out if names else ""
    rows = {row.partition("\t")[2]: row for row in listing.split("\0") if row}
    zero = "0" * len(git.head(repository)) if names else ""
    entries = [rows.get(name, f"0 {zero}\t{name}") for name in names]
    return (*entries, *(f"{PROMISED}\t{name}" for name in differing(repository, *ADDED)))


def outside(repository: Repository, specs: tuple[str, ...]) -> tuple[str, ...]:
    """The same without what is a project's, as `specs` say."""
    own = set(differing(repository, *CACHED, "--", *specs))
    return tuple(row for row in staged(repository) if row.partition("\t")[2] not in own)


def differing(repository: Repository, *argv: str) -> list[str]:
    """The files that git names; it does not write the index for it."""
    form = ("-c", "diff.autoRefreshIndex=false", "diff", "--name-only", "--no-renames", "-z")
    return [name for name in repository.run(*form, *argv, passive=True).out.split("\0") if name]


def names_of(rows: tuple[str, ...]) -> list[str]:
    return [row.partition("\t")[2] for row in rows]


def put_aside(repository: Repository, rows: tuple[str, ...]) -> None:
    """Let the index have these files as the last commit has them; the work tree stays."""
    if not rows:
        return
    leaves = objects.leaves(repository, "HEAD")
    zero = "0" * len(git.head(repository))
    entries = {name: " ".join(leaves.get(name, ("0", zero))) for name in names_of(rows)}
    write(repository, [f"{entry}\t{name}" for name, entry in entries.items()])


def put_back(repository: Repository, rows: tuple[str, ...]) -> None:
    """Stage them again, but for those that somebody has staged anew."""
    since = set(names_of(staged(repository))) if rows else set()
    rest = [row for row in rows if row.partition("\t")[2] not in since]
    write(repository, [row for row in rest if not row.startswith(PROMISED)])
    for row in rest:
        kind, _, name = row.partition("\t")
        if kind == PROMISED and (repository.top / name).exists():
            repository.run("add", "--intent-to-add", "--", f":(top,literal){name}")


def write(repository: Repository, entries: list[str]) -> None:
    if entries:
        stdin = "".join(f"{entry}\0" for entry in entries).encode("utf-8", "surrogateescape")
        repository.run("update-index", "-z", "--index-info", stdin=stdin)
