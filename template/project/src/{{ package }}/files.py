"""The files that several commands share, where they stand in the factory, and how they are kept."""

import json
from pathlib import Path
from typing import Any

import yaml

MODEL = Path("models/model")
REPORTS = Path("reports")
EVALUATION, COMPARISON = REPORTS / "evaluation.json", REPORTS / "comparison.json"
SNAPSHOT = Path("data/snapshot.json")
ANSWERS = Path(".copier-answers.yml")


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds; nothing if it is not here."""
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def pretty(content: Any) -> str:
    """JSON that git can show the differences of."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write the file, and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pretty(content), "utf-8")


def answers() -> dict[str, Any]:
    """What was answered when the factory was made."""
    return dict(yaml.safe_load(ANSWERS.read_text("utf-8"))) if ANSWERS.is_file() else {}
