"""`mlfactory new` through the real program, real git and real copier.

Where a factory's own programs are needed, small scripts stand in for them: the whole line with
uv, DVC and training is tested in tests/template/.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from mlfactory.new import steps
from mlfactory.new.journal import Run
from mlfactory.new.request import Request

from . import evolving
from .conftest import Command

pytestmark = pytest.mark.usefixtures("here")
FACTORY = """#!/bin/sh
case "$1 $2" in
"catalog draft") echo '{"columns": 4, "decisions": [], "warnings": ["id looks like a name"]}'
                 echo drafted > features.yaml ;;
*) cat <<'END'
{"task": "classification", "target": "churned", "metric": "roc_auc", "verdict": "accepted",
 "rows": {"train": 60, "validation": 10, "holdout": 20}, "reason": "", "report": "report.html",
 "warnings": ["few rows"],
 "metrics": {"model": {"roc_auc": {"value": 0.9, "low": 0.8, "high": 1.0}},
             "naive": {"roc_auc": {"value": 0.5, "low": 0.5, "high": 0.5}}}}
END
;;
esac
"""
DVC = """#!/bin/sh
case "$1" in
add) test -f "$2" && echo tracked > "$2.dvc" ;;
repro) command -v factory | grep -q "$PWD/.venv" && echo locked > dvc.lock ;;
esac
"""
HOOKS = "#!/bin/sh\necho hooked > .git/hooks/pre-commit\n"


@pytest.fixture
def mlfactory() -> Command:
    """The program in a process that has imported its packages: how it starts is not asked here."""
    return evolving.mlfactory


@pytest.fixture
def subjects(command: Any) -> Any:
    def log(place: Path) -> list[str]:
        out: str = command("git", "log", "--reverse", "--format=%s", cwd=place).stdout
        return out.splitlines()

    return log


def scripts(factory: Path) -> None:
    """Put the stand-ins for a factory's programs into its environment."""
    for name, text in {"factory": FACTORY, "dvc": DVC, "pre-commit": HOOKS}.items():
        script = factory / ".venv" / "bin" / name
        script.write_text(text)
        script.chmod(0o755)


@pytest.fixture
def interrupted(here: Path, mlfactory: Any, contract_template: Path, table: Path) -> Path:
    """A factory whose setup failed because DVC was missing, and can go on now."""
    options = ("--template", contract_template, "--data", table, "--target", "churned", "--trust")
    result = mlfactory("new", "churn", *options, code=1)
    assert "step 'data' failed" in result.stderr
    scripts(here / "churn")
    return here / "churn"


# A template of anybody's.


def test_any_template_is_rendered_and_committed(
    here: Path, mlfactory: Any, plain_template: Path, subjects: Any
) -> None:
    mlfactory("new", "thing", "--template", plain_template)
    assert subjects(here / "thing") == ["Start thing from plain-template 1.0.0"]


def test_that_it_lacks_the_contract_is_said(mlfactory: Any, plain_template: Path) -> None:
    result = mlfactory("new", "thing", "--template", plain_template)
    assert "does not keep mlfactory's contract" in result.stderr


def test_an_option_whose_question_it_lacks_is_refused(
    here: Path, mlfactory: Any, plain_template: Path
) -> None:
    result = mlfactory("new", "thing", "--template", plain_template, "--target", "x", code=2)
    assert "no question target" in result.stderr
    assert list(here.iterdir()) == []


def test_a_failed_render_leaves_nothing(here: Path, mlfactory: Any, plain_template: Path) -> None:
    mlfactory("new", "deep/thing", "--template", plain_template, "--set", "colour=none", code=2)
    assert list(here.iterdir()) == []


def test_answers_come_from_a_file_and_set_holds_before_it(
    here: Path, mlfactory: Any, plain_template: Path
) -> None:
    (here / "a.yml").write_text("colour: blue\ncount: 7\n")
    options = ("--template", plain_template, "--answers", "a.yml", "--set", "colour={{ x }}")
    mlfactory("new", "thing", *options)
    assert (here / "thing/colour.txt").read_text() == "{{ x }} 7 {{ x }}ish\n"


def test_the_current_directory_can_become_the_factory(
    here: Path, mlfactory: Any, plain_template: Path, subjects: Any
) -> None:
    mlfactory("new", ".", "--template", plain_template)
    assert len(subjects(here)) == 1


def test_a_repository_around_it_is_pointed_out(
    here: Path, mlfactory: Any, plain_template: Path, command: Any
) -> None:
    command("git", "init", "--quiet", cwd=here)
    result = mlfactory("new", "thing", "--template", plain_template)
    assert f"thing lies inside the repository {here}" in result.stderr


# The template that travels with the program.


def test_nobody_reads_where_the_data_lie_on_this_machine(
    tmp_path: Path, here: Path, mlfactory: Any, table: Path, command: Any
) -> None:
    home = tmp_path / "home" / "maria"
    home.mkdir(parents=True)
    shutil.copy(table, home / "customers.csv")
    options = ("--data", home / "customers.csv", "--target", "churned", "--no-setup")
    result = mlfactory("new", "churn", *options)
    assert "this clone knows its folder: git config factory.dataFolder" in result.stderr
    factory = here / "churn"
    assert command("git", "grep", "-I", "-e", "maria", "HEAD", cwd=factory, code=1).stdout == ""
    setting = command("git", "config", "--get", "factory.dataFolder", cwd=factory)
    assert setting.stdout.strip() == str(home)
    assert 'source: "customers.csv"' in (factory / "params.yaml").read_text()


def test_without_setup_there_is_one_commit_and_no_data_in_it(
    here: Path, mlfactory: Any, contract_template: Path, table: Path, command: Any
) -> None:
    options = ("--template", contract_template, "--data", table, "--target", "churned")
    mlfactory("new", "churn", *options, "--no-setup")
    tracked = command("git", "ls-files", cwd=here / "churn").stdout.split()
    assert tracked == [".copier-answers.yml", ".dvc/config", ".gitignore", "pyproject.toml"]
    assert (here / "churn/data/raw/customers.csv").read_bytes() == table.read_bytes()


def test_json_is_one_object(
    here: Path, mlfactory: Any, contract_template: Path, table: Path
) -> None:
    options = ("--template", contract_template, "--data", table, "--target", "churned")
    summary = json.loads(mlfactory("new", "churn", *options, "--no-setup", "--json").stdout)
    assert summary["path"] == str(here / "churn")
    assert (summary["project"], summary["task"], summary["rows"]) == ("churn", "classification", 90)
    assert list(summary["seconds"]) == ["look", "render", "repository", "copy", "commit"]
    assert summary["next"] == ["mlfactory new churn --trust"]


def test_an_unreleased_template_is_kept_in_the_factory(
    here: Path, mlfactory: Any, command: Any
) -> None:
    summary = json.loads(mlfactory("new", "churn", "--no-setup", "--json").stdout)
    refs = command("git", "for-each-ref", "--format=%(refname)", cwd=here / "churn").stdout
    ref = f"refs/mlfactory/template/{summary['template']['version']}"
    assert (ref in refs.split()) is not summary["template"]["released"]


def test_a_template_that_would_commit_the_data_is_refused(
    mlfactory: Any, contract_template: Path, table: Path
) -> None:
    (contract_template / "tree/.gitignore").write_text("")
    options = ("--template", contract_template, "--data", table, "--target", "churned")
    result = mlfactory("new", "churn", *options, "--no-setup", code=1)
    assert "does not keep data/raw/customers.csv out of git" in result.stderr


def test_a_newer_contract_needs_a_newer_program(
    here: Path, mlfactory: Any, contract_template: Path
) -> None:
    project = contract_template / "tree/pyproject.toml.jinja"
    project.write_text(project.read_text().replace("contract = 1", "contract = 3"))
    result = mlfactory("new", "churn", "--template", contract_template, code=1)
    assert "keeps contract 3" in result.stderr
    assert list(here.iterdir()) == []


def test_an_impossible_name_is_refused_before_anything_is_written(
    here: Path, mlfactory: Any
) -> None:
    assert "numpy-model" in mlfactory("new", "numpy", code=2).stderr
    assert list(here.iterdir()) == []


def test_data_that_are_not_there_are_refused_before_anything_is_written(
    here: Path, mlfactory: Any
) -> None:
    mlfactory("new", "churn", "--data", "nothing.csv", "--target", "x", code=None)
    assert list(here.iterdir()) == []


# Failing and resuming.


def test_a_failure_keeps_the_directory_and_says_how_to_go_on(
    here: Path, mlfactory: Any, contract_template: Path
) -> None:
    result = mlfactory("new", "churn", "--template", contract_template, "--trust", code=1)
    assert f"hint: {here}/churn is kept: run `mlfactory new churn` again" in result.stderr
    assert (here / "churn/uv.lock").is_file()


def test_the_same_command_resumes_and_ends_with_the_trained_state(
    interrupted: Path, mlfactory: Any, subjects: Any
) -> None:
    summary = json.loads(mlfactory("new", "churn", "--json").stdout)
    assert [text.split(" from ")[0] for text in subjects(interrupted)] == [
        "Start churn",
        "Train the first model",
    ]
    assert (summary["verdict"], summary["rows"]["holdout"]) == ("accepted", 20)
    assert summary["metrics"]["roc_auc"]["low"] == 0.8
    assert list(summary["baselines"]) == ["naive"]
    assert {"few rows", "id looks like a name"} <= set(summary["warnings"])


def test_what_was_finished_is_not_done_again(interrupted: Path, mlfactory: Any) -> None:
    (interrupted / "uv.lock").unlink()
    result = mlfactory("new", "churn")
    assert "Lock and install" not in result.stderr


def test_an_environment_that_was_not_finished_starts_from_nothing(
    here: Path, mlfactory: Any, contract_template: Path, table: Path
) -> None:
    argv = ("new", "churn", "--template", contract_template, "--data", table, "--trust")
    more = ("--target", "churned", "--defaults", "--no-train")
    mlfactory(*argv, *more, "--no-setup", cwd=here)
    (here / "churn/.venv/half").mkdir(parents=True)
    mlfactory(*argv, *more, cwd=here, code=None)
    assert (here / "churn/.venv/bin/python").exists()
    assert not (here / "churn/.venv/half").exists()


def test_training_can_come_later(interrupted: Path, mlfactory: Any) -> None:
    mlfactory("new", "churn", "--no-train")
    assert not (interrupted / "dvc.lock").exists()
    mlfactory("new", "churn")
    assert (interrupted / "dvc.lock").exists()


def test_the_hooks_are_installed(interrupted: Path, mlfactory: Any) -> None:
    mlfactory("new", "churn")
    assert (interrupted / ".git/hooks/pre-commit").read_text() == "hooked\n"


def test_a_finished_factory_is_left_alone(interrupted: Path, mlfactory: Any, subjects: Any) -> None:
    mlfactory("new", "churn")
    before = subjects(interrupted)
    assert "is there already" in mlfactory("new", "churn").stderr
    assert subjects(interrupted) == before


def test_options_that_contradict_the_first_ones_are_refused(
    interrupted: Path, mlfactory: Any
) -> None:
    assert interrupted.is_dir()
    result = mlfactory("new", "churn", "--target", "amount", code=2)
    assert "--target says 'amount', but churn was begun with 'churned'" in result.stderr


def test_setup_can_come_later(
    here: Path, mlfactory: Any, contract_template: Path, subjects: Any
) -> None:
    mlfactory("new", "churn", "--template", contract_template, "--no-setup", "--trust")
    mlfactory("new", "churn", code=1)
    scripts(here / "churn")
    mlfactory("new", "churn")
    assert subjects(here / "churn") == [
        "Start churn from mlfactory",
        "Lock the packages, track the data and draft the catalog",
        "Train the first model",
    ]


@pytest.mark.parametrize("compiled", [True, False])
def test_what_training_imports_is_compiled_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    python, arguments = tmp_path / ".venv/bin/python", tmp_path / "arguments"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" > {arguments}.new && mv {arguments}.new {arguments}\n')
    python.chmod(0o755)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "" if compiled else "1")
    with steps.compiling(Run(tmp_path, Request(str(tmp_path)), "", "", released=True)):
        while compiled and not arguments.exists():
            time.sleep(0.02)
    expected = "-P -m mlfactory_runtime.bytecode\n"
    assert (arguments.read_text() if arguments.exists() else "") == expected * compiled


# A template of somebody else's, that keeps the contract and means harm.


@pytest.fixture
def hostile(contract_template: Path, tmp_path: Path) -> Path:
    """Everything that could start a program says so in a file."""
    tree = contract_template / "tree"
    for name in ("build", "dvc", "factory", "pre-commit", "task"):
        (tmp_path / "ran").mkdir(exist_ok=True)
        script = tree / f".venv/bin/{name}"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran/{name}\n")
        script.chmod(0o755)
    (tree / "backend.py").write_text(
        f"open({str(tmp_path / 'ran/build')!r}, 'w').close()\n"
        "def prepare_metadata_for_build_wheel(*args, **kw): raise SystemExit(1)\n"
        "get_requires_for_build_wheel = get_requires_for_build_editable = lambda *a, **k: []\n"
        "build_wheel = build_editable = prepare_metadata_for_build_wheel\n"
    )
    project = tree / "pyproject.toml.jinja"
    text = project.read_text().replace('version = "0"', 'dynamic = ["version"]')
    build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    project.write_text(text + build)
    with (contract_template / "copier.yml").open("a") as file:
        file.write(f"_tasks: ['touch {tmp_path}/ran/task']\n")
    return contract_template


def ran(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "ran").iterdir())


def test_without_trust_nothing_of_a_template_runs_and_what_is_left_is_said(
    here: Path, mlfactory: Any, hostile: Path, tmp_path: Path, subjects: Any
) -> None:
    result = mlfactory("new", "churn", "--template", hostile, "--json")
    content = json.loads(result.stdout)
    assert ran(tmp_path) == []
    assert subjects(here / "churn") == ["Start churn from mlfactory"]
    assert content["skipped_tasks"] == [f"touch {tmp_path}/ran/task"]
    assert "left to do: run the template's tasks, commit what the tasks did, lock" in result.stderr
    assert content["next"] == ["mlfactory new churn --trust"]
    mlfactory("new", "churn")
    assert ran(tmp_path) == []


def test_trust_goes_on_and_is_remembered(mlfactory: Any, hostile: Path, tmp_path: Path) -> None:
    shutil.rmtree(hostile / "tree/.venv")
    mlfactory("new", "churn", "--template", hostile)
    result = mlfactory("new", "churn", "--trust", code=1)
    assert "step 'environment' failed" in result.stderr
    assert ran(tmp_path) == ["build", "task"]
    (tmp_path / "ran/build").unlink()
    mlfactory("new", "churn", code=1)
    assert ran(tmp_path) == ["build", "task"]


def test_tasks_of_a_plain_template_run_where_the_project_stays(
    here: Path, mlfactory: Any, plain_template: Path, command: Any
) -> None:
    with (plain_template / "copier.yml").open("a") as file:
        file.write("_tasks: ['pwd > place; echo said; echo {{ colour }} > own', 'git init -q']\n")
    command("git", "commit", "--quiet", "--all", "--message", "tasks", cwd=plain_template)
    command("git", "tag", "v1.1.0", cwd=plain_template)
    options = ("--template", plain_template, "--set", "colour=blue", "--trust", "--json")
    summary = json.loads(mlfactory("new", "thing", *options).stdout)
    assert summary["skipped_tasks"] == []
    assert (here / "thing/place").read_text() == f"{here}/thing\n"
    assert (here / "thing/own").read_text() == "blue\n"
    assert command("git", "status", "--porcelain", cwd=here / "thing").stdout == ""


def test_tasks_that_were_skipped_run_later_in_a_commit_of_their_own(
    here: Path, mlfactory: Any, plain_template: Path, command: Any, subjects: Any
) -> None:
    with (plain_template / "copier.yml").open("a") as file:
        file.write("_tasks: [{command: [touch, own]}]\n")
    command("git", "commit", "--quiet", "--all", "--message", "tasks", cwd=plain_template)
    command("git", "tag", "v1.1.0", cwd=plain_template)
    mlfactory("new", "thing", "--template", plain_template)
    assert not (here / "thing/own").exists()
    mlfactory("new", "thing", "--trust")
    assert subjects(here / "thing")[1:] == ["Run the template's tasks"]
    assert (here / "thing/own").exists()
    assert "nothing is left" in mlfactory("new", "thing", "--trust").stderr


def test_a_directory_with_other_things_in_it_is_refused(here: Path, mlfactory: Any) -> None:
    (here / "churn").mkdir()
    (here / "churn" / "x").touch()
    mlfactory("new", "churn", code=1)
    assert [path.name for path in (here / "churn").iterdir()] == ["x"]
