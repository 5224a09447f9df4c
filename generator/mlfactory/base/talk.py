"""What a long command says while it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Talk(Protocol):
    """The console has it, tests have another."""

    def step(self, title: str, *, live: bool = True) -> AbstractContextManager[None]:
        """Show that a step runs, and its seconds when it has ended; not live while it asks."""

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""

    def choose(self, question: str, choices: tuple[str, ...]) -> str:
        """Ask the person at the terminal."""
