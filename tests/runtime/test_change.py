"""What a change does to the model: which rows its job runs on, and the page for who reviews it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .factories import Factory, commit


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The page of a job that has no keys."""
    for name in ("AWS_ACCESS_KEY_ID", "GOOGLE_CREDENTIALS", "DVC_CONFIG_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/churn")
    monkeypatch.delenv("GITHUB_EVENT_NAME", raising=False)
    return page


def test_rows_are_made_up_where_there_is_no_remote_and_nothing_is_said_of_the_model(
    tracked: Factory, job: Path
) -> None:
    before = tracked.text("data/raw/customers.csv")
    assert tracked.run("forge", "rows").out == "there is no DVC remote\n"
    assert tracked.text("data/raw/customers.csv") != before
    tracked.run("forge", "report", "--missing", "there is no DVC remote")
    first, second = job.read_text().strip().splitlines()
    assert first.startswith("The pipeline ran on **made-up rows**, because there is no DVC remote")
    assert "says nothing about the model" in second


def test_data_that_were_not_pushed_are_an_error_where_the_job_has_keys(
    tracked: Factory, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = str(tracked.path.parent / "storage")
    tracked.tool("dvc", "remote", "add", "--quiet", "--default", "storage", remote)
    shutil.rmtree(tracked.path / ".dvc/cache")
    (tracked.path / "data/raw/customers.csv").unlink()
    assert "could not be pulled" in tracked.run("forge", "rows").out
    (tracked.path / "data/raw/customers.csv").unlink()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert "hint: dvc push" in tracked.run("forge", "rows", code=1).err
    assert "for which this job has keys" in job.read_text()
    assert not (tracked.path / "data/raw/customers.csv").exists()


def test_the_page_begins_with_the_verdict_and_a_worse_model_is_a_failure_of_a_request_alone(
    worse: Factory, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worse.run("forge", "report").out.strip() == job.read_text().strip()
    page = job.read_text()
    assert page.startswith("**The model is rejected**: a linear model has the better")
    assert "says `factory compare` with the model before" in page
    assert "| params.yaml | model.max_rounds | 1000 | 1 |" in page
    assert "columns.signup date.owner" in page
    assert "<b>" not in page
    assert "The training rows of no feature lie elsewhere" in page
    assert "](https://github.com/org/churn/blob/" in page
    assert not re.search(r"\]\((?!https:|#)", page)
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    worse.run("forge", "report", code=4)


def test_what_the_pipeline_does_not_make_is_said_first_and_fails(
    tracked: Factory, job: Path
) -> None:
    tracked.write("dvc.lock", tracked.text("dvc.lock") + "\n")
    tracked.run("forge", "report", code=4)
    assert job.read_text().startswith("**What is committed is not what its pipeline makes: run")


@pytest.fixture
def stored(tracked: Factory) -> Factory:
    """A factory whose data are in a remote, and what was made of them not: nobody has pushed it."""
    remote = str(tracked.path.parent / "storage")
    tracked.tool("dvc", "remote", "add", "--quiet", "--default", "storage", remote)
    commit(tracked, "Keep it in a storage")
    tracked.tool("dvc", "push", "--quiet", "data/raw/customers.csv.dvc")
    return tracked


def test_what_nobody_can_pull_is_said_first_and_fails(stored: Factory) -> None:
    outs = ("data/prepared", "models/model", "reports/plots", "reports/report.html")
    for name in outs:
        shutil.move(stored.path / name, stored.path.parent / Path(name).name)
    cache = shutil.move(stored.path / ".dvc/cache", stored.path.parent / "cache")
    assert stored.run("forge", "rows").out == "\n"
    for name in outs:  # as the pipeline makes them again
        shutil.move(stored.path.parent / Path(name).name, stored.path / name)
    page = stored.run("forge", "report", code=4).out
    assert page.startswith("**The DVC remote lacks what is committed, and nobody can pull it: run")
    assert [name for name in outs if name not in page.splitlines()[0]] == []
    shutil.copytree(cache, stored.path / ".dvc/cache", dirs_exist_ok=True)
    stored.tool("dvc", "push", "--quiet")
    stored.run("forge", "rows")
    assert "nobody can pull" not in stored.run("forge", "report").out


@pytest.mark.parametrize("name", ["reports/metrics.json", "reports/evaluation.json", "dvc.lock"])
def test_what_the_pipeline_makes_and_is_not_committed_fails(tracked: Factory, name: str) -> None:
    text = tracked.text(name)
    tracked.tool("git", "rm", "--quiet", name)
    commit(tracked, "Take it out")
    tracked.write(name, text)  # as the pipeline makes it again
    page = tracked.run("forge", "report", code=4).out
    assert page.startswith("**What is committed is not what its pipeline makes: run")


def test_settings_that_were_changed_without_the_pipeline_fail(tracked: Factory) -> None:
    tracked.change(report={"language": "es"})
    commit(tracked, "Write it in Spanish")
    tracked.run("report")
    tracked.tool("dvc", "commit", "--quiet", "--force")
    page = tracked.run("forge", "report", code=4).out
    assert page.startswith("**Lo que está en el commit no es lo que produce su pipeline")
