"""The program with all of its commands: for its help, its completion and its docs."""

from __future__ import annotations

from .program import program

app = program()
