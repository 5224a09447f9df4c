"""Alerts through Apprise: what is newly wrong is said once, what is over is said too."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from . import organisation
from .errors import FactoryError
from .languages import ENGLISH, day, of_record, say, writing_in
from .log.store import EPOCH, alerts, engine_of, make, micros, replace
from .project import Project
from .records.monitoring import Checked, Monitored
from .report.words import count_of

PATIENCE = 20.0  # seconds that one channel may take
BLIND, COMMAND = "the monitor cannot see", "factory "


@dataclass(frozen=True)
class Delivery:
    """What became of a message in one channel; no part of it tells the channel's secrets."""

    channel: str
    taken: bool
    reason: str = ""


def notify(project: Project, result: Monitored) -> list[str]:
    """Send what the monitor newly found; gives what there is to say of the sending.

    An alarm is over when a run sees so: what cannot be seen is not over.
    """
    with writing_in(project.params.report.language):
        return _news(project, result)


def _news(project: Project, result: Monitored) -> list[str]:
    checks = {check.name: check for check in result.checks}
    wrong = {name: describe(c) for name, c in checks.items() if c.status == "alarm"}
    if blind := result.verdict == "unknown":
        wrong[BLIND] = "\n".join(
            say("- it cannot see {what}", what=of_record(text)) for text in result.unseen
        )

    def is_over(name: str) -> bool:
        """What is fine may not be among the checks; its feature's drift always is."""
        check = checks.get(name) or checks.get(f"drift:{name.partition(':')[2]}")
        is_unseen = blind or (check is not None and check.status == "unknown")
        return not (is_unseen or name in wrong or name.startswith(COMMAND))

    before, window = within_log(project, last_times), result.window
    due, over = unsaid(project, wrong, before), [name for name in before if is_over(name)]
    ends = {"begin": day(str(window.begin)), "end": day(str(window.end))}
    rows = count_of(window.rows, "row")
    about = say(
        "Model {label}, {rows}, {begin} to {end}.",
        label=of_record(result.model.label),
        rows=rows,
        **ends,
    )
    about += "\n\n"
    lines = []
    if due:
        still = [say("- it goes on: {name}", name=name) for name in wrong if name not in due]
        text = about + "\n".join([*(wrong[name] for name in due), *still])
        lines += tell(project, f"{count_of(len(due), 'alarm')}: {', '.join(due[:3])}", text, due)
    if over:
        text = about + "\n".join(say("- over: {name}", name=name) for name in over)
        lines += tell(
            project, say("over: {names}", names=", ".join(over[:3])), text, over, over=True
        )
    return lines


def describe(check: Checked) -> str:
    """An alarm with all that its reader needs."""
    about = {"feature": check.feature, "source": check.source, "owner": check.owner}
    facts = [f"{say(key)}: {value}" for key, value in about.items() if value]
    lines = [f"- {of_record(check.message)}", ", ".join(facts), f"docs/runbook.md#{check.runbook}"]
    return "\n  ".join(filter(None, lines))


def alert(project: Project, command: str, text: str) -> list[str]:
    """Say that a command failed, unless that was said lately; gives what there is to say of it."""
    key = COMMAND + command
    if not unsaid(project, [key], within_log(project, last_times)):
        return []
    with writing_in(project.params.report.language):
        return tell(project, say("{command} failed", command=key), text, [key])


def settle(project: Project, command: str) -> list[str]:
    """Say that a command works again, if it was said that it does not."""
    key = COMMAND + command
    if key not in within_log(project, last_times):
        return []
    with writing_in(project.params.report.language):
        title, text = say("{command} works again", command=key), say("It did what it should.")
        return tell(project, title, text, [key], over=True)


def unsaid(project: Project, keys: Iterable[str], before: dict[str, datetime]) -> list[str]:
    """What was not said yet, or so long ago that it is said again.

    A moment to come is one of a clock that has jumped back since: of such nobody knows how long.
    """
    now = datetime.now(UTC)
    oldest = now - timedelta(days=project.params.alerts.repeat_days)
    return [key for key in keys if not oldest <= before.get(key, EPOCH) <= now]


def tell(
    project: Project, title: str, text: str, keys: list[str], *, over: bool = False
) -> list[str]:
    """Send, and keep that it was said if a channel took it; gives what is to be said of it."""
    try:
        results = send(project, title, text, "success" if over else "failure")
    except FactoryError as error:
        return [f"warning: no alert was sent: {error}"]
    losses = [d for d in results if not d.taken]
    if len(losses) < len(results):
        within_log(project, lambda connection: keep(connection, keys, over=over))
    with writing_in(ENGLISH):
        count = f"{len(results) - len(losses)} of {count_of(len(results), 'channel')}"
    message = f"alert: {title} (taken by {count})"
    return [*(f"warning: channel {d.channel} did not take it: {d.reason}" for d in losses), message]


def send(project: Project, title: str, text: str, kind: str = "info") -> list[Delivery]:
    """Try every channel that the variable names. A FactoryError where there is none."""
    variable = project.params.alerts.urls_env
    if not (urls := os.environ.get(variable, "").strip() or organisation.value("alerts", "")):
        hint = f"export {variable}='mailto://... slack://...', as Apprise writes them"
        raise FactoryError(f"{variable} is not set", hint)
    channels = enumerate(re.split(r"[\s,;]+(?=[\w+-]+://)", urls.rstrip(",;")), 1)
    try:
        return [
            deliver(project.name, number, url, f"{project.name}: {title}", text, kind)
            for number, url in channels
        ]
    except ImportError as error:
        raise FactoryError("Apprise is not installed here", "uv sync") from error


def deliver(app: str, number: int, url: str, title: str, text: str, kind: str) -> Delivery:
    """Try one channel, within bounded time; whatever it does is told, not raised."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

    secrets = [part for part in re.split(r"[/:@?&=,]+", url)[1:] if len(part) > 3]
    name = f"{number} ({url.partition('://')[0] if '://' in url else '?'}://***)"
    channel = Apprise(asset=AppriseAsset(app_id=app, service_timeout=PATIENCE))
    try:
        if not channel.add(url):
            return Delivery(name, False, "Apprise knows no such URL, or it lacks a part")
        result = channel.notify(text, title, NotifyType(kind), body_format=NotifyFormat.TEXT)
        reason = " ".join(str(entry.message) for one in result.results for entry in one.logs())
    except Exception as error:
        return Delivery(name, False, type(error).__name__)
    for secret in sorted(secrets, key=len, reverse=True):
        reason = reason.replace(secret, "***")
    return Delivery(name, bool(result), "" if result else reason or "it says not why")


def within_log(
    project: Project, act: Callable[[sa.Connection], dict[str, datetime]]
) -> dict[str, datetime]:
    """Use the log's database; where it is away, an alert sent twice is better than none."""
    try:
        engine = engine_of(project.params.log)
        make(engine)
        with engine.begin() as connection:
            return act(connection)
    except (FactoryError, sa.exc.SQLAlchemyError, OSError, ValueError):
        return {}


def last_times(connection: sa.Connection) -> dict[str, datetime]:
    """When each alert that stands was sent last."""
    rows = connection.execute(sa.select(alerts.c.key, alerts.c.sent))
    return {key: EPOCH + timedelta(microseconds=at) for key, at in rows}


def keep(connection: sa.Connection, keys: list[str], *, over: bool) -> dict[str, datetime]:
    """Keep what was said; what is over is forgotten."""
    now = micros(datetime.now(UTC))
    if over:
        connection.execute(sa.delete(alerts).where(alerts.c.key.in_(keys)))
    else:
        connection.execute(replace(connection, alerts), [{"key": k, "sent": now} for k in keys])
    return last_times(connection)
