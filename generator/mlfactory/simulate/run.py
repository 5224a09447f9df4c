"""A drifting world, replayed in minutes, and what a factory makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError

from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Talk

from . import factory as factories
from .replay import Day, Event, Replay
from .setting import APPROVER, Scenario, Stage, clone, put_in_production, sample, set_up
from .traffic import Traffic, begin
from .world import Row, World

__all__ = ["Scenario", "simulate"]
LIMIT = 3  # a world lasts at most so many times as long as asked for
REFUSED, MESSAGE = 422, 500
FLUSHED = 1  # second, after which the log of a day is written
Content = dict[str, Any]  # what a command of the factory prints as JSON


@dataclass
class Story:
    """What has happened so far. `alarm_day` is that of an alarm that nobody has mended."""

    stage: Stage
    scenario: Scenario
    traffic: Traffic
    restart: Callable[[], None]
    tell: Callable[[str], None]
    events: list[Event] = field(default_factory=list)
    monitoring: Content = field(default_factory=dict)
    holdout: dict[str, float] = field(default_factory=dict)
    outcome_days: set[int] = field(default_factory=set)
    alarm_day: int | None = None
    days: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, text: str, day: int | None = None) -> None:
        """Tell what happened, and remember it and its first day."""
        day = self.traffic.clock.day(time.time()) if day is None else day
        self.days.setdefault(kind, day)
        self.events.append(Event(day, kind, text))
        self.tell(f"day {day:>3}  {kind:<10}  {text}")


def simulate(
    project: Path | None, scenario: Scenario, talk: Talk, tell: Callable[[str], None]
) -> Replay:
    """Play it through in a folder that is gone afterwards; the project is not touched."""
    with TemporaryDirectory(prefix="mlfactory-simulate-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with talk.step("Clone the factory" if project else "Make a factory"):
            path = clone(project, folder) if project else sample(folder, talk)
        with talk.step("Put its model in production"):
            stage = set_up(path, folder, scenario)
        scenario = at_its_pace(stage, scenario)
        with open_story(stage, scenario, tell) as story:
            live(story)
        return result(story)


def at_its_pace(stage: Stage, scenario: Scenario) -> Scenario:
    """Days so long that all of each is done in it: a slow machine would leave out some, or ring."""
    return replace(scenario, seconds=max(scenario.seconds, ceil(stage.pace)))


@contextmanager
def open_story(stage: Stage, scenario: Scenario, tell: Callable[[str], None]) -> Iterator[Story]:
    """The world and the service, both running; they are stopped at the end."""
    world = World(stage.raw.rows, stage.columns, step=scenario.step)
    stack = ExitStack()

    def restart() -> None:
        stack.close()
        if stage.online:
            log = stage.source.with_name("service.log")
            stack.enter_context(factories.service(stage.factory, "prod", port, log))

    with factories.own_port() as port, stack:
        restart()
        if stage.online:
            ask = partial(over_http, port, world, factories.fields(f"http://127.0.0.1:{port}"))
        else:
            ask = partial(in_batch, stage)
        traffic = Traffic(world, begin(scenario.seconds), ask, scenario, batches=not stage.online)
        traffic.start()
        try:
            yield Story(stage, scenario, traffic, restart, tell)
        finally:
            traffic.end.set()
            traffic.join()


def over_http(
    port: int, world: World, fields: frozenset[str], rows: list[Row]
) -> list[tuple[Row, factories.Answer]]:
    """Ask for all at once; if that is refused, one by one. Raises MlfactoryError if all are."""
    try:
        answers = factories.ask(f"http://127.0.0.1:{port}", world.request(rows, fields))
    except HTTPError as refused:
        message = refused.read(MESSAGE).decode(errors="replace")
        if refused.code != REFUSED or len(rows) == 1:
            raise MlfactoryError(f"the service refuses a row: {message}") from refused
        return one_by_one(port, world, fields, rows)
    return list(zip(rows, answers, strict=True))


def one_by_one(
    port: int, world: World, fields: frozenset[str], rows: list[Row]
) -> list[tuple[Row, factories.Answer]]:
    """The answers to those that are not refused."""
    answers, why = [], None
    for row in rows:
        try:
            answers += over_http(port, world, fields, [row])
        except MlfactoryError as error:
            why = error
    if why and not answers:
        raise why
    return answers


def in_batch(stage: Stage, rows: list[Row]) -> list[tuple[Row, factories.Answer]]:
    """Have a file scored; what breaks the contract has no answer."""
    file, target = stage.source.with_stem("today"), stage.columns.target
    stage.raw.write(file, [{k: v for k, v in row.items() if k != target} for row in rows])
    scores = factories.score(stage.factory, file, "--model", "prod")
    keys = [(one["request_id"], int(one["row"])) for one in scores]
    return [(rows[index], (request, index)) for request, index in keys]


def live(story: Story) -> None:
    """Day by day: outcomes come in, the monitor looks, and an alarm is followed up."""
    scenario, clock, day = story.scenario, story.traffic.clock, -1
    while day + 1 < scenario.days or (is_open(story, day) and day + 1 < scenario.days * LIMIT):
        day = max(day + 1, clock.day(time.time()))
        time.sleep(max(clock.end(day) + FLUSHED - time.time(), 0))
        if scenario.has_drifted(day) and "drift" not in story.days:
            message = f"more rows with a high {' and '.join(story.stage.columns.drivers)}"
            story.add("drift", f"{message}, and what was learned of them is wrong", scenario.drift)
        if day > 0 and not story.traffic.exchanges:
            raise MlfactoryError(f"no prediction was answered: {story.traffic.why}")
        bring_outcomes(story, day)
        look(story)
        wait = scenario.delay + scenario.window - 2
        if story.alarm_day is not None and day >= story.alarm_day + wait:
            mend(story)


def is_open(story: Story, day: int) -> bool:
    """Whether an alarm waits for its end, or the recovery for its outcomes."""
    after = story.days.get("recovered", day) + story.scenario.delay
    return "alarm" in story.days and day <= after


def bring_outcomes(story: Story, today: int) -> None:
    """Hand in what has become known, by request."""
    due = set(range(today - story.scenario.delay + 1)) - story.outcome_days
    target, file = story.stage.columns.target, story.stage.source.with_name("outcomes.csv")
    rows = [
        {"request_id": one.answer[0], "row": one.answer[1], target: one.row[target]}
        for one in story.traffic.of_days(due)
    ]
    if rows:
        factories.write_csv(file, rows)
        story.stage.factory.json("label", str(file))
        story.outcome_days |= due


def look(story: Story) -> None:
    """Ask the monitor, and say what it says."""
    length = f"{story.scenario.seconds}s"
    story.monitoring = result = story.stage.factory.json("monitor", "--window", length, ok=(0, 4))
    verdict, performance, day = (
        result["verdict"],
        result["performance"],
        day_of(story, result["window"]),
    )
    if performance["reference"]:
        best = performance["reference"][performance["metric"]]["value"]
        story.holdout[result["model"]["version"]] = best
    why = [one["message"] for one in result["checks"] if one["status"] == "alarm"]
    message = "; ".join(why[:2]) + (f" and {len(why) - 2} more" if len(why) > 2 else "")
    story.add(verdict, message or f"{result['window']['rows']} rows", day)
    if verdict == "alarm" and story.alarm_day is None and "promoted" not in story.days:
        story.alarm_day = day
    if verdict == "healthy" and "promoted" in story.days and "recovered" not in story.days:
        story.add("recovered", "the monitor finds nothing wrong with the new model", day)


def mend(story: Story) -> None:
    """Retrain on the outcomes of the last days, compare, and promote what is better."""
    recent = sorted(story.outcome_days)[-story.scenario.window :]
    rows = [one.row for one in story.traffic.of_days(recent)]
    story.stage.raw.write(story.stage.source, rows)
    why, factory = f"the monitor rang on day {story.alarm_day}", story.stage.factory
    attempt = factory.json("retrain", "--commit", *story.stage.fewer, "--why", why, ok=(0, 4))
    comparison = attempt.get("comparison") or {
        "verdict": "undecided",
        "reason": "nothing was compared",
    }
    story.add("retrained", f"on {len(rows)} rows of the days {recent[0]} to {recent[-1]}")
    story.add("compared", f"{comparison['verdict']}: {comparison['reason']}")
    if comparison["verdict"] != "better":
        story.alarm_day = recent[-1] + 1  # wait for other days
        return
    bring_outcomes(story, story.traffic.clock.day(time.time()) - 1)
    look(story)  # at the days that have gone by, while their model is the one in production
    version = put_in_production(factory)
    story.alarm_day = None
    story.add("promoted", f"{version} to prod, approved by {APPROVER}")
    story.restart()


def result(story: Story) -> Replay:
    """All that happened; of each day, the metric that the factory measured and estimated."""
    metric = (story.monitoring.get("performance") or {}).get("metric", "")
    return Replay(
        drift=story.days.get("drift"),
        alarm=story.days.get("alarm"),
        promoted=story.days.get("promoted"),
        recovered=story.days.get("recovered"),
        answered=len(story.traffic.exchanges),
        lost=story.traffic.losses,
        metric=metric,
        windows=tuple(windows(story, metric)),
        events=tuple(story.events),
    )


def windows(story: Story, metric: str) -> Iterator[Day]:
    """A line for each day, of the model that answered most on it."""
    fullest: dict[int, Content] = {}
    for one in sorted(story.monitoring.get("history", []), key=lambda one: int(one["rows"])):
        fullest[day_of(story, one)] = one
    for day, one in sorted(fullest.items()):
        observed, estimate = (
            (one[key] or {}).get(metric, {}).get("value") for key in ("observed", "estimate")
        )
        holdout = story.holdout.get(one["model"])
        yield Day(day, one["rows"], one["model"], observed, estimate, holdout)


def day_of(story: Story, window: Content) -> int:
    """The day that a window is."""
    return story.traffic.clock.day(datetime.fromisoformat(window["from"]).timestamp() + 0.5)
