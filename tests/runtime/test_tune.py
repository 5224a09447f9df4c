"""A search for settings: what it keeps, what it proposes, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.tuning import Attempt, Tuning
from mlfactory_runtime.search.attempts import measure
from mlfactory_runtime.search.optimism import optimism
from mlfactory_runtime.search.proposal import proposal
from mlfactory_runtime.search.space import with_settings
from mlfactory_runtime.search.splits import counts_of, parting_of
from mlfactory_runtime.settings.params import load_params
from mlfactory_runtime.testing.trained import Trained

from ..customers import customers
from ..waiting import PATIENCE, until
from .factories import PROGRAM, Factory, drafted

SEARCH = "reports/tuning.json"
QUICK: dict[str, Any] = {"max_rounds": 6, "early_stopping_rounds": 2, "averaged": 1}
COMMENTS = """# Ours.
task: classification
data: {path: rows.csv, target: y}
model:  # fitted by night
  num_leaves: 31   # as Ann said
  extra: {max_bin: 63}
  # the end
gate:
  margin: 0.05
"""


@pytest.fixture(scope="module")
def _few(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    table = customers(200).drop("revenue", "segment", "class")
    folder = tmp_path_factory.mktemp("tune") / "churn"
    factory = drafted(folder, table, "classification", target="churned", id="customer id")
    factory.change(model=QUICK)
    factory.run("prepare")
    return factory


@pytest.fixture
def few(_few: Factory, tmp_path: Path) -> Factory:
    """Rows that are prepared, few enough to be parted twice."""
    return _few.copy(tmp_path / "churn")


def attempts(factory: Factory) -> list[dict[str, Any]]:
    """What a search has seen, without how long it took."""
    content = json.loads(factory.text(SEARCH))
    return [{k: v for k, v in one.items() if k != "seconds"} for one in content["attempts"]]


def test_a_search_that_goes_on_is_one_that_was_never_stopped(few: Factory, tmp_path: Path) -> None:
    other = few.copy(tmp_path / "other")
    few.run("tune", "--trials", "9", "--switch", "price €")
    other.run("tune", "--trials", "7", "--switch", "price €", "--dry-run")
    content = json.loads(other.text(SEARCH))
    content["attempts"] = content["attempts"][:8]  # as if it had been stopped before it averaged
    other.write(SEARCH, json.dumps(content))
    other.run("tune", "--resume", "--trials", "9", "--switch", "price €")
    assert attempts(few) == attempts(other)
    assert {bool(one["without"]) for one in attempts(few)} == {True, False}


def test_the_change_is_shown_before_it_is_written_and_is_what_was_measured(few: Factory) -> None:
    before = few.text("params.yaml")
    first = few.run("tune", "--trials", "8")
    assert few.text("params.yaml") == before
    assert "looked at for" in first.err
    content = json.loads(few.text(SEARCH))
    best = content["attempts"][content["proposal"]]
    assert best["loss"] == min(a["loss"] for a in content["attempts"] if a["state"] == "complete")

    again = few.run("tune", "--resume", "--trials", "0", "--yes")
    assert again.out == first.out != ""
    assert "dvc repro && factory compare" in again.err
    after = load_params(few.path / "params.yaml")
    target = with_settings(
        load_params_of(before, few.path), best["settings"], (), tuple(best.get("variants", ()))
    )
    assert after == target
    few.run("train")  # the settings are ones that a model can be fitted by, and that it knows
    assert "LightGBM has no parameter" not in few.text("reports/evaluation.json")
    few.run("tune", "--trials", "0")
    assert json.loads(few.text(SEARCH))["earlier"] == len(content["attempts"])


def load_params_of(text: str, folder: Path) -> Any:
    file = folder / "before.yaml"
    file.write_text(text, "utf-8")
    return load_params(file)


def test_a_search_that_is_told_to_stop_keeps_what_it_has(few: Factory) -> None:
    process = few.start("-c", PROGRAM, "tune", "--trials", "1000", stderr=subprocess.PIPE)
    until((few.path / SEARCH).is_file, lambda: process.poll() is None)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert "factory tune --resume goes on" in err
    count = len(attempts(few))
    few.run("tune", "--resume", "--trials", "0", "--dry-run")
    assert count <= len(attempts(few)) <= count + 1
    assert not [*few.path.rglob("*.new"), *few.path.glob(".factory-*")]


@pytest.mark.parametrize("answer", ["n", "y"])
def test_somebody_at_a_terminal_is_asked(few: Factory, answer: str) -> None:
    few.run("tune", "--trials", "1")
    content = json.loads(few.text(SEARCH))
    content["attempts"][1]["loss"] = 0.0  # better than what was before
    few.write(SEARCH, json.dumps(content))
    before = few.text("params.yaml")
    outside, inside = os.openpty()
    process = few.start(
        *("-c", PROGRAM, "tune", "--resume", "--trials", "0"),
        stdin=inside, stdout=subprocess.DEVNULL, stderr=inside,
    )  # fmt: skip
    os.write(outside, f"{answer}\n".encode())
    assert process.wait(timeout=PATIENCE) == 0
    os.close(inside)
    assert "Write params.yaml?" in os.read(outside, 100_000).decode()
    os.close(outside)
    assert (few.text("params.yaml") == before) is (answer == "n")


@pytest.mark.parametrize("text", ["{", '{"format": 99}', "[1, 2]", ""])
def test_a_damaged_search_ends_in_a_sentence(few: Factory, text: str) -> None:
    (few.path / "reports").mkdir()
    few.write(SEARCH, text)
    for argv in (["--resume"], ["--trials", "1"]):
        end = few.run("tune", *argv, code=1)
        assert "error: the search in tuning.json cannot be read" in end.err
        assert "the search begins anew" in end.err


def test_a_search_of_other_rows_is_not_gone_on_with(few: Factory) -> None:
    assert "there is no search to go on with" in few.run("tune", "--resume", code=1).err
    few.run("tune", "--trials", "0")
    few.change(model={"seed": 3})
    assert "have changed" in few.run("tune", "--resume", code=1).err


def test_mistakes_of_lightgbm_end_in_a_sentence(few: Factory) -> None:
    few.change(model={"extra": {"max_bin": -5}})
    end = few.run("tune", "--trials", "1", code=1)
    assert "the settings as they are cannot be fitted: LightGBMError" in end.err
    assert "no such feature" in few.run("tune", "--switch", "cats", code=1).err


def test_without_optuna_it_is_said_how_it_comes(
    few: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    assert "hint: uv add --group train optuna" in few.run("tune", code=1).err


def test_parts_hold_no_row_of_the_holdout_and_score_each_other_twice(few: Factory) -> None:
    parting = parting_of(few.project)
    names = {str(n) for t in parting.trials for n in t.scoring["customer id"]}
    holdout = pl.read_parquet(few.path / "data/prepared/holdout.parquet")["customer id"]
    assert names.isdisjoint(map(str, holdout))
    assert sum(trial.scoring.height for trial in parting.trials) == 2 * parting.rows


def test_parts_of_dated_rows_are_past_windows(examples: Callable[[str], Trained]) -> None:
    parting = parting_of(examples("regression").project)
    assert parting.is_past
    for trial in parting.trials:
        known = pl.concat([trial.fitting, trial.stopping])["since"]
        assert known.max() <= trial.scoring["since"].min()  # type: ignore[operator]
    view = parting.view(parting.project.params)
    blocks = [set(part.blocks.tolist()) for part in view.parts]
    assert all(len(one) >= 10 for one in blocks)
    assert not blocks[0] & blocks[1]
    one = measure(parting, 0, {}, ())
    assert (one.state, len(one.steps)) == ("complete", 3)
    assert one.loss == pytest.approx((sum(one.sums) / sum(counts_of(view.parts))) ** 0.5)


def search(losses: np.ndarray) -> Tuning:
    """A search whose attempts lost so much on each block, of shape (attempts, blocks)."""
    tries = [
        Attempt(number=i, state="complete", loss=float(row.mean()), sums=tuple(row), seconds=1)
        for i, row in enumerate(losses)
    ]
    return Tuning(
        rows_hash="", inputs="", space=(), seed=0, metric="log_loss", by="folds",
        rows=losses.shape[1], counts=(1,) * losses.shape[1], attempts=tuple(tries),
    )  # fmt: skip


def test_the_best_of_many_that_are_all_alike_is_no_gain() -> None:
    draw, gains, truth = np.random.default_rng(1), [], []
    for _ in range(40):
        losses = draw.normal(1, 0.2, size=(30, 100))
        worth = optimism(search(losses))
        assert worth is not None
        truth.append(losses[0].mean() - losses.mean(axis=1).min())
        gains.append(worth.gain)
        assert worth.corrected > worth.best
    assert np.mean(truth) > 0.03  # what the best seems to gain
    assert abs(np.mean(gains)) < 0.015  # and what is expected of it


def test_a_gain_that_is_there_is_found() -> None:
    losses = np.random.default_rng(2).normal(1, 0.2, size=(30, 100))
    losses[7] -= 0.3
    worth = optimism(search(losses))
    assert worth is not None
    assert worth.low is not None
    assert 0.15 < worth.low < worth.gain < 0.36


def test_comments_stay_and_a_setting_that_is_not_there_is_added(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(COMMENTS, "utf-8")
    project = Project(tmp_path)
    variants = ({"seed": 1, "lambda_l1": 0.5},)
    target = with_settings(project.params, {"num_leaves": 7, "path_smooth": 2.0}, (), variants)
    change = proposal(project, target)
    assert file.read_text("utf-8") == COMMENTS
    change.write()
    assert load_params(file).model == target.model
    text = file.read_text("utf-8")
    assert "  num_leaves: 7   # as Ann said\n  extra: {max_bin: 63, path_smooth: 2.0}\n" in text
    assert all(part in text for part in ("# Ours.", "# fitted by night", "# the end"))
    file.write_text(text.replace("0.05", "0.06"), "utf-8")
    with pytest.raises(FactoryError, match="has changed since"):
        change.write()


def test_settings_that_are_laid_out_too_freely_are_left_to_people(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(COMMENTS.replace("{max_bin: 63}", "\n    max_bin: 63"), "utf-8")
    project = Project(tmp_path)
    with pytest.raises(FactoryError, match="too freely") as caught:
        proposal(project, with_settings(project.params, {"path_smooth": 2.0}, ()))
    assert "extra: {max_bin: 63, path_smooth: 2.0}" in caught.value.hint


def test_nothing_of_it_is_for_serving(few: Factory) -> None:
    program = "import sys, mlfactory_runtime.predict.batch; print('optuna' in sys.modules)"
    process = few.start("-c", program)
    assert process.communicate()[0].strip() == "False"
    assert shutil.which("python")
