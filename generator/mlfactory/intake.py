"""From what was typed to the answers that a template is rendered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import answers
from .errors import UsageError
from .journal import Run
from .model import Question, Request, Talk


def gather(run: Run, directory: Path, questions: Mapping[str, Question]) -> Run:
    """Take the answers from options, --set and --answers; find the data, or take a sample.

    Raises UsageError when the template does not ask what was answered.
    """
    request = run.request
    file = answers.read_given(request.answers_file)
    given = answers.merge(request.answers, request.settings, file)
    data = {"data_file": request.data} if request.data else {}
    answers.check({**given, **data}, questions)
    if not takes_data(questions):
        return replace(run, given=given)
    if "project_name" not in given:
        given["project_name"] = answers.project_name(directory)
    return with_data(run, given) if request.data else with_sample(run, given)


def takes_data(questions: Mapping[str, Question]) -> bool:
    """Whether the template is made for data: others are only rendered."""
    return {"data_file", "target"} <= questions.keys()


def with_data(run: Run, given: Mapping[str, Any]) -> Run:
    """The user's own file, under its own name."""
    file = Path(run.request.data).expanduser().absolute()
    check_data_name(given, file.name)
    return replace(run, given={**given, "data_file": file.name}, data=str(file))


def with_sample(run: Run, given: Mapping[str, Any]) -> Run:
    """The data set that mlfactory brings along; its answers hold where none was given."""
    from .samples import sample

    wanted = given.get("task")
    chosen = sample("regression" if wanted == "regression" else "classification")
    check_data_name(given, chosen.path.name)
    own = {
        "data_file": chosen.path.name,
        "target": chosen.target,
        "id_column": chosen.identifier,
        "time_column": chosen.time,
    }
    return replace(run, given={**own, **given}, data=str(chosen.path))


def check_data_name(given: Mapping[str, Any], name: str) -> None:
    """Raises UsageError when the answers name a file that is not the one at hand."""
    wanted = given.get("data_file", name)
    if wanted != name:
        raise UsageError(
            f"the answers name the data file {wanted!r}, and the data are {name!r}",
            f"Give the file with --data FOLDER/{wanted}.",
        )


def choose_target(run: Run, talk: Talk, *, ask: bool) -> Run:
    """Make sure that there is a target: ask for it at a terminal, else refuse."""
    if not run.data or run.given.get("target"):
        return run
    from . import preflight

    columns = preflight.columns(Path(run.data))
    if not ask:
        raise UsageError(
            "--data needs --target: which column is predicted?",
            f"The columns are {', '.join(columns)}.",
        )
    target = talk.choose("Which column is predicted?", columns)
    return replace(run, given={**run.given, "target": target})


def look(run: Run) -> Run:
    """Check the data against the answers before anything is written, and settle the task."""
    if not run.data:
        return run
    from . import preflight

    given = run.given
    seen = preflight.look(
        Path(run.data),
        str(given["target"]),
        identifier=str(given.get("id_column") or ""),
        time=str(given.get("time_column") or ""),
        task=str(given.get("task") or "auto"),
    )
    return replace(
        run,
        given={**given, "task": seen.task},
        task=seen.task,
        rows=seen.rows,
        warnings=tuple(dict.fromkeys((*run.warnings, *seen.warnings))),
    )


def look_again(run: Run) -> Run:
    """Check what copier asked for against the data, too."""
    columns = ("target", "id_column", "time_column")
    answered = {name: run.answers[name] for name in columns if name in run.answers}
    if not run.data or all(run.given.get(name, "") == answered[name] for name in answered):
        return run
    return look(replace(run, given={**run.given, **answered}))


def located(request: Request) -> Request:
    """The request with the data file's full path, which means the same from everywhere."""
    if not request.data:
        return request
    return replace(request, data=str(Path(request.data).expanduser().absolute()))
