"""A project that no record names the template of: which version it is nearest to, and a record."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace

from mlfactory.base import answers, objects
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.objects import Leaf
from mlfactory.project import record
from mlfactory.project.record import COPIER, CRUFT, CRUFT_FILE, NAMES, Project
from mlfactory.render.result import Render
from mlfactory.template.choice import Template
from mlfactory.template.repository import Upstream, Version

from . import branch, crossing, place, rendering, traces
from .place import LINKED, Place
from .request import ADDED, File, Fit, Report, Request

MOST = 30  # versions that are tried, the newest ones
LONGEST = 400_000  # bytes of a file that is compared line by line
NOTHING = 0.05


def link(here: Place, old: Project | None, template: Template, request: Request) -> Report:
    """Record the template at the version that the project is nearest to, and change nothing else.

    Raises MlfactoryError where a record is there, or no version resembles the project.
    """
    if old:
        text = f"{here.path / old.file} names a template already: {old.source}"
        raise MlfactoryError(text, "mlfactory update, or another address: mlfactory template use")
    place.check_branch(here, LINKED)
    notes = place.unready(here, dry_run=request.dry_run)
    up = rendering.upstream(template.source)
    tries = [
        attempt
        for version in rendering.candidates(up, request.ref, MOST)
        if (attempt := tried_version(here, up, version, request))
    ]
    if not tries:
        text = f"no version of {template.source} can be rendered with these answers"
        raise UsageError(text, "Answer its questions: --set QUESTION=VALUE")
    fits = tuple(fit for fit, _, _ in tries)
    best, project, render = max(tries, key=lambda one: one[0].share)
    if best.share < NOTHING:
        raise MlfactoryError(
            f"{here.path} resembles no version of {template.source}: {best.version} is nearest, "
            f"with {best.share:.0%}",
            "Answer its questions as they were: --set QUESTION=VALUE",
        )
    report = Report(
        "planned", str(here.path), template.source, best.version, LINKED, here.branch,
        record=project.file, files=(File(project.file, ADDED),), fits=fits, warnings=notes,
    )  # fmt: skip
    if request.dry_run:
        return report
    commit = linked(here, project, render, best)
    ways = (f"{traces.back(here)} && git merge --no-ff {LINKED}", "mlfactory status")
    return replace(report, state="linked", commit=commit, next=ways)


def tried_version(
    here: Place, up: Upstream, version: Version, request: Request
) -> tuple[Fit, Project, Render] | None:
    """How close the project is to what a version makes; None where it cannot be rendered."""
    questions, kind = rendering.questions_at(up, version)
    settings = answers.merge(request.answers, request.settings, {})
    for name in settings:
        if name not in questions:
            raise UsageError(
                f"{up.source} has no question {name}", answers.suggestion(name, questions)
            )
    own = {name: here.path.name for name in NAMES if name in questions}
    values = {**dict(list(own.items())[:1]), **settings}
    project = project_of(here, up, version, kind, values)
    try:
        render = rendering.at_version(project, up, version)
    except MlfactoryError:
        return None
    return fit(here, version, project.file, render), project, render


def project_of(
    here: Place, up: Upstream, version: Version, kind: str, values: dict[str, str]
) -> Project:
    """The project as a record would have it."""
    import yaml

    file, text = (
        answers.FILE,
        yaml.safe_dump({"_commit": version.name, "_src_path": up.source, **values}),
    )
    if kind == CRUFT:
        context = {"context": {"cookiecutter": values}, "template": up.source, "directory": None}
        file = CRUFT_FILE
        text = json.dumps({"commit": version.commit, "checkout": None, **context})
    project = Project(
        here.path, here.repository, here.head, here.prefix, file, text, kind or COPIER
    )
    return record.parse(project)


def nearest(here: Place, project: Project) -> Project:
    """A project whose record names no version, at the one that it is nearest to. Raises
    MlfactoryError where none can be rendered."""
    up = rendering.upstream(project.source)
    shares: dict[str, float] = {}
    for version in rendering.candidates(up, "", MOST):
        try:
            render = rendering.at_version(replace(project, version=version.commit), up, version)
        except MlfactoryError:
            continue
        shares[version.commit] = fit(here, version, project.file, render).share
    if not shares:
        raise MlfactoryError(f"no version of {project.source} can be rendered")
    return replace(project, version=max(shares, key=lambda commit: shares[commit]))


def fit(here: Place, version: Version, file: str, render: Render) -> Fit:
    """Compare each file of a render with the project's."""
    entries = [e for e in render.entries if e.name != file]
    there = {e.name: here.leaves.get(f"{here.prefix}{e.name}") for e in entries}
    names = [name for name, leaf in there.items() if leaf and leaf[0].startswith("100")]
    oids = [leaf[1] for name in names if (leaf := there[name])]
    contents = dict(zip(names, objects.blobs(here.repository, oids), strict=True))
    likeness = [alike(contents.get(e.name), e.content) for e in entries]
    same = sum(contents.get(e.name) == e.content for e in entries)
    share = sum(likeness) / len(likeness) if likeness else 0.0
    return Fit(version.name, round(share, 4), same, len(entries))


def alike(theirs: bytes | None, ours: bytes) -> float:
    """From 0 for a file that is not there to 1 for the same one."""
    if theirs is None:
        return 0.0
    if theirs == ours:
        return 1.0
    if max(len(theirs), len(ours)) > LONGEST:
        return 0.5
    lines = theirs.splitlines(), ours.splitlines()
    return difflib.SequenceMatcher(None, *lines, autojunk=False).ratio()


def linked(here: Place, project: Project, render: Render, best: Fit) -> str:
    """The record on a branch of its own, joined with the template's files as they were."""
    text = render.text(project.file) or project.text
    leaves: dict[str, Leaf | None] = {
        (at := f"{here.prefix}{e.name}"): branch.blob(here.repository, at, e.content, e.mode)
        for e in render.entries
    }
    message = f"The files of {project.source} {best.version}, as it makes them"
    side = branch.template_side(here, leaves, message)
    at = f"{here.prefix}{project.file}"
    files: dict[str, Leaf | None] = {at: branch.blob(here.repository, at, text.encode(), "100644")}
    title = f"Link the project to {project.source} {best.version}"
    text = f"{title}\n\n{best.share:.0%} of what that makes is here."
    commit = branch.join(here, side, files, text)
    crossing.switch(here, LINKED, commit)
    return commit
