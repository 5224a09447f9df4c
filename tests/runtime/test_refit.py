"""The last fit on all rows: what was measured stays what it was, and stays at hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import lightgbm
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.forget import learned
from mlfactory_runtime.gate.compare import measured
from mlfactory_runtime.learn.keys import KEYS_ENV, PASSWORD_ENV
from mlfactory_runtime.learn.manifest import MEASURED, check_files, files_in
from mlfactory_runtime.learn.matrix import Matrix
from mlfactory_runtime.learn.signature import Feature, Signature, load_signature
from mlfactory_runtime.project import EVALUATION, Project
from mlfactory_runtime.records.evaluation import Evaluation
from mlfactory_runtime.records.record import read
from mlfactory_runtime.registry.artifact import version
from mlfactory_runtime.settings.model import Model
from mlfactory_runtime.testing.trained import Trained

from .factories import Factory

SETTINGS = {"binary": {}, "regression": {}, "linear": {"kind": "linear"}}


@pytest.fixture(params=SETTINGS)
def before(request: pytest.FixtureRequest, examples: Callable[[str], Trained]) -> Trained:
    """A trained factory: with a time split, without, and with the library's own model."""
    return examples(request.param)


def copy_of(trained: Trained, folder: Path) -> Factory:
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("log", "__pycache__"))
    return Factory(folder)


def files(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files_in(folder).items()}


def test_all_rows_are_learned_from_after_the_verdict(before: Trained, tmp_path: Path) -> None:
    factory = copy_of(before, tmp_path / "factory")
    first, told = files(factory.project.model_folder), before.result
    factory.change(model={"refit": True})
    said = factory.run("train").err
    folder = factory.project.model_folder
    parts = [load_part(factory.project, part) for part in ("train", "validation", "holdout")]
    count = sum(part.height for part in parts)
    assert f"fitted anew on all {count:,} rows" in said

    own = {name for name in first if name.startswith(("model", "linear.json"))} - {"manifest.json"}
    now = files(folder)
    assert {now[f"{MEASURED}/{name}"] == first[name] for name in own} == {True}
    assert all(now[name] != first[name] for name in own)
    known = load_signature(folder)
    assert (known.threshold, known.split.cutoff) == (
        before.signature.threshold, before.signature.split.cutoff
    )  # fmt: skip
    factory.run("report")
    assert f"fitted anew on all {count:,} rows" in factory.text("reports/model_card.md")
    assert f'"refit": {count}' in factory.text("models/model/card.json")
    again = read(Evaluation, factory.project.root / EVALUATION)
    assert again and again.models == told.models

    compared = measured(factory.project, "models/model", "models/model")
    value = told.models["model"][compared.metric].value
    assert compared.rows > 0 and compared.b_metrics[compared.metric] == pytest.approx(value)

    name = version(folder)
    factory.run("train")
    assert version(folder) == name, "the same once more, to the byte"
    (folder / MEASURED / "signature.json").write_text("{}")
    for part in (folder, folder / MEASURED):
        with pytest.raises(FactoryError, match=r"measured/signature\.json is not what training"):
            check_files(part)


def test_a_key_vouches_for_what_was_measured_as_well(
    examples: Callable[[str], Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (KEYS_ENV, PASSWORD_ENV):
        monkeypatch.delenv(name, raising=False)
    factory = copy_of(examples("binary"), tmp_path / "factory")
    factory.change(model={"refit": True}, signing={"keys": ["keys/release.pem"]})
    factory.run("train")
    private = tmp_path / "release.key"
    factory.run("signing", "key", str(private))
    assert "is not signed" in factory.run("compare", *["models/model"] * 2, code=1).err
    factory.run("signing", "sign", "--key", str(private))
    assert factory.json("signing", "verify", "--json")["signed_by"] == "release"
    assert measured(factory.project, "models/model", "models/model").rows > 0
    (factory.project.model_folder / MEASURED / "model.txt").write_text("another")
    said = factory.run("compare", *["models/model"] * 2, code=1).err
    assert f"{MEASURED}/model.txt is not what release signed" in said


def test_a_time_split_without_the_setting_is_named(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    factory.change(data={"time": "since"})
    said = "model.refit is not there"
    assert said in factory.run("check", "--no-data").err
    for decided in (False, True):
        factory.change(model={"refit": decided})
        assert said not in factory.run("check", "--no-data").err
    factory.change(data={"time": None})


def test_the_last_rows_may_hold_what_the_others_lack(
    examples: Callable[[str], Trained], tmp_path: Path
) -> None:
    factory = copy_of(examples("binary"), tmp_path / "factory")
    feature = next(f for f in examples("binary").signature.features if f.role == "categorical")
    file = factory.project.prepared / "holdout.parquet"
    rows = pl.read_parquet(file)
    rows.with_columns(pl.lit("quite new").alias(feature.name)).write_parquet(file)
    factory.change(model={"refit": True})
    factory.run("train")
    own = {name: load_signature(factory.project.model_folder / name) for name in (".", MEASURED)}
    seen = [
        "quite new" in next(f for f in one.features if f.name == feature.name).categories
        for one in own.values()
    ]
    assert seen == [True, False]


def test_a_model_that_cannot_is_told_so(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    code = f"src/{trained_copy.package}/model.py"
    factory.write(code, factory.text(code).replace("    refit,\n", "").replace('"refit", ', ""))
    factory.run("train")
    factory.change(model={"refit": True})
    before = version(trained_copy.model_folder)
    said = factory.run("train", code=1).err
    assert "model.py has no `refit`" in said
    assert "from mlfactory_runtime.lightgbm import refit" in said
    assert version(trained_copy.model_folder) == before


def test_as_many_trees_as_were_right() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3000, 2))
    every = Matrix(x, x[:, 0] + draw.normal(size=3000))
    train, validation = Matrix(x[:2000], every.y[:2000]), Matrix(x[2000:], every.y[2000:])
    features = tuple(
        Feature(name=n, dtype="float", role="numeric", missing_seen=False) for n in "ab"
    )
    known, settings = Signature(task="regression", target="y", features=features), Model()
    parameters = {"objective": "regression", "verbosity": -1, "num_leaves": 7, "seed": 3}
    found = lightgbm.grow(train, parameters, known, settings, validation)
    (again,) = lightgbm.refit((found,), every, known, settings)
    assert again.current_iteration() == found.best_iteration < settings.max_rounds
    direct = lgb.train(
        {**parameters, "num_iterations": found.best_iteration}, lgb.Dataset(every.x, every.y)
    )
    assert np.allclose(again.predict(x), direct.predict(x))


def test_who_is_held_out_is_learned_from_then() -> None:
    assert "holdout.parquet" not in learned(["model.txt"])
    assert "holdout.parquet" in learned(["model.txt", f"{MEASURED}/model.txt"])
