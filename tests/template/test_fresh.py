"""Every combination of answers gives a factory that is whole, clean and working as it comes."""

from __future__ import annotations

import json
import re
import tomllib

import yaml

from .conftest import Factory

LIMIT, PYTHON = 40, 150


def test_the_first_model_beats_both_baselines(factory: Factory) -> None:
    assert factory.told["verdict"] == "accepted"


def test_the_trained_state_is_committed_and_nothing_is_left_over(factory: Factory) -> None:
    assert factory.run("git", "status", "--porcelain").stdout == ""
    assert len(factory.run("git", "log", "--format=%s").stdout.splitlines()) == 2


def test_no_raw_data_are_in_git(factory: Factory) -> None:
    tracked = factory.run("git", "ls-files").stdout.splitlines()
    assert [name for name in tracked if name.endswith((".csv", ".parquet", ".model", ".txt"))] == []
    assert any(name.endswith(".dvc") for name in tracked)


def test_it_is_recorded_where_the_data_came_from(factory: Factory) -> None:
    told = json.loads(factory.text("data/snapshot.json"))
    settings = yaml.safe_load(factory.text("params.yaml"))["data"]
    assert told["origin"] == (settings["source"] or "cars.csv, a sample of mlfactory")
    assert f"md5: {told['hash']}" in factory.text(f"{settings['path']}.dvc")


def test_formatter_and_linter_have_nothing_to_say(factory: Factory) -> None:
    factory.run("ruff", "format", "--check", ".")
    factory.run("ruff", "check", ".")


def test_types_are_sound(factory: Factory) -> None:
    factory.run("mypy")


def test_hooks_pass_on_all_files(factory: Factory) -> None:
    factory.run("pre-commit", "run", "--all-files")


def test_its_own_tests_pass(factory: Factory) -> None:
    assert " passed" in factory.run("pytest").stdout


def test_a_second_repro_does_nothing(factory: Factory) -> None:
    assert "Data and pipelines are up to date" in factory.run("dvc", "repro").stderr + (
        factory.run("dvc", "repro").stdout
    )


def test_check_is_green_and_strict_refuses_what_is_assumed(factory: Factory) -> None:
    assert factory.json("factory", "check", "--json")["ok"]
    strict = factory.json("factory", "check", "--strict", "--json", code=1)
    assert {finding["level"] for finding in strict["findings"]} == {"error"}


def test_availability_is_drafted_as_the_serving_mode(factory: Factory) -> None:
    mode = yaml.safe_load(factory.text("params.yaml"))["serving"]["mode"]
    columns = yaml.safe_load(factory.text("features.yaml"))["columns"].values()
    learned = [c for c in columns if c["role"] in ("numeric", "categorical", "boolean")]
    assert {(c["availability"], c["assumed"]) for c in learned} == {(mode, True)}


def test_every_setting_is_named_below_its_meaning_with_its_default(factory: Factory) -> None:
    assert factory.json("factory", "params", "add", "--dry-run", "--json")["added"] == []
    told = factory.json("factory", "params", "--json")["settings"]
    place = tomllib.loads(factory.text("pyproject.toml"))["tool"]["mlfactory"]["settings"]
    entry = re.compile(r"^ *(# .*)\n +(\w+): .*$", re.MULTILINE)
    found = {(name, meaning) for meaning, name in entry.findall(factory.text(place))}
    assert found <= {(one["name"].rpartition(".")[2], f"# {one['meaning']}") for one in told}
    assert len(found) >= 25
    values = {one["name"]: one["value"] for one in told}
    usual = {one["name"]: one["default"] for one in told} | {
        "model.refit": values["data.time"] is not None
    }
    chosen = [n for n in usual if n.startswith(("model.", "decision.", "report."))]
    assert {name: values[name] for name in chosen} == {name: usual[name] for name in chosen}


def test_metrics_are_shown_by_dvc(factory: Factory) -> None:
    shown = factory.json("dvc", "metrics", "show", "--json")[""]["data"]
    assert factory.told["metrics"].keys() <= shown["reports/metrics.json"]["data"].keys()


def test_outputs_name_no_time_no_host_and_no_commit(factory: Factory) -> None:
    commit = factory.run("git", "rev-parse", "HEAD~1").stdout.strip()
    outputs = [p for place in ("models", "reports") for p in (factory.path / place).rglob("*")]
    written = "".join(p.read_text("utf-8") for p in outputs if p.is_file())
    written = written.replace(json.loads(factory.text("data/snapshot.json"))["taken"][:10], "")
    for secret in (commit[:12], factory.path.parent.name, "2026-"):
        assert secret not in written


def test_the_report_is_one_self_contained_page(factory: Factory) -> None:
    page = factory.text("reports/report.html")
    assert "<svg" in page
    for outside in ("http://", "https://", "<script", "<link"):
        assert outside not in page.replace("http://www.w3.org", "")


def test_a_forge_has_its_files_only_where_asked_for(factory: Factory) -> None:
    ci = yaml.safe_load(factory.text(".copier-answers.yml"))["ci"]
    names = {"github": (".github",), "gitlab": (".gitlab", ".gitlab-ci.yml"), "none": ()}
    every = [name for own in names.values() for name in own]
    assert {name for name in every if (factory.path / name).exists()} == set(names[ci])


def test_doctor_finds_no_error(factory: Factory) -> None:
    told = factory.json("mlfactory", "doctor", "--json")
    assert [f for f in told["findings"] if f["state"] == "error"] == []


def test_a_factory_is_small(factory: Factory) -> None:
    tracked = factory.run("git", "ls-files").stdout.splitlines()
    own = [name for name in tracked if not name.startswith((".github/", ".gitlab"))]
    online = "mode: online" in factory.text("params.yaml")
    assert len(own) <= LIMIT + 3 * online
    code = [n for n in own if n.endswith(".py") and n.startswith(("src/", "tests/"))]
    assert sum(len(factory.text(name).splitlines()) for name in code) <= PYTHON


def test_the_page_for_assistants_names_files_that_exist(factory: Factory) -> None:
    for path in re.findall(
        r"`((?:src|tests|docs)/[^`*]*|[a-z]+\.yaml)`", factory.text("AGENTS.md")
    ):
        assert (factory.path / path).exists(), path
