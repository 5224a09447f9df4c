"""`mlfactory update`: bring a newer template into a project, as one commit that git merges."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Protocol

from mlfactory.base import git, index, objects, process
from mlfactory.base.errors import ATTENTION, MlfactoryError, UsageError
from mlfactory.base.git import Repository
from mlfactory.base.operation import files_with_markers
from mlfactory.base.talk import Talk
from mlfactory.project import record
from mlfactory.project.record import Project
from mlfactory.render import cache, rerender
from mlfactory.render.result import RenderOptions
from mlfactory.template import choice, history

from . import aside, checks, unfinished, workbench
from .course import Course, check_forward, check_line, find_course
from .plan import Preview, UpdatePlan, preview
from .ready import check_ready, dirt_warning, shorten
from .unfinished import Unfinished
from .working import working

# The merge itself runs no hooks of the project: what they would say, the checks say.
PICK = ("-c", "advice.mergeConflict=false", *objects.MERGING)
NO_EDITOR = {"GIT_EDITOR": "true"}
INTO_GIT = "or take it into git: git add --force FILE && git commit"


WAYS_ON = (
    "git mergetool                  # or edit the files, then git add them",
    "git cherry-pick --continue     # or mlfactory update --continue, which also renews uv.lock",
    "git cherry-pick --abort        # or mlfactory update --abort",
)
ALONG = (
    "mlfactory update --abort && mlfactory update --set runtime=source"
    "     # takes your edits along into the library's files"
)


def check_one_way(*ways: bool) -> None:
    """Raises UsageError for --continue together with --abort."""
    if sum(ways) > 1:
        raise UsageError("--continue and --abort exclude each other", "Give one of them.")


class AttentionError(MlfactoryError):
    """The update was begun and needs a person."""

    exit_code = ATTENTION


@dataclass(frozen=True)
class Outcome:
    """What an update did: nothing, `updated`, `conflicts`, `aborted` or only `planned`.

    `failures` are checks that passed before the update and fail now. Of several projects one can
    have `failed`: then `error` and `hint` are all that is known.
    """

    state: str
    plan: UpdatePlan | None = None
    commit: str = ""
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    project: str = ""
    error: str = ""
    hint: str = ""

    @property
    def needs_attention(self) -> bool:
        has_conflicts = (
            self.state == "planned" and self.plan is not None and bool(self.plan.conflicts)
        )
        return has_conflicts or self.state == "conflicts" or bool(self.failures)


class UpdateTalk(Talk, Protocol):
    """What is said while a project is updated."""

    def plan(self, plan: UpdatePlan) -> None:
        """Show what is about to be done."""


@dataclass(frozen=True)
class Options:
    """How to update; `check` is a command of the user's, None the factory's own, "" none at all."""

    to: str = ""
    render: RenderOptions = field(default_factory=RenderOptions)
    dry_run: bool = False
    check: str | None = None


def update(start: Path, options: Options, talk: UpdateTalk, file: str = "") -> Outcome:
    """Plan, then merge; see `Outcome` for what may come of it. Raises MlfactoryError."""
    if options.dry_run:
        return plan_and_apply(start, options, talk, file)
    with working(start, "mlfactory update"):
        return plan_and_apply(start, options, talk, file)


def plan_and_apply(start: Path, options: Options, talk: UpdateTalk, file: str) -> Outcome:
    """The same without keeping others out."""
    project = record.find(start, file)
    options = with_trust(project, options)
    author = {} if options.dry_run else check_ready(project)
    course = find_course(project, options.to)
    check_forward(course, options.to)
    if course.old.commit == course.new.commit and not options.render.settings:
        check_line(course)
        names = (str(project.path), project.source, course.old.name, course.new.name)
        return Outcome("current", UpdatePlan(*names))
    with preview(course, options.render, author) as view:
        if options.dry_run:
            return Outcome("planned", view.plan, warnings=dirt_warning(project))
        if view.plan.is_current:
            return Outcome("current", view.plan)
        talk.plan(view.plan)
        return apply(view, options, talk)


def with_trust(project: Project, options: Options) -> Options:
    """The same, trusting a template that the organisation of this machine trusts."""
    trust = options.render.trust or (
        project.source != history.SOURCE and choice.is_trusted(project.source)
    )
    return replace(options, render=replace(options.render, trust=trust))


def is_trusted(course: Course, options: Options) -> bool:
    """Whether what the new version brings may run: it is mlfactory's own, also where a team has
    published it, or somebody said so."""
    if options.render.trust or course.up.own or choice.is_trusted(course.project.source):
        return True
    return history.is_own_commit(course.up.folder, course.new.commit)


def apply(view: Preview, options: Options, talk: Talk) -> Outcome:
    """Cherry-pick the change. From here on a state is kept, so that nothing can be half done."""
    pair, course = view.pair, view.pair.course
    project, repository = course.project, course.project.repository
    added = tuple(map(project.place_of, view.merge.added))
    unfinished.check_free(repository, added, INTO_GIT)
    trusted = is_trusted(course, options)
    title = "Check before the update"
    before = checks.look(project, options.check, talk, title, trusted=trusted)
    workbench.adopt(pair.bench)
    record = Unfinished(
        project.prefix,
        project.file,
        course.old.name,
        course.new.name,
        project.head,
        view.merge.pick,
        view.merge.tree,
        added,
        before.failures,
        options.check,
        time.time(),
        before.warnings,
        trusted,
        workbench.specs(pair.bench),
        aside.staged(repository),
    )
    after = rerender.as_updated(project, pair.theirs)
    cache.keep(repository, rerender.base_key(after, course.new), pair.theirs)
    if not view.plan.released:
        into = f"{history.REF}{course.new.name.removeprefix('v')}"
        git.fetch(repository, course.up.folder, f"refs/tags/{course.new.name}", into)
    unfinished.check_free(repository, added, INTO_GIT)  # the checks may have written, too
    unfinished.save(repository, record)
    with talk.step("Merge"):
        code = pick(repository, record)
    if code:
        ways = (*WAYS_ON, *([ALONG] if view.library_edits else []))
        return Outcome("conflicts", view.plan, warnings=waiting(record), next=ways)
    return finish(project, record, talk, view.plan)


def waiting(record: Unfinished) -> tuple[str, ...]:
    """What is said of files elsewhere that were staged, while the update is not over."""
    names = shorten(aside.names_of(record.staged))
    return (f"not staged until the update is over, so that it stays apart: {names}",) * bool(names)


def pick(repository: Repository, record: Unfinished) -> int:
    """Let git merge: 0 when it is committed, 1 when a person must look. What else goes wrong, and
    what interrupts it, is taken back. Raises MlfactoryError."""
    empty = ("--allow-empty", "--keep-redundant-commits")
    argv = ("cherry-pick", *empty, "--no-rerere-autoupdate", record.pick)
    try:
        with index.hold(repository) as mine:
            aside.put_aside(mine, record.staged)
            result = mine.run(*PICK, *argv, env=NO_EDITOR, ok=range(256))
            if not result.code:
                aside.put_back(mine, record.staged)
        if result.code and not git.unmerged(repository):
            hint = "Nothing was changed; mend this and update again."
            raise process.ProcessError(["git", "cherry-pick"], result, hint)
    except (MlfactoryError, KeyboardInterrupt):
        unfinished.undo(repository, record)
        unfinished.close(repository, record)
        raise
    return 1 if result.code else 0


def finish(
    project: Project, record: Unfinished, talk: Talk, plan: UpdatePlan | None = None
) -> Outcome:
    """After the commit: the lock is amended into it, and the checks run again."""
    trusted = record.trusted
    notes = checks.omission(project, record.check, trusted=trusted)
    warnings = (*checks.relock(project, record.head, talk, trusted=trusted), *notes)
    before = checks.CheckResult(record.failed_before, record.warned_before)
    new = checks.look_again(project, record.check, talk, before, trusted=trusted)
    commit = git.head(project.repository)
    unfinished.close(project.repository, record)
    ways = [f"git show {commit[:10]}", f"git revert {commit[:10]}     # takes the update back"]
    if plan and plan.settings and checks.is_factory(project):
        ways.append("factory params add     # writes the new settings into params.yaml")
    if checks.is_factory(project) and not checks.has_own_check(project):
        ways.append("uv sync && uv run factory check     # says what else is to do")
    return Outcome("updated", plan, commit, (*warnings, *new.warnings), new.failures, tuple(ways))


def resume(start: Path, talk: Talk, *, trust: bool = False) -> Outcome:
    """`--continue`: commit what a person has merged, then go on. Raises MlfactoryError."""
    with working(start, "mlfactory update --continue"):
        return continue_update(start, talk, trust=trust)


def continue_update(start: Path, talk: Talk, *, trust: bool) -> Outcome:
    project, progress = unfinished.progress(start)
    repository, record = project.repository, progress.record
    record = replace(record, trusted=record.trusted or trust)
    if conflicts := git.unmerged(repository):
        raise AttentionError(
            f"still in conflict: {shorten(conflicts)}", f"Edit, then: git add {conflicts[0]}"
        )
    if progress.state == "picking":
        go_on(repository, record)
    elif not progress.is_picked:
        unfinished.undo(repository, record)
        unfinished.check_free(repository, record.added, "then: mlfactory update --continue")
        if pick(repository, record):
            return Outcome("conflicts", next=WAYS_ON)
    return finish(project, record, talk)


def go_on(repository: Repository, record: Unfinished) -> None:
    """Commit what a person has merged. Raises MlfactoryError where something is left to do."""
    if others := aside.names_of(aside.outside(repository, record.specs)):
        hint = f"git restore --staged -- {' '.join(map(quote, others[:8]))}"
        raise AttentionError(f"staged, and not of this project: {shorten(others)}", hint)
    if names := files_with_markers(repository, *record.specs):
        hint = f"Edit, then: git add {names[0]}"
        raise AttentionError(f"conflict markers are left in {shorten(names)}", hint)
    hint = "Mend what it says, git add it, and: mlfactory update --continue"
    repository.run("cherry-pick", "--continue", env=NO_EDITOR, hint=hint, hooks=True)


def abort(start: Path) -> Outcome:
    """`--abort`: everything is as it was before the update. Raises MlfactoryError."""
    with working(start, "mlfactory update --abort"):
        return take_back(start)


def take_back(start: Path) -> Outcome:
    project, progress = unfinished.progress(start)
    if progress.is_resolved:
        raise MlfactoryError(
            "the update is committed already", f"Take it back: git revert {progress.head[:10]}"
        )
    unfinished.undo(project.repository, progress.record)
    unfinished.close(project.repository, progress.record)
    return Outcome("aborted", next=("git status",))
