"""A command that starts at once gets what typer would have given it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from mlfactory.cli import app, program
from mlfactory.cli.quick import process
from typer.core import TyperCommand, TyperGroup

VALUES = (None, "", "x", "auto", "batch", ["x"], ("x", "y"), (), [], "7", 7, True, False)


def commands(group: TyperGroup, name: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    yield name, group
    for inner, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{name} {inner}")
        elif isinstance(command, TyperCommand):
            yield f"{name} {inner}", command


COMMANDS = dict(commands(typer.main.get_command(app.app), "mlfactory"))


def tried(act: Any, context: Any, value: Any) -> tuple[type, Any]:
    """What comes of a value: the value as the command gets it, or the error."""
    try:
        answer = act(context, value)
    except Exception as error:
        return type(error), str(error)
    return type(answer), answer


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_takes_its_values_as_typer_does(name: str) -> None:
    context = typer.Context(COMMANDS[name])
    for param in (one for one in COMMANDS[name].params if one.callback is None):
        usual = type(param).process_value.__get__(param)
        for value in VALUES:
            quick = tried(lambda c, v, p=param, u=usual: process(p, u, c, v), context, value)
            assert quick == tried(usual, context, value), (param.name, value)


@pytest.mark.parametrize("name", program.COMMANDS)
def test_a_command_that_is_named_is_the_only_one_that_is_built(name: str) -> None:
    alone = typer.main.get_command(program.program_for([name, "--help"]))
    assert isinstance(alone, TyperGroup)
    assert list(alone.commands) == [name]
    whole = COMMANDS[f"mlfactory {name}"]
    with typer.Context(alone, info_name="mlfactory") as context:
        shown = [
            one.get_help(typer.Context(one, context, name)) for one in (alone.commands[name], whole)
        ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["nwe"], ["-h", "new"]])
def test_without_a_command_all_are_there(arguments: list[str]) -> None:
    assert program.program_for(arguments) is app.app
