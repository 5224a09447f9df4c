"""Words that say what was done to a thing, and not what it is: no name for data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

WORDS = {
    "answered", "asked", "begun", "began", "beside", "built", "called", "chosen", "dear", "done",
    "drawn", "found", "given", "gone", "held", "kept", "known", "left", "lifted", "listed", "lost",
    "made", "meant", "mind", "named", "noted", "opened", "packed", "said", "seen", "sent", "shown",
    "taken", "told", "torn", "tried", "turned", "typed", "wanted",
}  # fmt: skip
KEYS = {
    "answered",
    "chosen",
    "done",
    "given",
    "lost",
    "made",
    "taken",
}  # in files and JSON that others read


def participles(path: Path) -> set[str]:
    """Those of the words that a file binds, or is called by. Only a field may be such a key."""
    return {name for name in bound(path) if name in WORDS}


def bound(path: Path) -> Iterator[str]:
    """The names of a module: its own, and of variables, parameters, functions and attributes."""
    yield path.stem
    tree = ast.parse(path.read_text("utf-8"))
    keys = {id(field.target) for field in fields(tree) if field.target.id in KEYS}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in keys:
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield name


def fields(tree: ast.Module) -> Iterator[ast.AnnAssign]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    yield one
