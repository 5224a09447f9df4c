from __future__ import annotations

import json
from dataclasses import replace

import pytest
from mlfactory.cli import console
from mlfactory.doctor.finding import Finding
from mlfactory.new.summary import Summary
from mlfactory.update.changes import Change
from mlfactory.update.plan import UpdatePlan

MADE = Summary(
    project="churn",
    path="/x/churn",
    template={"source": "git+mlfactory::template", "version": "0.1.0", "released": True},
    files=60,
    seconds={"render": 0.1},
    task="classification",
    metrics={"roc_auc": {"value": 0.91234, "low": 0.9, "high": 0.93}},
    baselines={"naive": {"roc_auc": {"value": 0.5, "low": 0.5, "high": 0.5}}},
    verdict="accepted",
    reason="it beats a constant",
    report="reports/report.html",
    warnings=("[red]no remote[/red]",),
    next=("cd churn",),
)


def test_json_is_one_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_json(console.plain(MADE))
    assert json.loads(capsys.readouterr().out)["files"] == 60


def test_the_summary_is_for_people_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_summary(MADE)
    assert capsys.readouterr().out == ""


def test_the_summary_shows_metrics_beside_the_baselines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.show_summary(MADE)
    row = next(line for line in capsys.readouterr().err.splitlines() if "roc_auc" in line)
    assert row.split() == ["roc_auc", "0.9123", "0.9", "to", "0.93", "0.5"]


def test_the_summary_says_why_and_where_to_read_on(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_summary(MADE)
    output = capsys.readouterr().err
    assert "accepted: it beats a constant" in output
    assert "/x/churn/reports/report.html" in output


def test_a_baseline_may_lack_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_summary(replace(MADE, baselines={"naive": {}}))
    assert "0.93" in capsys.readouterr().err


def test_nothing_of_others_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.note("a\x1b]0;b\x07\r\u202ec\td")
    console.show_error("a\x9b2J", "b\x1b[2J")
    console.show_line("- news \x1b[31m\nmore")
    out, err = capsys.readouterr()
    assert out == "- news \\x1b[31m\nmore\n"
    assert err.splitlines() == [
        "note  a\\x1b]0;b\\x07\\r\\u202ec\td",
        "error: a\\x9b2J",
        "hint: b\\x1b[2J",
    ]


def test_warnings_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_summary(MADE)
    assert "[red]no remote[/red]" in capsys.readouterr().err


def test_a_step_is_one_line_when_it_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with console.Terminal().step("Render"):
        pass
    assert capsys.readouterr().err == "done  Render (0.0 s)\n"


def test_a_step_that_fails_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), console.Terminal().step("Render"):
        raise RuntimeError
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("typed", ["b\n", "2\n", "c\n9\nb\n"])
def test_a_choice_is_a_name_or_a_number(
    typed: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("typed") / "stdin"
    place.write_text(typed)
    with place.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert console.Terminal().choose("Which?", ("a", "b")) == "b"


def test_a_finding_shows_the_command_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_findings([Finding("uv", "uv starts", "error", "missing", "pip install uv")])
    assert "pip install uv" in capsys.readouterr().err


def test_a_good_finding_needs_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_findings([Finding("uv", "uv starts", "ok", "0.13", "pip install uv")])
    assert "pip install" not in capsys.readouterr().err


def test_an_error_and_its_hint_stand_on_lines_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.show_error("no", "do this\nor that")
    assert capsys.readouterr().err == "error: no\nhint: do this\nhint: or that\n"


def test_a_plan_counts_the_librarys_files_that_nobody_edited() -> None:
    library = "runtime/mlfactory_runtime/"
    states = ["added", "changed", "added", "merged", "conflict", "added"]
    rows = [Change(f"{library}{n}.py", state) for n, state in enumerate(states)]
    plan = UpdatePlan("p", "s", "1", "2", changes=(Change("a.txt", "added"), *rows))
    lines = [" ".join(line.split()) for line in console.plan_lines(plan)]
    assert lines[lines.index("Files:") + 1 :] == [
        "added a.txt",
        f"added {library} (3 files)",
        f"changed {library}1.py",
        f"merged {library}3.py",
        f"conflict {library}4.py",
    ]
