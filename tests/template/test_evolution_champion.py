"""The model that a factory of 0.3 has in production goes on to be what it was, after the update."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute
from .test_evolution import steps_left
from .test_online import serving

pytestmark = pytest.mark.slow
ESTIMATORS = ("lightgbm", "scikit-learn")
HOW_TO = Path(__file__).with_name("scikit_learn_0_3.py")  # of the page that 0.3 had
TABLE, BEFORE = "data/raw/customers.csv", "../before.csv"


def scores(factory: Factory, name: str, *options: str) -> pl.DataFrame:
    """What the factory predicts, all but when."""
    factory.run("factory", "predict", TABLE, name, "--no-log", *options)
    return pl.read_csv(factory.path / name, infer_schema=False).drop("scored_at")


def hashes(factory: Factory) -> dict[str, str]:
    files = sorted((factory.path / "models/model").iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def commit(factory: Factory, text: str) -> None:
    factory.run("git", "add", "--all")
    factory.run("git", "commit", "--quiet", "--no-verify", "--message", text)


def of_last_release(estimator: str, folder: Path, env: dict[str, str]) -> Factory:
    """A factory of 0.3.0 whose model is in production."""
    customers(1200).drop("revenue", "segment").write_csv(folder / "customers.csv")
    argv = ("new", "churn", "--data", "customers.csv", "--ref", "0.3.0", "--defaults", "--no-train")
    options = ("--target", "churned", "--id", "customer id", "--serving", "online", "--ci", "none")
    execute((str(SCRIPTS / "mlfactory"), *argv, *options), folder, env)
    factory = Factory(folder / "churn", env)
    if estimator == "scikit-learn":
        factory.run("uv", "add", "--quiet", "scikit-learn", "skops")
        factory.write("src/churn/model.py", HOW_TO.read_text("utf-8"))
    factory.run("dvc", "repro", "--quiet")
    commit(factory, "the first model")
    factory.run("factory", "register")
    factory.run("factory", "promote", "v1.0.0", "--to", "prod", "--force", "--why", "the first")
    return factory


def brought_forward(factory: Factory, estimator: str) -> dict[str, Any]:
    """What the update says; what was added is in conflict, which ends as the changelog says."""
    update = (str(SCRIPTS / "mlfactory"), "update")
    if estimator == "lightgbm":
        return dict(factory.json(*update, "--defaults", "--json"))
    factory.run(*update, "--defaults", code=4)
    factory.run("git", "checkout", "--theirs", "pyproject.toml")
    factory.run("uv", "add", "--quiet", "scikit-learn", "skops")
    factory.run("git", "add", "pyproject.toml", "uv.lock")
    return dict(factory.json(*update, "--continue", "--json"))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ESTIMATORS],
)
def updated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]
) -> tuple[Factory, dict[str, Any]]:
    """The factory after all that is left by hand, and what was seen on the way."""
    factory = of_last_release(request.param, tmp_path_factory.mktemp(request.param), env)
    seen: dict[str, Any] = {"before": scores(factory, BEFORE), "model": hashes(factory)}
    told = brought_forward(factory, request.param)
    assert (told["state"], told["failures"]) == ("updated", [])
    seen |= {"steps": steps_left(factory), "after": scores(factory, "../after.csv")}
    factory.run("factory", "migrate")
    factory.run("dvc", "repro", "--quiet")
    seen["left"] = steps_left(factory)
    commit(factory, "the model of the update")
    return factory, seen


def test_the_steps_by_hand_are_printed_and_then_there_are_none(
    updated: tuple[Factory, dict[str, Any]],
) -> None:
    assert updated[1]["steps"] == {"factory migrate", "dvc repro"}
    assert updated[1]["left"] == set()


def test_the_old_model_answers_the_same_to_the_last_bit(
    updated: tuple[Factory, dict[str, Any]],
) -> None:
    factory, seen = updated
    assert seen["after"].equals(seen["before"])
    assert scores(factory, "../prod.csv", "--model", "prod").equals(seen["before"])


def test_a_model_that_is_trained_again_is_the_same(
    updated: tuple[Factory, dict[str, Any]],
) -> None:
    """Provenance and numbers of formats aside; skops writes those of objects into its file."""
    factory, seen = updated
    fresh = scores(factory, "../fresh.csv").drop("model")
    assert fresh.equals(seen["before"].drop("model"))
    now = hashes(factory)
    same = {name for name in now if now[name] == seen["model"].get(name)}
    assert now.keys() == seen["model"].keys() | {"manifest.json"}
    files = {"card.json", "manifest.json", "profile.json", "signature.json", "model.skops"}
    assert now.keys() - same <= files


def test_a_champion_of_then_meets_a_challenger_of_today(
    updated: tuple[Factory, dict[str, Any]],
) -> None:
    found = updated[0].json("factory", "compare", "prod", "models/model", "--json")
    assert found["verdict"] == "same", found["reason"]
    assert found["rows"]


def test_the_champion_of_then_is_served(updated: tuple[Factory, dict[str, Any]]) -> None:
    factory, seen = updated
    row = customers(1200).drop("revenue", "segment", "churned").to_dicts()[0]
    body = json.loads(json.dumps(row, default=str))
    with serving(factory, "--model", "prod") as service:
        answer = json.loads(service.get("/predict", body))
    probability = float(seen["before"]["probability_yes"][0])
    assert probability in numbers(answer)


def numbers(found: Any) -> set[float]:
    """Every number in an answer, wherever it stands."""
    if isinstance(found, dict | list):
        inner = found.values() if isinstance(found, dict) else found
        return set().union(*map(numbers, inner))
    return {found} if isinstance(found, float) else set()


def test_the_champion_of_then_is_built_again(updated: tuple[Factory, dict[str, Any]]) -> None:
    factory, _ = updated
    if "model.skops" in hashes(factory):
        pytest.skip("skops does not write the same bytes twice")
    assert factory.json("factory", "reproduce", "v1.0.0", "--json")["equal"]
