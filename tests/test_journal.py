from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.new import journal
from mlfactory.new.journal import Run, StepResult
from mlfactory.new.request import Request


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".copier-answers.yml").write_text("target: churned\nremote: ''\nn: 5\n")
    return Run(tmp_path, Request("churn"), "gh:acme/t", "1.0.0", True, data="/data/a.csv")


def test_what_was_saved_is_loaded(run: Run) -> None:
    run = journal.after(journal.with_warnings(run, ["careful"]), StepResult("render", 0.25))
    journal.save(run)
    assert journal.load(run.path) == run


def test_a_directory_without_a_record_has_no_run(tmp_path: Path) -> None:
    assert journal.load(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"request": 1, "finished": 2}'])
def test_a_damaged_record_is_named(run: Run, text: str) -> None:
    (run.path / ".git" / journal.FILE).write_text(text)
    with pytest.raises(MlfactoryError, match="is damaged"):
        journal.load(run.path)


def test_a_warning_is_kept_once(run: Run) -> None:
    assert journal.with_warnings(run, ["a", "b", "a"]).warnings == ("a", "b")


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"data": "/data/a.csv", "answers": {"target": "churned"}},
        {"settings": {"n": "5"}},
        {"ref": "v1.0.0"},
    ],
)
def test_the_same_request_resumes(run: Run, request_: dict[str, Any]) -> None:
    journal.check_same(run, Request("churn", **request_), "gh:acme/t")


@pytest.mark.parametrize(
    ("request_", "option"),
    [
        ({"data": "/data/b.csv"}, "--data"),
        ({"answers": {"target": "amount"}}, "--target"),
        ({"answers": {"remote": "s3://x"}}, "--remote"),
        ({"settings": {"n": "6"}}, "n"),
        ({"ref": "v2.0.0"}, "--ref"),
        ({"template": "gh:acme/other"}, "--template"),
    ],
)
def test_a_contradiction_names_the_option(run: Run, request_: dict[str, Any], option: str) -> None:
    source = request_.get("template", run.source)
    with pytest.raises(UsageError, match=f"^{option} says"):
        journal.check_same(run, Request("churn", **request_), source)


def test_the_name_is_the_answer_else_the_directorys(run: Run) -> None:
    assert run.name == run.path.name
    (run.path / ".copier-answers.yml").write_text("project_name: churn\n")
    assert replace(run).name == "churn"
