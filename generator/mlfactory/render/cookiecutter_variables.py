"""The variables of a cookiecutter template: recorded answers, settings, and its own defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlfactory.base import answers
from mlfactory.base.errors import UsageError
from mlfactory.project.record import Project

from .result import RenderOptions, Replaced


def variables(
    project: Project,
    defaults: Mapping[str, Any],
    options: RenderOptions,
    replacements: list[Replaced],
) -> dict[str, Any]:
    """The values of all variables in cookiecutter's order: those that are nested come last, as
    they may refer to all others. What is recorded is taken as it is written."""
    check_names(options.settings, defaults)
    inputs, values = {**user_answers(project), **options.settings}, dict[str, Any]()
    jinja = environment({"cookiecutter": dict(defaults)}, trust=options.trust)
    prompts = defaults.get("__prompts__") or {}
    for name in in_order(defaults):
        default = own_default(jinja, name, defaults[name], values)
        if name.startswith("_"):
            values[name] = default
        elif name not in inputs and not options.ask:
            values[name] = first(default)
        elif name not in inputs:
            values[name] = ask(name, default, prompts)
        else:
            values[name] = fitting(name, inputs[name], default)
            if isinstance(default, list) and values[name] != inputs[name]:
                check_recorded(name, inputs[name], default, options)
                replacements.append(Replaced(name, inputs[name], values[name]))
    return values


def in_order(defaults: Mapping[str, Any]) -> list[str]:
    names = [name for name in defaults if name != "__prompts__"]
    return sorted(names, key=lambda n: isinstance(defaults[n], dict) and not n.startswith("_"))


def check_names(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raises UsageError for a setting that the template does not know."""
    names = [name for name in defaults if not name.startswith("_")]
    for name in settings:
        if name not in names:
            hint = answers.suggestion(name, names)
            raise UsageError(f"this template has no variable {name}", hint)


def user_answers(project: Project) -> dict[str, Any]:
    """What somebody has answered."""
    return {k: v for k, v in project.answers.items() if not k.startswith("_")}


def check_recorded(name: str, value: Any, default: list[Any], options: RenderOptions) -> None:
    """Raises UsageError when a choice that is not offered was not recorded, but just asked for."""
    if name in options.settings:
        choices = ", ".join(map(str, default))
        raise UsageError(f"{name} cannot be {value!r}", f"Choose one of {choices}.")


def own_default(jinja: Any, name: str, raw: Any, values: Mapping[str, Any]) -> Any:
    """The template's own value, rendered; of a private variable with one underscore as it is."""
    from cookiecutter.prompt import render_variable

    private = name.startswith("_") and not name.startswith("__")
    return raw if private else render_variable(jinja, raw, dict(values))


def first(default: Any) -> Any:
    """What cookiecutter takes without asking: the first one of a choice."""
    return default[0] if isinstance(default, list) and default else default


def ask(name: str, default: Any, prompts: Mapping[str, Any]) -> Any:
    """Let cookiecutter ask."""
    from cookiecutter import prompt

    if isinstance(default, list):
        return prompt.read_user_choice(name, default, prompts)
    if isinstance(default, bool):
        return prompt.read_user_yes_no(name, default, prompts)
    if isinstance(default, dict):
        return prompt.read_user_dict(name, default, prompts)
    return prompt.read_user_variable(name, default, prompts)


def fitting(name: str, value: Any, default: Any) -> Any:
    """An answer as the variable can take it: of a choice that is gone, the default holds; of a
    nested one, what is new. Raises UsageError for text that is none."""
    if isinstance(default, list):
        return value if value in default else first(default)
    if isinstance(default, dict):
        return merge(default, parse_nested(name, value))
    if isinstance(default, bool) and isinstance(value, str):
        return truth(name, value)
    return value


def merge(default: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        key: merge(value, answer[key])
        for key, value in default.items()
        if isinstance(value, dict) and isinstance(answer.get(key), dict)
    }
    return {**default, **answer, **inner}


def parse_nested(name: str, value: Any) -> dict[str, Any]:
    """A nested answer; on the command line it is written as JSON."""
    try:
        document = json.loads(value) if isinstance(value, str) else value
        return dict(document)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} cannot be {value!r}", f"Write --set {name}='{{...}}'.") from error


def truth(name: str, text: str) -> bool:
    from cookiecutter.prompt import YesNoPrompt

    word = text.strip().lower()
    if word not in (*YesNoPrompt.yes_choices, *YesNoPrompt.no_choices):
        raise UsageError(f"{name} is yes or no, and {text!r} is neither")
    return word in YesNoPrompt.yes_choices


def environment(context: dict[str, Any], *, trust: bool) -> Any:
    """cookiecutter's Jinja, in a sandbox unless the template is trusted."""
    from cookiecutter.environment import StrictEnvironment
    from jinja2.sandbox import SandboxedEnvironment

    class Confined(StrictEnvironment, SandboxedEnvironment):  # type: ignore[misc]
        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return trust or super().is_safe_attribute(obj, attr, value)

        def is_safe_callable(self, obj: Any) -> bool:
            return trust or super().is_safe_callable(obj)

    options = context["cookiecutter"].get("_jinja2_env_vars", {})
    return Confined(context=context, keep_trailing_newline=True, **options)
