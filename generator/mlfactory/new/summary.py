"""What `mlfactory new` made, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from . import steps
from .journal import Run

NO_REMOTE = (
    "there is no DVC remote: colleagues cannot get the data yet; "
    "`dvc remote add -d storage URL && dvc push` mends that"
)


@dataclass(frozen=True)
class Summary:
    """What `mlfactory new` made; `--json` prints exactly this."""

    project: str
    path: str
    template: Mapping[str, Any]
    files: int
    seconds: Mapping[str, float]
    task: str
    rows: Any = None
    metrics: Any = None
    baselines: Any = None
    verdict: str | None = None
    reason: str | None = None
    report: str | None = None
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    skipped_tasks: tuple[str, ...] = ()


def summary(run: Run, directory: str, omissions: tuple[str, ...] = ()) -> Summary:
    """What was made, for people and programs; `omissions` say what was left out."""
    state: Mapping[str, Any] = steps.trained_state(run) if "train" in run.finished else {}
    metrics = dict(state.get("metrics", {}))
    model = metrics.pop("model", None)
    remote = run.contract and not run.answers.get("remote")
    skipped = () if "tasks" in run.finished else run.tasks
    tasks = (f"task not run without --trust: {' '.join(text.split())}" for text in skipped)
    texts = (*run.warnings, *tasks, *omissions, *state.get("warnings", ()))
    warnings = (*texts, *([NO_REMOTE] if remote else []))
    return Summary(
        project=run.name,
        path=str(run.path),
        template={"source": run.source, "version": run.version, "released": run.released},
        files=run.files,
        seconds=run.seconds,
        task=run.task,
        rows=state.get("rows", run.rows),
        metrics=model,
        baselines=metrics or None,
        verdict=state.get("verdict"),
        reason=state.get("reason"),
        report=state.get("report"),
        warnings=tuple(dict.fromkeys(warnings)),
        next=next_commands(run, directory, state),
        skipped_tasks=skipped,
    )


def next_commands(run: Run, directory: str, state: Mapping[str, Any]) -> tuple[str, ...]:
    """What to type now."""
    enter = () if directory == "." else (f"cd {quote(directory)}",)
    if not run.contract:
        return (*enter, "git log --stat")
    if "environment" not in run.finished:
        return (f"mlfactory new {quote(directory)}{'' if run.trusted else ' --trust'}",)
    if not state:
        return (*enter, "source .venv/bin/activate", "factory check", "dvc repro")
    data = quote(f"data/raw/{run.answers['data_file']}")
    return (
        *enter,
        "source .venv/bin/activate",
        "factory catalog review",
        f"factory predict {data} predictions.csv",
    )
