"""Where this mlfactory came from, and so how it is installed, renewed or given a package."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .credentials import mask

NAME = "mlfactory"


def source() -> str:
    """What an installer takes: a folder, a wheel, a git URL, or the name where it was an index."""
    from importlib import metadata  # half of `email` comes with it

    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return NAME
    return source_of(json.loads(text)) if text else NAME


def source_of(record: dict[str, Any]) -> str:
    """The same from what an installer recorded, as PEP 610 has it. No secret is shown."""
    url, parts = mask(str(record["url"])), urlsplit(str(record["url"]))
    if "vcs_info" in record:
        return f"{record['vcs_info']['vcs']}+{url}"
    return unquote(parts.path) if parts.scheme == "file" else url


def install(*options: str) -> str:
    """The command that installs it from there, again if it is there already."""
    again = ("--force",) if source() != NAME else ()
    return shlex.join(("uv", "tool", "install", *again, *options, source()))


def upgrade() -> str:
    """How a newer one comes: from an index by its name, else from where this one came from."""
    place = source()
    if place == NAME:
        return f"uv tool upgrade {NAME}"
    if Path(place).is_dir():
        return f"git -C {shlex.quote(place)} pull && {install()}"
    return install()
