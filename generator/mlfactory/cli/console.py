"""Everything that people see: progress and findings on stderr, data on stdout."""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlfactory_runtime.visible import visible

from mlfactory.base.credentials import mask
from mlfactory.doctor.finding import ERROR, OK, WARNING, Finding

from .lines import plan_lines, state_counts, status_lines

if TYPE_CHECKING:
    from rich.console import Console

    from mlfactory.base.talk import Proposal
    from mlfactory.new.summary import Summary
    from mlfactory.update.drift import Status
    from mlfactory.update.plan import UpdatePlan
    from mlfactory.update.restore import Restoring
    from mlfactory.update.run import Outcome

RECORDED = re.compile(r"^[-+ ](?:_src_path:|\s*\"template\":).*$", re.MULTILINE)
STYLES = {OK: "green", WARNING: "yellow", ERROR: "red"}


def clean(text: str) -> str:
    """A text without secrets in addresses, in which nothing of others steers a terminal."""
    return visible(mask(text))


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True)
class Terminal:
    """What a long command says while it runs: a spinner at a terminal, else one line per step.

    A plan is data and goes to stdout, unless JSON is to stand there.
    """

    quiet_plan: bool = False

    @contextmanager
    def step(self, title: str, *, live: bool = True) -> Iterator[None]:
        """Show the step while it runs, and its seconds when it has ended well."""
        start = time.perf_counter()
        with (
            rich_stderr().status(f"{title} ...") if live and sys.stderr.isatty() else nullcontext()
        ):
            yield
        line("done", "green", f"{title} ({time.perf_counter() - start:.1f} s)")

    @contextmanager
    def count(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a step of many parts: at a terminal how many are done, which no thread of ours
        draws, for processes are forked meanwhile."""
        start, ticks = time.perf_counter(), itertools.count(1)

        def tick() -> None:
            number = next(ticks)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{title} {number}/{total}\x1b[K")
                sys.stderr.flush()

        yield tick
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
        line("done", "green", f"{title}: {total} ({time.perf_counter() - start:.1f} s)")

    def note(self, text: str) -> None:
        """Say something that is worth knowing."""
        line("note", "cyan", text)

    def warn(self, text: str) -> None:
        """Say something that needs attention."""
        line("warning", "yellow", text)

    def plan(self, plan: UpdatePlan) -> None:
        """Show what is about to be done."""
        if not self.quiet_plan:
            show_plan(plan)

    def choose(self, question: str, choices: tuple[str, ...]) -> str:
        """Ask until the answer is one of the choices; a number counts, too."""
        for number, choice in enumerate(choices, 1):
            line(f"{number:>3}", "cyan", choice)
        while True:
            sys.stderr.write(f"{question} ")
            sys.stderr.flush()
            answer = read_answer().strip()
            if answer in choices:
                return answer
            if answer.isdecimal() and 0 < int(answer) <= len(choices):
                return choices[int(answer) - 1]

    def pick(self, question: str, proposal: Proposal) -> str | None:
        """Ask with a default, for which Enter is enough; None for `<`, which goes back."""
        sys.stderr.writelines(f"{clean(text)}\n" for text in proposal.lines)
        while True:
            sys.stderr.write(f"{question} ({proposal.keys}) ")
            sys.stderr.flush()
            if answers := proposal.take(read_answer().strip()):
                return answers[0]


def rich_stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def line(label: str, style: str, text: str) -> None:
    """One line; what comes from data and errors is never taken for markup.

    Where no person looks there are no colours, and no time is spent on importing them.
    """
    text = clean(text)
    if not sys.stderr.isatty():
        sys.stderr.write(f"{label}  {text}\n")
        return
    from rich.text import Text

    rich_stderr().print(Text.assemble((label, style), f"  {text}"))


def read_answer() -> str:
    """A line from the terminal. Raises KeyboardInterrupt when there is none any more."""
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line


def show_error(message: str, hint: str = "") -> None:
    """An error and its remedy, in plain text: this must work when nothing else does."""
    sys.stderr.write(f"error: {clean(message)}\n")
    sys.stderr.writelines(f"hint: {line}\n" for line in clean(hint).splitlines())


def show_json(data: Any, *, exact: bool = False) -> None:
    """One object on stdout, without secrets in addresses unless it must be `exact`."""
    text = json.dumps(data, indent=2, default=str, allow_nan=False)
    sys.stdout.write(f"{text if exact else mask(text)}\n")


def show_summary(summary: Summary) -> None:
    """What `mlfactory new` made, its metrics against the baselines, and what to type next."""
    template = f"{summary.template['source']} {summary.template['version']}".strip()
    sys.stderr.write("\n")
    line(summary.project, "bold", f"{summary.files} files from {template} in {summary.path}")
    if summary.metrics:
        rich_stderr().print(metrics_table(summary.task, summary.metrics, summary.baselines or {}))
    if summary.verdict:
        verdict = f"{summary.verdict}: {summary.reason}" if summary.reason else summary.verdict
        line("verdict", "green" if summary.verdict == "accepted" else "red", verdict)
    if summary.report:
        line("report", "cyan", f"{summary.path}/{summary.report}")
    for text in summary.warnings:
        line("warning", "yellow", text)
    for command in summary.next:
        line("next", "cyan", command)


def metrics_table(task: str, model: Mapping[str, Any], baselines: Mapping[str, Any]) -> Any:
    """One row per metric; model with its interval, then the baselines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=task, title_justify="left", box=None, pad_edge=False)
    for heading in ("metric", "model", "interval", *baselines):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, values in model.items():
        others = [number(b.get(name, {}).get("value")) for b in baselines.values()]
        interval = f"{number(values.get('low'))} to {number(values.get('high'))}"
        cells = (name, number(values.get("value")), interval, *others)
        table.add_row(*map(Text, cells))
    return table


def number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


def show_findings(findings: Iterable[Finding]) -> None:
    """One line per finding, and below it the command that mends it."""
    for finding in findings:
        text = f"{finding.title}: {finding.detail}"
        line(f"{finding.state:<7}", STYLES[finding.state], text)
        if finding.remedy and finding.state != OK:
            line(" " * 7, "", f"  {finding.remedy}")


def plain(thing: Any) -> dict[str, Any]:
    """A dataclass as JSON has it."""
    return asdict(thing)


def note(text: str) -> None:
    """A line for people."""
    line("note", "cyan", text)


def is_coloured() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def show_text(text: str) -> None:
    """Data on stdout, whatever characters it has, and without secrets in addresses."""
    write(clean(text))


def patch_of(text: str) -> str:
    """A patch, to the byte, because somebody applies it; only where it shows the recorded address
    of the template, no secret is left."""
    return RECORDED.sub(lambda line: mask(line[0]), text)


def write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def show_plan(plan: UpdatePlan) -> None:
    """The plan of an update, on stdout."""
    show_text("\n".join(plan_lines(plan)) + "\n")


def show_outcomes(outcomes: list[Outcome]) -> None:
    """What came of the updates of one project or of several, as JSON has it."""
    documents = [plain(outcome) for outcome in outcomes]
    show_json(documents[0] if len(documents) == 1 else {"projects": documents})


def show_outcome(outcome: Outcome, *, with_name: bool = False) -> None:
    """What came of an update; a plan that was only made is printed as such. Of several projects,
    the name is shown `with_name`."""
    if with_name:
        line("project", "cyan", outcome.project)
    if outcome.error:
        show_error(outcome.error, outcome.hint)
    if outcome.plan and outcome.state in ("planned", "current"):
        show_plan(outcome.plan)
    words = {
        "updated": ("done", "green", "updated, in one commit"),
        "conflicts": (
            "conflict",
            "red",
            "git cannot merge everything: resolve what it marked, then",
        ),
        "aborted": ("done", "green", "everything is as it was before the update"),
    }
    for text in outcome.warnings:
        line("warning", "yellow", text)
    for text in outcome.failures:
        line("failed", "red", f"passed before the update, and fails now: {text}")
    if outcome.state in words:
        line(*words[outcome.state])
    for command in outcome.next:
        line("next", "cyan", command)


def status(one: Status) -> dict[str, Any]:
    """A project's status, with its drift counted; files that are clean are only counted."""
    files = [plain(change) for change in one.files if change.state != "clean"]
    return {**plain(one), "files": files, "drift": state_counts(one)}


def show_statuses(statuses: list[Status]) -> None:
    """A line per project, and below it what is not clean."""
    for one in statuses:
        show_text("\n".join(status_lines(one)) + "\n")


def show_restoring(restoring: Restoring) -> None:
    """What was put back, or would be."""
    if not restoring.files:
        note("nothing has drifted there")
        return
    verb = "put back" if restoring.done else "would put back"
    notes = (f"{c.state}, {c.note}, which stays" if c.note else c.state for c in restoring.files)
    rows = zip(restoring.files, notes, strict=True)
    show_text("".join(f"{verb}  {change.path}  ({note})\n" for change, note in rows))


def show_line(text: str) -> None:
    """A line of data, as soon as it is known."""
    show_text(f"{text}\n")
