"""The merge of a template's change into a project: two synthetic commits, and what git makes of it.

Base is what the template made at the recorded version, theirs what it makes now. Both are HEAD's
tree with only the project's own part replaced, so that nothing else can be touched or paired.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlfactory.base import objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.objects import Leaves
from mlfactory.project.record import Project
from mlfactory.render import result
from mlfactory.render.result import Render

from . import ignored, moves, workbench
from .changes import Change, Conflict
from .moves import Moves
from .workbench import Workbench

ADDED, CHANGED, MERGED, RENAMED, DELETED = "added", "changed", "merged", "renamed", "deleted"
KEPT_DELETED, YOURS, CONFLICT, IGNORED = "kept deleted", "yours", "conflict", "ignored"
LEFT_ALONE = "left alone"

NOT_WRITTEN = "your .gitignore keeps it out of git: not written"


@dataclass(frozen=True)
class Sides:
    """Both sides as they are merged, and what was left out of them.

    `user_files` are the user's own that the template would have changed, `deleted_by_user` those
    that the template still has, with the name that it has for them now, and `renamed_by_user` the
    names that the user gave to others. `whole_base` is base before anything was left out, `moves`
    is what has another name because an answer changed, and `ignored` is what the template would add
    or change and the project keeps out of git; `left_alone` is what it would and the project does
    not want.
    """

    base: Leaves
    theirs: Leaves
    base_tree: str
    theirs_tree: str
    user_files: tuple[str, ...]
    deleted_by_user: Mapping[str, str]
    renamed_by_user: Mapping[str, str]
    whole_base: Leaves
    moves: Moves = field(default_factory=Moves)
    ignored: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """What git makes of both sides: the commits that it merged, and the tree of it."""

    twin: str
    pick: str
    tree: str
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True)
class Merge:
    """The outcome of a merge in memory; `pick` is the commit to cherry-pick, and `names` are what
    git calls both sides where they conflict."""

    sides: Sides
    pick: str
    tree: str
    leaves: Leaves
    conflicts: tuple[Conflict, ...]
    changes: tuple[Change, ...]
    added: tuple[str, ...]
    names: tuple[str, str]


def compose(bench: Workbench, base: Render, theirs: Render) -> Sides:
    """Compose base and theirs: without what the user owns, and without what the user deleted."""
    whole_base, fresh = workbench.as_stored(bench, base), workbench.as_stored(bench, theirs)
    exempt = ignored.left_alone(bench.project, {*whole_base, *fresh})
    exempt_news = tuple(sorted(n for n in exempt if whole_base.get(n) != fresh.get(n)))
    fresh = {n: leaf for n, leaf in fresh.items() if n in bench.leaves or n not in exempt}
    check_apart(bench, fresh)
    outside = kept_out(bench, base, theirs, {*whole_base, *fresh} - exempt)
    new = {n: leaf for n, leaf in fresh.items() if n not in outside}
    names, going = new.keys(), moves.between(base, theirs)
    absent = outside | exempt - bench.leaves.keys()
    old = {
        n: leaf
        for n, leaf in whole_base.items()
        if n in new or not (n in absent or is_excluded(theirs, n))
    }
    mine = user_files(bench, base, theirs, {*old, *new}) | exempt & {*old, *new}
    away = {n for n in left_to_user(base, theirs, set(old)) if n not in bench.leaves}
    yours = tuple(sorted(n for n in mine - exempt if n in old and n in new and old[n] != new[n]))
    along = moving_along(bench, going, mine, whole_base, new)
    record = {bench.project.file} & bench.leaves.keys()
    old = settle(old, bench.leaves, mine | record | along.keys())
    new = {**settle(settle(new, old, away), bench.leaves, mine), **recorded_file(bench, new)}
    new = move(new, bench.leaves, along, {going.files[n] for n in away if n in going.files})
    base_tree, theirs_tree = workbench.tree(bench, old), workbench.tree(bench, new)
    rows = workbench.differences(bench, base_tree, bench.head)
    drops, removals = deletions(rows), {}
    renames = {before: after for letter, before, after in rows if letter == "R"}
    if drops:
        now = dict(going.files)
        now |= {
            a: b for x, a, b in workbench.differences(bench, base_tree, theirs_tree) if x == "R"
        }
        out = drops | {now[n] for n in drops if n in now and now[n] not in bench.leaves}
        old = {n: leaf for n, leaf in old.items() if n not in drops}
        new = {n: leaf for n, leaf in new.items() if n not in out}
        base_tree, theirs_tree = workbench.tree(bench, old), workbench.tree(bench, new)
        removals = {n: now.get(n, "") for n in sorted(drops) if n in names or n in now}
    news = tuple(sorted(n for n in outside & fresh.keys() if whole_base.get(n) != fresh[n]))
    trees = (base_tree, theirs_tree)
    return Sides(old, new, *trees, yours, removals, renames, whole_base, going, news, exempt_news)


def kept_out(bench: Workbench, base: Render, theirs: Render, names: set[str]) -> set[str]:
    """What the project's .gitignore keeps out of git, as it is after the update."""
    absent = names - bench.leaves.keys() - bench.others.keys()
    rules = ignored.rules(bench, base, theirs) if absent else None
    return {name for name in absent if rules and rules.ignore(name)}


def moving_along(
    bench: Workbench, going: Moves, mine: set[str], whole_base: Leaves, new: Leaves
) -> dict[str, str]:
    """What is the user's and moves because an answer changed; of the template's own files, those
    that it did not change apart from their names, so that git need not recognise them."""
    own = {
        before: after
        for before, after in going.files.items()
        if before in bench.leaves
        and after not in bench.leaves
        and (before in mine or whole_base.get(before) == new.get(after))
    }
    return {**own, **moves.user_moves(bench, going, whole_base, new)}


def move(leaves: Leaves, head: Leaves, along: Mapping[str, str], surplus: set[str]) -> Leaves:
    """The same with the user's files under their new names, and without what the user renamed."""
    rest = {n: leaf for n, leaf in leaves.items() if n not in along and n not in surplus}
    return {**rest, **{after: head[before] for before, after in along.items()}}


def is_excluded(render: Render, name: str) -> bool:
    return result.matches(render.facts.exclude, name)


def check_apart(bench: Workbench, leaves: Leaves) -> None:
    """Raises MlfactoryError when the template would write into a project inside of this one."""
    nested = workbench.nested_in(bench.others)
    around = {p.as_posix() for folder in nested for p in (PurePosixPath(folder) / "_").parents}
    for name in leaves:
        if name in around or workbench.below(name, nested):
            raise MlfactoryError(
                f"the template renders {name}, which belongs to another project inside of this one",
                "Move that project elsewhere.",
            )


def user_files(bench: Workbench, base: Render, theirs: Render, names: set[str]) -> set[str]:
    """The files that are the user's: a version says so, and they exist."""
    return left_to_user(base, theirs, names & bench.leaves.keys() - {bench.project.file})


def left_to_user(base: Render, theirs: Render, names: set[str]) -> set[str]:
    """The names that one of the versions leaves to the user."""
    patterns = (base.facts.skip, theirs.facts.skip)
    return {name for name in names if any(result.matches(skip, name) for skip in patterns)}


def settle(leaves: Leaves, other: Leaves, names: set[str]) -> Leaves:
    """The same with these files as the other has them, so that there is no change to merge.

    The user's own files are taken from HEAD. Those that HEAD has under another name, or not at
    all, are taken from base.
    """
    return {**leaves, **{name: other[name] for name in names}}


def recorded_file(bench: Workbench, new: Leaves) -> Leaves:
    """The answers file always takes the new version."""
    file = bench.project.file
    return {file: new.get(file, bench.leaves[file])} if file in bench.leaves else {}


def deletions(rows: list[tuple[str, str, str]]) -> frozenset[str]:
    """What the user deleted: missing in HEAD, and not the source of a rename that git detects."""
    return frozenset(before for letter, before, _ in rows if letter == "D")


def attempt(bench: Workbench, sides: Sides, message: str, author: Mapping[str, str]) -> Attempt:
    """Merge in memory against a twin of HEAD whose parent is base."""
    base = workbench.commit(bench, sides.base_tree, "base")
    twin = objects.commit_tree(bench.repository, f"{bench.head}^{{tree}}", base, message="twin")
    pick = workbench.commit(bench, sides.theirs_tree, message, base, author=author)
    tree, unmerged, messages = objects.merge_tree(bench.repository, twin, pick)
    words = {twin: "the project", pick: "the template"}
    return Attempt(twin, pick, tree, conflicts_of(bench.project, unmerged, messages, words))


def merge(bench: Workbench, sides: Sides, message: str, author: Mapping[str, str]) -> Merge:
    """The same, and what it does to each file."""
    result = attempt(bench, sides, message, author)
    tree, leaves = result.tree, workbench.leaves_of(bench, result.tree)
    if any(result.twin in name or result.pick in name for name in leaves):
        labels = {result.twin: "HEAD", result.pick: label(bench, result.pick)}
        leaves = {by_side(name, labels): leaf for name, leaf in leaves.items()}
        tree = workbench.tree(bench, leaves)
    added = tuple(sorted(leaves.keys() - bench.leaves.keys() - bench.others.keys()))
    rows = changes(bench, sides, leaves, result.conflicts)
    names = (result.twin, result.pick)
    return Merge(sides, result.pick, tree, leaves, result.conflicts, rows, added, names)


def label(bench: Workbench, pick: str) -> str:
    """What a cherry-pick calls its commit; slashes cannot be in the name of a file."""
    title = bench.git("log", "-1", "--abbrev-commit", "--format=%h (%s)", pick)
    return title.strip().replace("/", "_")


def by_side(text: str, labels: Mapping[str, str]) -> str:
    """A file beside a folder of its name is called after its side, which git knows by commit."""
    for commit, name in labels.items():
        text = text.replace(commit, name)
    return text


def conflicts_of(
    project: Project,
    unmerged: list[tuple[str, str]],
    messages: list[tuple[str, str]],
    names: Mapping[str, str],
) -> tuple[Conflict, ...]:
    """The paths that git cannot merge, each with what git says of it.

    git puts a file aside when a folder takes its name, and then appends the commit; `names` says
    in words which commit is whose.
    """
    conflicts = {}
    for _, path in unmerged:
        plain = path.removesuffix(next((f"~{c}" for c in names if path.endswith(f"~{c}")), ""))
        texts = [text for kind, text in messages if kind.startswith("CONFLICT") and plain in text]
        why = reason(texts[0], names) if texts else ""
        conflicts[plain] = Conflict(project.name_of(plain), why)
    return tuple(conflicts[path] for path in sorted(conflicts))


def reason(text: str, names: Mapping[str, str]) -> str:
    """What git says of a conflict, without the names of commits that nobody knows."""
    for commit, name in names.items():
        text = text.replace(f"~{commit}", "").replace(commit, name)
    text = re.sub(r"\s+Version the \w+ of .*", "", text, flags=re.DOTALL)
    return re.sub(r"^CONFLICT \((.*?)\): ", r"\1: ", text)


def changes(
    bench: Workbench, sides: Sides, outcome: Leaves, conflicts: tuple[Conflict, ...]
) -> tuple[Change, ...]:
    """What happens to each file that the template changed, and to those that it leaves alone."""
    mine = sides.renamed_by_user
    conflict_paths = {conflict.path for conflict in conflicts}
    rows = [Change(c.path, CONFLICT, c.reason) for c in conflicts]
    for letter, old, new in workbench.differences(bench, sides.base_tree, sides.theirs_tree):
        here = mine.get(old, new if letter == "R" else old)
        if conflict_paths & {old, new, here, mine.get(old, old)}:
            continue
        state = state_of(letter, old, mine.get(old, old), sides, bench.leaves)
        if letter == "R" and old in bench.leaves:
            rows.append(Change(new, RENAMED, f"was {old}"))
        elif outcome.get(here) != bench.leaves.get(here):
            rows.append(Change(here, state))
    rows += [
        Change(name, KEPT_DELETED, f"the template has it as {now} now" if now else "")
        for name, now in sides.deleted_by_user.items()
    ]
    rows += [Change(name, YOURS) for name in sides.user_files]
    rows += [Change(name, IGNORED, NOT_WRITTEN) for name in sides.ignored]
    rows += [Change(name, LEFT_ALONE) for name in sides.left_alone]
    return tuple(sorted(rows, key=lambda change: (change.path, change.state)))


def state_of(letter: str, old: str, here: str, sides: Sides, head: Leaves) -> str:
    if letter == "A":
        return ADDED
    if letter == "D":
        return DELETED
    is_edited = head.get(here) != sides.base.get(old)
    return MERGED if is_edited else CHANGED
