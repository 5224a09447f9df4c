"""Watching the model: is what it sees, says and gets right still as it was in training?"""

from .run import monitor

__all__ = ["monitor"]
