"""A factory's own files, found by their names: what the how-to pages say of them, done in place."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from mlfactory_runtime import git
from mlfactory_runtime.cli.commands import app
from mlfactory_runtime.data.check import check
from mlfactory_runtime.data.extensions import extensions
from mlfactory_runtime.data.source import pull
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.extensions import BUILT_IN, Metric
from mlfactory_runtime.gate import compare
from mlfactory_runtime.gate.judge import Compared, judge
from mlfactory_runtime.learn.metrics import measure
from mlfactory_runtime.learn.signature import load_signature
from mlfactory_runtime.learn.split import prepare
from mlfactory_runtime.learn.train import train
from mlfactory_runtime.monitor import page as monitor_page
from mlfactory_runtime.monitor import run as monitor
from mlfactory_runtime.project import Project, forget
from mlfactory_runtime.registry.resolve import Registered
from mlfactory_runtime.report.report import write_report
from mlfactory_runtime.settings.availability import Finding
from mlfactory_runtime.settings.params import Decision
from mlfactory_runtime.testing import Trained, check_model
from mlfactory_runtime.testing.trained import write_yaml
from mlfactory_runtime.upkeep import upkeep
from typer.testing import CliRunner

from ..template.pages import BLOCK, ROOT, put

HOW_TO = ROOT / "docs" / "how-to"
SPLIT = "import polars as pl\n\n\ndef sides(raw):\n    return {}\n"
METRIC = """import numpy as np
from mlfactory_runtime import Metric


def profit({parameters}):
    return {value}


METRICS = {{{name!r}: Metric(profit, better={better!r})}}
"""
GOOD = {
    "parameters": "y, p, weights",
    "value": "np.average(y, weights=weights)",
    "name": "profit",
    "better": "higher",
}


def blocks(page: str) -> list[tuple[str, str, str]]:
    """What the page has its reader write and type: file, language, text."""
    text = (HOW_TO / page).read_text("utf-8").replace("src/churn/", "src/example/")
    return BLOCK.findall(text)


def follow(page: str, project: Project) -> Project:
    """The factory with the files of the page; what it tells to type is for the test."""
    for name, language, text in blocks(page):
        if name and language == "yaml":
            content = yaml.safe_load((project.root / name).read_text("utf-8"))
            put(content, yaml.safe_load(text))
            write_yaml(project.root / name, content)
        elif name:
            write(project, name, text)
    return anew(project)


def write(project: Project, name: str, text: str) -> Project:
    """The factory with another file."""
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return anew(project)


def anew(project: Project) -> Project:
    """The factory as a new process finds it."""
    forget(project.package)
    return Project(project.root)


def own(project: Project, name: str, text: str) -> Project:
    return write(project, f"src/example/{name}", text)


def factory(project: Project, line: str, code: int = 0) -> str:
    """What a command says, on both streams."""
    with chdir(project.root):
        done = CliRunner().invoke(app, shlex.split(line))
    if isinstance(done.exception, FactoryError):
        return f"{done.exception.message}\n{done.exception.hint}"
    assert done.exit_code == code, done.output
    return done.output


def repro(project: Project) -> Project:
    """The whole pipeline, as `dvc repro` runs it."""
    prepare(project)
    train(project)
    write_report(project)
    return project


def evaluation(project: Project) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project.reports / "evaluation.json").read_text("utf-8"))
    return content


def errors(project: Project) -> list[tuple[str, str]]:
    """What `factory check` calls an error, and what to do about it."""
    return [(one.message, one.remedy) for one in check(project) if one.level == "error"]


def warnings(project: Project) -> list[tuple[str, str]]:
    return [
        (one.message, one.remedy)
        for one in check(project)
        if one.level == "warning" and one.feature in ("your code", "report")
    ]


def unread(project: Project) -> list[str | None]:
    return [one.feature for one in upkeep(project)]


def found(project: Project) -> set[tuple[str, str, str]]:
    return {(one.kind, one.name, one.file) for one in extensions(project)}


@pytest.mark.parametrize(
    "page",
    ["own-metric.md", "own-checks.md", "python-source.md", "own-split.md", "report-sections.md"],
)
def test_pages_that_say_that_they_are_tried_are_tried_here(page: str) -> None:
    assert "Every file on this page is tried by a test" in (HOW_TO / page).read_text("utf-8")
    assert f'follow("{page}"' in Path(__file__).read_text("utf-8")
    assert any(name for name, _, _ in blocks(page))


def test_a_factory_without_own_files_has_no_extension(trained: Trained) -> None:
    assert extensions(trained.project) == []
    assert errors(trained.project) == warnings(trained.project) == []


# Metrics


def test_the_names_that_are_taken_are_those_that_are_measured() -> None:
    draw = np.random.default_rng(0)
    p, ones = draw.dirichlet(np.ones(3), 90), np.ones(90)
    shapes = {"binary": p[:, 0], "multiclass": p, "regression": p[:, 0]}
    y = draw.integers(0, 2, 90).astype(float)
    names = {n for t, p in shapes.items() for n in measure(t, y, p, Decision())(ones)}
    assert names == set(BUILT_IN)


def test_an_own_metric_is_measured_shown_and_decides(trained_copy: Project) -> None:
    project = follow("own-metric.md", trained_copy)
    assert found(project) == {("metric", "profit", "src/example/metrics.py")}
    assert "your own metric profit: src/example/metrics.py" in factory(project, "check")
    train(project)
    write_report(project)
    profit = {n: one["profit"] for n, one in evaluation(project)["models"].items()}
    assert profit["model"]["low"] < profit["model"]["value"] < profit["model"]["high"]
    assert profit["model"]["value"] > profit["naive"]["value"]
    assert json.loads((project.reports / "metrics.json").read_text("utf-8"))["profit"]
    report = (project.reports / "report.html").read_text("utf-8")
    assert re.search("profit per customer <span>. higher is better</span>", report)
    assert "What it brings, per customer, to call everybody" in report
    assert "| profit per customer | higher |" in (project.reports / "model_card.md").read_text()
    assert "profit" in factory(project, "summary")


def test_an_own_metric_decides_in_the_comparison(trained_copy: Project) -> None:
    project = follow("own-metric.md", trained_copy)
    train(project)
    record = compare.compare(project, "models/model", "models/model")
    assert (record.metric, record.verdict) == ("profit", "same")
    assert record.a_metrics["profit"] == record.b_metrics["profit"]
    assert "| profit |" in (project.reports / "comparison.md").read_text("utf-8")


def test_an_own_metric_decides_which_is_better_by_its_own_direction(trained_copy: Project) -> None:
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 2000).astype(float)
    good, bad = np.clip(y * 0.6 + 0.2 + draw.normal(0, 0.1, (2, 2000)) * [[1], [4]], 0.01, 0.99)
    rows = Compared("binary", y, bad, good, np.arange(2000))
    params = trained_copy.params
    params = params.model_copy(update={"gate": params.gate.model_copy(update={"metric": "own"})})
    for better, verdict in (("higher", "better"), ("lower", "worse")):
        metric = Metric(lambda y, p, w: np.average((p > 0.5) == y, weights=w), better)
        assert judge(rows, [], params, {"own": metric}).verdict == verdict


def test_an_own_metric_is_on_the_monitors_page(trained_copy: Project) -> None:
    project = follow("own-metric.md", trained_copy)
    train(project)
    result = monitor.monitor(project, current=project.raw)
    assert (result.performance.observed or {})["profit"].value
    monitor_page.write(project, result, project.root / "monitor.html")
    text = (project.root / "monitor.html").read_text("utf-8")
    assert re.search("profit per customer <span>. higher is better</span>", text)


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ({"parameters": "y, p"}, "`profit` takes other values", "profit(y, p, weights) -> float"),
        ({"name": "rmse"}, "'rmse' is the library's own metric", "another name"),
        ({"better": "more"}, "'more' is better", 'better="higher"'),
    ],
)
def test_a_metric_of_another_form_is_refused_with_the_right_one(
    trained_copy: Project, change: dict[str, str], message: str, hint: str
) -> None:
    project = own(trained_copy, "metrics.py", METRIC.format(**GOOD | change))
    ((said, remedy),) = errors(project)
    assert message in said
    assert hint in remedy
    with pytest.raises(FactoryError, match=re.escape(message)):
        train(project)


@pytest.mark.parametrize("text", ["", "METRICS = {'profit': sum}\n", "METRICS = [1]\n"])
def test_a_metrics_file_that_names_none_is_refused(trained_copy: Project, text: str) -> None:
    ((said, remedy),) = errors(own(trained_copy, "metrics.py", text))
    assert "does not name its metrics in METRICS" in said
    assert 'METRICS = {"profit": Metric(profit, better="higher")}' in remedy


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("float(y.mean())", "'profit' does not look at the weights"),
        ("y", "'profit' gives a ndarray"),
        ("None", "'profit' gives a NoneType"),
        ("1 / 0", "metrics.py, line 6: ZeroDivisionError: division by zero"),
        ("y.sort()", "metrics.py, line 6: ValueError: "),
    ],
)
def test_what_a_metric_does_wrong_is_told(trained_copy: Project, value: str, message: str) -> None:
    project = own(trained_copy, "metrics.py", METRIC.format(**GOOD | {"value": value}))
    with pytest.raises(FactoryError, match=re.escape(message)):
        train(project)


def test_a_metric_that_is_not_defined_has_no_value() -> None:
    metric = Metric(lambda *_: float("inf"), "lower")
    y = np.zeros(9)
    assert np.isnan(measure("regression", y, y, Decision(), {"own": metric})(y + 1)["own"])


def test_a_gate_by_a_metric_that_is_not_there_is_an_error(trained_copy: Project) -> None:
    params = yaml.safe_load((trained_copy.root / "params.yaml").read_text("utf-8"))
    write_yaml(trained_copy.root / "params.yaml", params | {"gate": {"metric": "profti"}})
    ((said, remedy),) = errors(own(trained_copy, "metrics.py", METRIC.format(**GOOD)))
    assert "'profti'" in said
    assert remedy.startswith("name one of profit, roc_auc")


# Checks of rows


def test_an_own_check_warns_in_check_and_in_the_report(trained_copy: Project) -> None:
    project = follow("own-checks.md", trained_copy)
    assert found(project) == {("check", "check", "src/example/checks.py")}
    said = factory(project, "check")
    assert "your own check check: src/example/checks.py" in said
    assert "customers on the plan basic have more than 400\n  remedy: ask billing who" in said
    repro(project)
    assert "on the plan basic have more than 400" in (project.reports / "report.html").read_text()


def test_an_error_of_an_own_check_stops_the_data(trained_copy: Project) -> None:
    project = follow("own-checks.md", trained_copy)
    file = project.source / "checks.py"
    project = own(project, "checks.py", file.read_text("utf-8").replace("warning", "error"))
    assert "the check found errors" in factory(project, "check", code=1)
    with pytest.raises(FactoryError, match=r"balance: .* on the plan basic have more than 400"):
        prepare(project)
    with pytest.raises(FactoryError, match=r"and the old one stays: balance: .* more than 400"):
        pull(project, project.raw.name, start=project.raw.parent)


def test_rows_that_break_the_contract_are_told_before_the_own_check_sees_them(
    trained_copy: Project,
) -> None:
    text = "def check(rows):\n    assert rows['age'].max() <= 90\n    return []\n"
    project = own(trained_copy, "checks.py", text)
    rows = pl.read_csv(project.raw)
    rows.with_columns(age=pl.lit(900)).write_csv(project.raw)
    assert [message for message, _ in errors(project)] == [
        f"{rows.height:,} rows: the value is above 90"
    ]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "def check():\n    return []\n",
            "`check` takes other values",
            "def check(rows: pl.DataFrame)",
        ),
        ("def chek(rows):\n    return []\n", "no function `check`", "-> Iterable[Finding]"),
    ],
)
def test_a_check_of_another_form_is_refused_with_the_right_one(
    trained_copy: Project, text: str, message: str, hint: str
) -> None:
    ((said, remedy),) = errors(own(trained_copy, "checks.py", text))
    assert message in said
    assert hint in remedy


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "`check` gives something else than findings"),
        ("yield 'wrong'", "`check` gives something else than findings"),
        ("yield rows['salary']", "checks.py, line 2: ColumnNotFoundError"),
    ],
)
def test_what_a_check_does_wrong_is_told(trained_copy: Project, body: str, message: str) -> None:
    project = own(trained_copy, "checks.py", f"def check(rows):\n    {body}\n")
    with pytest.raises(FactoryError, match=re.escape(message)):
        prepare(project)
    assert message in factory(project, "check")


# A source in Python


@pytest.fixture
def tracked(trained_copy: Project) -> Project:
    """The factory with git and DVC."""
    git.git(trained_copy.root, "init", "--quiet", "--initial-branch=main")
    git.dvc(trained_copy.root, "init", "--quiet")
    return trained_copy


def test_the_data_are_fetched_by_python(
    tracked: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, exports = pl.read_csv(tracked.raw, infer_schema=False), tmp_path / "exports"
    exports.mkdir()
    rows.head(300).with_columns(age=pl.lit("20")).write_csv(exports / "2025-03-01.csv")
    rows.write_csv(exports / "2025-03-02.csv")
    project = follow("python-source.md", tracked)
    assert found(project) == {("source", "pull", "src/example/source.py")}
    assert "your own source pull: src/example/source.py" in factory(project, "check")
    said = factory(project, "data pull")
    assert said == "EXPORTS names no folder of exports\nexport EXPORTS=/the/folder"
    monkeypatch.setenv("EXPORTS", str(exports))
    said = factory(anew(project), "data pull")
    assert f"{rows.height:,} rows from 2 exports up to 2025-03-02" in said
    assert pl.read_csv(project.raw, infer_schema=False).equals(rows.sort("customer"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "def pull():\n    return ''\n",
            "`pull` takes other values",
            "def pull(target: Path) -> str",
        ),
        ("", "no function `pull`", "def pull(target: Path) -> str"),
        ("def pull(target):\n    return 'x'\n", "`pull` wrote no file", "-> str"),
        ("def pull(target):\n    target.touch()\n", "where the table came from", "-> str"),
        (
            "def pull(target):\n    target.write_bytes(b'PAR1')\n    return 'x'\n",
            "fit the name",
            "csv",
        ),
        ("def pull(target):\n    1 / 0\n", "own/lake.py, line 2: ZeroDivisionError", "that line"),
        ("1 / 0\n", "own/lake.py, line 1: ZeroDivisionError", "that line"),
        ("import lakes\n", "own/lake.py, line 1: ModuleNotFoundError", "uv add LIBRARY"),
        ("def pull(:\n", "own/lake.py, line 1: SyntaxError", "that line"),
    ],
)
def test_a_source_of_another_form_is_refused_with_the_right_one(
    trained_copy: Project, text: str, message: str, hint: str
) -> None:
    before = trained_copy.raw.read_bytes()
    project = write(trained_copy, "own/lake.py", text)
    said, remedy = factory(project, "data pull --from own/lake.py").rsplit("\n", 1)
    assert message in said
    assert hint in remedy
    assert project.raw.read_bytes() == before


def test_a_source_that_is_not_there_is_an_error_of_check(trained_copy: Project) -> None:
    params = yaml.safe_load((trained_copy.root / "params.yaml").read_text("utf-8"))
    params["data"]["source"] = "src/example/lake.py"
    write_yaml(trained_copy.root / "params.yaml", params)
    assert "lake.py is not here" in errors(anew(trained_copy))[0][0]


def test_a_source_that_cannot_be_run_is_an_error_of_check(trained_copy: Project) -> None:
    params = yaml.safe_load((trained_copy.root / "params.yaml").read_text("utf-8"))
    params["data"]["source"] = "own/lake.py"
    write_yaml(trained_copy.root / "params.yaml", params)
    project = write(trained_copy, "own/lake.py", "print('run')\nnosuch\n")
    assert "own/lake.py, line 2: NameError" in errors(project)[0][0]


# The split


def test_an_own_split_holds_whole_branches_out(trained_copy: Project) -> None:
    project = follow("own-split.md", trained_copy)
    assert found(project) == {("split", "sides", "src/example/split.py")}
    assert "your own split sides: src/example/split.py" in factory(project, "check")
    repro(project)
    parts = ("train", "validation", "holdout")
    branches = [set(pl.read_parquet(project.prepared / f"{p}.parquet")["branch"]) for p in parts]
    assert all(branches)
    assert not branches[0] & branches[1] | branches[0] & branches[2] | branches[1] & branches[2]
    split = load_signature(project.model_folder).split
    assert (split.kind, split.code) == ("own", project.split_code)
    assert "own <code>split.py</code>" in (project.reports / "report.html").read_text("utf-8")
    assert "own `split.py`" in (project.reports / "model_card.md").read_text("utf-8")


def test_an_own_split_comes_before_one_by_time(
    examples: Callable[[str], Trained], tmp_path: Path
) -> None:
    shutil.copytree(examples("regression").folder, tmp_path / "copy")
    project = follow("own-split.md", Project(tmp_path / "copy"))
    assert project.params.data.time
    split = prepare(project)
    assert (split.kind, split.cutoff) == ("own", None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("pl.Series(range(raw.height)) % 3", "depends on the order of the rows"),
        ("raw['age'].fill_null('0').rank('dense').cast(int) % 3", "depends on other rows"),
        ("pl.Series([raw.height % 3] * raw.height)", "depends on other rows"),
        (
            "pl.Series(__import__('random').choices([0, 1, 2], k=raw.height))",
            "depends on the order",
        ),
        ("[0] * raw.height", "`sides` gives a list"),
        ("pl.Series([0])", "`sides` gives 1 values for"),
        ("pl.Series([3] * raw.height)", "other values than 0 (train), 1 (validation) and 2"),
        ("pl.Series([None] * raw.height, dtype=pl.Int8)", "other values than 0"),
        ("pl.Series([0.5] * raw.height)", "other values than 0"),
        ("raw['salary']", "split.py, line 5: ColumnNotFoundError"),
    ],
)
def test_a_split_that_moves_rows_is_refused(
    trained_copy: Project, value: str, message: str
) -> None:
    project = own(trained_copy, "split.py", SPLIT.format(value))
    assert message in errors(project)[0][0]
    with pytest.raises(FactoryError, match=re.escape(message)):
        prepare(project)


def test_a_split_of_another_form_is_refused_with_the_right_one(trained_copy: Project) -> None:
    project = own(trained_copy, "split.py", "def sides(raw, params):\n    return raw\n")
    ((said, remedy),) = errors(project)
    assert "`sides` takes other values" in said
    assert remedy == "it is called as def sides(raw: pl.DataFrame) -> pl.Series"


def by_letter(*letters: str) -> str:
    """A split.py that holds out customers by the last letter of their key."""
    held = f"raw['customer'].str.slice(-1).is_in({list(letters)})"
    sides = f"pl.when({held}).then(2).when(raw['age'] == '30').then(1).otherwise(0)"
    return SPLIT.format(f"pl.select({sides}).to_series()")


def test_each_side_of_a_comparison_is_split_by_its_own_commit(
    trained_copy: Project, tmp_path: Path
) -> None:
    shutil.copytree(trained_copy.root, tmp_path / "old")
    old = repro(own(Project(tmp_path / "old"), "split.py", by_letter(*"01234")))
    new = repro(own(trained_copy, "split.py", by_letter(*"34567")))
    champion = Registered("prod", "v1.0.0", "abc", old, old.model_folder)
    record = compare.compare(new, champion, "models/model")
    last = pl.read_csv(new.raw)["customer"].str.slice(-1)
    assert record.rows + record.left_out == last.is_in(["3", "4"]).sum() > 0
    elsewhere = repro(own(old, "split.py", by_letter(*"89")))
    record = compare.compare(new, champion, "models/model")
    assert record.verdict == "undecided"
    assert "their splits share no holdout" in record.reason
    broken = own(elsewhere, "split.py", SPLIT.format("raw['gone']"))
    lost = Registered("prod", None, "abc", broken, broken.model_folder)
    reason = compare.compare(new, lost, "models/model").reason
    assert "prod cannot split the rows: split.py, line 5" in reason


def test_a_model_of_another_split_than_the_one_at_hand_is_not_compared(
    trained_copy: Project,
) -> None:
    repro(own(trained_copy, "split.py", by_letter(*"01")))
    project = own(trained_copy, "split.py", by_letter(*"012"))
    with pytest.raises(FactoryError, match=r"not trained with the split\.py") as caught:
        compare.compare(project, "models/model", "models/model")
    assert caught.value.hint == "dvc repro"


# The report


def test_own_sections_and_looks_are_in_the_report(trained_copy: Project) -> None:
    project = follow("report-sections.md", trained_copy)
    assert found(project) == {
        ("template", "style.html", "report/style.html"),
        ("section", "1-budget", "report/sections/1-budget.html"),
    }
    assert "your own section 1-budget: report/sections/1-budget.html" in factory(project, "check")
    text = write_report(project).read_text("utf-8")
    accuracy = evaluation(project)["models"]["model"]["accuracy"]["value"]
    assert "<h2>What is it for?</h2>" in text
    assert f"Its accuracy is {accuracy:.3f} (" in text
    assert "<style>h1 { color: #7a1f5c; }</style>" in text
    assert "--page: #f4f6f8" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<p>\n{{ modles }}", "report/sections/a.html, line 2: 'modles' is undefined"),
        ("{% if %}", "report/sections/a.html, line 1: Expected an expression"),
        ("\n{{ rows.holdout / 0 }}", "report/sections/a.html, line 2: division by zero"),
    ],
)
def test_what_is_wrong_in_a_section_is_told(trained_copy: Project, text: str, message: str) -> None:
    project = write(trained_copy, "report/sections/a.html", text)
    with pytest.raises(FactoryError, match=re.escape(message)):
        write_report(project)


def test_a_page_that_nobody_reads_is_told(trained_copy: Project) -> None:
    for name in ("reprot.html", "_part.html", "sections/notes.txt", "model_card.md"):
        write(trained_copy, f"report/{name}", "text")
    said = [message for message, _ in warnings(trained_copy)]
    assert said == [
        f"{name} is no page of the library, so nobody reads it"
        for name in ("report/reprot.html", "report/sections/notes.txt")
    ]


def test_a_pipeline_that_does_not_know_of_the_pages_is_told(trained_copy: Project) -> None:
    write(trained_copy, "report/model_card.md", "text")
    stage: dict[str, Any] = {"stages": {"report": {"cmd": "factory report", "deps": ["vendor"]}}}
    write_yaml(trained_copy.root / "dvc.yaml", stage)
    ((said, remedy),) = warnings(trained_copy)
    assert said == "the stage `report` does not know of the folder report"
    assert "`- report`" in remedy
    stage["stages"]["report"]["deps"].append("report")
    write_yaml(trained_copy.root / "dvc.yaml", stage)
    assert warnings(trained_copy) == []


# The estimator


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(
    ("page", "number", "library"),
    [
        ("another-estimator.md", 0, "xgboost"),
        ("another-estimator.md", 1, "catboost"),
        ("scikit-learn-model.md", 0, "skops"),
    ],
)
def test_another_estimator_keeps_the_rules(
    page: str, number: int, library: str, task: str,
    examples: Callable[[str], Trained], tmp_path: Path,
) -> None:  # fmt: skip
    pytest.importorskip(library)
    shutil.copytree(examples(task).folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy/models")
    text = [text for name, _, text in blocks(page) if name == "src/example/model.py"][number]
    project = own(Project(tmp_path / "copy"), "model.py", text)
    assert errors(project) == []
    result = train(project)
    known, model = (
        load_signature(project.model_folder),
        project.estimator.load(project.model_folder),
    )
    check_model(Trained(project, known, model, result))
    files = {path.name for path in project.model_folder.iterdir()}
    common = {"signature.json", "profile.json", "card.json", "manifest.json"}
    common |= {"intervals.json"} if task == "regression" else set()
    assert common <= files and len(files - common) == 1
    if project.estimator.contributions:
        x = Trained(project, known, model, result).part("holdout").x
        assert project.estimator.contributions(model, x, known).shape == x.shape


def test_a_model_of_another_form_is_an_error_of_check(trained_copy: Project) -> None:
    ((said, remedy),) = errors(own(trained_copy, "model.py", "def fit(train):\n    return 1\n"))
    assert "model.py: `fit` takes other values" in said
    assert remedy == "it is called as def fit(train, validation, signature, settings)"


# What earlier templates left


def test_names_that_mean_something_now_are_not_said_to_be_unread(trained_copy: Project) -> None:
    for name in ("metrics.py", "split.py", "source.py", "alerts.py"):
        own(trained_copy, name, "NAME = 1\n")
    assert unread(trained_copy) == ["src/example/alerts.py", "src/example/source.py"]
    project = follow("python-source.md", trained_copy)
    assert unread(project) == ["src/example/alerts.py"]


def test_check_lists_the_extensions_as_json(trained_copy: Project) -> None:
    project = own(trained_copy, "metrics.py", METRIC.format(**GOOD))
    with chdir(project.root):
        printed = CliRunner().invoke(app, ["check", "--json"]).stdout
    assert json.loads(printed)["extensions"] == [
        {"kind": "metric", "name": "profit", "file": "src/example/metrics.py"}
    ]


def test_the_public_names_of_extensions_are_the_librarys_own() -> None:
    import mlfactory_runtime

    assert mlfactory_runtime.Metric is Metric
    assert mlfactory_runtime.Finding is Finding
