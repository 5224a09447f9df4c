"""`factory migrate`: imports of releases 0.1 to 0.3 in a factory's own files, written anew."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import HOMES
from .compat import HOME, MODULES, home_of
from .project import Project

PLACES = ("src", "tests", "notebooks")


@dataclass(frozen=True)
class Change:
    """A line of a file, from 1, before and after."""

    file: str
    line: int
    before: str
    after: str


def migrate(project: Project, *, dry_run: bool = False) -> list[Change]:
    """Rewrite what a factory's own files import from modules that are a library now."""
    changes: list[Change] = []
    for file in own_files(project):
        text = file.read_text("utf-8")
        notebook = file.suffix == ".ipynb"
        fresh, lines = in_notebook(text, project) if notebook else in_code(text, project)
        changes += [Change(project.shown(file), *line) for line in lines]
        if lines and not dry_run:
            file.write_text(fresh, "utf-8")
    return changes


def own_files(project: Project) -> Iterator[Path]:
    """Python files and notebooks of the factory, its environment and its library left out."""
    for place in PLACES:
        for pattern in ("*.py", "*.ipynb"):
            yield from sorted((project.root / place).rglob(pattern))
    yield from sorted(project.root.glob("*.ipynb"))


def in_notebook(text: str, project: Project) -> tuple[str, list[tuple[int, str, str]]]:
    """The same for the cells of a notebook; lines are counted within their cell."""
    content, lines = json.loads(text), list[tuple[int, str, str]]()
    for cell in content.get("cells", []):
        if cell.get("cell_type") == "code":
            source = "".join(cell["source"])
            fresh, found = in_code(source, project)
            lines += found
            cell["source"] = fresh.splitlines(keepends=True) if found else cell["source"]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n", lines


def in_code(text: str, project: Project) -> tuple[str, list[tuple[int, str, str]]]:
    """The text with new imports, and each that is new: line, before and after."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a magic of a notebook, or what nobody can run
        return text, []
    rows, lines = text.splitlines(keepends=True), list[tuple[int, str, str]]()
    for node in sorted(ast.walk(tree), key=lambda one: -getattr(one, "lineno", 0)):
        module = moved_module(node, project) if isinstance(node, ast.ImportFrom) else ""
        if module and isinstance(node, ast.ImportFrom) and (fresh := rewritten(node, module)):
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            before = "".join(rows[first:last])
            pad = before[: len(before) - len(before.lstrip())]
            rows[first:last] = [f"{pad}{line}\n" for line in fresh]
            lines.append((node.lineno, before.strip(), "; ".join(fresh)))
    return "".join(rows), lines[::-1]


def moved_module(node: ast.ImportFrom, project: Project) -> str:
    """The module of old that this imports from; empty for any other."""
    module = node.module or ""
    if node.level == 0:
        package, _, module = module.rpartition(".")
        if package != project.package:
            return ""
    kept = node.level > 1 or module not in MODULES or project.has(module)
    return "" if kept else module


def rewritten(node: ast.ImportFrom, module: str) -> list[str]:
    """The statements that import the same names from where they are now."""
    public = {(f"{HOME}.{home}", own): name for name, (home, own) in HOMES.items() if own}
    places: dict[str, list[str]] = {}
    for alias in node.names:
        home = home_of(module, alias.name)
        if not home:
            return []
        name = public.get((home, alias.name), alias.name)
        place = HOME if (home, alias.name) in public else home
        wanted = alias.asname or alias.name
        places.setdefault(place, []).append(name if name == wanted else f"{name} as {wanted}")
    return [f"from {place} import {', '.join(sorted(names))}" for place, names in places.items()]
