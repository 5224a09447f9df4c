"""The rooms of the runtime: imports run one way, and one module is the door to a factory's code."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

from ..participles import participles

SOURCE = Path(__file__).parents[2] / "template" / "runtime" / "mlfactory_runtime"
MODULES = sorted(SOURCE.rglob("*.py"))
FLOORS = (
    {
        "pip",
        "compiled",
        "credentials",
        "errors",
        "files",
        "programs",
        "git",
        "interrupts",
        "organisation",
        "languages",
        "lean",
        "progress",
        "scratch",
        "visible",
    },
    {"settings", "tables", "records"},
    {"project", "data", "extensions", "packages"},
    {"cluster", "learn", "lightgbm"},
    {"draft", "report", "log"},
    {"registry", "alerts", "forge"},
    {"predict", "gate", "forget", "search"},
    {"monitor", "retrain", "serving", "notebook", "change", "extract", "experiments"},
    {"bytecode", "compat", "migrate", "upkeep", "jobs"},
    {"cli", "testing", "__init__"},
)
APART = ({"settings", "tables", "records"}, {"draft", "report", "log"})
DOORS = ("importlib.import_module", "loader.exec_module(")
PROMISED = {"notebook.py": {"known"}}  # parameters that notebooks of users name
PUBLIC = {"runtime_version", "HOMES"}  # of the package itself, which imports the rest late


def room(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> set[tuple[str, ...]]:
    """Every module of the runtime that the file imports, as the parts of its name."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = path.relative_to(SOURCE).parts[: -node.level]
            module = (*above, *(node.module.split(".") if node.module else ()))
            modules |= {(*module, alias.name) for alias in node.names if alias.name not in PUBLIC}
    return modules


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_downwards(path: Path) -> None:
    ranks = {name: rank for rank, names in enumerate(FLOORS) for name in names}
    own, used = room(path), {parts[0] for parts in imported(path)}
    assert own in ranks
    assert {name for name in used if ranks[name] > ranks[own]} == set()
    for group in APART:
        assert own not in group or used & (group - {own}) == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_say_what_is_held(path: Path) -> None:
    promised = PROMISED.get(path.relative_to(SOURCE).as_posix(), set())
    assert participles(path) == promised


def test_functions_are_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lengths) <= 8
    assert lengths[int(0.9 * len(lengths))] <= 20


def test_only_the_project_imports_the_code_of_a_factory() -> None:
    doors = [
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        if any(way in path.read_text() for way in DOORS)
    ]
    assert doors == ["project.py"]


def test_only_programs_starts_programs() -> None:
    starters = {
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        if "import subprocess" in path.read_text()
    }
    assert starters <= {"programs.py", "registry/hand_over.py"}


def test_the_working_directory_is_asked_where_a_person_types() -> None:
    askers = {
        path.relative_to(SOURCE).as_posix() for path in MODULES if ".cwd()" in path.read_text()
    }
    assert askers <= {
        "cli/program.py",
        "cli/failures.py",
        "cli/data.py",
        "notebook.py",
        "serving/app.py",
    }
