"""What a repository stores: files, trees and commits, and their merge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from . import process
from .errors import MlfactoryError
from .git import EMAIL, NAME, Repository, ref_exists

OURS = {
    "GIT_AUTHOR_NAME": NAME,
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_COMMITTER_NAME": NAME,
    "GIT_COMMITTER_EMAIL": EMAIL,
}
# A preview and the merge itself must agree, whatever the user has configured. Files of the user
# stay where they are when the template moves a folder.
MERGING = (
    "-c", "merge.renames=true", "-c", "merge.directoryRenames=false", "-c", "merge.renameLimit=0",
    "-c", "diff.renames=true", "-c", "merge.renormalize=false",
)  # fmt: skip
FULL = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")  # an id in full, behind which nothing changes
Leaf = tuple[str, str]
Leaves = dict[str, Leaf]


def text_at(repository: Repository, revision: str, name: str) -> str | None:
    """A text file as a commit has it, or None; `name` is relative to the top of the work tree."""
    look_up = text_in if FULL.fullmatch(revision) else read
    return look_up(repository, revision, name)


def read(repository: Repository, revision: str, name: str) -> str | None:
    blob = repository.run("cat-file", "blob", f"{revision}:{name}", ok=(0, 128))
    return blob.out if blob.code == 0 else None


def text_in(repository: Repository, commit: str, name: str) -> str | None:
    """The same of a commit's full id; git is asked once, unless the commit itself is not there."""
    try:
        return text_of(repository, commit, name)
    except LookupError:
        return None


@lru_cache
def text_of(repository: Repository, commit: str, name: str) -> str | None:
    """The same. Raises LookupError without the commit, which may be fetched yet."""
    text = read(repository, commit, name)
    if text is None and not ref_exists(repository, commit):
        raise LookupError(commit)
    return text


def leaves(repository: Repository, tree: str, *specs: str) -> Leaves:
    """Mode and object of every file in a tree, by its path from the top."""
    listing = repository.run("ls-tree", "-r", "-z", "--full-tree", tree, "--", *specs).out
    entries = {}
    for entry in filter(None, listing.split("\0")):
        facts, _, name = entry.partition("\t")
        mode, _, oid = facts.split(" ")
        entries[name] = (mode, oid)
    return entries


def blobs(repository: Repository, oids: list[str]) -> list[bytes]:
    """The contents of objects, as they are stored."""
    lines = "".join(f"{oid}\n" for oid in oids).encode()
    out = repository.run("cat-file", "--batch", stdin=lines).out
    raw, offset, contents = out.encode("utf-8", "surrogateescape"), 0, []
    for _ in oids:
        end = raw.index(b"\n", offset)
        size = int(raw[offset:end].split(b" ")[2])
        contents.append(raw[end + 1 : end + 1 + size])
        offset = end + size + 2
    return contents


def renames(repository: Repository, old: str, new: str, *specs: str) -> list[tuple[str, str, str]]:
    """What differs between two trees: a letter (A, M, D, R, T), the old path and the new one."""
    args = ("diff-tree", "-r", "-z", "-M", "-l0", "--no-commit-id", old, new, "--", *specs)
    parts = iter(repository.run(*args).out.split("\0"))
    changes = []
    for facts in parts:
        if not facts:
            break
        letter, name = facts.rsplit(" ", 1)[1][0], next(parts)
        changes.append((letter, name, next(parts) if letter in "RC" else name))
    return changes


def commit_tree(
    repository: Repository,
    tree: str,
    *parents: str,
    message: str,
    author: Mapping[str, str] | None = None,
) -> str:
    """A commit that no branch has; it carries our identity; `author` may say another."""
    args = [part for parent in parents for part in ("-p", parent)]
    env = {**OURS, **(author or {})}
    argv = ("commit-tree", tree, *args, "-F", "-")
    return repository.run(*argv, env=env, stdin=message.encode()).out.strip()


def merge_tree(
    repository: Repository, ours: str, theirs: str
) -> tuple[str, list[tuple[str, str]], list[tuple[str, str]]]:
    """Merge two commits in memory: the tree, unmerged entries (stage, path), messages (kind, text).

    Raises MlfactoryError with a git that cannot do it.
    """
    argv = ("merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    result = repository.run(*MERGING, *argv, ok=(0, 1, 128, 129))
    if result.code > 1:
        if result.code == 129 or "usage:" in result.err or "unknown option" in result.err:
            raise MlfactoryError("this needs git 2.38 or newer", "Install a newer git.")
        raise process.ProcessError(["git", *argv], result)
    fields = result.out.split("\0")
    end = fields.index("", 1)
    conflicts = []
    for entry in fields[1:end]:
        facts, _, name = entry.partition("\t")
        conflicts.append((facts.split(" ")[2], name))
    messages, rest = [], fields[end + 1 :]
    while len(rest) > 2:
        count = int(rest[0])
        messages.append((rest[count + 1], rest[count + 2].strip()))
        rest = rest[count + 3 :]
    return fields[0], conflicts, messages
