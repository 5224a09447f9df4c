"""Rendering of cookiecutter's templates, for projects that cruft has linked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import MlfactoryError
from .linked import Project
from .renders import Facts, Render, collected
from .upstream import Version

HOOKS = "the template has hooks, and they run code"


def render(
    project: Project,
    template: Path,
    version: Version,
    out: Path,
    settings: Mapping[str, Any],
    *,
    trust: bool,
) -> Render:
    """What the template at `template` makes of the recorded answers.

    Variables that are not recorded take their default. Raises MlfactoryError when the template
    has hooks and is not trusted.
    """
    home = template / project.directory
    if not home.resolve().is_relative_to(template.resolve()):
        raise MlfactoryError(f"the folder {project.directory} leaves the template")
    if (home / "hooks").is_dir() and not trust:
        raise MlfactoryError(HOOKS, "If you trust it, add --trust.")
    context = context_of(project, home, version, settings)
    made = generated(home, context, out, trust=trust)
    answers = context["cookiecutter"]
    (made / project.file).write_text(record(project, version, answers), encoding="utf-8")
    known = {key for key in answers if not key.startswith("_")}
    new = {key: answers[key] for key in sorted(known - project.answers.keys() - settings.keys())}
    return collected(made, Facts(version.name, answers, skip=project.skip, questions=new))


def context_of(
    project: Project, home: Path, version: Version, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The variables that the template is rendered with; recorded answers are taken literally."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context
    from cookiecutter.prompt import prompt_for_config

    file = home / "cookiecutter.json"
    if not file.is_file():
        raise MlfactoryError(f"{project.source} is no cookiecutter template: no cookiecutter.json")
    try:
        defaults = json.loads(file.read_text("utf-8"))
        recorded = {k: v for k, v in project.answers.items() if not k.startswith("_")}
        given = {k: v for k, v in {**recorded, **settings}.items() if k in defaults}
        context = generate_context(str(file), extra_context=choices(given, defaults))
        values = dict(prompt_for_config(context, no_input=True))
    except (CookiecutterException, ValueError, OSError) as error:
        raise MlfactoryError(f"the template's cookiecutter.json cannot be used: {error}") from error
    literal = {k: v for k, v in given.items() if isinstance(v, str)}
    private = {"_template": project.source, "_commit": version.commit}
    return {**context, "cookiecutter": {**values, **literal, **private}}


def choices(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Answers that cookiecutter can take: of a choice that is gone, the default holds."""
    return {
        name: value
        for name, value in given.items()
        if not isinstance(defaults[name], list) or value in defaults[name]
    }


def generated(home: Path, context: dict[str, Any], out: Path, *, trust: bool) -> Path:
    """Let cookiecutter write the tree, and return its folder."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_files

    try:
        made: str = generate_files(str(home), context, str(out), accept_hooks=trust)
    except (CookiecutterException, ValueError, OSError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise MlfactoryError(f"the template cannot be rendered: {text}") from error
    folder = Path(made)
    if not folder.resolve().is_relative_to(out.resolve()) or folder.resolve() == out.resolve():
        raise MlfactoryError(f"the template renders outside of its folder: {made}")
    return folder


def record(project: Project, version: Version, answers: Mapping[str, Any]) -> str:
    """The text of cruft's file for this version; what else it holds stays."""
    found = json.loads(project.text)
    found |= {"commit": version.commit, "context": {"cookiecutter": dict(answers)}}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
