"""What a long command says while it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Proposal:
    """What can be chosen, each with what was seen of it; a default with its reason."""

    choices: tuple[tuple[str, str], ...]
    default: str
    why: str
    can_go_back: bool = False

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.choices]

    @property
    def lines(self) -> list[str]:
        """What is shown above the question."""
        numbers = range(1, len(self.choices) + 1)
        wide = max(map(len, self.names), default=0)
        texts = [
            f"{k:>3}  {n:{wide}}  {fact}"
            for k, (n, fact) in zip(numbers, self.choices, strict=True)
        ]
        return [*map(str.rstrip, texts), f"Enter for {self.default}: {self.why}"]

    @property
    def keys(self) -> str:
        """What can be typed."""
        return "number or name" + (", < to go back" if self.can_go_back else "")

    def take(self, text: str) -> tuple[str | None, ...]:
        """The answer in what was typed: None goes back, and nothing is not understood."""
        if text == "<" and self.can_go_back:
            return (None,)
        if text in ("", *self.names):
            return (text or self.default,)
        is_number = text.isdecimal() and 0 < int(text) <= len(self.choices)
        return (self.names[int(text) - 1],) if is_number else ()


class Talk(Protocol):
    """The console has it, tests have another."""

    def step(self, title: str, *, live: bool = True) -> AbstractContextManager[None]:
        """Show that a step runs, and its seconds when it has ended; not live while it asks."""

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""

    def choose(self, question: str, choices: tuple[str, ...]) -> str:
        """Ask the person at the terminal."""

    def pick(self, question: str, proposal: Proposal) -> str | None:
        """Ask with a default; None where somebody goes back."""
