"""A drifting world, short, against a real factory: what `mlfactory simulate` shows must be so."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SCRIPTS, Factory, execute
from .test_online import has_service
from .worlds import WORLDS

SECONDS = os.environ.get("FACTORY_TEST_SECONDS", "8")  # that a day takes; more on a busy machine


def test_a_factory_notices_drift_retrains_and_recovers(factory: Factory) -> None:
    if not has_service(factory) or "task: classification" not in factory.text("params.yaml"):
        pytest.skip("one factory shows it")
    before = state(factory)
    home = factory.path.parent
    argv = (str(SCRIPTS / "mlfactory"), "simulate", str(factory.path), "--json")
    short = ("--days", "7", "--drift", "2", "--seconds", "5")

    told = json.loads(execute((*argv, *short), home, factory.env).stdout)

    kinds = [event["kind"] for event in told["events"]]
    order = [kinds.index(kind) for kind in ("healthy", "drift", "alarm", "retrained", "promoted")]
    assert order == sorted(order)
    assert "alarm" not in kinds[: kinds.index("drift")]
    assert kinds.index("recovered") > kinds.index("promoted")
    compared = next(event for event in told["events"] if event["kind"] == "compared")
    assert compared["text"].startswith("better: ")
    assert told["answered"] > 1000
    measured = {one["day"]: one["observed"] for one in told["windows"] if one["observed"]}
    bad = max(value for day, value in measured.items() if told["drift"] <= day < told["promoted"])
    usual = max(value for day, value in measured.items() if day < told["drift"])
    assert bad > 2 * usual
    after = [value for day, value in measured.items() if day > told["promoted"]]
    is_back = not after or after[-1] <= 1.1 * usual
    ending = "all was well again" if is_back else "the loss is not yet what it was"
    assert ending in (home / "simulation.html").read_text()
    assert state(factory) == before


@pytest.fixture(params=["online", "batch"])
def serving(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_each_world_ends_as_it_should(
    name: str, serving: str, tmp_path: Path, env: dict[str, str]
) -> None:
    """It drifts, and the factory is well again."""
    told = simulated(name, serving, tmp_path, env, "--days", "10", "--drift", "3")
    assert told["alarm"] >= told["drift"] == 3
    assert told["recovered"] >= told["promoted"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seasons"])
def test_a_year_in_which_nothing_happens(
    name: str, serving: str, tmp_path: Path, env: dict[str, str]
) -> None:
    """52 weeks with holidays, a warm summer, and some growth: nothing rings."""
    weeks = "--days", "52", "--step", "7", "--drift", "0"
    told = simulated(name, serving, tmp_path, env, *weeks)
    assert (told["drift"], told["alarm"], told["promoted"]) == (None, None, None)
    assert len(told["windows"]) >= 50


def simulated(
    name: str, serving: str, folder: Path, env: dict[str, str], *options: str
) -> dict[str, Any]:
    """What a simulation tells of a new factory; it ends well."""
    world = WORLDS[name](np.random.default_rng(1))
    world.rows.write_csv(folder / "rows.csv")
    made = (
        "--data",
        "rows.csv",
        "--target",
        world.rows.columns[-1],
        *world.options,
        "--serving",
        serving,
    )
    mlfactory = str(SCRIPTS / "mlfactory")
    execute((mlfactory, "new", "world", *made, "--ci", "none", "--defaults"), folder, env)
    argv = (mlfactory, "simulate", "world", "--json", *options, "--seconds", SECONDS)
    done = execute(argv, folder, env, None)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def state(factory: Factory) -> tuple[str, ...]:
    """What a simulation must not have touched."""
    files = sorted(str(p) for p in factory.path.rglob("*") if "__pycache__" not in p.parts)
    refs = factory.run("git", "for-each-ref").stdout
    return refs, factory.run("git", "status", "--porcelain").stdout, *files
