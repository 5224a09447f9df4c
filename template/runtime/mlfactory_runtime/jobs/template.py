"""The job that follows the template: one request for each version of it."""

import json
from collections.abc import Iterator

from ..errors import FactoryError
from ..forge.proposal import Proposal
from ..git import author, git, tries
from ..project import Project
from ..records.update import Plan, Update
from ..registry.tags import folder_of
from ..visible import plain

JOB, LABEL = "template", "template-conflict"
SELF = "factory@localhost"  # who commits in a job
NOTHING = "The template has nothing new."
RESOLVE = """To resolve it, on a machine of yours:

    git fetch origin && git switch {branch}
    mlfactory update --to {version}
    # edit what git marked, then: git add FILES && mlfactory update --continue
    dvc repro && dvc push
    git add dvc.lock data reports && git commit --message "Make the model anew"
    git push origin {branch}

Then take this out of draft. The job leaves the branch alone once you have pushed to it."""
FINISH = """A model names the version of the template that it was made with: where CI has the data,
it is red until the pipeline has run. Before you merge, on a machine of yours:

    git fetch origin && git switch {branch} && uv sync
    dvc repro && dvc push
    git add dvc.lock data reports && git commit --message "Make the model anew"
    git push origin {branch}

The job leaves the branch alone once you have pushed to it."""


def propose(project: Project, update: Update) -> tuple[Proposal | None, str]:
    """What to propose and its patch; else None, and why nothing is proposed.

    Of a conflict the branch holds nothing but an empty commit: no mark of one is ever pushed.
    """
    plan, branch = update.plan, "/".join(filter(None, [JOB, folder_of(project)]))
    if update.state == "current" or plan is None:
        return None, NOTHING
    if person := somebody_else(project, branch):
        return None, f"{plain(person)} works on the branch {branch}, and it stays as it is."
    title = f"Template: {plan.to_version}"
    if plan.conflicts:
        title = f"{title}, in conflict with what was changed here"
        options = ("commit", "--quiet", "--allow-empty", "--no-verify", "--message", title)
        git(project.root, *author(project.root, "factory"), *options)
    elif update.state != "updated":
        raise FactoryError(f"the update was {update.state} only", "mlfactory update --json")
    proposal = Proposal(
        branch=branch,
        mark=f"<!-- kept by the job Template: {plan.to_version} -->",
        title=title,
        text="\n\n".join(parts(update, plan, branch)),
        draft=bool(plan.conflicts),
        labels=(LABEL,) if plan.conflicts else (),
    )
    return proposal, git(project.root, "format-patch", "--stdout", "HEAD^..HEAD") + "\n"


def somebody_else(project: Project, branch: str) -> str:
    """Who has committed to the job's branch and is not the job; empty if nobody has."""
    ref = f"origin/{branch}"
    lines = tries(project.root, "log", "--format=%ce %cn", f"HEAD..{ref}").splitlines()
    people = [line.partition(" ")[2] for line in lines if line.split(" ")[0] != SELF]
    return people[0] if people else ""


def parts(update: Update, plan: Plan, branch: str) -> Iterator[str]:
    """The request, in Markdown; what comes from the template stands in blocks without markup."""
    yield f"From {plan.from_version} to {plan.to_version} of the template."
    if plan.conflicts:
        yield "**It cannot be merged by itself**: both changed the same lines."
        yield block(one.path for one in plan.conflicts)
        yield RESOLVE.format(branch=branch, version=plan.to_version)
    elif update.failures:
        yield "**These checks passed before, and fail now**:"
        yield block(update.failures)
    else:
        yield "The quick checks pass as they did before; CI says the rest."
    if not plan.conflicts:
        yield FINISH.format(branch=branch)
    if plan.changelog:
        yield "What is new in the template:"
        yield block(plan.changelog.splitlines())
    if plan.changes:
        yield "What changes here:"
        yield block(f"{one.state:<12}  {one.path}" for one in plan.changes)
    if plan.questions:
        yield "New questions, answered with their defaults:"
        yield block(f"{name}: {json.dumps(value)}" for name, value in plan.questions.items())
    if warnings := (*plan.warnings, *update.warnings):
        yield "What else is to be known:"
        yield block(warnings)


def block(lines: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines)
