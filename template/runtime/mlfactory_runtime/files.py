"""JSON files, the same for the same content."""

import hashlib
import json
from pathlib import Path
from typing import Any


def short_hash(content: bytes) -> str:
    """Sixteen digits that name the content."""
    return hashlib.sha256(content).hexdigest()[:16]


def pretty(content: Any) -> str:
    """JSON that git can show the differences of."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write the file, and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pretty(content), "utf-8")
