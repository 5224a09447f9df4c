"""The fair gate of a factory with a time column: what is compared came after all that was learned.

Which rows these are is told by the data and the parts that were trained on, not by the gate.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import log
from typing import Any

import polars as pl
import pytest

from .conftest import SCRIPTS, Factory, execute
from .test_retrain import retrained, set_to

pytestmark = pytest.mark.xdist_group("time")
PARTS = "data/prepared"
PER_DAY, TURN = 10, 600


def cases(rows: int) -> pl.DataFrame:
    """Ten rows a day; after the first 600 another column decides. Some outcomes are not known."""
    draw, table = random.Random(5), []
    for number in range(rows):
        one, other = draw.random(), draw.random()
        sure = draw.random() < 0.85
        table.append(
            {
                "id": f"C{number:05d}",
                "seen on": date(2025, 1, 1) + timedelta(days=number // PER_DAY),
                "one": round(one, 4),
                "other": round(other, 4),
                "bought": None
                if number % 50 == 49
                else "yes"
                if ((one if number < TURN else other) > 0.5) == sure
                else "no",
            }
        )
    return pl.DataFrame(table)


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Factory:
    """A factory of 600 rows whose model v1.0.0 is in production."""
    folder = tmp_path_factory.mktemp("time")
    cases(TURN).write_csv(folder / "cases.csv")
    options = ("--target", "bought", "--id", "id", "--time", "seen on", "--ci", "none")
    argv = (str(SCRIPTS / "mlfactory"), "new", "churn", "--data", "cases.csv", *options)
    execute((*argv, "--defaults"), folder, warm)
    factory = Factory(folder / "churn", warm)
    small = {"max_rounds": 40, "averaged": 1, "num_leaves": 7}
    for name, value in small.items():
        set_to(factory, "model", name, value)
    set_to(factory, "split", "backtest_folds", 0)
    set_to(factory, "data", "source", str(folder / "delivered.csv"))
    factory.write("features.yaml", factory.text("features.yaml").replace("assumed: true\n", "\n"))
    factory.run("dvc", "repro", "--quiet")
    factory.run("git", "commit", "--quiet", "--all", "--message", "A source, and a small model")
    factory.run("factory", "register")
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    return factory


@pytest.fixture
def place(born: Factory) -> Iterator[Factory]:
    """The factory, and afterwards again as it was born."""
    before = born.run("git", "rev-parse", "HEAD").stdout.strip()
    tags = set(born.run("git", "tag").stdout.split())
    yield born
    for tag in set(born.run("git", "tag").stdout.split()) - tags:
        born.run("git", "tag", "--delete", tag)
    born.run("git", "reset", "--quiet", "--hard", before)
    born.run("dvc", "checkout", "--quiet", "--force")


def delivered(place: Factory, rows: pl.DataFrame) -> None:
    rows.write_csv(place.path.parent / "delivered.csv")


def learned(place: Factory) -> set[str]:
    """The ids that the model of the work tree was fitted on, or that stopped its training."""
    parts = (pl.read_parquet(place.path / PARTS / f"{p}.parquet") for p in ("train", "validation"))
    return {name for part in parts for name in part["id"]}


def cutoff(place: Factory) -> date:
    told = json.loads(place.text("models/model/signature.json"))["split"]
    assert told["kind"] == "time"
    return datetime.fromisoformat(told["cutoff"]).date()


def log_loss(place: Factory, model: str, rows: pl.DataFrame) -> float:
    """What a model's answers to these rows are worth."""
    rows.write_csv(place.path / "rows.csv")
    place.run("factory", "predict", "rows.csv", "scored.csv", "--no-log", "--model", model)
    share = pl.read_csv(place.path / "scored.csv")["probability_yes"]
    for name in ("rows.csv", "scored.csv"):
        (place.path / name).unlink()
    right = share.zip_with(rows["bought"] == "yes", 1 - share)
    return -sum(map(log, right)) / rows.height


def is_of(record: dict[str, Any], place: Factory, rows: pl.DataFrame) -> None:
    """A comparison rests on these rows and no others, and on the models that had not seen them."""
    assert (record["rows"], record["left_out"]) == (rows.height, 0)
    first = place.run("git", "rev-parse", "churn@v1.0.0^{commit}").stdout.strip()
    folders = {"a": f".factory/versions/{first}/models/model", "b": "models/model"}
    for side, folder in folders.items():
        found, model = record[f"{side}_metrics"]["log_loss"], f"{folder}/measured"
        assert found == pytest.approx(log_loss(place, model, rows), rel=1e-9)


def test_only_what_came_after_both_cutoffs_decides(place: Factory) -> None:
    champion, first = learned(place), cutoff(place)
    later = cases(1500)
    late = cases(30).with_columns(pl.concat_str(pl.lit("late"), "id").alias("id"))
    delivered(place, pl.concat([late, later]))
    record = retrained(place, "--commit")["comparison"]

    challenger, second = learned(place), cutoff(place)
    assert second > first
    everything = pl.concat([late, later]).drop_nulls("bought")
    new = everything.filter(~pl.col("id").is_in([*champion, *challenger]))
    new = new.filter(pl.col("seen on") > max(first, second))
    assert new.height > 200
    held = pl.read_parquet(place.path / PARTS / "holdout.parquet")["id"]
    assert set(new["id"]) == set(held), "a moved cutoff leaves the whole new holdout"
    is_of(record, place, new)
    assert (record["a"]["label"], record["verdict"]) == ("prod", "better")

    place.run("factory", "register")
    place.run("factory", "promote", "v1.1.0", "--to", "prod")
    assert place.json("factory", "models", "--json")["stages"]["prod"]["version"] == "v1.1.0"

    for version, verdict, code in (("v1.1.0", "same", 0), ("v1.0.0", "worse", 4)):
        again = place.json("factory", "compare", "prod", version, "--json", code=code)
        assert (again["verdict"], again["rows"]) == (verdict, new.height)

    days = 22
    set_to(place, "gate", "window", days)
    newest: Any = new["seen on"].max()
    is_of(
        place.json("factory", "compare", "v1.0.0", "models/model", "--json"),
        place,
        new.filter(pl.col("seen on") > newest - timedelta(days=days)),
    )


def test_too_few_later_rows_decide_nothing(place: Factory) -> None:
    delivered(place, cases(800))
    record = retrained(place, "--commit")["comparison"]
    assert record["verdict"] == "undecided"
    assert "rows are too few: gate.min_rows asks for 200" in record["reason"]
    place.run("factory", "register")
    told = place.run("factory", "promote", "v1.1.0", "--to", "prod", code=1).stderr
    assert "compared with v1.0.0 it is undecided" in told
    assert place.json("factory", "models", "--json")["stages"]["prod"]["version"] == "v1.0.0"
