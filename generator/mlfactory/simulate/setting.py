"""A factory for the simulation: made or cloned, with settings for days that last seconds."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from mlfactory.base import git, uv
from mlfactory.base.errors import MlfactoryError
from mlfactory.base.talk import Talk
from mlfactory.look import rows as tables
from mlfactory.new import run as create
from mlfactory.new.request import Goal, Request

from .factory import QUIET, Factory, score
from .world import Columns, figure, number

SLACK = 2  # a day of a world of batches takes so many times as long as scoring its data
ROWS, READ = 2000, 20_000  # what the world is made from, spread over so many rows of the data
APPROVER = "mlfactory simulate"


@dataclass(frozen=True)
class Scenario:
    """How the world goes: a day has so many seconds and rows, is `step` days of the calendar, and
    drifts from one day on, or never.

    Outcomes are known `delay` days later, and a retraining takes those of the last `window` days.
    """

    days: int = 14
    drift: int | None = 4
    seconds: int = 8
    rows: int = 240
    delay: int = 1
    window: int = 3
    step: int = 1

    def has_drifted(self, day: int) -> bool:
        """Whether the world is another one by that day."""
        return self.drift is not None and day >= self.drift


@dataclass(frozen=True)
class Stage:
    """All that is set up; `source` is the file that the factory pulls its data from."""

    factory: Factory
    source: Path
    raw: tables.Rows
    columns: Columns
    online: bool
    fewer: tuple[str, ...]  # where a factory wants to be told that the last days are meant
    pace: float  # seconds that a day needs at least, for all that is done on it


def sample(folder: Path, talk: Talk) -> Path:
    """A factory from a sample, with a service."""
    request = Request(str(folder / "birds"), answers={"serving": "online", "ci": "none"})
    create.new(request, Goal(train=False), talk)
    return folder / "birds"


def clone(project: Path, folder: Path) -> Path:
    """A copy of what is committed, with its data and its environment; nothing leads back."""
    top = git.toplevel(project)
    if top is None:
        raise MlfactoryError(f"{project} is in no git repository", "Give the folder of a factory.")
    git.run("clone", "--quiet", "--no-hardlinks", str(top), "clone", cwd=folder)
    git.run("remote", "remove", "origin", cwd=folder / "clone")
    path = folder / "clone" / project.resolve().relative_to(top.resolve())
    uv.install(path)
    copy = Factory(path, {**uv.environment(path), **QUIET})
    cache = Factory(project, copy.env).call(str(path / ".venv/bin/dvc"), "cache", "dir").out.strip()
    wide = Factory(path, {**copy.env, "COLUMNS": "10000"})  # else DVC breaks its lines
    for line in wide.call("dvc", "remote", "list").out.splitlines():
        copy.call("dvc", "remote", "remove", line.split()[0])
    copy.call("dvc", "remote", "add", "--local", "simulated", str(project.resolve() / cache))
    copy.call("dvc", "pull", "--quiet", "--remote", "simulated")
    copy.call("dvc", "remote", "remove", "--local", "simulated")
    return path


def set_up(path: Path, folder: Path, scenario: Scenario) -> Stage:
    """Settings, a confirmed catalog, and a first version in production."""
    bare = Factory(path, {**uv.environment(path), **QUIET})
    bare.call("factory", "params", "add")
    params = {one["name"]: one["value"] for one in bare.json("params")["settings"]}
    source = folder / f"warehouse{Path(params['data.path']).suffix}"
    joins = "data.outcomes" in params
    own = {"data.outcomes": False} if joins else {}
    edit(path / "params.yaml", settings(source, scenario) | own)
    edit(path / ".copier-answers.yml", {"ci": "none"})
    factory, online = (
        Factory(path, {**bare.env, **outside_variables(params)}),
        params["serving.mode"] == "online",
    )
    confirm(factory, "o" if online else "b")
    factory.call("dvc", "repro", "--quiet")
    factory.commit("Settings of the simulation")
    raw = spread(tables.read(path / params["data.path"], READ))
    start = time.monotonic()
    columns = columns_of(factory, params, raw, source)
    scoring = time.monotonic() - start
    put_in_production(factory, force=True)
    commands = time.monotonic() - start - scoring  # as many as a day of a service has, or more
    pace = commands if online else SLACK * scoring
    return Stage(factory, source, raw, columns, online, ("--fewer",) if joins else (), pace)


def spread(raw: tables.Rows) -> tables.Rows:
    """Some of the rows, from the first to the last: of dated ones, from all seasons."""
    return replace(raw, rows=raw.rows[:: -(-len(raw.rows) // ROWS) or 1])


def settings(source: Path, scenario: Scenario) -> dict[str, Any]:
    """What has to be other than in life, where days are longer and rows more."""
    return {
        "data.source": str(source),
        "log.url_env": None,
        "log.enabled": True,
        "log.interval": 0.2,
        "monitor.min_rows": scenario.rows // 3,
        "gate.min_rows": 50,
        "gate.window": None,
    }


def edit(file: Path, values: Mapping[str, Any]) -> None:
    """Put settings, by their dotted names, into a YAML file that names them."""
    text = file.read_text("utf-8")
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        above = rf"^{section}:\n(?:(?:[ #].*)?\n)*?  " if section else "^"
        match = re.search(rf"({above}){key}:.*$", text, re.MULTILINE)
        if match is None:
            raise MlfactoryError(f"{file} does not name {name}", "Update the factory first.")
        text = f"{text[: match.end(1)]}{key}: {json.dumps(value)}{text[match.end() :]}"
    file.write_text(text, "utf-8")


def outside_variables(params: Mapping[str, Any]) -> dict[str, str]:
    """Variables of ours that lead outside, emptied; the log gets a key of its own."""
    variables = {
        name: str(value) for name, value in params.items() if name.endswith("_env") and value
    }
    key = variables.pop("log.key_env", "FACTORY_LOG_KEY")
    return {**dict.fromkeys(variables.values(), ""), key: secrets.token_hex(16)}


def confirm(factory: Factory, answer: str) -> None:
    """What is only assumed is so; what is suspect stays out."""
    pending = factory.json("catalog", "review")["pending"]
    suspects = sum(one["kind"] == "suspect" for one in pending)
    answers = "i\n" * suspects + f"{answer}*\n"
    factory.call("factory", "catalog", "review", stdin=answers.encode())


def columns_of(
    factory: Factory, params: Mapping[str, Any], raw: tables.Rows, source: Path
) -> Columns:
    """The columns, and which numbers move the model's scores most."""
    columns = factory.json("catalog", "show")["columns"]
    numeric = {
        one["column"]
        for one in columns
        if one["role"] == "numeric"
        and any(figure(row[one["column"]]) is not None for row in raw.rows)
    }
    catalog = yaml.safe_load((factory.path / "features.yaml").read_text("utf-8"))
    raw.write(source, raw.rows)
    weight = Counter[str]()
    for row in score(factory, source, "--explain", "3", "--no-log"):
        ranks = [n for n in (1, 2, 3) if f"because_{n}" in row]  # there may be fewer features
        reasons = ((row[f"because_{n}"], row[f"because_{n}_by"]) for n in ranks)
        weight.update({n: round(1000 * abs(number(by) or 0)) for n, by in reasons if n in numeric})
    if not weight.total():
        raise MlfactoryError("the model has learned from no number that could drift")
    return Columns(
        types={one["column"]: one["type"] for one in columns},
        target=params["data.target"],
        regression=params["task"] == "regression",
        identifier=params["data.id"] or "",
        time=params["data.time"] or "",
        drivers=tuple(name for name, _ in weight.most_common(2)),
        missing=frozenset(map(str, params["data.missing"])),
        forms={name: one.get("format") for name, one in catalog["columns"].items()},
    )


def put_in_production(factory: Factory, *, force: bool = False) -> str:
    """Register what is committed and promote it; with `force` though the gate should refuse."""
    version = str(factory.json("register")["version"])
    promote = ("promote", version, "--to", "prod", "--approver", APPROVER)
    if force and factory.call("factory", *promote, ok=(0, 1, 4)).code:
        why = "the simulation begins with it"
        factory.call("factory", *promote, "--force", "--why", why)
    elif not force:
        factory.call("factory", *promote)
    return version
