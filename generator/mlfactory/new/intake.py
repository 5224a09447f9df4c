"""From what was typed to the answers that a template is rendered with."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlfactory.base import addresses, answers, mainline, organisation
from mlfactory.base.answers import Answers, Question
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.base.talk import Talk

from . import arrival
from .journal import MANY, PIPE, QUERY, Run
from .request import Request

if TYPE_CHECKING:
    from mlfactory.look import Look

WILD = re.compile(r"[*?\[]")


def check_together(request: Request) -> None:
    """Raises UsageError for options that contradict each other, or hold a secret."""
    addresses.refuse("--template", request.template)
    addresses.refuse_answers({**request.settings, **request.answers})
    if request.table and not request.data:
        raise UsageError("--table names a part of the data, and there are none", "Add --data FILE.")
    if request.data and request.query:
        raise UsageError("--data and --query both say where the data are", "Give one of them.")
    option = "--query" if request.query else "--data" if request.data else ""
    if option and "data_source" in request.settings:
        raise UsageError(f"{option} says where the data are, and --set too", "Give one of them.")
    if "url_env" in request.answers and not request.query:
        raise UsageError(
            "--url-env names the database of a query, and there is none", "Add --query FILE.sql."
        )
    check_variable({**request.settings, **request.answers}.get("url_env"))


def check_variable(name: Any) -> None:
    """Raises UsageError when this is a URL, say: it may hold a password, and is not repeated."""
    if name is not None and not str(name).isidentifier():
        raise UsageError(
            "--url-env is the name of an environment variable, not the URL itself",
            "export WAREHOUSE_URL='postgresql://…', and add --url-env WAREHOUSE_URL.",
        )


def gather(run: Run, directory: Path, questions: Mapping[str, Question]) -> Run:
    """Take the answers from options, --set and --answers; find the data, or take a sample.

    Raises UsageError when the template does not ask what was answered.
    """
    request = run.request
    file = answers.read_given(request.answers_file)
    values = answers.merge(request.answers, request.settings, file)
    addresses.refuse_answers(file)
    answers.check({**values, **data_answers(request)}, questions)
    if "folder" in values:
        raise UsageError("folder follows from where the factory stands", "Add --inside instead.")
    values = {**organisation.answers_among(questions), **values}
    if run.prefix and "folder" in questions:
        values["folder"] = run.folder
    if run.prefix and "branch" in questions and "branch" not in values:
        values["branch"] = mainline.main_branch(run.repository) or mainline.MAIN
    if not takes_data(questions):
        return replace(run, given=values)
    request = request.with_source(organisation.value("data_source"))
    run = replace(run, request=request)
    if "project_name" not in values:
        values["project_name"] = answers.project_name(directory)
    if request.query:
        return with_query(run, values)
    if not request.data:
        return with_sample(run, values, questions)
    return with_files(run, values, directory, questions)


def data_answers(request: Request) -> dict[str, str]:
    """The questions that --data and --query answer."""
    if request.query:
        return {"data_file": request.query, "data_source": request.query}
    if is_several(request.data):
        return {"data_file": request.data, "data_source": request.data}
    return {"data_file": request.data} if request.data else {}


def is_several(text: str) -> bool:
    """Whether several files are meant; a file that has just this name comes first."""
    path = Path(text).expanduser()
    return bool(text) and (path.is_dir() or (bool(WILD.search(text)) and not path.exists()))


def takes_data(questions: Mapping[str, Question]) -> bool:
    """Whether the template is made for data: others are only rendered."""
    return {"data_file", "target"} <= questions.keys()


def with_files(run: Run, values: Answers, directory: Path, questions: Container[str]) -> Run:
    """The user's own file under its own name, or several that become one."""
    from mlfactory.look import foreign

    data = run.request.data
    path = Path(data).expanduser().absolute()
    several = is_several(data)
    name = joined_name(path, parts(str(path))) if several else foreign.name_of(path)
    check_data_name(values, name)
    own = {"data_file": name}
    if "data_source" in questions:
        is_pipe = run.form == PIPE
        own["data_source"] = "" if is_pipe else from_factory(path, directory, several=several)
    form = MANY if several else run.form
    return replace(run, given={**values, **own}, data=str(path), form=form)


def parts(pattern: str) -> tuple[Path, ...]:
    """The files of a pattern or a folder, in order. Raises MlfactoryError without any."""
    from mlfactory.look import foreign

    files = foreign.files_of(pattern)
    if not files:
        what = "is in the folder" if Path(pattern).is_dir() else "fits the pattern"
        raise MlfactoryError(f"no file {what} {pattern}", "Give a file, or mend it.")
    return files


def joined_name(pattern: Path, files: tuple[Path, ...]) -> str:
    """What one file of many is called: by what their names share, else by their folder."""
    from mlfactory.look import foreign

    common = WILD.split(pattern.name)[0]
    folder = "" if WILD.search(pattern.parent.name) else pattern.parent.name
    stems = (re.sub(r"[^\w.-]+", "_", text).strip("._-") for text in (common, folder, "data"))
    parquet = all(foreign.name_of(file).endswith(".parquet") for file in files)
    return next(filter(None, stems)) + (".parquet" if parquet else ".csv")


def from_factory(path: Path, directory: Path, *, several: bool) -> str:
    """A full path as the factory records it: from there, where it lies beside the factory.

    Of any other only the name, or what varies of a pattern: who reads the repository need not know
    a person's folders, and has others. `steps.copy_data` tells this clone where it is.
    """
    parts = path.parts
    varies = (n for n, part in enumerate(parts) if WILD.search(part)) if several else ()
    first = next(iter(varies), len(parts) - 1)
    folder, name = Path(*parts[:first]).resolve(), Path(*parts[first:])
    home = directory.resolve()
    is_neighbour = folder.is_relative_to(home.parent)
    return os.path.relpath(folder / name, home) if is_neighbour else str(name)


def with_query(run: Run, values: Answers) -> Run:
    """A query, whose file becomes the factory's own; the URL stays in the environment."""
    from mlfactory.look import query

    variable = values.get("url_env") or organisation.value("url_env")
    if not variable:
        raise UsageError(
            "--query needs --url-env: which environment variable holds the database's URL?",
            "Add --url-env WAREHOUSE_URL.",
        )
    check_variable(variable)
    path = Path(run.request.query).expanduser().absolute()
    query.check(path)
    check_data_name(values, f"{path.stem}.parquet")
    own = {
        "url_env": variable,
        "data_file": f"{path.stem}.parquet",
        "data_source": f"data/{path.name}",
        "database": query.database(variable),
    }
    return replace(run, given={**values, **own}, data=str(path), form=QUERY)


def with_sample(run: Run, values: Answers, questions: Mapping[str, Question]) -> Run:
    """The data set that mlfactory brings along; its answers hold where none was given."""
    from .samples import sample

    task = values.get("task")
    data_set = sample("regression" if task == "regression" else "classification")
    check_data_name(values, data_set.path.name)
    own = {
        "data_file": data_set.path.name,
        "target": data_set.target,
        "id_column": data_set.identifier,
        "time_column": data_set.time,
        **({"data_source": ""} if "data_source" in questions else {}),
    }
    return replace(run, given={**own, **values}, data=str(data_set.path))


def check_data_name(values: Answers, name: str) -> None:
    """Raises UsageError when the answers name a file that is not the one at hand."""
    file_name = values.get("data_file", name)
    if file_name != name:
        raise UsageError(
            f"the answers name the data file {file_name!r}, and the data are {name!r}",
            f"Give the file with --data FOLDER/{file_name}.",
        )


def choose_target(run: Run, talk: Talk, *, ask: bool) -> Run:
    """Make sure that there is a target: ask for it at a terminal, else refuse."""
    if not run.data or run.given.get("target"):
        return run
    columns = columns_of(run)
    if not ask:
        raise UsageError(
            f"{'--query' if run.form == QUERY else '--data'} needs --target: "
            "which column is predicted?",
            f"The columns are {', '.join(columns)}.",
        )
    target = talk.choose("Which column is predicted?", columns)
    return replace(run, given={**run.given, "target": target})


def columns_of(run: Run) -> tuple[str, ...]:
    """The names of the columns, wherever the data are."""
    from mlfactory import look as preflight

    if run.form != QUERY:
        with arrival.naming(run.tables, sources(run)):
            return preflight.columns(paths(run))
    from mlfactory.look import query

    return tuple(query.ask(Path(run.data), str(run.given["url_env"])).frame.columns)


def paths(run: Run) -> tuple[Path, ...]:
    """The files that are looked at."""
    return tuple(map(Path, run.tables)) or sources(run)


def sources(run: Run) -> tuple[Path, ...]:
    """The files that were given."""
    return parts(run.data) if run.form == MANY else (Path(run.data),)


def look(run: Run) -> Run:
    """Check the data against the answers before anything is written, and settle the task."""
    if not run.data:
        return run
    facts = look_at(run)
    return replace(
        run,
        given={**run.given, "task": facts.task},
        task=facts.task,
        rows=facts.rows,
        warnings=tuple(dict.fromkeys((*run.warnings, *facts.warnings))),
    )


def look_at(run: Run) -> Look:
    from mlfactory import look as preflight

    values = run.given
    settings = {
        "target": str(values["target"]),
        "identifier": str(values.get("id_column") or ""),
        "time": str(values.get("time_column") or ""),
        "task": str(values.get("task") or "auto"),
    }
    if run.form != QUERY:
        with arrival.naming(run.tables, sources(run)):
            return preflight.look(paths(run), **settings)
    from mlfactory.look import query

    path = Path(run.data)
    answer = query.ask(path, str(values["url_env"]))
    return preflight.look_frame(f"the query in {path}", answer.frame, answer.rows, **settings)


def look_again(run: Run) -> Run:
    """Check what copier asked for against the data, too."""
    columns = ("target", "id_column", "time_column")
    values = {name: run.answers[name] for name in columns if name in run.answers}
    if not run.data or all(run.given.get(name, "") == values[name] for name in values):
        return run
    return look(replace(run, given={**run.given, **values}))


def with_full_paths(request: Request) -> Request:
    """The request with full paths, which mean the same from everywhere."""

    def whole(text: str) -> str:
        return str(Path(text).expanduser().absolute()) if text else ""

    return replace(request, data=whole(request.data), query=whole(request.query))
