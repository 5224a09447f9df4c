"""Values of persons are planted in the data, and then searched for in all that a factory writes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from ..persons import FAITHS, persons, planted
from .factories import Factory, drafted, train

pytestmark = pytest.mark.xdist_group("persons")
WRITTEN = ("models", "reports")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    """A trained factory on them."""
    folder = tmp_path_factory.mktemp("personal") / "churn"
    return train(drafted(folder, persons(), "classification", target="churned"))


def read(factory: Factory, values: Iterable[str]) -> list[str]:
    """Which values stand anywhere but in the data that the factory keeps to itself."""
    files = [path for path in factory.path.rglob("*") if path.is_file()]
    data = (factory.path / "data/raw/customers.csv", *factory.project.prepared.iterdir())
    written = "\n".join(p.read_bytes().decode("utf-8", "replace") for p in files if p not in data)
    return [value for value in values if value in written]


def test_what_is_about_persons_is_drafted_so(made: Factory) -> None:
    columns = made.settings("features.yaml")["columns"]
    kinds = {name: column.get("sensitive", "none") for name, column in columns.items()}
    assert {name for name, kind in kinds.items() if kind == "none"} == {"pay", "months", "churned"}
    assert kinds["religion"] == "special"


def test_the_sensitive_category_is_learned_from(made: Factory) -> None:
    signature = json.loads(made.text("models/model/signature.json"))
    (faith,) = [f for f in signature["features"] if f["name"] == "religion"]
    assert len(faith["categories"]) == len(FAITHS)
    assert "religion" in made.text("reports/model_card.md")


def test_no_value_of_a_person_can_be_read(made: Factory) -> None:
    assert read(made, planted()) == []


def test_synthesised_rows_hold_no_value_of_a_person(made: Factory, tmp_path: Path) -> None:
    made.run("synth", str(tmp_path / "rows.csv"))
    assert [value for value in planted() if value in (tmp_path / "rows.csv").read_text()] == []


def test_the_model_scores_what_it_was_trained_on(made: Factory, tmp_path: Path) -> None:
    persons().drop("churned").write_csv(tmp_path / "new.csv")
    made.run("predict", str(tmp_path / "new.csv"), str(tmp_path / "scores.csv"))
    called = pl.read_csv(tmp_path / "scores.csv")["prediction"]
    assert (called == persons()["churned"]).mean() > 0.85


def test_a_number_that_a_person_calls_sensitive_is_read_nowhere_from_then_on(made: Factory) -> None:
    code = made.project.source / "features.py"
    line = '(pl.col("pay") / 12).alias("monthly"),'
    code.write_text(code.read_text().replace("with_columns(", f"with_columns(\n        {line}"))
    made.column("pay", sensitive="personal", drafted="")
    made.change("features.yaml", derived={"monthly": {"parents": ["pay"]}})
    train(made)
    pay = persons()["pay"]
    values = [f"{value:.6f}".rstrip("0") for value in [*pay, *pay / 12]]
    files = [path for name in WRITTEN for path in (made.path / name).rglob("*") if path.is_file()]
    assert any("monthly" in path.read_text() for path in files)
    assert [v for v in values if any(v in path.read_text() for path in files)] == []
