"""What the report tells: groups, effects, lift, costs; and what it must not tell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime import errors, git
from mlfactory_runtime.learn import groups, insight, plots, signature
from mlfactory_runtime.learn.holdout import Held
from mlfactory_runtime.learn.segments import VALUES, segments
from mlfactory_runtime.project import Project
from mlfactory_runtime.records.evaluation import Interval
from mlfactory_runtime.report import dated, report, words
from mlfactory_runtime.settings import catalog, params
from mlfactory_runtime.testing.trained import Trained

ROWS = 1000
DRAW = np.random.default_rng(4)
COLUMNS = catalog.Catalog.model_validate(
    {
        "columns": {
            name: {"dtype": dtype, "role": role, "availability": "batch", "sensitive": sensitive}
            for name, dtype, role, sensitive in (
                ("town", "string", "categorical", "none"),
                ("faith", "string", "categorical", "special"),
                ("pay", "float", "numeric", "personal"),
                ("age", "int", "numeric", "none"),
            )
        },
        "derived": {"pay per year": {"parents": ["pay", "age"]}},
    }
)


def held(error: np.ndarray) -> Held:
    """Held-out rows of a regression with these errors."""
    known = signature.Signature(task="regression", target="y", features=())
    zero = np.zeros(len(error))
    alone, ends = np.arange(len(error)), np.empty((len(error), 0))
    return Held(known, pl.DataFrame(), zero[:, None], error, zero, zero + 1, alone, ends, "rmse")


def split_up(rows: int, size: int) -> groups.Groups:
    """All rows in groups of that size."""
    return [(f"from {k}", np.arange(k, k + size)) for k in range(0, rows, size)]


def test_a_group_of_which_the_model_knows_less_is_found() -> None:
    y = 2 * DRAW.normal(size=ROWS)
    p = y + DRAW.normal(size=ROWS)
    p[200:250] = 0
    rows = replace(held(y), p=p)
    found = segments(rows, {"a": split_up(ROWS, 50)}, ["a"])
    assert [line.group for line in found.worst] == ["from 200"]
    error, spread = (y - p)[200:250], y[200:250].std()
    assert found.worst[0].value == pytest.approx(np.sqrt((error**2).mean()), 1e-5)
    assert found.worst[0].possible == pytest.approx(spread, 1e-5)
    assert abs(found.worst[0].saved or 0) < 0.2 < 0.4 < (found.worst[0].rest_saved or 0)
    assert len(found.chosen["a"]) == VALUES


def test_a_group_that_is_harder_for_every_model_is_not_blamed() -> None:
    """Its numbers are four times as far apart, and the model explains the same part of them."""
    level = np.where(np.arange(ROWS) // 50 == 4, 4.0, 1.0)
    known = level * DRAW.normal(size=ROWS)
    rows = replace(held(known + level * DRAW.normal(size=ROWS)), p=known)
    assert segments(rows, {"a": split_up(ROWS, 50)}, []).worst == ()


def test_the_most_even_outcome_is_not_blamed_for_its_log_loss() -> None:
    classes = signature.Signature(task="binary", target="y", classes=("n", "y"), features=())
    part, blamed = {"a": split_up(4000, 1000)}, 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        p = 1 / (1 + np.exp(np.repeat([0.0, 1.5, 2.5, 3.5], 1000) - draw.normal(size=4000)))
        y = (draw.random(4000) < p).astype(float)
        rows = replace(
            held(y), signature=classes, p=p, constant=p * 0 + y.mean(), metric="log_loss"
        )
        blamed += any(line.group == "from 0" for line in segments(rows, part, []).worst)
    assert blamed <= 2


def test_groups_whose_predictions_are_wrong_on_average_are_found() -> None:
    y = DRAW.normal(size=ROWS)
    p = np.where(np.arange(ROWS) // 100 == 3, 1.0, 0.0)
    found = segments(replace(held(y), p=p), {"a": split_up(ROWS, 100)}, [])
    assert (found.off, [line.group for line in found.most_off]) == (1, ["from 300"])
    gap = found.most_off[0].gap
    assert gap is not None and gap.low is not None and gap.low > 0.5
    chance = [
        segments(held(DRAW.normal(size=ROWS)), {"a": split_up(ROWS, 50)}, []) for _ in range(99)
    ]
    assert sum(one.off > 0 for one in chance) <= 12


def test_chance_alone_makes_hardly_any_group_worse() -> None:
    parts = {"a": split_up(ROWS, 50), "b": split_up(ROWS, 100)}
    found = [segments(held(DRAW.normal(size=ROWS)), parts, []) for _ in range(100)]
    assert sum(bool(one.worst) for one in found) <= 12


def test_rows_of_one_entity_count_as_one() -> None:
    """60 entities of 20 rows, each good or bad by luck, in four groups that have no part in it."""
    places = np.repeat(np.arange(60), 20)
    parts = {"a": [(str(part), np.flatnonzero(places % 4 == part)) for part in range(4)]}
    errors = [np.repeat(DRAW.exponential(size=60), 20) for _ in range(100)]
    alone = [segments(held(error), parts, []) for error in errors]
    whole = [segments(replace(held(e), places=places), parts, []) for e in errors]
    assert sum(one.worse > 0 for one in whole) <= 12
    assert sum(one.worse > 0 for one in alone) >= 40
    few = replace(held(errors[0]), places=places % 9)
    assert segments(few, parts, []).looked_at == 0


def test_groups_that_are_too_small_are_not_compared() -> None:
    found = segments(held(DRAW.normal(size=ROWS)), {"a": split_up(ROWS, 20)}, ["a"])
    assert found.looked_at == 0
    assert found.chosen == {"a": ()}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series("town", ["b", "a", "a", None]), ["a", "missing", "b"]),
        (pl.Series("age", [1, 2, 3, 4, 5, 6, 7, 8]), ["1 to 2", "3 to 4", "5 to 6", "7 to 8"]),
        (pl.Series("age", [0, 0, 0, 0, 0, 0, 0, 9]), ["0", "9"]),
        (pl.Series("pay", [1e4, 2e4, 3e4, 4e4, None]), [*groups.RANKS[4], "missing"]),
        (pl.Series("pay per year", [1.0, 2.0, 3.0, 4.0]), list(groups.RANKS[4])),
    ],
)
def test_groups_are_named_by_values_unless_they_are_sensitive(
    column: pl.Series, expected: list[str]
) -> None:
    named = [name for name, _ in groups.grouped(column, 4, COLUMNS, "salt")]
    assert named == expected


def test_a_sensitive_value_gets_the_same_pseudonym_under_the_same_salt() -> None:
    column = pl.Series("faith", ["hidden", "hidden", "secret"])
    named = [groups.grouped(column, 4, COLUMNS, salt) for salt in ("one", "one", "two")]
    first, again, other = ([name for name, _ in found] for found in named)
    assert first == again != other
    assert all(name.startswith("group ") for name in first)


def test_an_effect_is_the_mean_prediction_with_one_value_for_all() -> None:
    x = np.column_stack([np.arange(100.0), DRAW.normal(size=100)])
    feature = signature.Feature(name="age", dtype="int", role="numeric", missing_seen=False)
    features = (feature, feature.model_copy(update={"name": "other"}))
    known = signature.Signature(task="regression", target="y", features=features)
    alone, ends = np.arange(len(x)), np.empty((len(x), 0))
    rows = Held(known, pl.DataFrame(), x, x[:, 0], x[:, 0], x[:, 0], alone, ends)
    halves = [("low", np.arange(50)), ("high", np.arange(50, 100))]
    found = insight.effect(
        rows, "age", halves, lambda x: 3 * x[:, 0] + x[:, 1] - x[:, 1].mean(), ordered=True
    )
    assert [line.predicted for line in found.groups] == pytest.approx([75, 225], rel=0.02)
    assert [line.observed for line in found.groups] == [24.5, 74.5]


@pytest.mark.parametrize(("sensitive", "points"), [(False, 400), (True, 10)])
def test_single_rows_of_a_sensitive_target_are_not_drawn(
    sensitive: bool, points: int, tmp_path: Path
) -> None:
    rows = held(DRAW.normal(size=400))
    rows = replace(rows, p=DRAW.normal(size=400))
    plots.write_plots(tmp_path, rows, [], params.Decision(), sensitive)
    assert pl.read_csv(tmp_path / "residuals.csv").height == points


def test_lift_of_a_table_made_by_hand() -> None:
    p = np.linspace(1, 0, 100)
    y = np.isin(np.arange(100), [0, 1, 2, 3, 7, 8, 12, 30, 60, 90]).astype(float)
    told = {line.top: (line.positives, line.lift) for line in insight.lift(y, p)}
    assert told[0.05] == (4, pytest.approx(8))
    assert told[0.1] == (6, pytest.approx(6))
    assert told[0.5] == (8, pytest.approx(1.6))
    assert 0.01 not in told


def test_equal_probabilities_have_no_lift() -> None:
    found = insight.lift((np.arange(100) < 10).astype(float), np.full(100, 0.1))
    assert [line.lift for line in found] == pytest.approx([1.0] * len(found))


def test_costs_of_a_table_made_by_hand() -> None:
    y, p = np.array([1.0, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.3, 0.2, 0.1])
    found = insight.costs(y, p, np.arange(len(y)), params.Decision(cost_fp=1, cost_fn=4))
    assert found.cost == pytest.approx(0.4)  # from 0.2 on: two false alarms, no miss
    assert found.nobody == pytest.approx(8 / 5)
    assert found.everybody == pytest.approx(3 / 5)
    assert (found.cheapest, found.cheapest_threshold) == pytest.approx((1 / 5, 0.3))


def test_a_threshold_far_off_is_improvable_and_the_right_one_is_not() -> None:
    p = DRAW.random(4000)
    y = (DRAW.random(4000) < p).astype(float)
    alone = np.arange(len(y))
    assert insight.costs(y, p, alone, params.Decision(threshold=0.95)).improvable
    assert not insight.costs(y, p, alone, params.Decision(cost_fp=1, cost_fn=3)).improvable


@pytest.mark.parametrize(
    ("settings", "threshold"),
    [
        ({}, 0.5),
        ({"cost_fp": 1, "cost_fn": 4}, 0.2),
        ({"threshold": 0.3}, 0.3),
        ({"threshold": 0.5, "quantile": 0.8}, 0.5),
    ],
)
def test_the_threshold_follows_from_costs_unless_it_is_given(
    settings: dict[str, float], threshold: float
) -> None:
    assert params.Decision.model_validate(settings).chosen_threshold == pytest.approx(threshold)


def test_a_threshold_beside_costs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"threshold is 0\.3, and cost_fp 1 with cost_fn 4"):
        params.Decision(threshold=0.3, cost_fn=4)


def test_a_difference_that_nobody_can_see_is_about_the_same() -> None:
    told = words.gain_text(Interval(-0.0001, -0.003, 0.003), 0.178)
    assert told.startswith("about the same; ")


def test_a_segment_that_is_no_column_is_named_with_the_nearest() -> None:
    settings = params.Params.model_validate(
        {"task": "regression", "data": {"path": "d", "target": "y"}}
        | {"report": {"segments": ["tow"]}}
    )
    with pytest.raises(errors.FactoryError, match="'tow'") as raised:
        insight.check_segments(COLUMNS, settings)
    assert "'town'" in (raised.value.hint or "")


def test_the_report_is_the_same_whenever_it_is_written(trained: Trained) -> None:
    pages = []
    for _ in range(2):
        report.write_report(trained.project)
        pages.append([(trained.project.reports / n).read_bytes() for n in report.OUTPUTS])
    assert pages[0] == pages[1]
    assert all(b"group" in page for page in pages[0][1:])


def test_a_copy_to_hand_on_names_commit_and_day(
    trained_copy: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, target = trained_copy.root, tmp_path / "for the board.html"
    with pytest.raises(errors.FactoryError, match=r"evaluation\.json is not committed"):
        dated.write_copy(trained_copy, target)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-05-06T12:00:00+00:00")
    git.git(root, "init", "--quiet")
    git.git(root, "add", "--force", "reports/evaluation.json")
    git.git(root, "commit", "--quiet", "--message", "Train")
    git.git(root, "commit", "--quiet", "--allow-empty", "--message", "Something else")
    commit = git.git(root, "rev-parse", "--short", "HEAD~1")
    said = f"Trained on 2031-05-06, commit {commit}."
    assert said in dated.write_copy(trained_copy, target).read_text("utf-8")
    assert "Trained on" not in report.write_report(trained_copy).read_text("utf-8")
    with pytest.raises(errors.FactoryError, match="cannot be written"):
        dated.write_copy(trained_copy, tmp_path / "none" / "a.html")
    assert [path.name for path in tmp_path.glob("*.html")] == [target.name]
