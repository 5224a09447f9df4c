"""A page of the documentation as one script: what its reader types and writes, in that order.

A block without a language is typed. A block that stands below a line such as "`model.py`:" is
written into that file; a block of YAML is put into the file that is there, entry by entry.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^(?:[^\n]*`([^`\n]+)`:\n\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(page: str) -> str:
    """The page as a program for bash."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return "".join(step(*block) for block in BLOCK.findall(text))


def step(name: str, language: str, text: str) -> str:
    """One block; a block in a language without a file's name above it is only shown."""
    if not language:
        return text
    if not name:
        return ""
    merge = f"{shlex.quote(sys.executable)} {shlex.quote(__file__)} {shlex.quote(name)}"
    writer = merge if language == "yaml" else f"cat > {shlex.quote(name)}"
    return f"{writer} <<'THE-END'\n{text}THE-END\n"


def put(content: dict[str, Any], entries: dict[str, Any]) -> None:
    """Put entries into a document; those of a mapping go into the mapping that is there."""
    for key, value in entries.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            put(content[key], value)
        else:
            content[key] = value


def main(file: Path) -> None:
    """Put the YAML on stdin into a file."""
    content = yaml.safe_load(file.read_text("utf-8"))
    put(content, yaml.safe_load(sys.stdin))
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
