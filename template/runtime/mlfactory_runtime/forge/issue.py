"""The issues that are open while something is wrong: what the monitor finds, and rot."""

import re

from ..records.monitoring import Monitored
from ..visible import plain
from .place import forge

MARK = "<!-- kept by the workflow Monitor{}: one issue while something is wrong -->"
ROT = "<!-- kept by the workflow Rot{}: one issue while the newest packages do not fit -->"
HANDLE = re.compile(r"@[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


def keep_issue(result: Monitored | None, folder: str = "") -> str:
    """Keep the issue of a monitor, which failed where there is no result; says what was done."""
    mark = mark_of(folder)
    if result and result.verdict == "healthy":
        return close(mark, f"It is over: the monitor is healthy. {run()}")
    title = f"{result.verdict} of {plain(result.model.label)}" if result else "it fails"
    text = alarms(result, folder) if result else failure(folder)
    return keep(mark, f"Monitor: {title}", text)


def keep_rot(is_sound: bool, folder: str = "") -> str:
    """Keep the issue of the checks with the newest packages; says what was done."""
    mark = ROT.format(f" of {folder}" if folder else "")
    if is_sound:
        return close(mark, f"It is over: the checks pass with the newest packages. {page()}")
    return keep(
        mark,
        "Rot: the checks fail with the newest packages",
        "What is locked still works; `uv lock --upgrade` takes in what fails. "
        f"{page()}, {runbook('the-newest-packages-do-not-fit', folder)}",
    )


def keep(mark: str, title: str, text: str) -> str:
    """Open an issue, or write the open one anew.

    Each factory in a folder of a larger repository has an issue of its own, by its mark; one that
    another account opened is not the job's, whatever stands in it.
    """
    place, text = forge(), f"{mark}\n\n{text}"
    if path := place.own_issue(mark):
        place.rewrite_issue(path, title, text)
        return f"updated {path}"
    return f"opened {place.open_issue(title, text)}"


def close(mark: str, comment: str) -> str:
    """Close the issue, where one is open."""
    place = forge()
    if not (path := place.own_issue(mark)):
        return "nothing is wrong, and no issue is open"
    place.close_issue(path, comment)
    return f"closed {path}"


def mark_of(folder: str) -> str:
    """What the issue of a factory is known by."""
    return MARK.format(f" of {folder}" if folder else "")


def failure(folder: str) -> str:
    """The issue of a monitor that fails; the reason stays in the run, where secrets are masked."""
    return f"It sees nothing. {run()}, {runbook('the-monitor-fails', folder)}"


def alarms(result: Monitored, folder: str) -> str:
    """What is wrong, whom to ask, what to do, and what nobody could see."""
    window = result.window
    lines = [f"{window.rows:,} rows, {window.begin} to {window.end}. {run()}"]
    for check in result.checks:
        if check.status == "alarm":
            about = {"source": check.source, "owner": check.owner}
            facts = [f"{key}: {whom(text)}" for key, text in about.items() if text]
            advice = runbook(check.runbook, folder)
            lines.append(f"- {plain(check.message)}. {', '.join([*facts, advice])}")
    return "\n".join([*lines, "", "Not seen:", *(f"- {plain(text)}" for text in result.unseen)])


def whom(text: str) -> str:
    """An account is called, so that it is told; all else is plain text."""
    return text if HANDLE.fullmatch(text) else plain(text)


def runbook(entry: str, folder: str) -> str:
    """A link to an entry of the runbook."""
    place = f"{folder}/" if folder else ""
    return f"[what to do]({forge().file_page('HEAD', f'{place}docs/runbook.md')}#{entry})"


def run() -> str:
    """A link to this run, which holds the page."""
    return f"[The run, with the monitor's page]({forge().run_page()})"


def page() -> str:
    """A link to this run."""
    return f"[The run]({forge().run_page()})"
