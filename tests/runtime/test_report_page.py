"""The report that a factory comes with: one page that people can open, read, and print."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from markupsafe import escape
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.project import Project
from mlfactory_runtime.report.report import write_report
from mlfactory_runtime.testing.trained import Trained

from .conftest import TASKS
from .factories import Factory, train
from .phone import PHONE, measured

SECTIONS = {
    "How good is it?", "Where is it right, and where not?", "For whom is it less good?",
    "What do the predictions depend on?", "Which data?", "What is assumed, and what to mind",
    "What to do next", "Provenance",
}  # fmt: skip


@pytest.fixture(params=["churn", *TASKS])
def reported(request: pytest.FixtureRequest, examples: Callable[[str], Trained]) -> Project:
    """A factory of each task with its report, and one of data as people have them."""
    if request.param == "churn":
        churn: Factory = request.getfixturevalue("_churn")
        return churn.project
    found = examples(request.param).project
    write_report(found)
    return found


def text(project: Project, name: str) -> str:
    return (project.root / name).read_text("utf-8")


def test_the_page_refers_to_nothing_outside(reported: Project) -> None:
    page = text(reported, "reports/report.html")
    assert "default-src 'none'" in page
    assert set(re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]*)", page)) <= {"#mind"}
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_has_every_section_and_is_light(reported: Project) -> None:
    page = text(reported, "reports/report.html")
    task = json.loads(text(reported, "reports/evaluation.json"))["task"]
    own = {
        "binary": {"What does it bring in use?"},
        "regression": {"How sure is a single prediction?"},
    }
    wanted = SECTIONS | own.get(task, set())
    assert set(re.findall("<h2>(.*?)</h2>", page)) == wanted
    assert len(page.encode()) < 150_000


def test_the_cards_say_the_same(reported: Project) -> None:
    found = json.loads(text(reported, "reports/evaluation.json"))
    card = text(reported, "reports/model_card.md")
    assert {"## Groups", "## Features", "## Next steps"} <= set(card.splitlines())
    assert f"{found['segments']['looked_at']:,} group" in card
    assert ("## In use" in card) == (found["task"] == "binary")


def test_the_twin_of_the_page_says_the_same_and_is_the_same_again(reported: Project) -> None:
    twin, page = text(reported, "reports/report.json"), text(reported, "reports/report.html")
    said = json.loads(twin)
    found = json.loads(text(reported, "reports/evaluation.json"))
    assert said["verdict"] == found["verdict"]
    own = {one["name"]: one["models"]["model"] for one in said["metrics"]}
    assert own[found["metric"]] == found["models"]["model"][found["metric"]]
    for line in (*said["next"], *said["effects"].values()):
        assert str(escape(line)) in page
    write_report(reported)
    assert text(reported, "reports/report.json") == twin


def test_rows_with_a_time_say_how_new_they_are(
    examples: Callable[[str], Trained], churn: Factory
) -> None:
    """The day on which the file came says nothing of that."""
    project, parts = examples("regression").project, ("train", "validation", "holdout")
    write_report(project)
    day = max(load_part(project, part)["since"].max() for part in parts)
    text_of = text(project, "reports/report.html")
    assert f"Data until {day:%Y-%m-%d}" in text_of and "Data of" not in text_of
    assert json.loads(text(project, "reports/report.json"))["until"].startswith(f"{day:%Y-%m-%d}")
    assert "Data until" not in text(churn.project, "reports/report.html")


def test_what_nobody_has_answered_is_a_point_to_mind(churn: Factory) -> None:
    churn.write("docs/about.md", "- Users: **TO ANSWER**\n- Owner: Ada\n")
    churn.run("report")
    page = churn.text("reports/report.html")
    assert "1 question in <code>docs/about.md</code> is not answered." in page
    assert json.loads(churn.text("reports/report.json"))["unanswered"] == 1


def test_what_it_brings_comes_first_and_calibration_beside_the_threshold(churn: Factory) -> None:
    page = churn.text("reports/report.html")
    first, good, right = (
        page.index(f"<h2>{name}")
        for name in ("What does it bring", "How good", "Where is it right")
    )
    assert first < good < right
    assert first < page.index("(calibration)") < good


def test_the_page_fits_on_a_phone(reported: Project, tmp_path: Path) -> None:
    told = measured(text(reported, "reports/report.html"), tmp_path)
    assert told == {"width": PHONE, "out": [], "upon": []}


def test_values_of_sensitive_columns_stand_in_no_report(churn: Factory) -> None:
    churn.column("plan", sensitive="special", drafted="básico 30 %")
    churn.column("price €", sensitive="personal")
    churn.change(report={"segments": ["plan", "price €"]})
    before = churn.text("reports/report.html")
    train(churn)
    written = "".join(
        path.read_text("utf-8") for path in (churn.path / "reports").rglob("*") if path.is_file()
    )
    assert "básico" in before
    assert "básico" not in written
    assert "enterprise" not in written
    found = json.loads(churn.text("reports/evaluation.json"))["segments"]["chosen"]
    assert all(line["group"].startswith(("group ", "missing")) for line in found["plan"])
    assert [line["group"] for line in found["price €"]] == [
        "lowest quarter", "second quarter", "third quarter", "highest quarter",
    ]  # fmt: skip


def test_a_column_to_compare_by_that_is_not_there_is_named(churn: Factory) -> None:
    churn.change(report={"segments": ["plam"]})
    done = churn.run("train", code=1)
    assert "'plam'" in done.err
    assert "'plan'" in done.err


def test_costs_set_the_threshold_and_an_old_threshold_still_holds(churn: Factory) -> None:
    for chosen, threshold in (
        ({"cost_fn": 4, "threshold": None}, 0.2),
        ({"cost_fn": 1, "threshold": 0.3}, 0.3),
    ):
        churn.change(decision=chosen)
        churn.run("train")
        churn.run("report")
        assert json.loads(churn.text("models/model/signature.json"))["threshold"] == threshold
        assert f"is {threshold} or more" in churn.text("reports/report.html")


def test_what_calls_cost_comes_first_where_costs_are_set(churn: Factory) -> None:
    assert "<figcaption>cost per row" not in churn.text("reports/report.html")
    churn.change(decision={"cost_fp": 1, "cost_fn": 4})
    train(churn)

    page, card = churn.text("reports/report.html"), churn.text("reports/model_card.md")
    assert re.findall("<dt>([^<]*) is better</dt>", page) == ["cost per row, lower"]
    assert page.index("<figcaption>saving per row") < page.index("<figcaption>log loss")
    assert card.index("| cost per row | lower |") < card.index("| log loss | lower |")
    assert list(churn.json("summary", "--json")["metrics"]["model"])[:3] == [
        "cost", "saving", "log_loss",
    ]  # fmt: skip
