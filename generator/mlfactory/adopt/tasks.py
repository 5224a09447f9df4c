"""What adopting leaves to a person, and the file that lists it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from shlex import quote

from . import traces
from .compose import Composition, Sides
from .place import Place
from .request import KEEPS, SAME, Request, Task

FILE, OTHER_FILE = "docs/adoption.md", "docs/mlfactory-adoption.md"
HEAD = """\
# What adopting left to do

`mlfactory adopt` put this repository under its template and changed none of your code.
What follows needs somebody who knows it. Tick off what is done; remove this file at the end.

"""
BACK = """
## If you take it back

Git does not know the data that were copied, the environment and the models.
Once the branch is gone, nothing of them is left after this, in the project's folder:
"""
DATA = re.compile(r"\.(csv|tsv|parquet|xlsx?|feather|jsonl)(\.(gz|bz2|xz|zst|zip))?$")
FEATURES = re.compile(r"feature|preprocess|transform|prepar|wrangl", re.IGNORECASE)
MODELS = re.compile(r"train|model|predict|fit|score|estimator", re.IGNORECASE)
PICKLES = (".pkl", ".pickle", ".joblib", ".onnx", ".h5", ".cbm")
REQUIREMENTS = ("requirements.txt", "environment.yml", "environment.yaml", "Pipfile")
SCHEDULES = {
    "databricks.yml": "Databricks runs the jobs of databricks.yml",
    "conf/base/catalog.yml": "Kedro runs the pipelines of this repository",
    "airflow": "Airflow runs the flows of airflow/",
}
SHOWN = 6


def tasks(request: Request, sides: Sides, files: Composition, side: str) -> list[Task]:
    """All that is left, in the order in which it is best done. `side` is the commit that holds the
    template's own files."""
    here = sides.here
    return [
        *files.tasks,
        *kept_files(files, side),
        *requirements(here),
        *data(request, here),
        *code(sides),
        *machines(sides, files),
        *remains(sides),
    ]


def kept_files(files: Composition, side: str) -> Iterator[Task]:
    """A task for each file that both have."""
    for path in files.of(KEEPS):
        if path.endswith(("/model.py", "/features.py", "/__init__.py")):
            continue
        text = f"{path} is yours, and the template has another: take over what you like of it."
        name = quote(f":/{path[1:]}" if path.startswith("/") else path)
        yield Task("file", text, (f"git diff {side} -- {name}",))


def requirements(here: Place) -> Iterator[Task]:
    """Packages that stand where uv does not read them."""
    names = [name for name in REQUIREMENTS if here.has(name)]
    if names and "[project]" not in here.text("pyproject.toml"):
        text = f"What your code needs stands in {names[0]}; uv reads pyproject.toml."
        way = "uv add -r requirements.txt" if names[0] == "requirements.txt" else "uv add PACKAGE"
        yield Task("dependencies", text, (way,))


def data(request: Request, here: Place) -> Iterator[Task]:
    """Data that are still elsewhere, or in git."""
    if not request.data:
        text = (
            "No data were named, and none were moved. Say which file the model learns from, and "
            "the branch is made anew with a first model."
        )
        again = (traces.undo(here, ()), "mlfactory adopt --data FILE --target COLUMN")
        yield Task("data", text, again)
    tracked = [name for name in here.names if DATA.search(name)]
    if tracked:
        text = f"git holds data: {few(tracked)}. DVC is the place for them."
        way = f"git rm --cached {quote(tracked[0])} && dvc add {quote(tracked[0])}"
        yield Task("data in git", text, (way,))


def code(sides: Sides) -> Iterator[Task]:
    """Features and a model, which nobody but a person can bring over."""
    here = sides.here
    scripts = [n for n in here.names if n.endswith((".py", ".ipynb")) and "test" not in n]
    if not scripts:
        return
    features = [n for n in scripts if FEATURES.search(n)]
    models = [n for n in scripts if MODELS.search(PurePosixPath(n).name) and n not in features]
    files = f" Yours seem to stand in {few(features)}." if features else ""
    yield Task(
        "features",
        f"Write the features of your model into src/{sides.package}/features.py, one row at a "
        f"time, and their rows into features.yaml.{files} Your code keeps running as it is.",
        ("factory check",),
    )
    files = f" Yours seems to stand in {few(models)}." if models else ""
    yield Task(
        "model",
        f"If LightGBM is not what you want, write your estimator into "
        f"src/{sides.package}/model.py.{files}",
        ("dvc repro",),
    )
    pickles = [name for name in here.names if name.endswith(PICKLES)]
    names = f" ({few(pickles)})" if pickles else ""
    yield Task(
        "comparison",
        f"Let your old model{names} score the rows that the new one has not seen, which are in "
        "data/prepared/holdout.parquet, and compare both. What it says is a CSV with the column "
        "that names a row, and `probability_CLASS` or `prediction`.",
        ("factory compare old.csv models/model",),
    )


def machines(sides: Sides, files: Composition) -> Iterator[Task]:
    """CI, branches and schedules."""
    here = sides.here
    own = [n for n in here.leaves if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", n)]
    own += [".gitlab-ci.yml"] * (".gitlab-ci.yml" in here.leaves)
    others = [n for n in own if n.removeprefix(here.prefix) not in files.of(SAME)]
    if others:
        text = f"Your own CI stays and runs beside the factory's: {few(others)}. Say which stays."
        include = "include: [{local: /.gitlab/factory.yml}]"
        ways = (include,) if ".gitlab-ci.yml" in own else ("git log --stat -- .github/workflows",)
        yield Task("ci", text, ways)
    recorded = sides.ours.facts.answers.get("branch", "main")
    if here.main_branch not in ("", recorded) and sides.ours.facts.answers.get("ci") != "none":
        yield Task(
            "branch",
            f"The jobs of the factory name the branch {recorded}, and yours is {here.main_branch}: "
            "rename the branch, or the word in the workflows.",
            (f"git grep -n '\\b{recorded}\\b' -- .github .gitlab '{sides.here.prefix}.gitlab*'",),
        )
    if any(name.endswith(".ipynb") for name in here.names):
        text = "The factory's hooks refuse notebooks that hold output: it may show data."
        yield Task("notebooks", text, ("pre-commit run --all-files",))
    for name, what in SCHEDULES.items():
        if any(one == name or one.startswith(f"{name}/") for one in here.names):
            text = f"{what}, with the old model: point them to `factory batch` in the end."
            yield Task("schedule", text, ("factory batch",))


def remains(sides: Sides) -> Iterator[Task]:
    """Files that an older template made, nobody has touched, and ours does not have."""
    if not (sides.base and sides.old):
        return
    new = {entry.name for entry in sides.ours.entries}
    leaves = sides.here.leaves
    untouched = [
        e.name
        for e in sides.base.entries
        if e.name not in new and e.name != sides.old.file and sides.place_of(e.name) in leaves
    ]
    if untouched:
        text = f"These come from your old template, and ours has none: {few(untouched)}."
        yield Task("old template", f"{text} Remove what nothing uses.", ("git rm PATH",))


def few(names: Iterable[str]) -> str:
    """The first of many names."""
    every = sorted(names)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def page(todo: Iterable[Task], paths: Sequence[str] = ()) -> str:
    """The checklist, as Markdown; `paths` is what the set-up leaves beside git."""
    away = f"{BACK}\n      rm -rf -- {' '.join(map(quote, paths))}\n" if paths else ""
    return HEAD + "\n".join(map(entry, todo)) + away


def entry(task: Task) -> str:
    lines = "".join(f"\n      {command}" for command in task.commands)
    return f"- [ ] **{task.about}**: {task.text}\n{lines}\n"
