"""`mlfactory fleet schedule`: the workflow of a fleet's repository, which looks every night."""

from __future__ import annotations

from pathlib import Path

from mlfactory.base.errors import MlfactoryError, UsageError

WORKFLOWS = Path(__file__).with_name("nightly")
PLACES = {"github": Path(".github/workflows/fleet.yml"), "gitlab": Path(".gitlab-ci.yml")}


def write(kind: str, folder: Path) -> Path:
    """Write it where the forge looks for it. Raises an error where there is another one."""
    if kind not in PLACES:
        raise UsageError(f"{kind} is no forge that is known", f"It is one of {', '.join(PLACES)}.")
    file = folder / PLACES[kind]
    text = (WORKFLOWS / f"{kind}.yml").read_text("utf-8")
    try:
        if file.exists() and file.read_text("utf-8", "replace") != text:
            hint = f"Compare it: {WORKFLOWS / f'{kind}.yml'}"
            raise UsageError(f"{file} exists, and is another one", hint)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text, "utf-8")
        part.replace(file)
    except OSError as error:
        raise MlfactoryError(f"{file} cannot be written: {error.strerror}") from error
    return file
