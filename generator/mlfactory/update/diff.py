"""`mlfactory diff`: a project against its template, as a patch."""

from __future__ import annotations

from pathlib import Path

from mlfactory.base import git
from mlfactory.base.objects import Leaf, Leaves
from mlfactory.project import record
from mlfactory.render import safety
from mlfactory.render.result import RenderOptions

from . import workbench
from .changes import Change
from .course import find_course
from .drift import MOVED, Comparison, choose, comparison, inside
from .plan import preview
from .workbench import Workbench

COLOURED = "--color=always"
PLAINLY = (
    "-c", "core.quotePath=false", "diff", "-M", "--no-ext-diff", "--no-textconv",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


def diff(
    start: Path,
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
    project = record.find(start, file)
    course = find_course(project, to or ("" if update else project.version))
    look = (COLOURED,) if color else ("--no-color",)
    if to or update:
        with preview(course, RenderOptions(trust=trust)) as view:
            sides = (project.head, view.merge.tree)
            ends = sides[::-1] if reverse else sides
            specs = [project.spec(name) for name in inside(project, start, names)]
            where = specs or [*view.pair.bench.specs]
            return patch(view.pair.bench, ends, where, look)
    with comparison(course, trust=trust) as difference:
        changes = choose(difference, inside(project, start, names))
        if not changes:
            return ""
        if reverse:
            return carry_back(difference, changes, look)
        names = sorted({path for c in changes for path in (c.path, name_now(c))})
        sides = (with_work_tree(difference, changes), difference.tree)
        return patch(difference.bench, sides, [*map(project.spec, names)], look)


def name_now(change: Change) -> str:
    """The name that a file has in the project now."""
    return change.note.removeprefix("now ") if change.state == MOVED else change.path


def project_and_names(args: list[str]) -> tuple[Path, list[str]]:
    """The project and the files of it that were typed: a folder that is one comes first."""
    first = Path(args[0]) if args else Path()
    if args and first.is_dir() and record.choose(first, ""):
        return first, args[1:]
    return Path(), args


def patch(bench: Workbench, sides: tuple[str, str], where: list[str], look: tuple[str, ...]) -> str:
    """A patch that `git apply` takes; for people, without the bytes of what is no text."""
    whole = () if COLOURED in look else ("--binary",)
    return bench.git(*PLAINLY, *whole, *look, *sides, "--", *where)


def with_work_tree(comparison: Comparison, changes: list[Change]) -> str:
    """The render's tree with the chosen files as they are in the work tree."""
    leaves = workbench.leaves_of(comparison.bench, comparison.tree)
    for change in changes:
        leaves.pop(change.path, None)
        if leaf := work_leaf(comparison, name_now(change)):
            leaves[name_now(change)] = leaf
    return workbench.tree(comparison.bench, leaves)


def work_leaf(comparison: Comparison, name: str) -> Leaf | None:
    """A file of the work tree as git would store it, or None when it is not there."""
    path = comparison.project.path / name
    if path.is_symlink():
        target = str(path.readlink()).encode("utf-8", "surrogateescape")
        oid = comparison.bench.git("hash-object", "-w", "--stdin", stdin=target)
        return safety.LINK, oid.strip()
    if not path.is_file():
        return None
    full = comparison.project.place_of(name)
    oid = comparison.bench.git("hash-object", "-w", "--", full).strip()
    if (
        git.config(comparison.project.repository, "core.fileMode") == "false"
        and name in comparison.bench.leaves
    ):
        return comparison.bench.leaves[name][0], oid
    return (safety.EXECUTABLE if path.stat().st_mode & 0o100 else safety.PLAIN), oid


def carry_back(comparison: Comparison, changes: list[Change], look: tuple[str, ...]) -> str:
    """The project's edits as a patch for the template: `git apply` takes it there.

    Lines that the template computes do not apply; the rest does.
    """
    paths = workbench.names_in(comparison.project, comparison.render)
    origins = {paths[n]: o for n, o in comparison.render.facts.origins.items() if n in paths}
    leaves = workbench.leaves_of(comparison.bench, comparison.tree)
    names = {change.path: name_now(change) for change in changes}
    old = {origins.get(name, name): leaves[name] for name in names}
    new = {
        origins.get(name, name): leaf
        for name, now in names.items()
        if (leaf := work_leaf(comparison, now))
    }
    return patch(comparison.bench, (plain(comparison, old), plain(comparison, new)), [], look)


def plain(comparison: Comparison, leaves: Leaves) -> str:
    """A tree of its own, with nothing but these files."""
    rows = "".join(f"{mode} {oid}\t{name}\0" for name, (mode, oid) in leaves.items())
    env = {"GIT_INDEX_FILE": str(comparison.bench.scratch / "plain")}
    comparison.bench.git("read-tree", "--empty", env=env)
    stdin = rows.encode("utf-8", "surrogateescape")
    comparison.bench.git("update-index", "-z", "--index-info", env=env, stdin=stdin)
    return comparison.bench.git("write-tree", env=env).strip()
