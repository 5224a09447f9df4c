"""The answers that a repository is adopted with: what was typed, and what it says itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlfactory.base import addresses, answers, git, mainline, organisation
from mlfactory.base.answers import Answers
from mlfactory.base.errors import UsageError
from mlfactory.base.talk import Talk
from mlfactory.new import arrival, intake
from mlfactory.new.journal import Run
from mlfactory.new.request import Request as NewRequest
from mlfactory.project.record import PYPROJECT

from . import rendering
from .compose import OWN
from .place import Place
from .request import Request

GITLAB = (".gitlab-ci.yml", ".gitlab")
OF_PLACE = ("folder", "branch")  # answers that follow from where it stands, whatever is asked


def answers_of(
    here: Place, sheet: rendering.Sheet, request: Request
) -> tuple[dict[str, Any], list[str]]:
    """The answers that were typed, and those that the repository itself gives."""
    values = answers.merge(request.answers, request.settings, {})
    addresses.refuse_answers(values)
    if "folder" in values:
        raise UsageError("folder follows from where the project stands")
    name, notes = project_name(here), list[str]()
    if "project_name" not in values:
        values["project_name"] = free_name(here, name)
        if values["project_name"] != name:
            notes.append(
                f"the factory's own package is called {values['project_name'].replace('-', '_')}, "
                f"as {name.replace('-', '_')} is yours"
            )
    if "branch" in sheet.questions:
        values = {"branch": here.main_branch or mainline.MAIN, **values}
    if here.prefix and "folder" in sheet.questions:
        values["folder"] = here.prefix.rstrip("/")
    if "ci" not in values and "ci" in sheet.questions:
        values["ci"] = ci_of(here)
    answers.check({k: v for k, v in values.items() if k not in OF_PLACE}, sheet.questions)
    organisation.check_names(values)
    return values, notes


def project_name(here: Place) -> str:
    """What the project calls itself, as a factory can be called."""
    text = here.text(PYPROJECT)
    names = (
        answers.table(text, "project").get("name"),
        answers.table(text, "tool", "poetry").get("name"),
        here.path.name,
    )
    name = next(one for one in names if isinstance(one, str) and one)
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    words = words.lstrip("-0123456789") or "factory"
    return f"{words}-model" if answers.is_taken(words) else words


def free_name(here: Place, name: str) -> str:
    """A name whose package has no features or model of theirs in it, and hides none of theirs."""
    package = name.replace("-", "_")
    tops = {n.split("/")[0].removesuffix(".py") for n in here.names if n.endswith(".py")}
    own = {n.split("/")[1] for n in here.names if OWN.fullmatch(n)}
    return f"{name}-factory" if package in tops | own else name


def ci_of(here: Place) -> str:
    """The forge whose files are there, or that the origin names."""
    tops = {name.split("/")[0] for name in here.leaves}
    origin = git.config(here.repository, "remote.origin.url")
    is_gitlab = bool(tops & {*GITLAB}) or ("gitlab" in origin and ".github" not in tops)
    return "gitlab" if is_gitlab else "github"


def with_data(
    here: Place, sheet: rendering.Sheet, request: Request, values: Answers, talk: Talk
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answers about data, after a look at them, as `mlfactory new` does."""
    if not request.data:
        return dict(values), ()
    asked_for = NewRequest(str(here.path), request.data, template=request.template)
    run = Run(here.path, asked_for, sheet.template.source, "", True, prefix=here.prefix)
    own = {name: value for name, value in values.items() if name not in OF_PLACE}
    run = replace(run, request=replace(asked_for, answers=own))
    with TemporaryDirectory(prefix="mlfactory-") as folder:
        run = intake.gather(run, here.path, sheet.questions)
        run = arrival.convert(
            run, intake.sources(run), Path(folder), talk, sheet.questions, ask=False
        )
        run = intake.look(intake.choose_target(run, talk, ask=False))
    place = {name: values[name] for name in OF_PLACE if name in values}
    return {**run.given, **place}, run.warnings
