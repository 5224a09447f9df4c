"""`mlfactory update`: bring a newer template into a project, as one commit that git merges."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from mlfactory.base import git, process
from mlfactory.base.errors import ATTENTION, MlfactoryError, UsageError
from mlfactory.base.model import Outcome, Plan, Talk, Wish
from mlfactory.project import record as linked
from mlfactory.project.record import Project
from mlfactory.render import rerender as replay
from mlfactory.render import result as renders
from mlfactory.template import history as source

from . import checks
from . import plan as planning
from . import unfinished as pending
from . import workbench as trees
from .plan import Prepared
from .unfinished import State

# A rebase comes first: it keeps a CHERRY_PICK_HEAD, too, while it stands still.
RUNNING = {
    "rebase-merge": "rebase",
    "rebase-apply/applying": "am",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
    "BISECT_LOG": "bisect",
}
# The merge itself runs no hooks of the project: what they would say, the checks say.
PICK = ("-c", "core.hooksPath=/dev/null", "-c", "advice.mergeConflict=false", *git.MERGING)
INTO_GIT = "or take it into git: git add --force FILE && git commit"
IDENTITY = "git config --global user.name NAME && git config --global user.email ADDRESS"


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
class Options:
    """How to update; `check` is a command of the user's, None the factory's own, "" none at all."""

    to: str = ""
    wish: Wish = field(default_factory=Wish)
    dry_run: bool = False
    check: str | None = None


def update(place: Path, options: Options, talk: Talk, file: str = "") -> Outcome:
    """Plan, then merge; see `Outcome` for what may come of it. Raises MlfactoryError."""
    project = linked.find(place, file)
    if not options.dry_run:
        check_ready(project)
    found = planning.course(project, options.to)
    planning.check_forward(found, options.to)
    if found.old.commit == found.new.commit and not options.wish.settings:
        names = (str(project.path), project.source, found.old.name, found.new.name)
        return Outcome("current", Plan(*names))
    with planning.prepared(found, options.wish) as ready:
        if options.dry_run:
            return Outcome("planned", ready.plan, warnings=dirt_warning(project))
        if ready.plan.is_current:
            return Outcome("current", ready.plan)
        talk.plan(ready.plan)
        check_trust(ready, options)
        return apply(ready, options, talk)


def check_trust(ready: Prepared, options: Options) -> None:
    """Raises MlfactoryError when the template would run code that is none of the rendering."""
    if renders.MIGRATIONS in ready.theirs.facts.notes and not options.wish.trust:
        hint = "With --trust the update goes on without them."
        raise MlfactoryError(renders.MIGRATIONS, hint)


def dirt_warning(project: Project) -> tuple[str, ...]:
    dirty = git.dirt(project.top)
    return (f"not committed, and so not looked at: {shown(dirty)}",) if dirty else ()


def shown(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_ready(project: Project) -> None:
    """Raises MlfactoryError unless the repository is at rest, clean, and knows its user."""
    if state := pending.load(project.top):
        if pending.is_running(project.top, state):
            raise MlfactoryError(
                f"an update to {state.to_version} is not finished yet",
                "mlfactory update --continue, or mlfactory update --abort",
            )
        pending.forget(project.top)
    if running := operation(project):
        hint = f"git {running} --continue, or git {running} --abort"
        hint = "git bisect reset" if running == "bisect" else hint
        raise MlfactoryError(f"a git {running} is in progress in {project.top}", hint)
    if dirty := git.dirt(project.top):
        raise MlfactoryError(
            f"{project.top} has changes that are not committed: {shown(dirty)}",
            "git commit --all, or git stash; then update again.",
        )
    if not git.has_identity(project.top):
        raise MlfactoryError("git does not know who commits", IDENTITY)


def operation(project: Project) -> str:
    """What git is in the middle of, or an empty string."""
    places = git.place(project.top, *RUNNING)
    found = zip(RUNNING.values(), places, strict=True)
    return next((name for name, path in found if path.exists()), "")


def apply(ready: Prepared, options: Options, talk: Talk) -> Outcome:
    """Cherry-pick the change. From here on a state is kept, so that nothing can be half done."""
    project, merge = ready.course.project, ready.merge
    added = tuple(f"{project.prefix}{name}" for name in merge.added)
    pending.check_free(project.top, added, INTO_GIT)
    before = checks.look(project, options.check, talk, "Check before the update")
    trees.adopt(ready.bench)
    after = replay.as_updated(project, ready.theirs)
    state = State(
        project.prefix,
        project.file,
        ready.course.old.name,
        ready.course.new.name,
        ready.bench.head,
        merge.pick,
        merge.tree,
        added,
        before.failures,
        options.check,
        time.time(),
        before.warnings,
    )
    renders.keep(project.top, replay.base_key(after, ready.course.new), ready.theirs)
    if not ready.plan.released:
        name = ready.course.new.name
        into = f"{source.REF}{name.removeprefix('v')}"
        git.fetch(project.top, ready.course.up.folder, f"refs/tags/{name}", into)
    pending.check_free(project.top, added, INTO_GIT)  # the checks may have written, too
    pending.save(project.top, state)
    with talk.step("Merge"):
        code = pick(project, state)
    if code:
        ways = (*WAYS_ON, *([ALONG] if ready.torn_from_library else []))
        return Outcome("conflicts", ready.plan, next=ways)
    return finished(project, state, talk, ready.plan)


def pick(project: Project, state: State) -> int:
    """Let git merge: 0 when it is committed, 1 when a person must look. What else goes wrong, and
    what interrupts it, is taken back. Raises MlfactoryError."""
    empty = ("--allow-empty", "--keep-redundant-commits")
    argv = ("cherry-pick", *empty, "--no-rerere-autoupdate", state.pick)
    try:
        done = git.run(*PICK, *argv, cwd=project.top, env={"GIT_EDITOR": "true"}, ok=range(256))
        if done.code and not git.unmerged(project.top):
            hint = "Nothing was changed; mend this and update again."
            raise process.ProcessError(["git", "cherry-pick"], done, hint)
    except (MlfactoryError, KeyboardInterrupt):
        pending.undo(project.top, state)
        pending.forget(project.top)
        raise
    return 1 if done.code else 0


def finished(project: Project, state: State, talk: Talk, plan: Plan | None = None) -> Outcome:
    """After the commit: the lock is amended into it, and the checks run again."""
    warnings = checks.relock(project, state.head, talk)
    before = checks.Look(state.failed_before, state.warned_before)
    new = checks.look_again(project, state.check, talk, before)
    commit = pending.head_of(project.top)
    pending.forget(project.top)
    ways = [f"git show {commit[:10]}", f"git revert {commit[:10]}     # takes the update back"]
    if plan and plan.settings and checks.is_factory(project):
        ways.append("factory params add     # writes the new settings into params.yaml")
    if checks.is_factory(project) and not checks.has_own_check(project):
        ways.append("uv sync && uv run factory check     # says what else is to do")
    return Outcome("updated", plan, commit, (*warnings, *new.warnings), new.failures, tuple(ways))


def resume(place: Path, talk: Talk) -> Outcome:
    """`--continue`: commit what a person has merged, then go on. Raises MlfactoryError."""
    project, state = pending.begun(place)
    top = project.top
    if left := git.unmerged(top):
        raise AttentionError(f"still in conflict: {shown(left)}", f"Edit, then: git add {left[0]}")
    if pending.is_picking(top, state):
        if marked := git.marked(top):
            hint = f"Edit, then: git add {marked[0]}"
            raise AttentionError(f"conflict markers are left in {shown(marked)}", hint)
        hint = "Mend what it says, git add it, and: mlfactory update --continue"
        argv = ("cherry-pick", "--continue")
        git.run(*argv, cwd=top, env={"GIT_EDITOR": "true"}, hint=hint)
    elif not pending.is_picked(top, state):
        pending.undo(top, state)
        pending.check_free(top, state.added, "then: mlfactory update --continue")
        if pick(project, state):
            return Outcome("conflicts", next=WAYS_ON)
    return finished(project, state, talk)


def abort(place: Path) -> Outcome:
    """`--abort`: everything is as it was before the update. Raises MlfactoryError."""
    project, state = pending.begun(place)
    if pending.is_resolved(project.top, state):
        head = pending.head_of(project.top)
        raise MlfactoryError(
            "the update is committed already", f"Take it back: git revert {head[:10]}"
        )
    pending.undo(project.top, state)
    pending.forget(project.top)
    return Outcome("aborted", next=("git status",))
