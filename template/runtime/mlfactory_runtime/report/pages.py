"""Jinja for the pages and records that people read."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ..learn.groups import is_sensitive
from .words import interval, number, percent

TEMPLATES = Path(__file__).parents[1] / "templates"


def environment(name: str) -> Environment:
    """Jinja that escapes every value as the kind of file demands."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        finalize=markdown if name.endswith(".md") else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"number": number, "interval": interval, "percent": percent}
    found.globals["is_sensitive"] = is_sensitive
    return found


def markdown(value: Any) -> str:
    """Text on one line in which nothing is taken for Markdown or HTML, in or out of a table."""
    text = re.sub(r"\s+", " ", "" if value is None else str(value))
    text = re.sub(r"[\\`*~|$\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    return text.replace("&", "&amp;").replace("<", "&lt;")
