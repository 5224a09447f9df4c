"""The registry of a real factory: versions, stages and models in git, in DVC, and on a remote."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from ..customers import customers
from .conftest import SCRIPTS, Factory, execute

pytestmark = pytest.mark.xdist_group("registry")
DATA = "data/raw/customers.csv"


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Factory:
    """A factory with a remote for data and one for git, whose catalog is confirmed, with v1.0.0
    and another model that is v1.1.0, both fitted anew on all rows; nothing is on a stage.
    """
    folder = tmp_path_factory.mktemp("registry")
    customers().drop("revenue", "segment").write_csv(folder / "customers.csv")
    (folder / "storage").mkdir()
    options = ("--target", "churned", "--id", "customer id", "--ci", "none", "--defaults")
    place = ("--data", "customers.csv", "--remote", str(folder / "storage"))
    execute((str(SCRIPTS / "mlfactory"), "new", "churn", *place, *options), folder, warm)
    factory = Factory(folder / "churn", warm)
    factory.run(
        "git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "origin.git")
    )
    factory.run("git", "remote", "add", "origin", str(folder / "origin.git"))
    factory.write("features.yaml", factory.text("features.yaml").replace("assumed: true\n", "\n"))
    settings = factory.text("params.yaml").replace("min_rows: 200", "min_rows: 30", 1)
    settings = settings.replace("refit: false", "refit: true")
    factory.write("params.yaml", settings.replace("max_rounds: 1000", "max_rounds: 30"))
    retrain(factory, 0)
    factory.json("factory", "register", "--json")
    settings = factory.text("params.yaml")
    factory.write("params.yaml", settings.replace("max_rounds: 30", "max_rounds: 1000"))
    retrain(factory, 1)
    factory.json("factory", "register", "--json")
    factory.run("dvc", "push", "--quiet", "--all-tags")
    factory.run("git", "push", "--quiet", "--tags", "--set-upstream", "origin", "main")
    return factory


@pytest.fixture
def factory(born: Factory) -> Iterator[Factory]:
    """The factory and its remote as they were, whatever the last test did."""
    before = born.run("git", "for-each-ref", "--format=%(objectname) %(refname)").stdout
    yield born
    born.run("git", "switch", "--quiet", "--force", "main")
    after = born.run("git", "for-each-ref", "--format=%(refname)").stdout.split()
    for ref in after:
        born.run("git", "update-ref", "-d", ref, code=None)
    for line in before.splitlines():
        name, ref = line.split()
        born.run("git", "update-ref", ref, name)
    born.run("git", "reset", "--quiet", "--hard")
    born.run("git", "clean", "--quiet", "--force", "-d")
    born.run("git", "push", "--quiet", "--mirror", "origin")
    born.run("dvc", "checkout", "--quiet", "--force")


def retrain(factory: Factory, seed: int) -> None:
    """Another model, committed."""
    text = factory.text("params.yaml").replace("seed: 0", f"seed: {seed}")
    factory.write("params.yaml", text.replace("feature_fraction: 1.0", "feature_fraction: 0.9"))
    factory.run("dvc", "repro", "--quiet")
    factory.run("git", "commit", "--quiet", "--all", "--no-verify", "--message", f"seed {seed}")


def compare(
    factory: Factory, verdict: str = "better", a: str = "v1.0.0", b: str = "v1.1.0"
) -> None:
    """What a comparison of two versions leaves behind."""
    told = {
        "a": {"label": a, "model": model(factory, a)},
        "b": {"label": b, "model": model(factory, b)},
        "metric": "log_loss",
        "margin": 0.0,
        "rows": 175,
        "left_out": 0,
        "difference": {"value": 0.02, "low": 0.01, "high": 0.03},
        "segments": [],
        "verdict": verdict,
        "reason": "the log loss falls by 0.02",
        "made": "2026-01-01T00:00:00",
    }
    factory.write("reports/comparison.json", json.dumps(told))


def model(factory: Factory, version: str) -> str:
    """What predictions of that version call their model."""
    out = factory.path / "scored.csv"
    factory.run("factory", "predict", DATA, str(out), "--no-log", "--model", version)
    name: str = pl.read_csv(out)["model"][0]
    out.unlink()
    return name


def state(factory: Factory) -> tuple[str, str]:
    """All refs, and what git sees in the work tree."""
    return (
        factory.run("git", "for-each-ref").stdout,
        factory.run("git", "status", "--porcelain").stdout,
    )


def refused(factory: Factory, *argv: str) -> str:
    """What a command says that ends with an error and changes nothing."""
    before = state(factory)
    told = factory.run(*argv, code=1).stderr
    assert state(factory) == before
    return told


def in_use(factory: Factory) -> dict[str, str]:
    held = factory.json("factory", "models", "--json")["stages"]
    return {stage: one["version"] for stage, one in held.items()}


def test_a_version_is_a_tag_that_gto_reads(factory: Factory) -> None:
    made = factory.json("factory", "register", "--json")
    assert (made["version"], made["tag"], made["new"]) == ("v1.1.0", "churn@v1.1.0", False)
    assert factory.json("gto", "show", "--json")["churn"]["version"] == "v1.1.0"
    told = factory.json("factory", "models", "--json")
    assert [one["version"] for one in told["versions"]] == ["v1.0.0", "v1.1.0"]
    assert told["versions"][0]["metrics"]["log_loss"]["low"] < 0.6
    lock = factory.text("dvc.lock")
    assert told["versions"][0]["data"] in lock


def test_a_version_runs_by_its_own_code_and_logs_with_all_others(factory: Factory) -> None:
    factory.write("src/churn/features.py", "raise ImportError('this is not the code of v1.0.0')\n")
    factory.run("factory", "promote", "v1.0.0", "--to", "staging")
    for name in ("staging", "v1.1.0"):
        factory.run("factory", "predict", DATA, "scored.csv", "--model", name)
    with sqlite3.connect(factory.path / "log/predictions.db") as log:
        rows = log.execute("select count(*), count(distinct model) from predictions").fetchone()
    shutil.rmtree(factory.path / "log")
    assert rows == (1800, 2)


def test_a_version_with_another_lock_gets_its_own_packages(factory: Factory) -> None:
    factory.write("uv.lock", factory.text("uv.lock") + "\n")
    model(factory, "v1.0.0")
    assert list(factory.path.glob(".factory/versions/*/.venv"))
    for place in factory.path.glob(".factory/versions/*/.venv"):
        shutil.rmtree(place)


def test_a_clone_fetches_the_model_from_the_remote(factory: Factory, tmp_path: Path) -> None:
    origin = str(factory.path.parent / "origin.git")
    factory.run("git", "clone", "--quiet", "--depth=1", f"file://{origin}", str(tmp_path / "clone"))
    clone = Factory(tmp_path / "clone", factory.env)
    (clone.path / ".venv").symlink_to(factory.path / ".venv")
    argv = ("factory", "predict", str(factory.path / DATA), str(tmp_path / "out.csv"), "--no-log")
    told = clone.run(*argv, "--model", "v1.0.0", code=1).stderr
    assert "there is no version v1.0.0 here (known: " in told
    assert "git fetch --tags" in told
    clone.run("git", "fetch", "--quiet", "--tags")
    clone.run(*argv, "--model", "v1.0.0")
    assert pl.read_csv(tmp_path / "out.csv")["model"][0] == model(factory, "v1.0.0")


def test_a_model_that_nobody_pushed(factory: Factory) -> None:
    storage, cache = factory.path.parent / "storage", factory.path / ".dvc/cache"
    storage.rename(storage.with_name("away"))
    cache.rename(cache.with_name("away"))
    shutil.rmtree(factory.path / ".factory")
    storage.mkdir()
    try:
        told = refused(factory, "factory", "predict", DATA, "out.csv", "--model", "v1.0.0")
    finally:
        shutil.rmtree(storage)
        shutil.rmtree(cache, ignore_errors=True)
        storage.with_name("away").rename(storage)
        cache.with_name("away").rename(cache)
    assert "the model of v1.0.0 is neither in DVC's cache nor in its remote" in told
    assert "Having any troubles" not in told
    assert "dvc push --all-tags" in told


def test_the_first_version_needs_the_verdict_the_next_a_comparison(factory: Factory) -> None:
    first = factory.json("factory", "promote", "v1.0.0", "--to", "prod", "--json")
    assert (first["tag"], first["from"]) == ("churn#prod#1", None)
    told = refused(factory, "factory", "promote", "v1.1.0", "--to", "prod")
    assert "reports/comparison.json does not compare v1.0.0 with it" in told
    assert "factory compare prod v1.1.0" in told
    compare(factory, "undecided")
    assert "compared with v1.0.0 it is undecided" in refused(
        factory, "factory", "promote", "v1.1.0", "--to", "prod"
    )
    compare(factory, a="v1.1.0", b="v1.0.0")
    assert "does not compare" in refused(factory, "factory", "promote", "v1.1.0", "--to", "prod")
    compare(factory)
    head = factory.run("git", "rev-parse", "HEAD").stdout
    done = factory.json("factory", "promote", "v1.1.0", "--to", "prod", "--json")
    assert (done["tag"], done["from"]) == ("churn#prod#2", "v1.0.0")
    assert factory.run("git", "rev-parse", "HEAD^").stdout == head
    assert (
        factory.json("factory", "promote", "v1.1.0", "--to", "prod", "--json")["changed"] is False
    )
    assert factory.json("gto", "show", "--json")["churn"]["stage"] == {"prod": "v1.1.0"}

    record = json.loads(factory.text("promotions/prod-0002-v1.1.0.json"))
    assert record["comparison"]["verdict"] == "better"
    assert record["approved_by"] == record["proposed_by"] == "Tester <tester@example.org>"
    assert record["check"]["errors"] == []
    page = factory.text("promotions/prod-0002-v1.1.0.md")
    assert record["comparison"]["difference"]["value"] != 0.02, "it is measured again"
    assert "| data | " + record["data"] in page


def test_a_comparison_that_somebody_edited_is_not_believed(factory: Factory) -> None:
    factory.run("factory", "promote", "v1.1.0", "--to", "prod")
    compare(factory, a="v1.1.0", b="v1.0.0")
    told = refused(factory, "factory", "promote", "v1.0.0", "--to", "prod")
    assert "compared with v1.1.0 it is worse" in told
    (factory.path / DATA).unlink()
    told = refused(factory, "factory", "promote", "v1.0.0", "--to", "prod")
    assert "cannot be made again" in told


def test_it_is_written_down_who_forced_it_and_why(factory: Factory) -> None:
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    forced = ("factory", "promote", "v1.1.0", "--to", "prod", "--force")
    assert "--why" in refused(factory, *forced)
    factory.run("factory", "promote", "v1.1.0", "--to", "live", code=2)
    done = factory.json(*forced, "--why", "v1.0.0 leaks", "--approver", "Ada", "--json")
    assert done["forced"] is True
    message = factory.run("git", "tag", "--list", "--format=%(contents)", done["tag"]).stdout
    told = json.loads(message)
    assert (told["why"], told["approved_by"], told["forced"]) == ("v1.0.0 leaks", "Ada", True)
    assert "**Forced**" in factory.text(f"promotions/{done['record']}.md")


def test_back_to_what_was_there_before(factory: Factory) -> None:
    assert "nothing was in production yet" in refused(factory, "factory", "rollback")
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    assert "nothing was in production before v1.0.0" in refused(factory, "factory", "rollback")
    compare(factory)
    factory.run("factory", "promote", "v1.1.0", "--to", "prod")
    done = factory.json("factory", "rollback", "--why", "complaints", "--json")
    assert (done["version"], done["from"], done["tag"]) == ("v1.0.0", "v1.1.0", "churn#prod#3")
    assert in_use(factory) == {"prod": "v1.0.0"}
    assert factory.json("gto", "show", "--json")["churn"]["stage"] == {"prod": "v1.0.0"}
    assert "nothing was in production before v1.0.0" in refused(factory, "factory", "rollback")


def with_ci(factory: Factory) -> None:
    """As if a CI had been asked for."""
    answers = factory.text(".copier-answers.yml").replace("ci: none", "ci: github")
    factory.write(".copier-answers.yml", answers)
    factory.run("git", "commit", "--quiet", "--all", "--no-verify", "--message", "CI")
    factory.run("git", "push", "--quiet", "origin", "main")


def merge(factory: Factory, branch: str) -> None:
    argv = ("git", "merge", "--quiet", "--no-ff", "--no-verify", "--message", "Approved", branch)
    factory.run(*argv)


def test_with_a_ci_a_promotion_is_proposed_and_its_merge_makes_the_tag(factory: Factory) -> None:
    with_ci(factory)
    factory.write("params.yaml", factory.text("params.yaml") + "# not committed\n")
    before = factory.run("git", "status", "--porcelain").stdout
    done = factory.json("factory", "promote", "v1.0.0", "--to", "prod", "--json")
    assert (done["branch"], done["tag"]) == ("promote/prod-v1.0.0", "")
    assert factory.run("git", "status", "--porcelain").stdout == before
    factory.run("git", "checkout", "--quiet", "params.yaml")
    again = factory.json("factory", "promote", "v1.0.0", "--to", "prod", "--json")
    assert (again["changed"], again["branch"]) == (False, "promote/prod-v1.0.0")
    assert in_use(factory) == {}

    merge(factory, done["branch"])
    applied = factory.json("factory", "promotions", "apply", "--approver", "Ada", "--json")
    assert applied == {"made": ["churn#prod#1"], "stale": [], "own": []}
    assert factory.json("factory", "promotions", "apply", "--json") == {
        "made": [],
        "stale": [],
        "own": [],
    }
    held = factory.json("factory", "models", "--json")["stages"]["prod"]
    assert (held["approved_by"], held["version"]) == ("Ada", "v1.0.0")


def test_with_a_ci_going_back_does_not_wait_for_a_review(factory: Factory) -> None:
    with_ci(factory)
    for version in ("v1.0.0", "v1.1.0"):
        forced = ("--force", "--why", "a drill")
        done = factory.json("factory", "promote", version, "--to", "prod", *forced, "--json")
        merge(factory, done["branch"])
        factory.run("factory", "promotions", "apply")
    back = factory.json("factory", "rollback", "--json")
    assert (back["branch"], back["tag"]) == ("rollback/prod-v1.0.0", "churn#prod#3")
    assert in_use(factory) == {"prod": "v1.0.0"}
    assert factory.run("git", "status", "--porcelain").stdout == ""
    merge(factory, back["branch"])
    nothing: dict[str, list[str]] = {"made": [], "stale": [], "own": []}
    assert factory.json("factory", "promotions", "apply", "--json") == nothing
    assert (factory.path / "promotions/prod-0003-v1.0.0.md").is_file()


def test_two_proposals_at_once_and_the_second_is_stale(factory: Factory) -> None:
    with_ci(factory)
    for version in ("v1.0.0", "v1.1.0"):
        factory.run("factory", "promote", version, "--to", "prod")
    for version in ("v1.0.0", "v1.1.0"):
        merge(factory, f"promote/prod-{version}")
    applied = factory.json("factory", "promotions", "apply", "--json", code=4)
    assert applied == {"made": ["churn#prod#1"], "stale": ["prod-0001-v1.1.0"], "own": []}
    assert in_use(factory) == {"prod": "v1.0.0"}


def test_a_merged_record_without_its_version(factory: Factory) -> None:
    with_ci(factory)
    factory.run("factory", "promote", "v1.0.0", "--to", "staging")
    merge(factory, "promote/staging-v1.0.0")
    factory.run("git", "tag", "--delete", "churn@v1.0.0")
    told = refused(factory, "factory", "promotions", "apply")
    assert "there is no version v1.0.0 here" in told
    factory.run("git", "tag", "--annotate", "--message", "moved", "churn@v1.0.0", "HEAD")
    assert "is not the commit" in refused(factory, "factory", "promotions", "apply")


def test_what_the_remote_has(factory: Factory) -> None:
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    factory.run("git", "push", "--quiet", "--tags", "origin", "main")
    factory.run("git", "tag", "--delete", "churn@v1.1.0")
    factory.run("git", "tag", "--annotate", "--message", "other", "churn@v1.1.0", "HEAD")
    told = factory.json("factory", "models", "--remote", "origin", "--json")
    assert told["odd"] == ["churn@v1.1.0"]
    assert told["stages"]["prod"]["version"] == "v1.0.0"
    assert told["stages"]["prod"]["approved_by"] == "Tester <tester@example.org>"
    refs = factory.run("git", "ls-remote", "origin", "churn#prod#1^{}").stdout
    assert refs.split()[0] == told["stages"]["prod"]["commit"]


def test_who_promotes_at_the_same_time_is_told_by_the_push(factory: Factory) -> None:
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    factory.run("git", "push", "--quiet", "--atomic", "origin", "main", "churn#prod#1")
    factory.run("git", "tag", "--delete", "churn#prod#1")
    factory.run("git", "reset", "--quiet", "--hard", "HEAD^")
    factory.run("factory", "promote", "v1.1.0", "--to", "prod")
    push = ("git", "push", "--atomic", "origin", "HEAD", "churn#prod#1")
    assert "rejected" in factory.run(*push, code=1).stderr
    held = factory.json("factory", "models", "--remote", "origin", "--json")
    assert held["stages"]["prod"]["version"] == "v1.0.0"


def test_nobody_commits_without_a_name(factory: Factory, tmp_path: Path) -> None:
    factory.run("git", "tag", "--delete", "churn@v1.1.0")
    nobody = Factory(factory.path, {**factory.env, "HOME": str(tmp_path)})
    for argv in (("register",), ("promote", "v1.0.0", "--to", "prod")):
        told = refused(nobody, "factory", *argv)
        assert "git knows no name and address of yours" in told
        assert told.count("git config --global") == 2


def test_in_a_folder_of_a_larger_repository(factory: Factory, tmp_path: Path) -> None:
    place = tmp_path / "teams/of one"
    place.parent.mkdir()
    hidden = shutil.ignore_patterns(".git", ".venv", ".factory")
    shutil.copytree(factory.path, place, ignore=hidden)
    nested = Factory(place, factory.env)
    (place / ".venv").symlink_to(factory.path / ".venv")
    top = Factory(tmp_path, factory.env)
    for argv in (("init", "--quiet"), ("add", "teams"), ("commit", "--quiet", "--message", "all")):
        top.run("git", *argv)
    made = nested.json("factory", "register", "--json")
    assert made["tag"] == "teams/of-one=churn@v1.0.0"
    assert "teams/of-one:churn" in nested.json("gto", "show", "--json")
    assert model(nested, "v1.0.0") == model(factory, "v1.1.0")
    done = nested.json("factory", "promote", "v1.0.0", "--to", "staging", "--json")
    assert (place / f"promotions/{done['record']}.json").is_file()
    assert nested.run("git", "status", "--porcelain").stdout == ""


def test_a_version_is_built_again_to_the_last_byte(factory: Factory) -> None:
    before = state(factory)
    done = factory.json("factory", "reproduce", "v1.0.0", "--json")
    assert (done["equal"], done["differs"]) == (True, [])
    assert (factory.path / "models/model/measured/model.txt").is_file()
    assert state(factory) == before
    assert len(factory.run("git", "worktree", "list").stdout.splitlines()) == 1


def test_a_model_that_does_not_come_from_its_commit_is_found(factory: Factory) -> None:
    commit = factory.run("git", "rev-parse", "churn@v1.1.0^{commit}").stdout.strip()
    model(factory, "v1.1.0")
    file = factory.path / ".factory/versions" / commit / "models/model/model.txt"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"tree\n", b"tree\n\n", 1))
    done = factory.json("factory", "reproduce", "v1.1.0", "--json", code=4)
    file.write_bytes(whole)
    assert done["differs"] == [{"file": "model.txt", "line": 2}]


DRIFT = """
from pathlib import Path
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.registry import Drift
from mlfactory_runtime.registry.catalog import write_catalog

when = "2026-01-01T00:00:00+00:00"
write_catalog(Project(Path.cwd()), Drift(status="healthy", time=when))
"""


def test_a_catalog_reads_one_file_at_a_fixed_place(factory: Factory) -> None:
    factory.run("factory", "promote", "v1.0.0", "--to", "prod")
    factory.run("python", "-c", DRIFT)
    for _ in range(2):
        factory.run("factory", "models", "--publish")
    origin = str(factory.path.parent / "origin.git")
    shown = factory.run("git", "--git-dir", origin, "show", "status:catalog.json").stdout
    assert factory.run("git", "--git-dir", origin, "ls-tree", "--name-only", "status").stdout == (
        "catalog.json\n"
    )
    told = json.loads(shown)
    assert (told["task"], told["target"]) == ("classification", "churned")
    assert told["drift"] == {"status": "healthy", "time": "2026-01-01T00:00:00+00:00"}
    held = told["stages"]["prod"]
    assert held["version"] == "v1.0.0"
    assert held["metrics"]["log_loss"]["value"] > 0
    assert held["data"] in factory.text("dvc.lock")
    assert held["trained_at"]
    assert factory.run("git", "status", "--porcelain").stdout == ""
    (factory.path / "catalog.json").unlink()


def test_the_card_in_the_model_is_for_machines(factory: Factory) -> None:
    card = json.loads(factory.text("models/model/card.json"))
    assert card["features"]["plan"]["from"] == {"plan": "customers.csv"}
    assert card["models"]["model"]["log_loss"]["low"] < card["models"]["naive"]["log_loss"]["value"]
    assert card["provenance"]["data"] in factory.text("dvc.lock")
