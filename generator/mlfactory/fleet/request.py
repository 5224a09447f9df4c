"""What a request says: where it leads, what changes and why, and what is left to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import mask
from mlfactory.update.changes import fold

from .plan import Step


def text_of(step: Step, failures: Sequence[str] = ()) -> str:
    """The text of a step's request, in Markdown. What comes from templates and repositories stands
    in indented blocks, where nothing is markup, a mention or a link."""
    return visible(mask("\n\n".join((*obstacles(step, failures), *parts(step))))) + "\n"


def obstacles(step: Step, failures: Sequence[str]) -> Iterator[str]:
    """What has to be done before it can be merged."""
    if step.clashes and not step.resolutions:
        yield "git could not merge these files; they have its marks in them, to be resolved here:"
        yield block(f"{one.path}: {one.reason}" for one in step.clashes)
    if failures:
        yield "Checks that passed before the update fail after it:"
        yield block(list(failures))
    if step.resolutions:
        yield "In these files a conflict was resolved as in other repositories; please look at it:"
        yield block(step.resolutions)


def parts(step: Step) -> Iterator[str]:
    if not step.to_version:
        yield block(step.message.splitlines())
        return
    yield f"From {step.start} to {step.to_version} of the template, merged by git."
    if step.changelog:
        yield "What changes in the template:"
        yield block(step.changelog.splitlines())
    yield "What changes here:"
    yield block(f"{one.state:<12}  {one.path}" for one in fold(step.changes))
    for title, answers in (
        ("New questions, answered with their defaults:", step.questions),
        ("Answered by the fleet:", step.settings),
    ):
        if answers:
            yield title
            yield block(f"{name}: {json.dumps(v, default=str)}" for name, v in answers.items())
    if step.warnings:
        yield "What else is to be known:"
        yield block(step.warnings)
    yield "This branch is brought up to date as long as nobody else commits to it."


def block(lines: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines)
