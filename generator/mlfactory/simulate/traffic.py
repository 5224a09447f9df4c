"""What the world sends while everything else goes on, and what becomes of it later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mlfactory.base.errors import MlfactoryError

from .factory import Answer
from .setting import Scenario
from .world import Row, World

TICK = 0.5
ANCHOR = 4 * 86_400  # windows of the monitor are counted from a Monday on, 5 January 1970
Ask = Callable[[list[Row]], list[tuple[Row, Answer]]]


@dataclass(frozen=True)
class Clock:
    """Days of a few seconds, which are the windows of the monitor."""

    start: int
    seconds: int

    def day(self, moment: float) -> int:
        return int((moment - self.start) // self.seconds)

    def end(self, day: int) -> float:
        return self.start + (day + 1) * float(self.seconds)


@dataclass(frozen=True)
class Exchange:
    """A row that was answered, with the outcome that it will have."""

    day: int
    answer: Answer
    row: Row


def begin(seconds: int) -> Clock:
    """The clock of a world whose first day is the next one."""
    return Clock(ANCHOR + (int(time.time()) - ANCHOR) // seconds * seconds + seconds, seconds)


class Traffic(threading.Thread):
    """Asks all the time, whether somebody answers or not."""

    def __init__(
        self, world: World, clock: Clock, ask: Ask, scenario: Scenario, *, batches: bool
    ) -> None:
        super().__init__(daemon=True)
        self.world, self.clock, self.ask, self.scenario = world, clock, ask, scenario
        self.tick = clock.seconds if batches else TICK
        self.rows = max(round(scenario.rows * self.tick / clock.seconds), 1)
        self.exchanges: list[Exchange] = []
        self.losses, self.why, self.end = 0, "", threading.Event()

    def run(self) -> None:
        """One request after the other, each at its time."""
        moment = float(self.clock.start)
        while not self.end.wait(max(moment - time.time(), 0)):
            day = self.clock.day(moment)
            has_drifted = self.scenario.has_drifted(day)
            rows = [self.world.draw(day, has_drifted) for _ in range(self.rows)]
            try:
                answers = self.ask(rows)
            except (OSError, MlfactoryError) as error:  # it is being replaced, or has failed
                answers, self.why = [], str(error)
            self.losses += len(rows) - len(answers)
            self.exchanges += [Exchange(day, answer, row) for row, answer in answers]
            moment = max(moment + self.tick, time.time() - self.tick)

    def of_days(self, days: Iterable[int]) -> list[Exchange]:
        """What was sent on some days and answered."""
        days = set(days)
        return [one for one in list(self.exchanges) if one.day in days]
