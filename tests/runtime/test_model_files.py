"""Models from elsewhere: what is damaged or hostile ends in a sentence before LightGBM reads it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from mlfactory_runtime.learn.manifest import FILE as MANIFEST
from mlfactory_runtime.learn.trees import BrokenError, check_model
from mlfactory_runtime.project import Project

from ..waiting import PATIENCE
from .factories import WARM, Factory, program_path


@pytest.fixture
def factory(trained_copy: Project, warm: str, monkeypatch: pytest.MonkeyPatch) -> Factory:
    monkeypatch.setenv(WARM, warm)
    return Factory(trained_copy.root)


def model(factory: Factory) -> Path:
    return factory.path / "models/model"


def refused(factory: Factory) -> str:
    """What is said of the model, in a process of its own: it may crash or hang."""
    argv = ["factory", "predict", str(factory.project.raw), "out.csv", "--no-log"]
    env = {**os.environ, "PATH": program_path()}
    done = subprocess.run(
        argv, cwd=factory.path, env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 1, (done.returncode, done.stderr[-2000:])
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


def replaced(name: str, pattern: str, new: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        text = (folder / name).read_text()
        changed = re.sub(pattern, new, text, count=1, flags=re.M)
        assert changed != text
        (folder / name).write_text(changed)

    return act


def shorter(size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / "model.txt", size)


def pipe(name: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return act


def text(name: str, content: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).write_text(content)

    return act


def gone(folder: Path) -> None:
    (folder / "model.txt").unlink()


def looped(folder: Path) -> None:
    (folder / "model.txt").unlink()
    (folder / "model.txt").symlink_to("model.txt")


DAMAGES = {
    "short": shorter(3000),
    "empty": shorter(0),
    "leaves": replaced("model.txt", r"^num_leaves=.*", "num_leaves=2000000000"),
    "feature": replaced("model.txt", r"^split_feature=\d", "split_feature=9"),
    "cycle": replaced("model.txt", r"^left_child=[-\d]+", "left_child=0"),
    "index": replaced("model.txt", r"^left_child=[-\d]+", "left_child=-99999999"),
    "classes": replaced("model.txt", r"^num_class=1", "num_class=7"),
    "features": replaced("model.txt", r"^max_feature_idx=\d+", "max_feature_idx=9"),
    "rounds": replaced("model.txt", r"^num_tree_per_iteration=1", "num_tree_per_iteration=0"),
    "sizes": replaced("model.txt", r"^tree_sizes=\d", "tree_sizes=9"),
    "value": replaced("model.txt", r"^leaf_value=-?\d", "leaf_value=x"),
    "pipe": pipe("model.txt"),
    "signature-pipe": pipe("signature.json"),
    "profile-pipe": pipe("profile.json"),
    "signature": text("signature.json", "{"),
    "signature-list": text("signature.json", "[]"),
    "signature-binary": lambda folder: (folder / "signature.json").write_bytes(b"\xff\xfe"),
    "gone": gone,
    "loop": looped,
}


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "bare"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_refused(
    factory: Factory, damage: Callable[[Path], None], hashed: bool
) -> None:
    if not hashed:
        (model(factory) / MANIFEST).unlink()
    damage(model(factory))
    refused(factory)


def test_a_file_that_does_not_belong_to_the_model_is_refused(factory: Factory) -> None:
    (model(factory) / "model_9.txt").write_text("tree\n")
    assert "model_9.txt is not of this model" in refused(factory)


def test_a_folder_in_it_does_no_harm(factory: Factory) -> None:
    (model(factory) / "x").mkdir()
    factory.run("predict", str(factory.project.raw), "out.csv", "--no-log")


def test_a_model_of_before_needs_no_hashes(factory: Factory) -> None:
    (model(factory) / MANIFEST).unlink()
    factory.run("predict", str(factory.project.raw), "out.csv", "--no-log")


def test_no_edit_of_equal_length_gets_past_with_an_index_that_leads_nowhere(
    factory: Factory, tmp_path: Path
) -> None:
    """Whatever passes is read by LightGBM, in one process that has to live."""
    original, chance = (model(factory) / "model.txt").read_text(), random.Random(7)
    head = original.index("Tree=0")
    edits = []
    while len(edits) < 60:
        places = [
            chance.randrange(len(original))
            if chance.random() < 0.3
            else chance.randrange(head, original.index("end of trees"))
            for _ in range(3)
        ]
        edited = list(original)
        for place in places:
            if edited[place] != "\n":
                edited[place] = chance.choice("0123456789-. e")
        try:
            edits.append(check_model("".join(edited)))
        except BrokenError:
            continue
    for number, edited_text in enumerate(edits):
        (tmp_path / f"{number}.txt").write_text(edited_text)
    program = (
        "import sys, pathlib, numpy as np, lightgbm as lgb\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.txt')):\n"
        "    try: one = lgb.Booster(model_str=file.read_text())\n"
        "    except (lgb.basic.LightGBMError, ValueError): continue\n"
        "    x = np.random.default_rng(0).normal(size=(50, one.num_feature())) * 50\n"
        "    one.predict(x); one.predict(x, pred_contrib=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        pytest.param(r"^(decision_type=.*)$", r"\n\1", id="an-empty-line"),
        pytest.param(r"^(num_class=.*)$", r"\1\rnum_class=7", id="a-line-end-of-others"),
        pytest.param(r"^(objective=\S+)", r"\1\0", id="an-end-of-the-text"),
        pytest.param(r"^shrinkage=.*", "shrinkage=\u0663", id="a-digit-of-another-script"),
        pytest.param(r"^leaf_count=\d", "leaf_count=\u0663", id="the-same-in-a-whole-number"),
        pytest.param(r"^leaf_weight=.*", "leaf_weight=", id="a-list-that-is-empty"),
        pytest.param(r"^objective=.*", "objective=", id="an-objective-without-a-name"),
        pytest.param(r"^(objective=\S+)", r"\1 :num_class:9000", id="a-number-of-classes-aside"),
        pytest.param(r"^(objective=\S+)", r"\1 num_class:1 num_class:9", id="two-of-them"),
    ],
)
def test_what_lightgbm_reads_otherwise_than_it_looks_is_no_model(
    factory: Factory, pattern: str, new: str
) -> None:
    """Such a text brings the process down; its trees are as long as it says."""
    text = (model(factory) / "model.txt").read_text()
    changed = re.sub(pattern, new, text, count=1, flags=re.M)
    longer = len(changed.encode()) - len(text.encode())
    if "Tree=0" in text[: re.search(pattern, text, re.M).start()]:  # type: ignore[union-attr]
        first = int(re.search(r"^tree_sizes=(\d+)", text, re.M)[1])  # type: ignore[index]
        changed = changed.replace(f"tree_sizes={first}", f"tree_sizes={first + longer}")
    check_model(text)
    with pytest.raises(BrokenError):
        check_model(changed)


def test_a_number_without_an_end_is_no_number(factory: Factory) -> None:
    text = (model(factory) / "model.txt").read_text()
    head, _, rest = text.partition("\n\n")
    digits = "1" * 1_000_000 + "x"
    longer = re.sub(r"^leaf_value=\S+", f"leaf_value={digits}", rest, count=1, flags=re.M)
    first = int(re.search(r"^tree_sizes=(\d+)", head, re.M)[1])  # type: ignore[index]
    size = first + len(longer) - len(rest)
    with pytest.raises(BrokenError, match="leaf_value holds what is no number"):
        check_model(f"{head.replace(f'tree_sizes={first}', f'tree_sizes={size}')}\n\n{longer}")


@pytest.mark.parametrize("leaves", [2, 7])
def test_trees_whose_leaves_hold_lines_are_read(leaves: int) -> None:
    """`model.extra: {linear_tree: true}`; of some leaves the line has no slope."""
    x = np.random.default_rng(0).normal(size=(300, 3))
    data = lgb.Dataset(x, x[:, 0], params={"linear_tree": True})
    settings = {"num_leaves": leaves, "min_gain_to_split": 1e9 if leaves == 2 else 0.0}
    booster = lgb.train({"linear_tree": True, "verbose": -1, **settings}, data, 5)
    text = booster.model_to_string()
    assert lgb.Booster(model_str=check_model(text)).predict(x) == pytest.approx(booster.predict(x))
    assert ("num_leaves=1\n" in text) == (leaves == 2)
    stump = re.sub(r"^leaf_weight=0$", "leaf_weight= ", text, flags=re.M)
    if leaves == 2:
        with pytest.raises(BrokenError, match="leaf_weight has 0 values"):
            check_model(stump)
