"""`factory retrain` in a real factory: what it learns from, what it compares, what it leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ..customers import customers
from .conftest import Factory

pytestmark = pytest.mark.xdist_group("lab")
RAW = "data/raw/customers.csv"
NEW = customers(1300).drop("revenue", "segment").tail(400)


@pytest.fixture
def place(lab: Factory, tmp_path: Path) -> Iterator[Factory]:
    """A factory with an empty log of its own, no source of data, and nothing in production."""
    set_to(lab, "data", "source", None)
    set_to(lab, "log", "path", str(tmp_path / "log" / "p.db"))
    lab.run("git", "commit", "--quiet", "--all", "--message", "A log of its own")
    yield Factory(lab.path, {**lab.env, "FACTORY_LOG_KEY": "a key of the tests"})
    for tag in lab.run("git", "tag").stdout.split():
        lab.run("git", "tag", "--delete", tag)


def set_to(place: Factory, section: str, name: str, value: object) -> None:
    """Change a setting in params.yaml."""
    head, mark, tail = place.text("params.yaml").partition(f"\n{section}:\n")
    line = f"  {name}: {json.dumps(value)}"
    tail = re.sub(rf"^  {name}: .*$", lambda _: line, tail, count=1, flags=re.M)
    place.write("params.yaml", head + mark + tail)


def log_with_outcomes(place: Factory, folder: Path, rows: pl.DataFrame = NEW) -> None:
    """Score rows, and tell what became of all but the last 100."""
    rows.drop("churned").write_csv(folder / "new.csv")
    rows.head(rows.height - 100).select("customer id", "churned").write_csv(folder / "outcomes.csv")
    place.run("factory", "predict", str(folder / "new.csv"), str(folder / "answers.csv"))
    place.run("factory", "label", str(folder / "outcomes.csv"))


def retrained(place: Factory, *options: str) -> dict[str, Any]:
    done = place.run("factory", "retrain", "--json", *options, code=None)
    assert done.returncode in (0, 4), done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    verdict = told["comparison"] and told["comparison"]["verdict"]
    assert done.returncode == (0 if verdict in (None, "better", "same") else 4)
    return told


def state(place: Factory) -> dict[str, str]:
    """What git sees, and all that DVC keeps."""
    kept = [RAW, *(f"models/model/{p.name}" for p in (place.path / "models/model").iterdir())]
    kept += ["reports/report.html", "data/prepared/split.json", "reports/evaluation.json"]
    return {
        **{name: place.text(name) for name in kept},
        "git": place.run("git", "status", "--porcelain").stdout,
        "dvc": place.run("dvc", "status").stdout,
    }


def test_labelled_predictions_are_learned_from_once(place: Factory, tmp_path: Path) -> None:
    before = (place.path / RAW).read_bytes()
    log_with_outcomes(place, tmp_path)
    told = retrained(place, "--why", "the summer was another one", "--commit")

    assert told["data"] == "300 predictions whose outcome is known"
    assert (place.path / RAW).read_bytes().startswith(before)
    added = pl.read_csv(place.path / RAW, infer_schema=False).tail(300)
    wanted = NEW.head(300).select(pl.all().cast(pl.String))
    logged = ["Tenure (months)", "plan", "# calls 📞", "price €", "class",
              "signup date", "is_mobile", "churned"]  # fmt: skip
    assert added.select(logged).equals(wanted.select(logged))
    names = set(added["customer id"])
    assert len(names) == 300
    assert not names & set(NEW["customer id"]), "new persons get pseudonyms"
    record = json.loads(place.text("reports/comparison.json"))
    assert record == told["comparison"]
    assert record["a"]["label"] == "HEAD"
    assert record["a"]["model"] != record["b"]["model"]
    assert record["rows"] > 200
    assert "models/model against HEAD" in place.text("reports/comparison.md")
    log = place.run("git", "show", "--name-only", "--format=%s%n%b", "HEAD").stdout
    assert log.startswith("Retrain: the summer was another one\n")
    assert record["reason"] in log
    assert {"dvc.lock", f"{RAW}.dvc", "data/snapshot.json"} <= set(log.splitlines())
    assert place.run("git", "status", "--porcelain").stdout == ""
    place.run("factory", "check")

    traces = place.run("factory", "forget", "C00900", "--dry-run").stderr
    assert f"{RAW} holds it in 1 row" in traces, "a pseudonym is found as well"

    once = state(place)
    nothing = {"comparison": None, "pulled": False, "files": [], "commit": None}
    assert retrained(place) == nothing | {"data": "0 predictions whose outcome is known"}
    assert state(place) == once
    place.run("factory", "predict", RAW, str(tmp_path / "again.csv"))
    everybody = pl.read_csv(place.path / RAW, infer_schema=False)
    everybody.select("customer id", "churned").write_csv(tmp_path / "all.csv")
    place.run("factory", "label", str(tmp_path / "all.csv"))
    told = retrained(place)
    assert told["comparison"] is None, "rows that stand in the data are no new ones"


def test_new_data_come_from_their_source(place: Factory, tmp_path: Path) -> None:
    more = customers(1800).drop("revenue", "segment")
    more.write_csv(tmp_path / "delivered.csv")
    set_to(place, "data", "source", str(tmp_path / "delivered.csv"))
    files = {name: place.text(name) for name in ("src/churn/features.py", "features.yaml")}
    code, catalog = files.values()
    head, mark, _ = code.partition("return rows.with_columns(")
    place.write("src/churn/features.py", f'{head}{mark}twice=2 * pl.col("price €"))\n')
    twice = 'derived:\n  twice:\n    parents: ["price €"]'
    place.write("features.yaml", re.sub(r"(?m)^derived:.*$", twice, catalog))
    place.run("dvc", "repro")
    place.run("git", "commit", "--quiet", "--all", "--message", "A source, and a feature")
    place.run("factory", "register")
    place.run("git", "tag", "--annotate", "--message", "{}", "churn#prod#1")
    for name, text in files.items():  # today's code cannot run what is in production
        place.write(name, text)
    place.run("git", "commit", "--quiet", "--all", "--message", "Without the feature")

    told = retrained(place)
    record = told["comparison"]
    assert (record["a"]["label"], record["a"]["version"]) == ("prod", "v1.0.0")
    assert told["data"].startswith("1,800 rows from")
    changed = place.run("git", "status", "--porcelain", "--untracked-files=all").stdout
    assert {line[3:].strip('"') for line in changed.splitlines()} == set(told["files"])
    held = pl.read_parquet(place.path / "data/prepared/holdout.parquet")
    assert record["rows"] + record["left_out"] == held.height

    assert retrained(place)["comparison"] is None


def test_a_failure_leaves_all_as_it_was(place: Factory, tmp_path: Path) -> None:
    more = customers(1000).drop("revenue", "segment")
    more.write_csv(tmp_path / "delivered.csv")
    set_to(place, "data", "source", str(tmp_path / "delivered.csv"))
    broken = place.text("src/churn/model.py").replace(
        "def fit(",
        'def fit(*_: object) -> object:\n    raise ValueError("out of luck")\n\n\ndef _(',
        1,
    )
    place.write("src/churn/model.py", broken)
    before = state(place)
    failed = place.run("factory", "retrain", code=1).stderr
    assert "failed" in failed
    assert "all is as it was before" in failed
    assert state(place) == before

    pl.DataFrame({"customer id": ["C1"]}).write_csv(tmp_path / "delivered.csv")
    assert "all is as it was before" in place.run("factory", "retrain", code=1).stderr
    assert state(place) == before


def test_what_is_not_committed_is_not_mixed_in(place: Factory) -> None:
    set_to(place, "model", "seed", 3)
    refused = place.run("factory", "retrain", "--commit", code=1).stderr
    assert "params.yaml is not committed" in refused


def test_values_that_the_log_may_not_hold_are_named(place: Factory) -> None:
    catalog = place.text("features.yaml")
    head, mark, tail = catalog.partition("  plan:\n")
    assert mark
    place.write("features.yaml", head + mark + "    sensitive: personal\n" + re.sub(
        r"^    sensitive: .*\n", "", tail, count=1, flags=re.M))  # fmt: skip
    said = place.run("factory", "retrain", code=1).stderr
    assert "the log does not hold 'plan', which is sensitive" in said
    assert "data.source" in said
