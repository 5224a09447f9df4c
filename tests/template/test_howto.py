"""The how-to pages, each done as it says in a factory that then has to be whole."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl
import pytest
import yaml

from ..customers import customers
from ..waiting import until
from .conftest import SCRIPTS, Factory, execute
from .pages import ROOT, script

pytestmark = pytest.mark.xdist_group("howto")
MODULES = ("src/churn/features.py", "src/churn/model.py")
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
TOLD = "Every command and every file on this page is run by a test"

OTHER_TASK = """
import sys, tempfile, pathlib
import numpy as np
from churn.model import fit, load, predict, save
from mlfactory_runtime import Feature, Matrix, ModelSettings as Model, Signature

task, classes = sys.argv[1], tuple(sys.argv[2])
number = Feature(name="n", dtype="float", role="numeric", missing_seen=True)
kind = Feature(name="k", dtype="string", role="categorical", missing_seen=True, categories=("u",))
known = Signature(task=task, target="t", classes=classes, features=(number, kind))
draw = np.random.default_rng(0)
x = np.column_stack([draw.normal(size=900), draw.integers(-1, 2, 900)])
y = np.digitize(x[:, 0], [-1, 1]).astype(float) if classes else x[:, 0] * 2
x[::10, 0] = np.nan
model = fit(Matrix(x[:600], y[:600]), Matrix(x[600:], y[600:]), known, Model(max_rounds=50))
folder = pathlib.Path(tempfile.mkdtemp())
save(model, folder)
p = predict(load(folder), x)
assert p.shape == ((900, len(classes)) if classes else (900,))
assert np.corrcoef(p @ np.arange(len(classes)) if classes else p, y)[0, 1] > 0.8
print("the same" if np.array_equal(p, predict(model, x)) else "another")
"""


@pytest.fixture(scope="session")
def _shop(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Factory:
    """A factory whose data have two columns that are worth predicting."""
    folder = tmp_path_factory.mktemp("howto")
    (folder / "storage").mkdir()
    table(customers()).write_csv(folder / "customers.csv")
    options = ("--target", "churned", "--id", "customer id", "--ci", "none", "--defaults")
    place = ("--data", "customers.csv", "--remote", str(folder / "storage"))
    execute((str(SCRIPTS / "mlfactory"), "new", "churn", *place, *options), folder, warm)
    return Factory(folder / "churn", warm)


@pytest.fixture
def shop(_shop: Factory) -> Iterator[Factory]:
    """The factory as it was made; what a page does to it is taken back, packages included."""
    before = _shop.run("git", "rev-parse", "HEAD").stdout.strip()
    packages = _shop.text("uv.lock")
    yield _shop
    changed = _shop.text("uv.lock") != packages
    _shop.run("git", "checkout", "--quiet", "--force", "-B", "main", before)
    _shop.run("git", "clean", "--quiet", "--force", "-d")
    _shop.run("dvc", "checkout", "--quiet", "--force")
    if changed:
        _shop.run("uv", "sync", "--quiet")


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of these factories: `churned` and `revenue` can be predicted."""
    return rows.drop("segment")


def do(
    page: str, shop: Factory, words: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Do what the page says, in the factory's folder and environment; with other words for some."""
    text = script(f"how-to/{page}")
    for word, other in (words or {}).items():
        text = text.replace(word, other)
    return shop.run("bash", "-euo", "pipefail", "-c", text)


def prove(shop: Factory, *tests: str) -> None:
    """The factory is in order: contract, pipeline, and its tests that this page is about."""
    shop.run("factory", "check")
    shop.run("dvc", "repro")
    shop.run("pytest", *tests)


def check_code(shop: Factory) -> None:
    """Types and style of the user's two modules are as the hooks and CI want them."""
    shop.run("mypy")
    shop.run("ruff", "check", *MODULES)
    shop.run("ruff", "format", "--check", *MODULES)


def signature(shop: Factory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.text("models/model/signature.json"))
    return found


def learned(shop: Factory) -> set[str]:
    """The features that the model has, and whose importance the report shows."""
    names = {feature["name"] for feature in signature(shop)["features"]}
    assert names == {line["feature"] for line in evaluation(shop)["importance"]}
    return names


def evaluation(shop: Factory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.text("reports/evaluation.json"))
    return found


def held_out(shop: Factory) -> set[str]:
    return set(pl.read_parquet(shop.path / "data/prepared/holdout.parquet")["customer id"])


def answers(file: Path) -> pl.DataFrame:
    """What was answered, without when and under which request."""
    return pl.read_csv(file).drop("scored_at", "request_id")


def test_every_page_that_says_that_it_is_run_is_run_here() -> None:
    said = {page.name for page in (ROOT / "docs/how-to").glob("*.md") if TOLD in page.read_text()}
    tests = Path(__file__).read_text("utf-8")
    assert said
    assert not [page for page in said if f'do("{page}"' not in tests]


def test_add_a_feature(shop: Factory) -> None:
    do("add-a-feature.md", shop)
    prove(shop, "tests/test_model.py")
    check_code(shop)
    assert {"paid so far", "signed up before Christmas"} <= learned(shop)
    assert shop.run("git", "status", "--porcelain").stdout == ""


def test_the_language(shop: Factory) -> None:
    before = (shop.path / "models/model/manifest.json").read_bytes()
    assert do("language.md", shop).stdout.splitlines()[-1] == "1"
    assert (shop.path / "models/model/manifest.json").read_bytes() == before
    assert shop.run("git", "status", "--porcelain").stdout == ""


def test_experiments(shop: Factory) -> None:
    done = do("experiments.md", shop).stdout
    head, here, *lines = done.splitlines()[:6]
    assert "log_loss in validation" in head
    assert here.startswith("workspace")
    assert "learning_rate=0.02" in done
    assert "num_leaves=7" in done and "num_leaves=15" in done
    assert max(map(len, [head, here, *lines])) <= 100
    assert shop.json("factory", "experiments", "--json")["experiments"][0]["name"] == "workspace"


def test_an_editor_and_a_tool_that_makes_no_model_stale(shop: Factory) -> None:
    done = do("editor.md", shop)
    assert "Running stage 'packages'" in done.stdout + done.stderr
    assert "Running stage 'train'" not in done.stdout + done.stderr
    assert "hint: uv add holidays" in done.stderr
    assert (shop.path / ".venv/share/jupyter/kernels/churn/kernel.json").is_file()


def test_undo(shop: Factory) -> None:
    done = do("undo.md", shop)
    assert done.stdout.count("Data and pipelines are up to date.") == 2
    assert shop.run("git", "status", "--porcelain").stdout == ""
    table = (ROOT / "docs/how-to/undo.md").read_text("utf-8")
    assert {name for name in ("forget", "promote", "label", "update") if name not in table} == set()


def test_give_it_to_a_colleague(shop: Factory) -> None:
    done = do("give.md", shop)
    assert "Data and pipelines are up to date." in done.stdout
    assert "log_loss" in done.stderr
    for name in ("elsewhere", "shared"):
        shutil.rmtree(shop.path.parent / name)


@contextmanager
def bucket(folder: Path) -> Iterator[str]:
    """The address of a store on this machine that speaks S3 and has a bucket `models`."""
    server = (str(SCRIPTS / "uv"), "tool", "run", "--from", "moto[server]>=5.2,<6", "moto_server")
    log = folder / "store.log"
    with log.open("w") as told:
        process = subprocess.Popen((*server, "-p", "0"), stdout=told, stderr=told)
    try:
        until(lambda: bool(ADDRESS.search(log.read_text())), lambda: process.poll() is None)
        (address,) = set(ADDRESS.findall(log.read_text()))
        urlopen(Request(f"{address}/models", method="PUT")).close()
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_keep_it_in_a_bucket(shop: Factory, tmp_path: Path) -> None:
    with bucket(tmp_path) as address:
        words = {
            "http://127.0.0.1:9000": address,
            "$KEY_ID": "reader",
            "$KEY_SECRET": "of-no-store",
        }
        done = do("bucket.md", shop, words)
    (shop.path / ".dvc/config.local").unlink()
    assert "Data and pipelines are up to date." in done.stdout
    assert "of-no-store" not in shop.run("git", "grep", "of-no-store", code=1).stdout
    shutil.rmtree(shop.path.parent / "colleague")


def test_rename(shop: Factory) -> None:
    done = do("rename.md", shop)
    assert "src/loyalty/features.py" in done.stdout
    assert "tariff" in {line["feature"] for line in evaluation(shop)["importance"]}
    assert shop.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_score_a_batch(shop: Factory) -> None:
    source = pl.read_csv(shop.path / "data/raw/customers.csv")
    with closing(sqlite3.connect(shop.path / "shop.db")) as database, database:
        names = ", ".join(f'"{name}"' for name in source.columns)
        database.execute(f"create table customers ({names})")
        places = ", ".join("?" * source.width)
        database.executemany(f"insert into customers values ({places})", source.rows())
    do("score-a-batch.md", shop)
    late = source.filter(pl.col("signup date") >= "2024-06-01")
    assert pl.read_parquet(shop.path / "today.parquet").height == late.height > 0
    rows = pl.read_csv(shop.path / "data/raw/customers.csv").height
    scored, aside = (pl.read_csv(shop.path / f"scored{n}.csv") for n in ("", ".quarantine"))
    assert (scored.height, aside.height) == (rows - 1, 1)
    assert "cannot be read" in aside["reason"][0]
    explained = pl.read_parquet(shop.path / "explained.parquet")
    assert set(explained["because_3"]) <= {f["name"] for f in signature(shop)["features"]}


def test_promote_a_model(shop: Factory) -> None:
    origin = shop.path.parent / "origin.git"
    shop.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    shop.run("git", "remote", "add", "origin", str(origin))
    do("review-the-catalog.md", shop)
    shop.run("dvc", "repro", "--quiet")
    shop.run("git", "commit", "--all", "--message", "Reviewed", code=None)
    done = do("promote-a-model.md", shop)
    assert "v1.0.0 was built again, and every byte of the model is the same" in done.stderr
    assert "prod: v1.0.0 since" in done.stdout
    here, there = shop.json("factory", "models", "--json"), "factory models --remote origin --json"
    assert shop.json(*there.split()) == here
    assert here["stages"]["prod"]["from"] == "v1.1.0"
    for tag in shop.run("git", "tag").stdout.split():
        shop.run("git", "tag", "--delete", tag)
    shop.run("git", "remote", "remove", "origin")
    shutil.rmtree(shop.path / ".factory")
    shutil.rmtree(shop.path / "log")
    (shop.path / "catalog.json").unlink()


def test_sign_a_model_and_see_what_happened(shop: Factory) -> None:
    done = do("sign-a-model.md", shop)
    assert "models/model is signed by release" in done.stderr
    assert ", signed by release" in done.stdout
    assert json.loads(shop.text("v1.0.0.cdx.json"))["specVersion"] == "1.6"
    done = do("trail.md", shop)
    assert "forget by" in done.stdout
    assert "everything fits" in done.stderr
    shop.run("git", "tag", "--delete", "churn@v1.0.0")
    shutil.rmtree(shop.path / ".factory")
    shutil.rmtree(shop.path / "log")
    for name in ("catalog.json", "models/model.sig", "../release.key"):
        (shop.path / name).unlink()


def test_label_and_forget(shop: Factory) -> None:
    done = do("label-and-forget.md", shop)
    told = [line for line in done.stderr.splitlines() if "outcomes" in line]
    assert told == [
        "outcomes: 2 new, 0 changed, 0 as they were, 1 not known yet",
        "outcomes: 0 new, 0 changed, 2 as they were, 1 not known yet",
        "outcomes: 2 new, 0 changed, 0 as they were, 1 not known yet",
        "would be erased: predictions 2, outcomes 2",
        "erased: predictions 2, outcomes 2",
    ]
    assert "shape: (4, 3)" in done.stdout
    assert b"C00002" not in (shop.path / "log/predictions.db").read_bytes()
    shutil.rmtree(shop.path / "log")


def test_alerts(shop: Factory) -> None:
    done = do("alerts.md", shop)
    assert "channel 1 (json://***): taken" in done.stderr
    assert '"title": "churn: a test"' in done.stdout


def test_the_contract_for_producers(shop: Factory) -> None:
    done = do("contract-for-producers.md", shop)
    assert "json-schema.org/draft/2020-12" in done.stdout
    assert set(json.loads(shop.text("contract.json"))["properties"]) >= {"plan", "churned"}


def test_retrain(shop: Factory) -> None:
    new = table(customers(1300)).tail(400)
    new.drop("churned").write_csv(shop.path / "july.csv")
    new.head(300).select("customer id", "churned").write_csv(shop.path / "outcomes.csv")
    done = do("retrain.md", shop)
    assert "trained anew: 300 predictions whose outcome is known" in done.stderr
    assert "nothing new: 0 predictions whose outcome is known" in done.stderr
    assert "error: no version is on the stage prod" in done.stderr
    assert "# models/model against models/model: " in done.stdout
    assert done.stdout.splitlines()[-1] in ("same", "undecided")
    assert shop.run("git", "log", "-1", "--format=%s").stdout == "Retrain: July was another month\n"
    shutil.rmtree(shop.path / "log")


def test_monitor(shop: Factory) -> None:
    done = do("monitor.md", shop)
    assert "healthy: 900 rows" in done.stderr
    assert "alarm: price €: " in done.stderr and "lie elsewhere" in done.stderr
    assert "unknown: 0 rows" in done.stderr
    assert done.stdout.splitlines() == ["alarm 0", "['labels']"]
    shutil.rmtree(shop.path / "log")


def test_serve_online(tmp_path: Path, env: dict[str, str]) -> None:
    customers().drop("segment", "revenue").write_csv(tmp_path / "customers.csv")
    options = ("--target", "churned", "--id", "customer id", "--ci", "none", "--defaults")
    told = ("--data", "customers.csv", "--serving", "online")
    execute((str(SCRIPTS / "mlfactory"), "new", "churn", *told, *options), tmp_path, env)
    shop = Factory(tmp_path / "churn", env)
    confirmed = shop.text("features.yaml").replace("usual: [0, 120]", "range: [0, 120]")
    shop.write("features.yaml", confirmed)
    done = do("serve-online.md", shop)
    assert '"because":[{"feature":' in done.stdout
    assert '"field":"Tenure (months)","rule":"is above 120"' in done.stdout
    assert 'factory_missing_values_total{feature="# calls 📞"} 3.0' in done.stdout
    assert '"metrics":{"roc_auc"' in done.stdout
    until(lambda: "Finished server process" in shop.text("service.log"))


def test_a_notebook(shop: Factory) -> None:
    done = do("notebook.md", shop)
    rows = evaluation(shop)["rows"]["train"]
    assert f"{rows} rows, 10 columns" in done.stdout
    assert "['prediction', 'probability_no', 'probability_yes']" in done.stdout


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/deep"])
def test_a_notebook_loads_the_data_from_any_folder(shop: Factory, folder: str) -> None:
    (shop.path / folder).mkdir(parents=True, exist_ok=True)
    program = "from mlfactory_runtime import load; print(load().shape, load('holdout').shape)"
    python = str(shop.path / ".venv/bin/python")
    told = execute((python, "-c", program), shop.path / folder, shop.env).stdout
    rows = evaluation(shop)["rows"]
    assert told == f"({rows['train']}, 10) ({rows['holdout']}, 10)\n"


def test_features_in_pandas(shop: Factory) -> None:
    do("pandas-features.md", shop)
    prove(shop, "tests/test_model.py")
    check_code(shop)
    assert {"price per month", "signup weekday", "plan and class"} <= learned(shop)
    scored = shop.path / "scored.parquet"
    shop.run("factory", "predict", "data/raw/customers.csv", str(scored))
    assert pl.read_parquet(scored)["probability_yes"].null_count() == 0


def test_a_scikit_learn_model(shop: Factory, tmp_path: Path) -> None:
    do("scikit-learn-model.md", shop)
    prove(shop, "tests/test_features.py")
    check_code(shop)
    names = {path.name for path in (shop.path / "models/model").iterdir()}
    known = {"signature.json", "profile.json", "card.json", "manifest.json"}
    assert names == {"model.skops", *known}
    assert b"pickle" not in (shop.path / "models/model/model.skops").read_bytes()
    scored = pl.read_csv(shop.path / "scored.csv")
    assert scored["probability_yes"].n_unique() > 100
    shop.run("factory", "predict", "data/raw/customers.csv", str(tmp_path / "again.csv"))
    assert answers(tmp_path / "again.csv").equals(answers(shop.path / "scored.csv"))
    for task, classes in (("multiclass", "abc"), ("regression", "")):
        assert shop.run("python", "-c", OTHER_TASK, task, classes).stdout == "the same\n"
    shop.run("uv", "sync", "--quiet", "--no-default-groups")
    shop.run("factory", "predict", "data/raw/customers.csv", str(tmp_path / "served.csv"))
    assert answers(tmp_path / "served.csv").equals(answers(shop.path / "scored.csv"))


def test_tune_and_average(shop: Factory) -> None:
    done = do("tune.md", shop)
    assert "+++ b/params.yaml" in done.stdout
    assert "validation (folds of" in done.stderr
    assert len(json.loads(shop.text("reports/tuning.json"))["attempts"]) >= 5
    texts = {path.name for path in (shop.path / "models/model").glob("*.txt")}
    assert len(texts) >= 3
    shop.run("pytest", "tests/test_model.py")
    assert "optuna" not in shop.run("uv", "tree", "--no-default-groups").stdout
    shutil.rmtree(shop.path / ".factory")


def test_benchmark(shop: Factory) -> None:
    done = do("benchmark.md", shop)
    assert "HistGradientBoosting" in done.stdout
    page = shop.text("reports/report.html")
    assert "What else was tried on the same rows?" in page
    assert shop.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_a_library_of_your_own_reaches_training_and_serving(shop: Factory) -> None:
    do("libraries.md", shop)
    prove(shop, "tests/test_features.py")
    check_code(shop)
    assert "signed up on a holiday" in learned(shop)
    assert pl.read_csv(shop.path / "scored.csv").height == 900
    serving = shop.path.parent / "serving/bin"
    assert not (serving / "dvc").exists()
    found = execute((str(serving / "python"), "-c", "import sklearn"), shop.path, shop.env, None)
    assert "No module named 'sklearn'" in found.stderr


def test_another_target_and_back(shop: Factory) -> None:
    before, sides = shop.json("factory", "summary", "--json"), held_out(shop)
    done = do("change-the-target.md", shop)
    assert shop.json("factory", "summary", "--json") == before
    assert shop.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    assert "rmse" in done.stderr
    shop.run("git", "switch", "--quiet", "revenue")
    shop.run("dvc", "checkout", "--quiet")
    prove(shop, "tests/test_model.py")
    now = shop.json("factory", "summary", "--json")
    assert (now["target"], now["task"], now["verdict"]) == ("revenue", "regression", "accepted")
    assert held_out(shop) == sides
    assert "churned" not in learned(shop)
    shop.run("dvc", "plots", "show", "--out", "plots")
    assert "`revenue`" in shop.text("README.md")


def test_the_review_of_the_catalog(shop: Factory) -> None:
    first = shop.json("factory", "catalog", "review", "--json")["pending"][0]
    assert first["column"] == "revenue"
    done = do("review-the-catalog.md", shop)
    prove(shop)
    assert "revenue: numeric" in done.stdout
    assert shop.json("factory", "catalog", "review", "--json")["pending"] == []
    columns = yaml.safe_load(shop.text("features.yaml"))["columns"]
    assert columns["revenue"]["role"] == "ignored"
    assert columns["plan"]["owner"] == "@org/billing"
    assert shop.json("factory", "summary", "--json")["verdict"] == "accepted"


def test_more_data_next_month(shop: Factory) -> None:
    exports = shop.path.parent / "exports"
    exports.mkdir(exist_ok=True)
    rows = table(customers(1200))
    assert rows.head(900).equals(table(customers()))
    months = rows[:900], rows[900:1100], rows[1100:]
    pl.concat(months[:2]).write_csv(shop.path.parent / "customers-february.csv")
    for number, month in enumerate(months, 1):
        month.write_csv(exports / f"2025-{number:02d}.csv")
    broken = rows.with_columns(pl.format("{} a month", "price €").alias("price €"))
    broken.write_csv(shop.path.parent / "customers-broken.csv")
    visits = rows.with_columns(pl.col("price €").round().cast(pl.Int64).alias("visits"))
    visits.write_csv(shop.path.parent / "customers-april.csv")
    sides, parts = held_out(shop), evaluation(shop)["rows"]

    done = do("more-data.md", shop)

    assert "nothing was changed" in done.stdout
    assert "price €" in done.stderr
    prove(shop)
    assert "visits" in learned(shop)
    assert {name for name in held_out(shop) if name < "C00900"} == sides
    now = evaluation(shop)["rows"]
    assert sum(now.values()) == 1200
    assert all(now[part] > parts[part] for part in parts)
    assert json.loads(shop.text("data/snapshot.json"))["rows"] == 1200


def test_extract(shop: Factory) -> None:
    done = do("extract.md", shop)
    assert "2 passed" in done.stdout
    assert "a row that has none has a `reason`" in done.stdout
    answers = pl.read_csv(shop.path.parent / "churn-model/answers.csv")
    assert answers["prediction"].null_count() < answers.height
    shutil.rmtree(shop.path.parent / "churn-model")
