"""The issue that is open while the monitor of a factory finds something wrong, or fails."""

import re

from ..records.monitoring import Monitored
from ..visible import plain
from .place import forge

MARK = "<!-- kept by the workflow Monitor{}: one issue while something is wrong -->"
HANDLE = re.compile(r"@[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


def keep_issue(result: Monitored | None, folder: str = "") -> str:
    """Open the issue, write the open one anew, or close it; says what was done.

    Without a result the monitor has failed. Each factory in a folder of a larger repository has an
    issue of its own; one that another account opened is not the job's, whatever stands in it.
    """
    place = forge()
    path = place.own_issue(mark_of(folder))
    if result and result.verdict == "healthy":
        if not path:
            return "nothing is wrong, and no issue is open"
        place.close_issue(path, f"It is over: the monitor is healthy. {run()}")
        return f"closed {path}"
    title = f"{result.verdict} of {plain(result.model.label)}" if result else "it fails"
    text = "\n\n".join([mark_of(folder), alarms(result, folder) if result else failure(folder)])
    if path:
        place.rewrite_issue(path, f"Monitor: {title}", text)
        return f"updated {path}"
    return f"opened {place.open_issue(f'Monitor: {title}', text)}"


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
