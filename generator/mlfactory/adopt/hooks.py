"""What the hooks of a cookiecutter template do, read and never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = ("pre_prompt", "pre_gen_project", "post_gen_project")
# By the last name of what is called; the first that fits holds.
CALLS = {
    "removes files": ("remove", "unlink", "rmtree", "rmdir", "removedirs"),
    "moves or copies files": ("move", "rename", "replace", "copy", "copyfile", "copytree", "copy2"),
    "makes folders": ("mkdir", "makedirs"),
    "runs a program": ("run", "call", "check_call", "check_output", "Popen", "system"),
    "refuses answers": ("exit", "SystemExit"),
    "writes files": ("write", "write_text", "writelines", "dump"),
}
LINES = {
    "removes files": re.compile(r"^\s*(rm|rmdir|unlink)\b"),
    "moves or copies files": re.compile(r"^\s*(mv|cp)\b"),
    "makes folders": re.compile(r"^\s*mkdir\b"),
    "refuses answers": re.compile(r"^\s*exit\s+[1-9]"),
    "runs a program": re.compile(r"^\s*(git|pip|uv|poetry|npm|make|python3?|conda|curl)\b"),
}
COUNTERPARTS = {
    "removes files": "give the file a name that is empty where it is not wanted: "
    "{% if CONDITION %}NAME{% endif %}",
    "refuses answers": "give the question a `validator`",
    "runs a program": "a task under `_tasks`, which asks everybody for --trust; better: leave it",
    "moves or copies files": "give the file its name by Jinja",
    "makes folders": "put a file into the folder",
    "writes files": "make it a file of the template",
}


@dataclass(frozen=True)
class Action:
    """One thing that a hook does: where, what, in its own words, and what copier has for it."""

    file: str
    line: int
    what: str
    code: str
    instead: str


def actions(folder: Path) -> list[Action]:
    """What the hooks in a folder do, in the order in which they stand."""
    files = sorted(folder.glob("hooks/*")) if folder.is_dir() else []
    return [
        one
        for file in files
        if file.stem in NAMES and file.is_file()
        for one in (of_python(file) if file.suffix == ".py" else of_lines(file))
    ]


def of_python(file: Path) -> Iterator[Action]:
    """The calls of a Python hook. Jinja in it is read as a name."""
    text = file.read_text("utf-8", errors="replace")
    lines = text.splitlines()
    plain = re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "X", text))
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        yield from of_lines(file)
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: call.lineno):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        what = next((what for what, names in CALLS.items() if name in names), "")
        if what:
            yield action(file, node.lineno, what, lines[node.lineno - 1])


def of_lines(file: Path) -> Iterator[Action]:
    """The commands of a hook in a shell."""
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
        what = next((what for what, form in LINES.items() if form.search(line)), "")
        if what:
            yield action(file, number, what, line)


def action(file: Path, line: int, what: str, code: str) -> Action:
    return Action(f"hooks/{file.name}", line, what, code.strip(), COUNTERPARTS[what])
