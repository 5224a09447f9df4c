"""The merge of a template's change into a project: two synthetic commits, and what git makes of it.

Base is what the template made at the recorded version, theirs what it makes now. Both are HEAD's
tree with only the project's own part replaced, so that nothing else can be touched or paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import git, renders, trees
from .errors import MlfactoryError
from .git import Leaves
from .linked import CRUFT, Project
from .model import Change, Conflict
from .renders import Render
from .trees import Bench

ADDED, CHANGED, MERGED, RENAMED, DELETED = "added", "changed", "merged", "renamed", "deleted"
KEPT_DELETED, YOURS, CONFLICT = "kept deleted", "yours", "conflict"


@dataclass(frozen=True)
class Sides:
    """Both sides as they are merged, and what was left out of them.

    `owned` are the user's own files that the template would have changed, `deleted` those that
    the user has deleted and the template still has, `mine` the names that the user gave to others.
    `rendered` is base before anything was left out.
    """

    base: Leaves
    theirs: Leaves
    base_tree: str
    theirs_tree: str
    owned: tuple[str, ...]
    deleted: tuple[str, ...]
    mine: Mapping[str, str]
    rendered: Leaves


@dataclass(frozen=True)
class Merge:
    """The outcome of a merge in memory; `pick` is the commit to cherry-pick."""

    sides: Sides
    base: str
    pick: str
    tree: str
    leaves: Leaves
    conflicts: tuple[Conflict, ...]
    changes: tuple[Change, ...]
    added: tuple[str, ...]


def sides(bench: Bench, base: Render, theirs: Render) -> Sides:
    """Compose base and theirs: without what the user owns, and without what the user deleted."""
    rendered, new = offered(bench, base), offered(bench, theirs)
    check_apart(bench, new)
    names = new.keys()
    old = {n: leaf for n, leaf in rendered.items() if n in new or not is_excluded(theirs, n)}
    mine = owned(bench, base, theirs, {*old, *new})
    changed = tuple(sorted(n for n in mine if n in old and n in new and old[n] != new[n]))
    recorded = {bench.project.file} & bench.leaves.keys()
    old = settled(old, bench.leaves, mine | recorded)
    new = {**settled(new, bench.leaves, mine), **record(bench, new)}
    base_tree, theirs_tree = trees.tree(bench, old), trees.tree(bench, new)
    rows = trees.differences(bench, base_tree, bench.head)
    gone = deleted(rows)
    named = {before: after for letter, before, after in rows if letter == "R"}
    if gone:
        moved = {a: b for x, a, b in trees.differences(bench, base_tree, theirs_tree) if x == "R"}
        out = gone | {
            moved[name] for name in gone if name in moved and moved[name] not in bench.leaves
        }
        old = {n: leaf for n, leaf in old.items() if n not in gone}
        new = {n: leaf for n, leaf in new.items() if n not in out}
        base_tree, theirs_tree = trees.tree(bench, old), trees.tree(bench, new)
        gone = frozenset(n for n in gone if n in names or n in moved)
    kept_out = tuple(sorted(gone))
    return Sides(old, new, base_tree, theirs_tree, changed, kept_out, named, rendered)


def offered(bench: Bench, render: Render) -> Leaves:
    """A render's files, less those that it must not bring: cruft never adds what is skipped."""
    found, head = trees.filtered(bench, render), bench.leaves
    if bench.project.kind != CRUFT:
        return found
    return {n: leaf for n, leaf in found.items() if n in head or not is_excluded(render, n)}


def is_excluded(render: Render, name: str) -> bool:
    return renders.matches(render.facts.exclude, name)


def check_apart(bench: Bench, leaves: Leaves) -> None:
    """Raises MlfactoryError when the template would write into a project inside of this one."""
    for name in leaves:
        if name in bench.others:
            raise MlfactoryError(
                f"the template renders {name}, which belongs to another project inside of this one",
                "Move that project elsewhere.",
            )


def owned(bench: Bench, base: Render, theirs: Render, names: set[str]) -> set[str]:
    """The files that are the user's: a version says so, and they exist."""
    patterns = (base.facts.skip, theirs.facts.skip)
    here = names & bench.leaves.keys() - {bench.project.file}
    return {name for name in here if any(renders.matches(skip, name) for skip in patterns)}


def settled(leaves: Leaves, head: Leaves, mine: set[str]) -> Leaves:
    """The same, with the user's own files as they are in HEAD."""
    return {**leaves, **{name: head[name] for name in mine}}


def record(bench: Bench, new: Leaves) -> Leaves:
    """The answers file always takes the new version."""
    file = bench.project.file
    return {file: new.get(file, bench.leaves[file])} if file in bench.leaves else {}


def deleted(rows: list[tuple[str, str, str]]) -> frozenset[str]:
    """What the user deleted: missing in HEAD, and not the source of a rename that git detects."""
    return frozenset(before for letter, before, _ in rows if letter == "D")


def merged(bench: Bench, found: Sides, message: str, author: Mapping[str, str]) -> Merge:
    """Merge in memory against a twin of HEAD whose parent is base."""
    top, env = bench.project.top, bench.env
    base = git.commit_tree(top, found.base_tree, message="base", env=env)
    twin = git.commit_tree(top, f"{bench.head}^{{tree}}", base, message="twin", env=env)
    pick = git.commit_tree(top, found.theirs_tree, base, message=message, env={**env, **author})
    tree, unmerged, messages = git.merge_tree(top, twin, pick, env)
    leaves = trees.leaves_of(bench, tree)
    if any(twin in name or pick in name for name in leaves):
        labels = {twin: "HEAD", pick: label(bench, pick)}
        leaves = {named(name, labels): leaf for name, leaf in leaves.items()}
        unmerged = [(stage, named(path, labels)) for stage, path in unmerged]
        messages = [(kind, named(text, labels)) for kind, text in messages]
        tree = trees.tree(bench, leaves)
    conflicts = conflicts_of(bench.project, unmerged, messages)
    added = tuple(sorted(leaves.keys() - bench.leaves.keys() - bench.others.keys()))
    return Merge(
        found, base, pick, tree, leaves, conflicts,
        changes(bench, found, leaves, conflicts), added,
    )  # fmt: skip


def label(bench: Bench, pick: str) -> str:
    """What a cherry-pick calls its commit; slashes cannot be in the name of a file."""
    named = bench.git("log", "-1", "--abbrev-commit", "--format=%h (%s)", pick)
    return named.strip().replace("/", "_")


def named(text: str, labels: Mapping[str, str]) -> str:
    """A file beside a folder of its name is called after its side, which git knows by commit."""
    for commit, name in labels.items():
        text = text.replace(commit, name)
    return text


def conflicts_of(
    project: Project, unmerged: list[tuple[str, str]], messages: list[tuple[str, str]]
) -> tuple[Conflict, ...]:
    """The paths that git cannot merge, each with what git says of it."""
    size, found = len(project.prefix), {}
    for _, path in unmerged:
        said = [text for kind, text in messages if kind.startswith("CONFLICT") and path in text]
        found[path] = Conflict(path[size:], said[0].removeprefix("CONFLICT ") if said else "")
    return tuple(found[path] for path in sorted(found))


def changes(
    bench: Bench, found: Sides, result: Leaves, conflicts: tuple[Conflict, ...]
) -> tuple[Change, ...]:
    """What happens to each file that the template changed, and to those that it leaves alone."""
    mine = found.mine
    torn = {conflict.path for conflict in conflicts}
    rows = [Change(c.path, CONFLICT, c.reason) for c in conflicts]
    for letter, old, new in trees.differences(bench, found.base_tree, found.theirs_tree):
        here = mine.get(old, new if letter == "R" else old)
        if torn & {old, new, here, mine.get(old, old)}:
            continue
        state = state_of(letter, old, mine.get(old, old), found, bench.leaves)
        if letter == "R" and old in bench.leaves:
            rows.append(Change(new, RENAMED, f"was {old}"))
        elif result.get(here) != bench.leaves.get(here):
            rows.append(Change(here, state))
    rows += [Change(name, KEPT_DELETED) for name in found.deleted]
    rows += [Change(name, YOURS) for name in found.owned]
    return tuple(sorted(rows, key=lambda change: (change.path, change.state)))


def state_of(letter: str, old: str, here: str, found: Sides, head: Leaves) -> str:
    if letter == "A":
        return ADDED
    if letter == "D":
        return DELETED
    edited = head.get(here) != found.base.get(old)
    return MERGED if edited else CHANGED
