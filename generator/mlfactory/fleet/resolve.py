"""`mlfactory fleet resolve`: a conflict that is the same in many repositories is resolved once.

What is resolved goes into the plan, and only from there to the repositories.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlfactory.base import lock, objects
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.git import Repository
from mlfactory.render.result import RenderOptions
from mlfactory.update.course import course_in
from mlfactory.update.plan import preview

from . import inventory, make, plan, rerere, work
from .plan import FleetPlan, Step
from .rerere import Sides
from .scout import Place, Progress, at_hand, scout
from .work import Failure

FOLDER = Path("resolutions")
SHORT = 10  # digits of an ID in the name of a file


@dataclass(frozen=True)
class Dispute:
    """A file in conflict in one repository. `name` is rerere's, empty where only one side has the
    file: that nobody can resolve for others. `content` has the marks in it."""

    path: str
    sides: Sides | None
    name: str = ""
    content: bytes = b""


@dataclass(frozen=True)
class Case:
    """A step with its repository and its disputes."""

    step: Step
    place: Place
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True)
class Group:
    """A conflict that is the same in all of its `members`. `file` is where it waits for somebody,
    `diff` its resolution, and `exceptions` are the members that this does not fit."""

    name: str
    path: str
    members: tuple[str, ...]
    file: str = ""
    diff: str = ""
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The conflicts of a plan, the steps of which all are resolved, and what else is to be known.
    `is_in_plan` says whether the plan has it."""

    groups: tuple[Group, ...]
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    is_in_plan: bool

    @property
    def needs_attention(self) -> bool:
        is_open = any(one.file or one.exceptions or not one.name for one in self.groups)
        return is_open or bool(self.notes) or bool(self.steps and not self.is_in_plan)


def resolve(
    file: Path, folder: Path, progress: Progress, names: Sequence[str] = (), *, use: bool
) -> Outcome:
    """Look at a plan's conflicts, all or those of some repositories; with `use` what is resolved is
    written into it. Raises MlfactoryError."""
    with lock.hold(file.with_suffix(".lock"), "mlfactory fleet resolve", str(file)):
        whole = plan.read(file)
        rows, notes = cases_of(whole, names, progress)
        with rerere.memory() as store:
            cases = [with_names(store, case) for case in rows]
            for dispute in firsts(cases):
                offer(folder, dispute)
        take_over(folder)
        with rerere.memory(folder) as store:
            files = [replays(store, folder, case) for case in cases]
        pairs = list(zip(cases, files, strict=True))
        steps = [
            resolution(case, texts) for case, texts in pairs if len(texts) == len(case.disputes)
        ]
        if use and steps:
            news = {step.name: step for step in steps}
            after = replace(whole, steps=tuple(news.get(s.name, s) for s in whole.steps))
            plan.write(after, file)
    groups = tuple(group(folder, dispute, pairs) for dispute in firsts(cases))
    return Outcome(groups, tuple(step.name for step in steps), tuple(notes), use)


def cases_of(
    whole: FleetPlan, names: Sequence[str], progress: Progress
) -> tuple[list[Case], list[str]]:
    """Each conflict of a plan with the sides of its files, and what cannot be looked at."""
    if strangers := {*names} - {step.name for step in whole.of("conflict")}:
        hint = "It is resolved, merged cleanly, or not in the plan: mlfactory fleet plan"
        raise UsageError(f"the plan has no conflict in {', '.join(sorted(strangers))}", hint)
    members = {one.name: one for one in inventory.read(Path(whole.fleet)).members}
    steps = [
        s for s in whole.of("conflict") if s.name in members and (not names or s.name in names)
    ]
    notes: list[str] = []
    pairs: list[tuple[Step, Place]] = []
    for step, place in zip(steps, scout([members[s.name] for s in steps], progress), strict=True):
        if isinstance(place, Failure):
            notes.append(f"{step.name}: {place.message}")
        elif place.project.head != step.head or not make.has_tree(place, step):
            notes.append(f"{step.name}: it has moved since the plan, or was planned elsewhere")
        else:
            pairs.append((step, place))
    places = [place for _, place in pairs]
    cases: dict[int, Case] = {}
    with progress.count("Merge in memory", len(pairs)) as tick, at_hand(places) as own:
        items = [(step, place) for (step, _), place in zip(pairs, own, strict=True)]
        for number, result in work.compute(disputes_of, items):
            step, place = pairs[number]
            if isinstance(result, Failure):
                notes.append(f"{step.name}: {result.message}")
            else:
                cases[number] = Case(step, place, result)
            tick()
    return [cases[number] for number in sorted(cases)], notes


def disputes_of(pair: tuple[Step, Place]) -> tuple[Dispute, ...]:
    """The files in conflict of one step, with their sides."""
    step, place = pair
    course = course_in(place.up, place.project, step.to_version)
    with preview(course, RenderOptions(step.settings)) as view:
        bench, merged = view.pair.bench, view.merge.sides
        rows = []
        for one in view.merge.conflicts:
            leaves = [side.get(one.path) for side in (merged.base, bench.leaves, merged.theirs)]
            oids = [leaf[1] for leaf in leaves if leaf]
            contents = objects.blobs(bench.repository, oids) if len(oids) == len(leaves) else []
            rows.append(Dispute(one.path, Sides(*contents) if contents else None))
        return tuple(rows)


def with_names(store: Repository, case: Case) -> Case:
    """The case with what rerere calls its disputes."""
    rows = []
    for one in case.disputes:
        name, content = rerere.identify(store, one.sides) if one.sides else ("", b"")
        rows.append(replace(one, name=name, content=content))
    return replace(case, disputes=tuple(rows))


def firsts(cases: Sequence[Case]) -> list[Dispute]:
    """One of each, by name and path; those of most repositories first."""
    rows: dict[tuple[str, str], list[Dispute]] = {}
    for case in cases:
        for one in case.disputes:
            rows.setdefault((one.name, one.path), []).append(one)
    return [several[0] for several in sorted(rows.values(), key=lambda several: -len(several))]


def offer(folder: Path, dispute: Dispute) -> None:
    """Write a file with its marks, for somebody to resolve, and what git has to know of it.

    What is there already stays: one file for each conflict, however many files have it.
    """
    file = file_of(folder, dispute)
    is_known = (folder / dispute.name / "postimage").exists() or file.exists()
    if not (dispute.name and dispute.sides) or is_known:
        return
    with rerere.memory() as own:
        rerere.identify(own, dispute.sides)
        rerere.remember(own, folder, dispute.name)
    file.write_bytes(dispute.content)


def file_of(folder: Path, dispute: Dispute) -> Path:
    if there := sorted(folder.glob(f"{dispute.name[:SHORT]}-*")):
        return there[0]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", dispute.path)[-100:]
    return folder / f"{dispute.name[:SHORT]}-{name}"


def take_over(folder: Path) -> None:
    """Remember what somebody has resolved: a file in which no mark is left."""
    for file in sorted(folder.glob("*-*")):
        places = [p for p in folder.glob(f"{file.name[:SHORT]}*") if (p / "preimage").is_file()]
        if file.is_file() and len(places) == 1 and not rerere.has_marks(file.read_bytes()):
            file.replace(places[0] / "postimage")


def replays(store: Repository, folder: Path, case: Case) -> dict[str, bytes]:
    """The files of a case that what is remembered resolves, by their paths."""
    rows: dict[str, bytes] = {}
    for one in case.disputes:
        if one.sides and one.name and (folder / one.name / "postimage").exists():
            content = rerere.replay(store, one.sides)
            rows |= {one.path: content} if content is not None else {}
    return rows


def resolution(case: Case, files: Mapping[str, bytes]) -> Step:
    """The step with the tree that holds the files as they are resolved."""
    clone, project, step = case.place.clone, case.place.project, case.step
    store = clone.repository
    rows = []
    for path, content in files.items():
        argv = ("hash-object", "-w", "--no-filters", "--stdin")
        oid = store.run(*argv, stdin=content).out.strip()
        place = project.place_of(path)
        mode = objects.leaves(store, step.tree, place)[place][0]
        rows.append(f"{mode} {oid}\t{place}\0")
    with tempfile.TemporaryDirectory(prefix="mlfactory-") as scratch:
        env = {"GIT_INDEX_FILE": f"{scratch}/index"}
        store.run("read-tree", step.tree, env=env)
        stdin = "".join(rows).encode("utf-8", "surrogateescape")
        store.run("update-index", "-z", "--index-info", env=env, stdin=stdin)
        tree = store.run("write-tree", env=env).out.strip()
    return replace(step, action="update", tree=tree, resolutions=tuple(sorted(files)))


def group(
    folder: Path, dispute: Dispute, pairs: Sequence[tuple[Case, Mapping[str, bytes]]]
) -> Group:
    """What is known of a conflict, over all that have it."""
    key = (dispute.name, dispute.path)
    users = [(c, f) for c, f in pairs if key in {(d.name, d.path) for d in c.disputes}]
    members = tuple(case.step.name for case, _ in users)
    if not dispute.name:
        return Group("", dispute.path, members)
    after = folder / dispute.name / "postimage"
    if not after.exists():
        return Group(dispute.name, dispute.path, members, str(file_of(folder, dispute)))
    exceptions = tuple(case.step.name for case, files in users if dispute.path not in files)
    return Group(
        dispute.name, dispute.path, members, diff=diff(dispute, after), exceptions=exceptions
    )


def diff(dispute: Dispute, after: Path) -> str:
    """How a conflict is resolved, as people read it."""
    try:
        content = after.read_bytes()
    except OSError as error:
        raise MlfactoryError(f"{after} cannot be read: {error.strerror}") from error
    before, now = (
        text.decode("utf-8", "replace").splitlines() for text in (dispute.content, content)
    )
    name = dispute.path
    return "\n".join(difflib.unified_diff(before, now, name, name, lineterm=""))
