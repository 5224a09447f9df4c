"""What people do in a factory after it was made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from .conftest import Factory, make

pytestmark = pytest.mark.xdist_group("lab")
RAW = "data/raw/customers.csv"


def edit(lab: Factory, name: str, **changes: object) -> None:
    """Change entries of a column in the catalog."""
    catalog = yaml.safe_load(lab.text("features.yaml"))
    catalog["columns"][name].update(changes)
    lab.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))


def append(lab: Factory, **values: object) -> None:
    """Put one more row at the end of the data."""
    table = pl.read_csv(lab.path / RAW, infer_schema=False)
    row = table[-1].with_columns(**{k: pl.lit(v, pl.String) for k, v in values.items()})
    pl.concat([table, row]).write_csv(lab.path / RAW)


def test_the_same_data_give_the_same_numbers_to_the_last_digit(
    lab: Factory, tmp_path: Path
) -> None:
    """Whatever the number of threads."""
    other = make("binary", tmp_path, {**lab.env, "OMP_NUM_THREADS": "2"})
    for name in ("reports/metrics.json", "reports/evaluation.json", "models/model/model.txt"):
        assert other.text(name) == lab.text(name)
    for name in ("reports/model_card.md", "reports/data_card.md", "reports/report.html"):
        assert undated(other, name) == undated(lab, name)


def undated(factory: Factory, name: str) -> str:
    """A file without the day on which the data were taken."""
    return factory.text(name).replace(
        json.loads(factory.text("data/snapshot.json"))["taken"][:10], ""
    )


def test_an_experiment_changes_a_setting_and_shows_up(lab: Factory) -> None:
    lab.run("dvc", "exp", "run", "--name", "fast", "-S", "model.learning_rate=0.2")
    shown = lab.run("dvc", "exp", "show", "--csv").stdout
    assert "fast" in shown
    assert "0.2" in lab.run("dvc", "params", "diff").stdout
    assert "log_loss" in lab.run("dvc", "metrics", "diff", "--all").stdout
    lab.run("dvc", "exp", "remove", "fast")


def test_plots_are_drawn_by_dvc(lab: Factory, tmp_path: Path) -> None:
    lab.run("dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    assert "true_positive_rate" in (tmp_path / "plots/index.html").read_text("utf-8")


def test_a_file_is_scored(lab: Factory, tmp_path: Path) -> None:
    lab.run("factory", "predict", RAW, str(tmp_path / "scored.parquet"))
    scored = pl.read_parquet(tmp_path / "scored.parquet")
    assert scored.columns == [
        "customer id",
        "prediction",
        "probability_no",
        "probability_yes",
        "request_id",
        "row",
        "model",
        "scored_at",
    ]
    assert scored.height == 900
    assert scored["probability_yes"].is_between(0, 1).all()


def test_scoring_reads_neither_target_nor_what_is_not_learned_from(
    lab: Factory, tmp_path: Path
) -> None:
    table = pl.read_csv(lab.path / RAW, infer_schema=False)
    table.drop("churned").write_csv(tmp_path / "new.csv")
    lab.run("factory", "predict", str(tmp_path / "new.csv"), str(tmp_path / "a.csv"))
    lab.run("factory", "predict", RAW, str(tmp_path / "b.csv"))
    a, b = (pl.read_csv(tmp_path / f"{n}.csv").drop("request_id", "scored_at") for n in "ab")
    assert a.equals(b)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("Tenure (months)", "5.5", "cannot be read as int"),
        ("Tenure (months)", "9000", "is above"),
        ("plan", "gold", "none of the values"),
        ("price €", "", "is missing"),
    ],
)
def test_a_bad_value_in_the_last_row_is_found(
    lab: Factory, column: str, value: str, said: str
) -> None:
    edit(lab, "Tenure (months)", range=[0, 120])
    edit(lab, "plan", unseen="refuse")
    append(lab, **{column: value})
    told = lab.json("factory", "check", "--json", code=1)
    (finding,) = [f for f in told["findings"] if f["level"] == "error"]
    assert (finding["feature"], finding["source"]) == (column, "customers.csv")
    assert said in finding["message"]
    assert lab.run("dvc", "repro", code=None).returncode != 0


def test_a_feature_known_after_the_outcome_is_refused(lab: Factory) -> None:
    edit(lab, "# calls 📞", availability="after_outcome")
    told = lab.json("factory", "check", "--no-data", "--json", code=1)
    (finding,) = [f for f in told["findings"] if f["level"] == "error"]
    assert finding["feature"] == "# calls 📞"
    assert finding["source"] == "customers.csv"
    assert "after the outcome" in finding["message"]
    assert "ignored" in finding["remedy"]


def test_a_new_column_is_drafted_and_edits_survive(lab: Factory) -> None:
    edit(lab, "plan", description="What they pay for", owner="@org/billing")
    before = yaml.safe_load(lab.text("features.yaml"))["columns"]
    table = pl.read_csv(lab.path / RAW, infer_schema=False)
    table.with_columns(pl.lit("3").alias("visits")).write_csv(lab.path / RAW)
    lab.run("factory", "catalog", "draft")
    after = yaml.safe_load(lab.text("features.yaml"))["columns"]
    assert set(after) - set(before) == {"visits"}
    assert {name: after[name] for name in before} == before


def test_a_derived_feature_takes_a_line_and_a_row(lab: Factory) -> None:
    code = next((lab.path / "src").glob("*/features.py"))
    line = '(pl.col("price €") * pl.col("Tenure (months)")).alias("paid"),'
    code.write_text(code.read_text().replace("with_columns(", f"with_columns(\n        {line}"))
    catalog = yaml.safe_load(lab.text("features.yaml"))
    catalog["derived"] = {"paid": {"parents": ["price €", "Tenure (months)"]}}
    lab.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))
    lab.run("dvc", "repro")
    signature = json.loads(lab.text("models/model/signature.json"))
    assert "paid" in [feature["name"] for feature in signature["features"]]
    assert "paid" in lab.text("reports/model_card.md") + lab.text("reports/report.html")


def test_a_mistake_in_features_is_told_by_the_check(lab: Factory) -> None:
    code = next((lab.path / "src").glob("*/features.py"))
    right = code.read_text()
    code.write_text(right.replace("with_columns(", 'with_columns(pl.col("prize €").alias("p"),'))
    told = lab.run("factory", "check", code=1).stderr
    assert "features.py, line" in told
    assert "prize €" in told
    code.write_text(f"{right}\ndef (:\n")
    assert "features.py, line" in lab.run("factory", "check", code=1).stderr
    code.write_text(right)


def test_a_target_of_pure_chance_is_rejected_and_the_pipeline_ends(lab: Factory) -> None:
    table = pl.read_csv(lab.path / RAW, infer_schema=False)
    shuffled = table["churned"].shuffle(seed=1)
    table.with_columns(shuffled).write_csv(lab.path / RAW)
    lab.run("dvc", "repro")
    assert lab.json("factory", "summary", "--json")["verdict"] == "rejected"
    assert "rejected" in lab.text("reports/model_card.md").lower()


def test_rows_keep_their_side_while_data_grow(lab: Factory) -> None:
    def held(place: Path) -> set[str]:
        return set(pl.read_parquet(place / "data/prepared/holdout.parquet")["customer id"])

    before = held(lab.path)
    table = pl.read_csv(lab.path / RAW, infer_schema=False)
    newer = table.with_columns(pl.col("customer id").str.replace("C", "D"))
    pl.concat([newer, table]).write_csv(lab.path / RAW)
    lab.run("dvc", "repro", "prepare")
    assert {name for name in held(lab.path) if name.startswith("C")} == before


def test_a_setting_that_does_not_exist_is_named(lab: Factory) -> None:
    lab.write("params.yaml", lab.text("params.yaml").replace("learning_rate", "lerning_rate"))
    told = lab.run("factory", "check", "--no-data", code=1).stderr
    assert "model.lerning_rate" in told
    assert "Traceback" not in told


def test_a_commit_runs_the_hooks(lab: Factory) -> None:
    lab.write("params.yaml", lab.text("params.yaml").replace("seed: 0", "seed: 1"))
    assert "Passed" in lab.run("git", "commit", "--all", "--message", "another seed").stderr


def test_a_commit_of_a_broken_catalog_is_stopped(lab: Factory) -> None:
    edit(lab, "plan", role="category")
    done = lab.run("git", "commit", "--all", "--message", "broken", code=None)
    assert done.returncode != 0
    assert "columns.plan.role" in done.stdout + done.stderr


def test_a_private_key_is_not_committed(lab: Factory) -> None:
    lab.write("key.txt", f"-----BEGIN {'RSA'} PRIVATE KEY-----\nabc\n")
    lab.run("git", "add", "key.txt")
    assert lab.run("git", "commit", "--message", "key", code=None).returncode != 0


def test_synthesised_data_run_the_whole_pipeline(lab: Factory) -> None:
    refused = lab.run("factory", "synth", RAW, "--rows", "600", code=None)
    assert "holds the raw data" in refused.stderr
    (lab.path / RAW).unlink()
    lab.run("factory", "synth", RAW, "--rows", "600")
    assert lab.json("factory", "check", "--json")["ok"]
    lab.run("dvc", "repro")
    assert lab.json("factory", "summary", "--json")["verdict"] == "accepted"


def test_a_colleague_gets_data_and_model_from_the_remote(lab: Factory, tmp_path: Path) -> None:
    lab.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    lab.run("dvc", "push")
    lab.run("git", "clone", "--quiet", str(lab.path), str(tmp_path / "clone"))
    shutil.copy(lab.path / ".dvc/config", tmp_path / "clone/.dvc/config")
    clone = Factory(tmp_path / "clone", lab.env)
    clone.run(str(lab.path / ".venv/bin/dvc"), "pull")
    assert clone.text("models/model/model.txt") == lab.text("models/model/model.txt")
