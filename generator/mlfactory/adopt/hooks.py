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
    "moves or copies files": (
        "move",
        "rename",
        "replace",
        "copy",
        "copyfile",
        "copytree",
        "copy2",
        "symlink",
    ),
    "makes folders": ("mkdir", "makedirs"),
    "runs a program": ("run", "call", "check_call", "check_output", "Popen", "system"),
    "refuses answers": ("exit", "SystemExit"),
    "writes files": ("write", "write_text", "write_bytes", "writelines", "dump", "touch", "open"),
}
LINES = {
    "removes files": re.compile(r"(rm|rmdir|unlink|del)\b"),
    "moves or copies files": re.compile(r"(mv|cp|ln|install)\b"),
    "makes folders": re.compile(r"mkdir\b"),
    "refuses answers": re.compile(r"exit\s+(/b\s+)?[1-9]"),
    "writes files": re.compile(
        r"(sed\b.*\s-i|tee|touch|patch|truncate)\b|[^|]*[^0-9>&|]>>?\s*[^&\s]"
    ),
}
# What a line in a shell begins with that does nothing by itself.
STILL = re.compile(
    r"(#|$|(fi|done|esac|echo|printf|cd|set|export|local|test|true|false|exit|return|for|case|read)\b"
    r"|\[|[{}()]|[\w]+=|.*\)\s*$|;;|::|@?rem\b|@?echo\b)"
)
OPENING = re.compile(r"^\s*((if|elif|then|else|while|until|do|!)(\s+|$))*(sudo\s+)?")
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
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Raise)]
    for node in sorted(nodes, key=lambda one: one.lineno):
        if what := deed(node):
            yield action(file, node.lineno, what, lines[node.lineno - 1])


def deed(node: ast.Call | ast.Raise) -> str:
    """What a statement does, by the name of what it calls; an open file may only be read."""
    if isinstance(node, ast.Raise):
        is_call = isinstance(node.exc, ast.Call) and deed(node.exc)
        return "" if is_call else "refuses answers"
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    modes = [one.value for one in (*node.args, *(k.value for k in node.keywords))
             if isinstance(one, ast.Constant)]  # fmt: skip
    if name == "open" and not any(str(one)[:1] in "wax" and len(str(one)) < 4 for one in modes):
        return ""
    return next((what for what, names in CALLS.items() if name in names), "")


def of_lines(file: Path) -> Iterator[Action]:
    """The commands of a hook in a shell; what is not known is a program."""
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
        for part in re.split(r"&&|\|\||;(?!;)", line):
            command = OPENING.sub("", part)
            what = next((what for what, form in LINES.items() if form.match(command)), "")
            if not what and not STILL.match(command):
                what = "runs a program"
            if what:
                yield action(file, number, what, line)


def action(file: Path, line: int, what: str, code: str) -> Action:
    return Action(f"hooks/{file.name}", line, what, code.strip(), COUNTERPARTS[what])
