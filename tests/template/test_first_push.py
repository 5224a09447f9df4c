"""The first push of a factory is green: with sensitive columns, a log elsewhere, and no remote; in
a repository of its own, and in a folder of a larger one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from ..customers import customers
from ..git_server import git_server
from ..github import JOB, github
from ..gitlab import TOKEN, gitlab
from .actions import Actions, needs_act
from .conftest import SCRIPTS, Factory, execute
from .pipelines import Pipelines, needs_gitlab_ci_local

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("first-push")]
GREEN = "Hooks success, types success, tests success."


INSIDE = "models/churn"


def factory_of(
    folder: Path, env: dict[str, str], ci: str, serving: str, inside: str = ""
) -> Factory:
    """A factory with a number and a day that are drafted as sensitive, a gender, and a name
    that no program likes; and its origin. It may stand in a folder of an application."""
    table = customers().drop("revenue", "segment")
    row = pl.int_range(table.height, eager=True)
    columns = {
        "birth year": row * 7 % 61 + 1940,
        "date of birth": (row * 37 % 15_000 - 8_000).cast(pl.Date),
        "gender": (row % 3).replace_strict({0: "f", 1: "m", 2: "d"}),
        "we\"ird ' {name}: %s": row % 13,
    }
    table.with_columns(**columns).write_csv(folder / "customers.csv")
    options = ("--target", "churned", "--id", "customer id", "--ci", ci, "--serving", serving)
    argv = ("new", inside or "churn", "--data", str(folder / "customers.csv"), *options)
    if inside:
        put_application(folder / "shop", env, ci)
        argv += ("--inside",)
    place = folder / "shop" if inside else folder
    execute((str(SCRIPTS / "mlfactory"), *argv, "--defaults"), place, env)
    factory = Factory(place / (inside or "churn"), env)
    catalog = yaml.safe_load(factory.text("features.yaml"))["columns"]
    names = ("birth year", "date of birth")
    assert [name for name in names if not catalog[name].get("sensitive")] == []
    settings = factory.text("params.yaml").replace("url_env: null", "url_env: FACTORY_LOG_URL")
    factory.write("params.yaml", settings)
    factory.run("dvc", "repro", "--quiet")
    factory.run("git", "commit", "--quiet", "--all", "--message", "Keep the log in a database")
    factory.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "origin"))
    factory.run("git", "push", "--quiet", str(folder / "origin"), "HEAD:main")
    return factory


def put_application(place: Path, env: dict[str, str], ci: str) -> None:
    """A repository that has something else in it, and includes the factory's jobs on GitLab."""
    place.mkdir()
    (place / "README.md").write_text("# A shop\n")
    if ci == "gitlab":
        (place / ".gitlab-ci.yml").write_text(
            f"include: [{{local: /{INSIDE}/.gitlab/factory.yml}}]\n"
        )
    for argv in (("init", "-q", "-b", "main"), ("add", "--all"), ("commit", "-qm", "A shop")):
        execute(("git", *argv), place, env)


@pytest.mark.parametrize("serving", ["batch", "online"])
def test_on_github(tmp_path: Path, env: dict[str, str], serving: str) -> None:
    needs_act()
    factory = factory_of(tmp_path, env, "github", serving)
    with github() as forge:
        output = Actions(tmp_path, factory, forge.url, {"GITHUB_TOKEN": JOB}).run("ci", "push")
    assert GREEN in output
    assert "The pipeline ran on **made-up rows**, because there is no DVC remote" in output


@pytest.mark.parametrize("serving", ["batch", "online"])
def test_on_gitlab(tmp_path: Path, env: dict[str, str], serving: str) -> None:
    needs_gitlab_ci_local()
    factory = factory_of(tmp_path, env, "gitlab", serving)
    with gitlab() as place, git_server(tmp_path / "origin", TOKEN) as address:
        runner = Pipelines(tmp_path, factory, place, address)
        pipeline = runner.run("push", "code", "pipeline")
    assert pipeline.verdicts == {"code": "PASS", "pipeline": "PASS"}
    assert GREEN in pipeline.page("code.md")
    assert "made-up rows" in pipeline.page().splitlines()[0]


def test_on_github_in_a_folder(tmp_path: Path, env: dict[str, str]) -> None:
    needs_act()
    factory = factory_of(tmp_path, env, "github", "batch", INSIDE)
    with github() as forge:
        runner = Actions(tmp_path, factory, forge.url, {"GITHUB_TOKEN": JOB})
        output = runner.run("models.churn.ci", "push")
    assert GREEN in output
    assert "The pipeline ran on **made-up rows**, because there is no DVC remote" in output


def test_on_gitlab_in_a_folder(tmp_path: Path, env: dict[str, str]) -> None:
    needs_gitlab_ci_local()
    factory = factory_of(tmp_path, env, "gitlab", "batch", INSIDE)
    with gitlab() as place, git_server(tmp_path / "origin", TOKEN) as address:
        runner = Pipelines(tmp_path, factory, place, address)
        jobs = [f"{INSIDE}:{name}" for name in ("code", "pipeline")]
        pipeline = runner.run("push", *jobs)
    assert pipeline.verdicts == dict.fromkeys(jobs, "PASS")
    assert GREEN in pipeline.page(f"{INSIDE}/code.md")
    assert "made-up rows" in pipeline.page(f"{INSIDE}/page.md").splitlines()[0]
