"""A template of a team's own, with the versions that a test gives it: mlfactory's, and more."""

from __future__ import annotations

from pathlib import Path

from .conftest import execute

BOOK = "template/project/docs/runbook.md.jinja"


def put_template(folder: Path, env: dict[str, str]) -> tuple[str, ...]:
    """Clone mlfactory's template as v1.0.0; gives the options for a factory that follows it."""
    place = folder / "template"
    execute(("git", "clone", "--quiet", "mlfactory::template", str(place)), folder, env)
    execute(("git", "tag", "v1.0.0"), place, env)
    source = ("--set", "mlfactory_source=mlfactory==0.5.0")
    return ("--template", str(place), "--ref", "v1.0.0", "--trust", *source)


def release(folder: Path, version: str, title: str, env: dict[str, str]) -> None:
    """Release a version whose runbook has another title."""
    place = folder / "template"
    (place / BOOK).write_text(titled((place / BOOK).read_text("utf-8"), title), "utf-8")
    execute(("git", "commit", "--quiet", "--all", "--message", f"Call it {title}"), place, env)
    execute(("git", "tag", version), place, env)


def titled(text: str, title: str) -> str:
    """A text in Markdown with another title."""
    _, rest = text.split("\n", 1)
    return f"# {title}\n{rest}"
