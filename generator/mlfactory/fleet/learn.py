"""`mlfactory fleet learn`: what several projects have changed in the same files of their template,
as a change to the template, and what would come of that in all of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from mlfactory.base import git, objects
from mlfactory.base.errors import MlfactoryError
from mlfactory.render.result import RenderOptions
from mlfactory.update import drift, workbench
from mlfactory.update.plan import pair
from mlfactory.update.workbench import Workbench

from . import draft, plan, work
from .draft import Draft
from .hunks import Hunk, hunks, transplant
from .inventory import Member
from .scout import Place, Progress, at_hand, scout
from .work import Failure

LARGEST = 2**20
REMOVED = Hunk((), ())  # the whole file
KEPT = (
    "they have removed the file, and others may want it: let a question decide whether it is made"
)


@dataclass(frozen=True)
class FileEdit:
    """A file that a project has edited: as its version of the template made it, as it is, None
    where the project has removed it, and as the newest version makes it, None where that has no
    such file. `path` is what the newest version calls it, `name` what the project does."""

    path: str
    name: str
    base: str
    ours: str | None
    theirs: str | None


@dataclass(frozen=True)
class Change:
    """A change in one project, to the template's file `path`, which is called `name` there."""

    place: Place
    path: str
    name: str
    hunk: Hunk


@dataclass(frozen=True)
class Lesson:
    """A change that several `members` have made to a file of the template.

    `similar` are members that replaced the same lines in nearly the same way. `obstacle` says why
    it is not in the draft. Of the members that have edited the file, `clean` have no edit left
    after an update to the draft, and `breaks` get a conflict that they would not have else.
    """

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    members: tuple[str, ...]
    authors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    obstacle: str = ""
    clean: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learning:
    """All lessons, how many projects were looked at, and the patch for the template."""

    template: str
    lessons: tuple[Lesson, ...]
    members: int
    patch: str
    notes: tuple[str, ...] = ()


def learn(members: Sequence[Member], progress: Progress, least: int = 2, jobs: int = 0) -> Learning:
    """What at least so many have changed alike. Raises MlfactoryError."""
    active = [member for member in members if not member.skip]
    notes, places = [], []
    for one, place in zip(active, scout(active, progress), strict=True):
        if isinstance(place, Failure):
            notes.append(f"{one.name}: {place.message}")
        else:
            places.append(place)
    source = most_common([place.project.source for place in places])
    others = [p.member.name for p in places if p.project.source != source]
    notes += [f"{name}: is made from another template" for name in others]
    places = [place for place in places if place.project.source == source]
    if not places:
        raise MlfactoryError("there is no project to learn from", "mlfactory fleet status")
    edits: dict[str, tuple[FileEdit, ...]] = {}
    with progress.count("Compare with the template", len(places)) as tick, at_hand(places) as own:
        for number, result in work.compute(edits_of, own, jobs):
            name = places[number].member.name
            if isinstance(result, Failure):
                notes.append(f"{name}: {result.message}")
            else:
                edits[name] = result
            tick()
    whole = draft.begin(places[0].up, places[0].project.directory)
    changes = [
        Change(place, one.path, one.name, hunk)
        for place in places
        for one in edits.get(place.member.name, ())
        for hunk in new_hunks(one)
    ]
    lessons = [lesson(whole, several, changes, edits) for several in groups(changes, least)]
    return Learning(source, tuple(lessons), len(places), draft.patch(whole), tuple(notes))


def new_hunks(edit: FileEdit) -> list[Hunk]:
    """What an edit replaces that the newest version does not replace alike."""
    if edit.ours is None:
        return [] if edit.theirs is None else [REMOVED]
    changed = hunks(edit.base, edit.ours)
    return [one for one in changed if not (edit.theirs and one.is_in(edit.theirs))]


def most_common(names: Sequence[str]) -> str:
    return max(sorted({*names}), key=names.count, default="")


def edits_of(place: Place) -> tuple[FileEdit, ...]:
    """The template's text files that a project has edited, also where it calls them otherwise.
    Raises MlfactoryError."""
    course = place.course(place.up.newest)
    with pair(course, RenderOptions()) as both:
        bench, base, theirs = both.bench, both.sides.whole_base, both.sides.theirs
        tree = drift.tree_of(both)
        rows = drift.compare(bench, both.base, base, tree).files
        paths = [
            one.path for one in rows if one.state in (drift.EDITED, drift.MOVED, drift.MISSING)
        ]
        own = names_in(bench, tree, bench.project.head) if paths else {}
        new = names_in(bench, both.sides.base_tree, both.sides.theirs_tree) if paths else {}
        edits = []
        for path in paths:
            name, newest = own.get(path, path), new.get(path, path)
            leaves = (base.get(path), bench.leaves.get(name), theirs.get(newest))
            contents = [objects.blobs(bench.repository, [n[1]])[0] if n else None for n in leaves]
            texts = [decode(one) for one in contents]
            if leaves[1] is None:
                texts[2] = both.theirs.text(newest)  # which an update leaves out
            is_text = leaves[1] is None or texts[1] is not None
            if texts[0] is not None and is_text and texts[0] != texts[1]:
                edits.append(FileEdit(newest, name, texts[0], texts[1], texts[2]))
        return tuple(edits)


def names_in(bench: Workbench, old: str, new: str) -> dict[str, str]:
    """What each file of a tree is called in another one, where it is called otherwise."""
    rows = workbench.differences(bench, old, new)
    return {before: after for letter, before, after in rows if letter == "R"}


def decode(content: bytes | None) -> str | None:
    """A text, or None for what is none or too large to learn from."""
    if content is None or len(content) > LARGEST or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def groups(changes: Sequence[Change], least: int) -> list[list[Change]]:
    """The changes that are the same in so many projects, those of most first."""
    rows: dict[tuple[str, str], dict[str, Change]] = {}
    for one in changes:
        rows.setdefault((one.path, one.hunk.key), {}).setdefault(one.place.member.name, one)
    several = [list(group.values()) for group in rows.values() if len(group) >= least]
    return sorted(several, key=lambda group: (-len(group), group[0].path, group[0].hunk.start))


def lesson(
    whole: Draft,
    several: Sequence[Change],
    changes: Sequence[Change],
    edits: Mapping[str, tuple[FileEdit, ...]],
) -> Lesson:
    """A group of changes as a lesson; it becomes a part of the draft where that can be."""
    first = several[0]
    hunk, names = first.hunk, {one.place.member.name for one in several}
    alike = {
        one.place.member.name
        for one in changes
        if one.path == first.path and one.hunk.key != hunk.key and one.hunk.is_like(hunk)
    }
    result = Lesson(
        first.path,
        hunk.old,
        hunk.new,
        tuple(sorted(names)),
        tuple(sorted({name for one in several for name in authors(one)})),
        tuple(sorted({owner for one in several if (owner := owner_of(one.place))})),
        tuple(sorted(alike - names)),
        KEPT if hunk == REMOVED else draft.add(whole, first.path, hunk),
    )
    fates = {name: fate(hunk, first.path, files) for name, files in edits.items()}
    clean = tuple(sorted(name for name, one in fates.items() if one == "clean"))
    breaks = tuple(sorted(name for name, one in fates.items() if one == "breaks"))
    return replace(result, clean=clean, breaks=breaks)


def owner_of(place: Place) -> str:
    return place.member.owner or str(place.project.answers.get("owner") or "")


def authors(change: Change) -> Iterator[str]:
    """Who wrote the new lines, or where there are none who changed the file last."""
    project, hunk = change.place.project, change.hunk
    where = project.place_of(change.name)
    if not hunk.new:
        argv = (
            "log",
            "--max-count=1",
            "--format=%an",
            project.head,
            "--",
            project.spec(change.name),
        )
        yield from filter(None, [project.repository.run(*argv).out.strip()])
        return
    lines = f"-L{hunk.start},{hunk.start + len(hunk.new) - 1}"
    out = project.repository.run("blame", "--porcelain", lines, project.head, "--", where).out
    yield from {
        row.removeprefix("author ") for row in out.splitlines() if row.startswith("author ")
    }


def fate(hunk: Hunk, path: str, files: Sequence[FileEdit]) -> str:
    """What becomes of a project's edit when the newest version has the change, too: `clean` where
    nothing of it is left, `breaks` where git cannot merge it any more."""
    edit = next((one for one in files if one.path == path and one.theirs is not None), None)
    if edit is None or edit.theirs is None:
        return ""
    if hunk == REMOVED:
        return "clean" if edit.ours is None else "breaks"
    after = transplant(hunk, edit.theirs)
    if edit.ours is None or after is None:
        return ""
    text, conflicts = merge(edit.base, edit.ours, after)
    if conflicts:
        return "" if merge(edit.base, edit.ours, edit.theirs)[1] else "breaks"
    return "clean" if text == after else ""


def merge(base: str, ours: str, theirs: str) -> tuple[str, int]:
    """What git makes of three texts, and how many conflicts there are."""
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        names = ("ours", "base", "theirs")
        for name, text in zip(names, (ours, base, theirs), strict=True):
            (Path(scratch) / name).write_bytes(text.encode())
        result = git.run("merge-file", "-p", *names, cwd=Path(scratch), ok=range(128))
    return result.out, result.code


def write(learning: Learning, file: Path) -> str:
    """Write the patch in one move, and say what comes next. Raises MlfactoryError."""
    if not learning.patch:
        return f"there is nothing to draft, so that {file} is not written"
    plan.save(learning.patch.removesuffix("\n"), file)
    return f"in a clone of {learning.template}: git apply {quote(str(file.resolve()))}"
