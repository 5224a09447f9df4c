"""How a project differs from its template: status and diff."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlfactory.base import git
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.model import Change, Status, Wish
from mlfactory.project import record as linked
from mlfactory.project.record import Project
from mlfactory.render import rerender as replay
from mlfactory.render import result as renders
from mlfactory.render.result import Render
from mlfactory.template import repository as upstream

from . import merge as merging
from . import plan as planning
from . import unfinished as pending
from . import workbench as trees
from .plan import Course
from .workbench import Bench

CLEAN, EDITED, MISSING, MOVED, DIVERGED = "clean", "edited", "missing", "renamed", "diverged"
COLOURED = "--color=always"
PLAINLY = (
    "-c", "core.quotePath=false", "diff", "-M", "--no-ext-diff", "--no-textconv",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
STATES = {"D": MISSING, "R": MOVED}


@dataclass(frozen=True)
class Compared:
    """A project beside the fresh render of its recorded version.

    `tree` holds that render; `files` are the template's own, with their state and, of a renamed
    one, its new name.
    """

    project: Project
    render: Render
    bench: Bench
    tree: str
    files: tuple[Change, ...]


@contextmanager
def compared(project: Project, found: Course, *, trust: bool = False) -> Iterator[Compared]:
    """Render the recorded version again and compare the work tree with it."""
    base = replay.base(project, found.up, found.old, trust=trust)
    with trees.bench(project) as bench:
        yield beside(bench, base, merging.offered(bench, base))


def beside(bench: Bench, base: Render, leaves: git.Leaves) -> Compared:
    """The same with a render whose files are on the bench already."""
    tree = trees.tree(bench, leaves)
    mine = merging.owned(bench, base, base, set(leaves)) | {bench.project.file}
    own = sorted(leaves.keys() - mine)
    return Compared(bench.project, base, bench, tree, tuple(states(bench, tree, own)))


def states(bench: Bench, tree: str, own: list[str]) -> Iterator[Change]:
    """The state of each of the template's files, as it is in the work tree."""
    size = len(bench.project.prefix)
    shown = bench.git("diff", "--raw", "-z", "-M", "-l0", "--no-abbrev", tree, "--", bench.spec)
    parts, found = iter(shown.split("\0")), {}
    for facts in parts:
        if not facts:
            break
        letter, name = facts.rsplit(" ", 1)[1][0], next(parts)[size:]
        new = next(parts)[size:] if letter == "R" else ""
        found[name] = Change(name, STATES.get(letter, EDITED), f"now {new}" if new else "")
    yield from (found.get(name, Change(name, CLEAN)) for name in own)


def status(place: Path, file: str = "", *, trust: bool = False) -> Status:
    """How one project stands to its template. Raises MlfactoryError."""
    project = linked.find(place, file)
    found = planning.course(project)
    behind = found.old.commit != found.new.commit
    older = behind and upstream.is_older(found.up, found.new, found.old)
    waits = unfinished(project)
    common = (str(project.path), project.source, found.old.name, found.new.name)
    if not behind or older:
        with compared(project, found, trust=trust) as seen:
            return Status(*common, files=seen.files, warnings=(*waits, *seen.render.facts.notes))
    with planning.prepared(found, Wish(trust=trust)) as ready:
        seen = beside(ready.bench, ready.base, ready.merge.sides.rendered)
        return Status(
            *common,
            behind=True,
            questions=ready.plan.questions,
            files=tuple(marked(seen, ready.merge.sides)),
            conflicts=ready.merge.conflicts,
            warnings=(*waits, *ready.plan.warnings),
        )


def unfinished(project: Project) -> tuple[str, ...]:
    """A warning while an update waits for somebody to go on."""
    state = pending.load(project.top)
    if not state or not pending.is_running(project.top, state):
        return ()
    ways = "mlfactory update --continue, or mlfactory update --abort"
    return (f"the update to {state.to_version} is not finished: {ways}",)


def marked(seen: Compared, sides: merging.Sides) -> Iterator[Change]:
    """The same files; those that the newest template changes too have diverged."""
    for change in seen.files:
        both = sides.base.get(change.path) != sides.theirs.get(change.path)
        if both and change.state in (EDITED, MOVED):
            yield Change(change.path, DIVERGED, change.note)
        else:
            yield change


def statuses(places: list[Path], file: str = "", *, trust: bool = False) -> list[Status]:
    """The same for several; one that cannot be looked at does not keep the others back."""
    if len(places) < 2:
        return [status(place, file, trust=trust) for place in places]
    found = []
    for place in places:
        try:
            found.append(status(place, file, trust=trust))
        except MlfactoryError as error:
            found.append(Status(str(place), error=error.message))
    return found


def diff(
    place: Path,
    names: list[str],
    *,
    to: str = "",
    update: bool = False,
    reverse: bool = False,
    color: bool = False,
    file: str = "",
    trust: bool = False,
) -> str:
    """A patch from the project to its template, in git's form.

    With `to` or `update`, what that update would change; with `reverse`, what to carry back into
    the template, under the names that the files have there.
    """
    project = linked.find(place, file)
    found = planning.course(project, to or ("" if update else project.version))
    look = (COLOURED,) if color else ("--no-color",)
    if to or update:
        with planning.prepared(found, Wish(trust=trust)) as ready:
            sides = (ready.bench.head, ready.merge.tree)
            turned = sides[::-1] if reverse else sides
            where = [project.spec(name) for name in inside(project, place, names) or [""]]
            return shown(ready.bench, turned, where, look)
    with compared(project, found, trust=trust) as seen:
        chosen = chosen_for(seen, inside(project, place, names))
        if not chosen:
            return ""
        if reverse:
            return carried_back(seen, chosen, look)
        names = sorted({path for c in chosen for path in (c.path, present(c))})
        sides = (with_work_tree(seen, chosen), seen.tree)
        return shown(seen.bench, sides, [*map(project.spec, names)], look)


def present(change: Change) -> str:
    """The name that a file has in the project now."""
    return change.note.removeprefix("now ") if change.state == MOVED else change.path


def project_and_names(given: list[str]) -> tuple[Path, list[str]]:
    """The project and the files of it that were typed: a folder that is one comes first."""
    first = Path(given[0]) if given else Path()
    if given and first.is_dir() and linked.choose(first, ""):
        return first, given[1:]
    return Path(), given


def shown(bench: Bench, sides: tuple[str, str], where: list[str], look: tuple[str, ...]) -> str:
    """A patch that `git apply` takes; for people, without the bytes of what is no text."""
    whole = () if COLOURED in look else ("--binary",)
    return bench.git(*PLAINLY, *whole, *look, *sides, "--", *where)


def wanted(path: str, names: list[str]) -> bool:
    """Whether a path is one of the names, or below one of them."""
    return not names or any(path == n or path.startswith(f"{n.rstrip('/')}/") for n in names)


def with_work_tree(seen: Compared, chosen: list[Change]) -> str:
    """The render's tree with the chosen files as they are in the work tree."""
    leaves = trees.leaves_of(seen.bench, seen.tree)
    for change in chosen:
        leaves.pop(change.path, None)
        if leaf := work_leaf(seen, present(change)):
            leaves[present(change)] = leaf
    return trees.tree(seen.bench, leaves)


def work_leaf(seen: Compared, name: str) -> git.Leaf | None:
    """A file of the work tree as git would store it, or None when it is not there."""
    path = seen.project.path / name
    if path.is_symlink():
        target = str(path.readlink()).encode("utf-8", "surrogateescape")
        return renders.LINK, seen.bench.git("hash-object", "-w", "--stdin", stdin=target).strip()
    if not path.is_file():
        return None
    full = f"{seen.project.prefix}{name}"
    oid = seen.bench.git("hash-object", "-w", "--", full).strip()
    if git.config(seen.project.top, "core.fileMode") == "false" and name in seen.bench.leaves:
        return seen.bench.leaves[name][0], oid
    return (renders.EXECUTABLE if path.stat().st_mode & 0o100 else renders.PLAIN), oid


def carried_back(seen: Compared, chosen: list[Change], look: tuple[str, ...]) -> str:
    """The project's edits as a patch for the template: `git apply` takes it there.

    Lines that the template computes do not apply; the rest does.
    """
    origins = seen.render.facts.origins
    leaves = trees.leaves_of(seen.bench, seen.tree)
    names = {change.path: present(change) for change in chosen}
    old = {origins.get(name, name): leaves[name] for name in names}
    new = {
        origins.get(name, name): leaf
        for name, now in names.items()
        if (leaf := work_leaf(seen, now))
    }
    return shown(seen.bench, (plain(seen, old), plain(seen, new)), [], look)


def plain(seen: Compared, leaves: git.Leaves) -> str:
    """A tree of its own, with nothing but these files."""
    rows = "".join(f"{mode} {oid}\t{name}\0" for name, (mode, oid) in leaves.items())
    env = {"GIT_INDEX_FILE": str(seen.bench.scratch / "plain")}
    seen.bench.git("read-tree", "--empty", env=env)
    stdin = rows.encode("utf-8", "surrogateescape")
    seen.bench.git("update-index", "-z", "--index-info", env=env, stdin=stdin)
    return seen.bench.git("write-tree", env=env).strip()


def inside(project: Project, place: Path, names: list[str]) -> list[str]:
    """The names as they are from the project's own folder. Raises UsageError for others."""
    found = []
    for name in names:
        full = Path(os.path.normpath(Path(place).resolve() / name))
        if not full.is_relative_to(project.path):
            raise UsageError(f"{name} is not in {project.path}")
        found.append(full.relative_to(project.path).as_posix())
    return [] if "." in found else found


def chosen_for(seen: Compared, names: list[str]) -> list[Change]:
    """The drifted files that are meant. Raises UsageError for names that are not the template's."""
    owns = [change.path for change in seen.files]
    for name in names:
        if not any(wanted(path, [name]) for path in owns):
            hint = "`mlfactory status` lists the template's files."
            raise UsageError(f"{name} is not one of the template's files, or it is yours", hint)
    return [c for c in seen.files if c.state != CLEAN and wanted(c.path, names)]
