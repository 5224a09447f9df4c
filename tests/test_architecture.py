"""Imports run one way, and what is slow or has a side effect is known to one module each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .participles import participles

SOURCE = Path(__file__).parents[1] / "generator" / "mlfactory"
MODULES = sorted(SOURCE.rglob("*.py"))
OWNERS = {
    "typer": {"cli"},
    "cookiecutter": {"render/cookiecutter", "render/cookiecutter_variables"},
    "copier": {
        "render/copier",
        "render/still",
        "render/external",
        "render/faults",
        "render/migrations",
        "render/worker",
    },
    "pathspec": {"render/result"},
    "plumbum": {"render/faults", "render/worker"},
    "polars": {"look"},
    "rich": {"cli/console"},
    "sqlalchemy": {"look"},
    "subprocess": {"base/process"},
    "tomlkit": {"adopt/older", "adopt/pyproject"},
    "uv": {"base/uv"},
}
ROOMS = {
    "base": set(),
    "project": {"base"},
    "template": {"base", "project"},
    "render": {"base", "project", "template"},
    "compose": {"base", "template", "render", "new"},
    "look": {"base"},
    "new": {"base", "project", "template", "render", "look"},
    "update": {"base", "project", "template", "render"},
    "doctor": {"base", "template"},
    "simulate": {"base", "look", "new"},
    "fleet": {"base", "project", "template", "render", "update"},
    "adopt": {"base", "project", "template", "render", "new"},
}
ALL = {*ROOMS, "cli"}


def room(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> set[tuple[str, ...]]:
    """Every import in the file, as the parts of its dotted name, relative ones made absolute."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(SOURCE.parent).parts[: -node.level] if node.level else ()
            module = (*above, *(node.module.split(".") if node.module else ()))
            modules |= {(*module, alias.name) for alias in node.names}
    return modules


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_its_owner_imports_a_library(path: Path) -> None:
    used = {parts[0] for parts in imported(path)} & OWNERS.keys()
    module = path.relative_to(SOURCE).with_suffix("").as_posix()
    assert {name for name in used if not OWNERS[name] & {module, room(path)}} == set()


def test_every_module_is_in_a_room() -> None:
    assert {room(path) for path in MODULES} == {*ALL, "__init__", "__main__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_those_below_it(path: Path) -> None:
    used = {p[1] for p in imported(path) if p[0] == "mlfactory" and len(p) > 1} & ALL
    assert used - {room(path)} <= ROOMS.get(room(path), ALL)


def test_of_the_library_only_a_little_is_used() -> None:
    used = {
        (room(path), parts[1])
        for path in MODULES
        for parts in imported(path)
        if parts[0] == "mlfactory_runtime"
    }
    filters = {("cli", "visible"), ("template", "visible"), ("fleet", "visible")}
    organisation = {("base", "organisation"), ("base", "errors"), ("base", "credentials")}
    filters |= organisation
    assert used == {
        ("look", "tables"),
        ("look", "draft"),
        ("new", "draft"),  # a type alone
        ("base", "programs"),
        ("cli", "compiled"),
        *filters,
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_say_what_is_held(path: Path) -> None:
    assert participles(path) == set()


def test_only_the_console_prints() -> None:
    prints = [
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and path.name != "console.py"
    ]
    assert prints == []


def test_commands_do_not_catch_errors() -> None:
    for path in (SOURCE / "cli").glob("*.py"):
        tries = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Try)]
        assert len(tries) == (1 if path.name == "__init__.py" else 0), path
