"""The job that retrains: it proposes a new model once, and does nothing where nothing is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlfactory_runtime.jobs.retrain import due
from mlfactory_runtime.records.monitoring import Monitored
from mlfactory_runtime.records.record import parse

from ..customers import customers
from ..github import JOB, NAME, PROPOSER, GitHub, github
from .factories import WARM, Factory, kept, program_path

MONITORED = Path(__file__).parent / "formats/monitor/1.json"


@pytest.fixture
def forge(tmp_path: Path, warm: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A forge as a job meets it that may propose, with the program on its PATH."""
    monkeypatch.setenv(WARM, warm)
    with github() as place:
        place.origin = tmp_path / "origin"
        for name, value in {
            "PATH": program_path(),
            "GITHUB_API_URL": place.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_TOKEN": JOB,
            "GITHUB_RUN_ID": "1",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "page.md"),
            "FACTORY_FORGE_TOKEN": PROPOSER,
            **{f"GIT_{role}_NAME": "factory" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "factory@localhost" for role in ("AUTHOR", "COMMITTER")},
        }.items():
            monkeypatch.setenv(name, value)
        yield place


@pytest.fixture
def job(tracked: Factory, forge: GitHub) -> Factory:
    """A clone of a factory whose source has more rows than it has learned from."""
    customers(1800).drop("revenue", "segment").write_csv(tracked.path / "delivered.csv")
    with (tracked.path / ".gitignore").open("a") as file:
        file.write("delivered.csv\n")
    storage = str(tracked.path.parent / "storage")
    tracked.tool("dvc", "remote", "add", "--quiet", "--default", "storage", storage)
    tracked.change(data={"source": "delivered.csv"}, model={"max_rounds": 30, "averaged": 1})
    kept(tracked, "A source")
    tracked.tool("dvc", "push", "--quiet")
    tracked.tool("git", "init", "--quiet", "--bare", str(forge.origin))
    tracked.tool("git", "remote", "add", "origin", str(forge.origin))
    tracked.tool("git", "push", "--quiet", "origin", "HEAD:main")
    return tracked


def test_a_new_model_is_proposed_once_with_its_comparison(
    job: Factory, forge: GitHub, tmp_path: Path
) -> None:
    job.run("forge", "retrain", "--why", "alarm of data")
    assert "Retrain: alarm of data" in job.text("request.patch")
    assert job.run("forge", "request").err == "opened /pulls/1\n"
    (pull,) = forge.pulls
    assert pull["title"].startswith("Retrain: ")
    mark, first, *rest = pull["body"].split("\n\n")
    assert mark.startswith("<!-- kept by the job Retrain: ")
    assert first == "Trained anew on 1,800 rows from delivered.csv, because of alarm of data."
    assert "says `factory compare` with that of HEAD: " in rest[0]
    assert "| data/snapshot.json | rows |" in pull["body"]
    assert "not proposed again" in rest[-1]
    job.tool("git", "diff", "--exit-code", "HEAD", "origin/retrain")

    assert job.run("forge", "request").err == "/pulls/1 is open, and holds this\n"
    job.run("forge", "retrain")  # what was proposed is merged here
    assert job.run("forge", "request").err == "nothing is proposed\n"
    assert (
        (tmp_path / "page.md").read_text().endswith("Nothing is new: the model stays as it is.\n\n")
    )


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [((), ""), (("performance", "b"), "b"), (("prediction", "data"), "prediction, data")],
)
def test_it_is_due_for_the_alarms_that_the_settings_name(
    churn: Factory, rule: tuple[str, ...], kinds: str
) -> None:
    churn.change(monitor={"retrain": list(rule)})
    healthy = parse(Monitored, MONITORED.read_text("utf-8"), MONITORED.name)
    checks = [("a", "data", "alarm"), ("b", "prediction", "alarm"), ("c", "performance", "warning")]
    alarms = [
        healthy.checks[0].model_copy(update={"name": name, "kind": kind, "status": status})
        for name, kind, status in checks
    ]
    result = healthy.model_copy(update={"verdict": "alarm", "checks": tuple(alarms)})
    assert due(churn.project, result) == kinds
    assert due(churn.project, None) == ""
    churn.write("monitor.json", result.model_dump_json(by_alias=True))
    assert churn.run("forge", "due", "monitor.json").out == f"{kinds}\n"
