"""The same for several projects: one that fails does not keep the others back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mlfactory.base import errors
from mlfactory.base.errors import MlfactoryError

from .run import Outcome

WORST = (errors.ERROR, errors.USAGE, errors.ATTENTION, errors.OK)


def each(
    starts: list[Path], act: Callable[[Path], Outcome], *, keep: bool = False
) -> Iterator[tuple[Outcome, int]]:
    """What came of each project, with its exit code. With only one, errors are raised unless they
    are to be kept."""
    for start in starts:
        is_kept = keep or len(starts) > 1
        yield attempt(start, act) if is_kept else close(act(start), start)


def attempt(start: Path, act: Callable[[Path], Outcome]) -> tuple[Outcome, int]:
    try:
        return close(act(start), start)
    except MlfactoryError as error:
        outcome = Outcome("failed", project=str(start), error=error.message, hint=error.hint)
        return outcome, error.exit_code
    except OSError as error:
        text = f"{error.filename or start}: {error.strerror}"
        return Outcome("failed", project=str(start), error=text), errors.ERROR


def close(outcome: Outcome, start: Path) -> tuple[Outcome, int]:
    code = errors.ATTENTION if outcome.needs_attention else errors.OK
    return replace(outcome, project=str(start)), code


def worst(codes: Iterable[int]) -> int:
    """The exit code of all: an error counts for more than what needs attention."""
    return min(codes, key=WORST.index)
