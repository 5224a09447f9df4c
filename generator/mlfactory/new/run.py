"""`mlfactory new`: from a data file to a trained factory, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from mlfactory.base import addresses, answers, git, index, lock, organisation, origin
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Talk
from mlfactory.render import copier
from mlfactory.template import choice, history
from mlfactory.template.choice import Template

from . import around, arrival, intake, interview, journal, rendered, steps
from .directory import absolute, check_free, count_files, making, publish, staging, tidy
from .journal import Run, StepResult
from .request import Goal, Request
from .summary import Summary, summary

CONTRACTS = (1, 2)  # until 0.3, and since
UNRELEASED = "the template {} is not released: it comes from a checkout, and only this clone has it"
LOCAL = (
    "the template is a folder of this machine, {}, and recorded by its path: others read that, and "
    "cannot update; once it is published: mlfactory template use ADDRESS"
)
OWN = (
    "the DVC remote {} lies in your home, and everybody reads so in .dvc/config; for you alone: "
    "leave --remote, and afterwards dvc remote add --local --default storage FOLDER"
)
UNTRUSTED = (
    "the template is not mlfactory's own, so nothing of it was run; left to do: {}. If you trust "
    "it: mlfactory new {} --trust"
)
PLAIN = "the template does not keep mlfactory's contract: rendered and committed, nothing more"


@dataclass(frozen=True)
class Step:
    """One step of the work; `act` returns the run as it is afterwards."""

    name: str
    title: str
    act: Callable[[Run], Run]
    live: bool = True


TASKS = (Step("tasks", "Run the template's tasks", steps.run_tasks, live=False),)
AFTER_TASKS = Step("tasked", "Commit what the tasks did", steps.commit_tasks)
LIFT = Step("lift", "Put the workflows where the forge reads them", around.lift)
NO_HOOKS = Step("hooks", "Leave the hooks to the repository", around.without_hooks)
COPY = Step("copy", "Copy the data", steps.copy_data)
FIRST = Step("commit", "Commit the first state", steps.commit_first)
SETUP = (
    Step("environment", "Lock and install the packages", steps.install),
    Step("data", "Put the data under DVC", steps.track_data),
    Step("catalog", "Draft the feature catalog", steps.draft_catalog),
    Step("scaffold", "Commit the scaffold", steps.commit_scaffold),
    Step("hooks", "Install the hooks", steps.install_hooks),
)
TRAIN = (
    Step("train", "Train the first model", steps.train),
    Step("trained", "Commit the trained state", steps.commit_trained),
)


def new(request: Request, goal: Goal, talk: Talk, *, ask: bool = False) -> Summary:
    """Make a factory, or go on with one that was begun in the same directory.

    With `ask`, the questions that no option answers are asked. Raises MlfactoryError.
    """
    intake.check_together(request)
    git.require()
    directory = absolute(request.directory)
    fresh = None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="mlfactory-")))
        if journal.load(directory) is None:
            with making(directory):
                if journal.load(directory) is None:
                    fresh = first(request, directory, goal, talk, folder, ask=ask)
        else:
            tidy(directory)
        run = fresh or journal.load(directory)
        if run is None:
            raise MlfactoryError(f"{directory} is gone", "Run it again.")
        stack.enter_context(
            lock.hold(run.repository.path_of(lock.FILE), "mlfactory new", str(directory))
        )
        index.give_back(run.repository)
        return go_on(fresh, directory, request, goal, talk)


def go_on(fresh: Run | None, directory: Path, request: Request, goal: Goal, talk: Talk) -> Summary:
    """Do what is left, of a run that was begun just now or before."""
    run = fresh or journal.load(directory)
    if run is None:
        raise MlfactoryError(f"{directory} is gone", "Run it again.")
    if fresh is None:
        run = replace(run, trusted=is_trusted(run, goal))
        resume(run, request, goal, talk)
        journal.save(run)
    run = finish(run, goal, talk)
    return summary(run, request.directory, trust_warnings(run, goal))


def is_trusted(run: Run, goal: Goal) -> bool:
    """Whether what the template brings may run: it is mlfactory's own, or somebody said so."""
    return run.trusted or goal.trust or choice.is_trusted(run.source)


def trust_warnings(run: Run, goal: Goal) -> tuple[str, ...]:
    """What is left undone because the template is not trusted."""
    rest = () if run.trusted else remaining(replace(run, trusted=True), goal)
    titles = ", ".join(step.title[0].lower() + step.title[1:] for step in rest)
    return (UNTRUSTED.format(titles, quote(run.request.directory)),) if rest else ()


def first(
    request: Request, directory: Path, goal: Goal, talk: Talk, folder: Path, *, ask: bool
) -> Run:
    """Make it, or take up what somebody has rendered there."""
    if not (rendered.is_waiting(directory) and keeps_contract(directory)):
        check_free(directory)
        return begin(request, directory, goal, talk, folder, ask=ask)
    run = rendered.take_over(request, directory, talk, folder, ask=ask)
    run = replace(run, trusted=is_trusted(run, goal))
    journal.save(run)
    return run


def begin(
    request: Request, directory: Path, goal: Goal, talk: Talk, folder: Path, *, ask: bool
) -> Run:
    """Look, render and make the repository beside the directory; a failure leaves nothing.

    In the folder stands what had to be converted to be looked at.
    """
    address = request.template or organisation.value("template")
    template = choice.template(address, request.ref, request.tag_prefix)
    run = Run(directory, request, template.source, template.version, template.released)
    prefix = around.prefix(request, directory, talk, ask=ask)
    run = replace(run, trusted=is_trusted(run, goal), prefix=prefix)
    with copier.open_sheet(template, trust=run.trusted) as sheet, staging(directory) as staged:
        run = intake.gather(arrival.drain(run, folder), directory, sheet.questions)
        files = intake.sources(run) if run.data else ()
        run = arrival.convert(run, files, folder, talk, sheet.questions, ask=ask)
        if ask and run.data:
            run = interview.ask(run, intake.paths(run), talk)
        run = intake.choose_target(run, talk, ask=ask)
        run = journal.with_warnings(run, early_warnings(run, template))
        for step in first_steps(run, template, sheet, ask=ask):
            run = perform(replace(run, path=staged), step, talk)
        if ask and run.contract:
            talk.note(f"the same without questions: {interview.command(run, sheet.questions)}")
        journal.save(run)  # before it is put in place: an absent directory has no run
        publish(staged, directory)
    return replace(run, path=directory)


def first_steps(
    run: Run, template: Template, sheet: copier.Sheet, *, ask: bool
) -> tuple[Step, ...]:
    """The steps before the directory exists."""
    look = (Step("look", "Look at the data", intake.look),) if run.data else ()
    return (
        *look,
        Step("render", "Render", partial(render, sheet=sheet, ask=ask), live=not ask),
        Step("repository", "Make the repository", partial(repository, template=template)),
    )


def early_warnings(run: Run, template: Template) -> list[str]:
    """What is odd before anything was done."""
    outer = git.toplevel(run.path)
    where = (run.path.name, outer, quote(run.request.directory))
    nested = [around.NESTED.format(*where)] if outer and not run.prefix else []
    here = [LOCAL.format(template.source)] if choice.is_local(template.source) else []
    remote = str(run.given.get("remote") or "")
    own = [OWN.format(remote)] if Path(remote).is_relative_to(Path.home()) else []
    unreleased = [] if template.released else [UNRELEASED.format(template.version)]
    return [*nested, *here, *own, *unreleased]


def render(run: Run, sheet: copier.Sheet, ask: bool) -> Run:
    """Let copier write the tree; what it asked for is checked against the data, too."""
    version = copier.render(sheet, run.path, run.given, ask=ask)
    if not run.path.is_dir():
        raise MlfactoryError(f"the template {run.source} renders nothing")
    run = replace(run, version=run.version or version.removeprefix("v"), commit=sheet.commit)
    run = replace(run, tasks=sheet.tasks)
    if ask:
        addresses.refuse_answers(run.answers)
    organisation.check_names(run.answers)
    run = intake.look_again(run)
    return replace(run, contract=keeps_contract(run.path), files=count_files(run.path))


def keeps_contract(path: Path) -> bool:
    """Whether the tree is a factory that this program can work with."""
    file = path / "pyproject.toml"
    if not file.is_file():
        return False
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    contract = answers.tool_table(text, "mlfactory").get("contract", 0)
    if isinstance(contract, int) and contract > CONTRACTS[-1]:
        raise MlfactoryError(
            f"the template keeps contract {contract}, this mlfactory knows {CONTRACTS[-1]}",
            f"Renew it: {origin.upgrade()}",
        )
    return contract in CONTRACTS


def repository(run: Run, template: Template) -> Run:
    """Make the git repository, or look whether the one around can take the factory; it keeps an
    unreleased template, so that it can be updated."""
    run = around.check_taken(run) if run.prefix else run
    handle = run.repository if run.prefix else git.init(run.path)
    if template.repository is not None and not template.released:
        tag = f"refs/tags/v{template.version}"
        git.fetch(handle, template.repository, tag, f"{history.REF}{template.version}")
    return run if run.contract else journal.with_warnings(run, [PLAIN])


def resume(run: Run, request: Request, goal: Goal, talk: Talk) -> None:
    """Say what is left to do. Raises UsageError when the request contradicts the recorded one."""
    journal.check_same(
        run, intake.with_full_paths(request), choice.template_source(request.template)
    )
    if remaining(run, goal):
        talk.note(f"{run.path.name} was begun before; going on after {run.finished[-1]!r}")
    else:
        talk.note(f"{run.path.name} is there already: nothing is left to do")


def remaining(run: Run, goal: Goal) -> list[Step]:
    """The steps from here to the goal. A first commit without setup is replaced by the scaffold."""
    if not run.contract:
        plan: tuple[Step, ...] = (FIRST,)
    elif not (goal.setup and run.trusted):
        plan = () if "scaffold" in run.finished else (COPY, FIRST)
    else:
        plan = (COPY, *SETUP, *TRAIN) if goal.train else (COPY, *SETUP)
    if run.prefix:
        plan = (LIFT, *(NO_HOOKS if step.name == "hooks" else step for step in plan))
    if run.tasks and run.trusted:
        plan = (*TASKS, *((AFTER_TASKS,) if "commit" in run.finished else ()), *plan)
    return [step for step in plan if step.name not in run.finished]


def finish(run: Run, goal: Goal, talk: Talk) -> Run:
    """Do the remaining steps, recording each, so that a failure can be resumed."""
    with ExitStack() as meanwhile:
        for step in remaining(run, goal):
            run = perform_kept(run, step, talk)
            journal.save(run)
            if step.name == "environment" and goal.train:
                meanwhile.enter_context(steps.compiling(run))
    return run


def perform(run: Run, step: Step, talk: Talk) -> Run:
    """Do one step and take its time."""
    start = time.perf_counter()
    with talk.step(step.title, live=step.live):
        result = step.act(run)
    return journal.after(result, StepResult(step.name, time.perf_counter() - start))


def perform_kept(run: Run, step: Step, talk: Talk) -> Run:
    """The same for a step whose failure keeps the directory. Raises MlfactoryError saying so."""
    try:
        return perform(run, step, talk)
    except MlfactoryError as error:
        raise step_error(run, step, error.message, error.hint) from error
    except OSError as error:
        raise step_error(run, step, f"{error.strerror}: {error.filename}", "") from error


def step_error(run: Run, step: Step, message: str, hint: str) -> MlfactoryError:
    again = f"mlfactory new {quote(run.request.directory)}"
    resume_hint = f"{run.path} is kept: run `{again}` again to resume."
    return MlfactoryError(f"step {step.name!r} failed: {message}", f"{hint}\n{resume_hint}".strip())
