"""How far long work is, for people: a bar with the time left, or plain lines where nobody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import typer

from .visible import visible

Tell = Callable[[str, float], None]  # what begins, and the share of the work that is done, 0 to 1
OFTEN = 2.0  # seconds between two lines
FIRST = 0.1  # of a smaller share of the work no time left is guessed


def silent(what: str, share: float) -> None:
    """For work that nobody watches."""


def within(tell: Tell, begin: float, end: float) -> Tell:
    """For a part of the work, which tells from 0 to 1 how far it is itself."""
    return lambda what, share: tell(what, begin + share * (end - begin))


@contextmanager
def progress(title: str) -> Iterator[Tell]:
    """On stderr: in a terminal one line that changes, else a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lines(title)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(20), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda what, share: bar.update(task, description=visible(what), completed=share)


def lines(title: str) -> Tell:
    """Lines for a log, none in the first seconds: short work needs no word."""
    begin = last = monotonic()

    def tell(what: str, share: float) -> None:
        nonlocal last
        now = monotonic()
        if now - last < OFTEN:
            return
        last, spent = now, now - begin
        rest = f", about {spent / share - spent:.0f} s left" if share >= FIRST else ""
        typer.echo(visible(f"{title}: {what} ({spent:.0f} s{rest})"), err=True)

    return tell
