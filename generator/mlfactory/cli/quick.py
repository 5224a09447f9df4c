"""Commands that start at once: typer hands every value to pydantic, and text needs no check.

To import pydantic and to build a validator for each option took half the time of a short command.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

from mlfactory.base.errors import UsageError


class QuickCommand(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return [quick(param) for param in super().get_params(ctx)]


class QuickGroup(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return [quick(param) for param in super().get_params(ctx)]


def quick(param: Any) -> Any:
    """A parameter that leaves to typer only what typer would change or refuse."""
    if not isinstance(param.process_value, partial):
        param.process_value = partial(process, param, param.process_value)
    return param


def process(param: Any, usual: Any, ctx: Any, value: Any) -> Any:
    """What a command gets for what was typed."""
    several = param.multiple or param.nargs == -1
    check_given(param, ctx, value)
    if value is None and not param.required:
        plain: Any = () if several else None
    elif is_plain(param.type_descriptor.annotation, value):
        plain = list(value) if several else value
    else:
        return usual(ctx, value)
    return param.callback(ctx, param, plain) if param.callback else plain


def check_given(param: Any, ctx: Any, value: Any) -> None:
    """Raises UsageError for an empty text that was typed, as an unset variable leaves it.

    It would count as if nothing had been typed. An option whose default is no text takes an empty
    one for what it says.
    """
    texts = value if isinstance(value, list | tuple) else [value]
    counts = param.param_type_name == "argument" or param.default == ""
    if counts and any(isinstance(text, str) and not text.strip() for text in texts):
        source = ctx.get_parameter_source(param.name)
        if source is not None and source.name == "COMMANDLINE":
            name = param.metavar if param.param_type_name == "argument" else param.opts[-1]
            raise UsageError(f"{name} is empty", "Is it a variable that is not set?")


def is_plain(kind: Any, value: Any) -> bool:
    """Whether a value is of its kind as it stands."""
    if kind == list[str]:
        return isinstance(value, list | tuple) and len(value) > 0
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    return kind is str and isinstance(value, str)
