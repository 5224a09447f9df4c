"""The fair gate: the rule, and which rows are new to both models."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from mlfactory_runtime import errors
from mlfactory_runtime.gate import compare, judge
from mlfactory_runtime.learn import draws, signature
from mlfactory_runtime.project import CATALOG, Project
from mlfactory_runtime.records.data import HeldOut
from mlfactory_runtime.registry import resolve
from mlfactory_runtime.settings import params
from mlfactory_runtime.testing.trained import Trained, write_yaml

from .conftest import train_variant

SETTINGS = params.Params(task="regression", data=params.Data(path="none", target="y"))


def rows(count: int, gain: float, noise: float = 0.1, seed: int = 0) -> judge.Compared:
    """Numbers of spread 1, of which B's predictions are better than A's by a share `gain`."""
    draw = np.random.default_rng(seed)
    y = draw.normal(size=count)
    error = draw.normal(size=count)
    a, b = y + error, y + (1 - gain) * error + noise * draw.normal(size=count)
    return judge.Compared("regression", y, a, b, np.arange(count))


def verdict(found: judge.Compared, *groups: judge.Group) -> str:
    return str(judge.judge(found, groups, SETTINGS).verdict)


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.02, 0.005, "better"),
        (0.009, 0.001, "same"),  # surely above zero, but worth less than half the margin
        (0.03, 0.02, "undecided"),
        (0.0, 0.005, "same"),
        (0.0, 0.03, "undecided"),
        (-0.009, 0.001, "same"),
        (-0.02, 0.005, "worse"),
    ],
)
def test_the_margin_takes_part_in_the_verdict(value: float, error: float, expected: str) -> None:
    width = judge.SURE * error
    assert judge.decide(value, value - width, value + width, 0.02) == expected


def test_a_difference_is_found_or_excluded_where_rows_are_many() -> None:
    assert verdict(rows(20_000, 0.1)) == "better"
    assert verdict(rows(20_000, -0.1)) == "worse"
    assert verdict(rows(20_000, 0, noise=0.01)) == "same"


def test_too_few_rows_are_never_called_the_same() -> None:
    found = judge.judge(rows(150, 0, noise=0.0), [], SETTINGS)
    assert found.verdict == "undecided"
    assert "150 rows are too few" in found.reason
    assert "rows would tell" in judge.judge(rows(210, 0.0, 0.2), [], SETTINGS).reason


def test_of_stretches_fewer_tell() -> None:
    stretches = replace(
        rows(20_000, 0.1), keys=np.arange(20_000) // 1000, what="days", ordered=True
    )
    assert verdict(stretches) == "better"
    few = judge.judge(replace(stretches, keys=stretches.keys // 3), [], SETTINGS)
    assert few.reason == "the 20,000 rows are of 7 days, and 10 of these tell"
    open_ = replace(rows(600, 0.0, 0.2), keys=np.arange(600) // 30, what="days", ordered=True)
    said = judge.judge(open_, [], SETTINGS).reason
    assert said.startswith("rows of 20 days leave open") and said.endswith(" rows would tell")


def test_rows_of_one_key_count_once() -> None:
    found = rows(20_000, 0.1)
    few = judge.judge(replace(found, keys=np.arange(20_000) % 20, what="shops"), [], SETTINGS)
    assert few.verdict == "undecided"
    assert few.reason == "the 20,000 rows are of 20 shops, and 30 of these tell"
    assert verdict(replace(found, keys=np.arange(20_000) % 60)) == "better"


def test_a_panel_is_decided_by_what_is_drawn_and_in_its_words() -> None:
    """60 shops of 7 rows each; what differs from shop to shop is what chance has drawn."""
    draw, shops = np.random.default_rng(3), np.repeat(np.arange(60), 7)
    y, error, own = draw.normal(size=420), draw.normal(size=420), 0.3 * draw.normal(size=60)[shops]
    sure = judge.Compared("regression", y, y + error, y + 0.6 * error, shops, "shops")
    open_ = replace(sure, b=y + (1 + own) * error)
    assert verdict(sure) == "better"
    said = judge.judge(open_, [], SETTINGS)
    assert said.verdict == "undecided"
    assert "rows of 60 shops leave open" in said.reason
    assert said.reason.endswith("shops would tell")
    wide, narrow = said.difference, judge.judge(replace(open_, keys=np.arange(420)), [], SETTINGS)
    assert wide and narrow.difference
    assert wide.high - wide.low > narrow.difference.high - narrow.difference.low  # type: ignore[operator]


def test_stretches_of_time_decide_from_ten_on_and_count_in_rows() -> None:
    found = replace(rows(2000, 0.1), keys=np.arange(2000) * 12 // 2000, what="stretches of 'day'")
    few = judge.judge(found, [], SETTINGS)
    assert few.reason == "the 2,000 rows are of 12 stretches of 'day', and 30 of these tell"
    assert verdict(replace(found, ordered=True)) == "better"
    open_ = replace(rows(400, 0.0, 0.2), keys=np.arange(400) * 12 // 400, ordered=True)
    assert judge.judge(open_, [], SETTINGS).reason.endswith("rows would tell")


def test_who_leaves_rows_unanswered_is_not_better_for_the_others() -> None:
    few, many = (judge.judge(replace(rows(1000, 0.2), lost=n), [], SETTINGS) for n in (20, 60))
    assert (few.verdict, many.verdict) == ("better", "worse")
    assert many.reason == "it cannot score 60 of 1,060 rows that A can"


def test_stretches_of_time_are_drawn_where_either_holds_the_latest_rows_out(place: Path) -> None:
    own = side(place)
    rows = common(place, own, own)
    early = replace(own, signature=own.signature.model_copy(update={"split": HeldOut()}))
    found = [compare.unit_of(Project(place), pair, rows).what for pair in ((own, early), (early,))]
    by_time = own.signature.split.kind == "time"
    assert found[0] == ("stretches of 'since'" if by_time else found[1])
    assert not found[1].startswith("stretches")


def test_a_metric_that_is_not_defined_decides_nothing() -> None:
    one_class = judge.Compared("binary", *np.full((3, 500), [[1.0], [0.8], [0.9]]), np.arange(500))
    settings = SETTINGS.model_copy(update={"gate": params.Gate(metric="roc_auc")})
    found = judge.judge(one_class, [], settings)
    assert (found.verdict, found.a_metrics["roc_auc"]) == ("undecided", None)
    assert "not defined" in found.reason
    unknown = SETTINGS.model_copy(update={"gate": params.Gate(metric="profit")})
    assert "'profit'" in judge.judge(one_class, [], unknown).reason


def test_a_group_that_is_sacrificed_makes_it_worse_and_is_named() -> None:
    good, bad = rows(20_000, 0.2), rows(600, -0.5, seed=1)
    pairs = ((good.y, bad.y), (good.a, bad.a), (good.b, bad.b))
    both = judge.Compared("regression", *(np.append(*pair) for pair in pairs), np.arange(20_600))
    groups = [
        judge.Group("plan", "basic", np.arange(20_000)),
        judge.Group("plan", "pro", np.arange(20_000, 20_600)),
        judge.Group("plan", "rare", np.arange(12)),
    ]
    found = judge.judge(both, groups, SETTINGS)
    assert (found.verdict, found.reason) == ("worse", "it is surely worse for plan pro")
    assert [one.state for one in found.segments] == ["kept", "worse", "unseen"]


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A factory whose newest rows are held out."""
    values = {"values": ["no", "yes"]}
    return train_variant(tmp_path_factory.mktemp("dated"), "classification", values, time="since")


@pytest.fixture(params=["hash", "time"])
def place(request: pytest.FixtureRequest, trained: Trained, dated: Trained, tmp_path: Path) -> Path:
    """A trained factory that holds rows out in this way, to be changed."""
    folder = tmp_path / "factory"
    shutil.copytree({"hash": trained, "time": dated}[request.param].folder, folder)
    return folder


def side(folder: Path, **changes: Any) -> compare.Side:
    """The model in the folder; `changes` are of its split."""
    known = signature.load_signature(folder / "models/model")
    settings = Project(folder).params
    split = settings.split.model_copy(update=changes)
    one = resolve.Registered("models/model", None, None, Project(folder), folder / "models/model")
    return compare.Side(one, known, settings.model_copy(update={"split": split}))


def common(folder: Path, *sides: compare.Side) -> pl.DataFrame:
    return compare.new_to_both(Project(folder), sides)[1]


def test_only_rows_that_both_hold_out_are_compared(place: Path) -> None:
    same = common(place, side(place), side(place))
    held = pl.read_parquet(place / "data/prepared/holdout.parquet")
    assert same.height == held.height
    if side(place).signature.split.kind == "hash":
        mixed = common(place, side(place, salt="another"), side(place))
        assert 0 < mixed.height < 0.6 * held.height


def test_a_later_cutoff_of_either_side_counts(dated: Trained) -> None:
    own = side(dated.folder)
    time = pl.read_parquet(dated.project.prepared / "holdout.parquet")[own.by[0]]
    later = time.cast(pl.Datetime("us")).median()
    moved = own.signature.model_copy(
        update={"split": own.signature.split.model_copy(update={"cutoff": later.isoformat()})}  # type: ignore[union-attr]
    )
    found = common(dated.folder, replace(own, signature=moved), own)
    assert found.height
    assert (found[own.by[0]].cast(pl.Datetime("us")) > later).all()


def test_the_gate_counts_in_the_unit_of_the_report(dated: Trained) -> None:
    """The newest rows came in stretches of time, whoever asks."""
    project, sides = dated.project, (side(dated.folder), side(dated.folder))
    raw, held = compare.new_to_both(project, sides)
    scored, _ = compare.score(project, sides, raw, held)
    own = draws.draws(held, sides[0].signature.split, project.params)
    assert (scored.what, scored.ordered) == ("stretches of 'since'", True)
    assert scored.count == own.count > draws.FEWEST


def test_each_model_refuses_what_its_own_contract_does(dated: Trained, tmp_path: Path) -> None:
    """A contract that was widened since: what only the one before refuses, the other answers."""
    strict = tmp_path / "strict"
    shutil.copytree(dated.folder, strict)
    project, known = dated.project, side(dated.folder)
    raw, held = compare.new_to_both(project, [known, known])
    name = next(n for n, c in dated.catalog.features(dated.params).items() if c.dtype == "float")
    edge, catalog = float(held[name].median()), yaml.safe_load((strict / CATALOG).read_text())
    catalog["columns"][name]["range"] = [None, edge]
    write_yaml(strict / CATALOG, catalog)
    beyond = int((held[name] > edge).sum())
    for sides, lost in (([side(strict), known], 0), ([known, side(strict)], beyond)):
        scored, _ = compare.score(project, sides, raw, held)
        assert (len(scored.y), scored.lost) == (held.height - beyond, lost)


def test_settings_that_the_model_was_not_trained_with_are_refused(place: Path) -> None:
    changed = Project(place).params.model_dump(mode="json")
    changed["split"]["salt"] = "another"
    write_yaml(place / "params.yaml", changed)
    with pytest.raises(errors.FactoryError, match="was not trained with the settings"):
        compare.side_of(resolve.resolve(Project(place), "models/model"))


def test_other_targets_and_lost_columns_are_not_compared(place: Path, trained: Trained) -> None:
    own = side(place)
    names = list(trained.catalog.columns)
    assert compare.unlike([own, own], names, trained.catalog) == ""
    lost = [name for name in names if name not in own.by]
    assert "the data have it no more" in compare.unlike([own, own], lost, trained.catalog)
    moved = own.signature.model_copy(update={"target": "another"})
    other = replace(own, signature=moved)
    assert "predicts 'another'" in compare.unlike([other, own], names, trained.catalog)


def test_a_class_that_neither_knows_is_left_out() -> None:
    found = compare.codes(pl.Series("y", ["b", "a", "c"]), ("a", "b"))
    np.testing.assert_array_equal(found, [1, 0, np.nan])
