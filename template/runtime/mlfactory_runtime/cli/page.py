"""The page of a CI's job: there a command says what it found, or why it failed."""

import os
from pathlib import Path

PAGES = ("FACTORY_PAGE", "GITHUB_STEP_SUMMARY")  # the variables that name its files


def publish(text: str) -> None:
    """Put Markdown on the page, where there is one."""
    for name in filter(None, map(os.environ.get, PAGES)):
        with Path(name).open("a", encoding="utf-8") as page:
            page.write(f"{text}\n\n")
