"""The world of a simulation, its clock, its page, and that nothing of it is left running."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from mlfactory.base import process
from mlfactory.look import rows
from mlfactory.new.samples import CARS, PENGUINS, Sample
from mlfactory.simulate import page
from mlfactory.simulate.factory import own_port
from mlfactory.simulate.replay import Day, Event, Replay
from mlfactory.simulate.setting import Scenario, edit
from mlfactory.simulate.traffic import Clock
from mlfactory.simulate.world import Columns, Row, World, date_like, figure, like, number

from .waiting import PATIENCE, has_ended, until

DRIVERS = {PENGUINS: "body_mass_g", CARS: "weight_lbs"}


def world(sample: Sample) -> World:
    data = rows.read(sample.path, 2000).rows
    texts = {"name", "origin", "bird_id", "island", "date_egg", "clutch_completion", "species"}
    kinds = {name: "string" if name in texts else "float" for name in data[0]}
    kinds |= {sample.target: "string" if sample is PENGUINS else "float", "cylinders": "int"}
    missing = frozenset({""})
    return World(
        data,
        Columns(
            kinds, sample.target, sample is CARS, sample.identifier, "", (DRIVERS[sample],), missing
        ),
    )


def drawn(one: World, drifted: bool, count: int = 400) -> list[Row]:
    return [one.draw(3, drifted) for _ in range(count)]


@pytest.mark.parametrize("sample", [PENGUINS, CARS], ids=["penguins", "cars"])
def test_new_rows_lie_within_the_data_and_are_written_alike(sample: Sample) -> None:
    one, data = world(sample), rows.read(sample.path, 2000).rows
    values = [value for old in data if (value := number(old[DRIVERS[sample]])) is not None]
    outcomes = {old[sample.target] for old in data}
    for row in drawn(one, True):
        assert list(row) == list(data[0])
        value = number(row[DRIVERS[sample]])
        assert value is None or min(values) <= value <= max(values)
        assert sample is CARS or row[sample.target] in outcomes


def test_every_row_has_a_name_of_its_own_and_a_seed_gives_the_same_world() -> None:
    rows = drawn(world(PENGUINS), False)
    assert len({row["bird_id"] for row in rows}) == 400
    assert rows == drawn(world(PENGUINS), False)


def test_a_drifted_world_sends_other_rows_that_mean_something_else() -> None:
    one = world(PENGUINS)
    before, after = drawn(one, False), drawn(one, True)

    def heavy(rows: list[Row]) -> list[Row]:
        return [row for row in rows if (number(row["body_mass_g"]) or 0) > 4500]

    assert len(heavy(after)) > 1.5 * len(heavy(before))
    males = [
        sum(r["sex"] == "male" for r in heavy(rows)) / len(heavy(rows)) for rows in (before, after)
    ]
    assert males[0] > 0.6
    assert males[1] < 0.4


def weekly(form: str, every: int = 1) -> World:
    """Three shops over two years: warm in summer, and a date written in a form of its own."""
    days = [date(2023, 1, 2) + timedelta(days=k) for k in range(0, 728, every)]
    rows: list[Row] = [
        {"day": day.strftime(form), "shop": f"S{shop}",
         "warm": f"{30 * (day.month in (6, 7, 8))}.5", "y": str(shop)}
        for day in days for shop in range(3)
    ]  # fmt: skip
    types = {"day": "date", "shop": "string", "warm": "float", "y": "float"}
    forms = {"day": form}
    columns = Columns(types, "y", True, "shop", "day", ("warm",), frozenset({""}), forms)
    return World(rows, columns, step=7)


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%Y-%m-%d"])
def test_a_day_is_like_those_of_its_season_and_shops_come_again(form: str) -> None:
    one = weekly(form)
    drawn = [one.draw(week, has_drifted=False) for week in range(52) for _ in range(20)]
    when = [datetime.strptime(row["day"], form).date() for row in drawn]
    assert (min(when), max(when)) == (date(2024, 12, 30), date(2025, 12, 28))
    assert len({day.weekday() for day in when}) == 7
    warm = {day.month in (6, 7, 8) for day, row in zip(when, drawn, strict=True)
            if float(row["warm"]) > 20}  # fmt: skip
    assert warm == {True}
    assert {row["shop"] for row in drawn} == {"S0", "S1", "S2"}


def test_where_a_shop_has_few_rows_of_a_month_they_are_not_repeated_for_it() -> None:
    """Nine of July would come again and again, and be other than those of a year by chance."""
    one = weekly("%Y-%m-%d", every=7)
    drawn = [one.draw(week, has_drifted=False) for week in range(52) for _ in range(20)]
    july = [row for row in drawn if "-07-" in row["day"]]
    assert {float(row["warm"]) > 20 for row in july} == {True, False}


def test_rows_of_dates_that_nobody_reads_are_like_all() -> None:
    one = weekly("%Y/%d")
    assert one.draw(3, has_drifted=False)["day"] in {row["day"] for row in one.rows}


def test_a_world_may_never_drift() -> None:
    calm, drifted = Scenario(drift=None), Scenario(drift=4)
    assert not any(calm.has_drifted(day) for day in range(400))
    assert [drifted.has_drifted(day) for day in (3, 4, 5)] == [False, True, True]
    replay = Replay(None, None, None, None, 9, 0, "rmse", (), ())
    assert replay.is_well
    assert page.summary(replay) == "Nothing happened in this world, and the monitor did not ring."
    rang = replace(replay, alarm=3)
    assert not rang.is_well
    assert "rang on day 3" in page.summary(rang)


def test_rows_are_sent_typed() -> None:
    one = world(CARS)
    row = one.rows[0] | {"horsepower": "", "cylinders": "8", "weight_lbs": "3504.5"}
    (sent,) = one.request([row], {"horsepower", "cylinders", "weight_lbs", "unknown"})
    assert sent == {"horsepower": None, "cylinders": 8, "weight_lbs": 3504.5}


def test_values_are_sent_as_the_catalog_reads_them() -> None:
    rows: list[Row] = [
        {"day": "31.12.2024", "at": "2024-12-31 10:00", "price": "1.234,5 €", "new": "ja",
         "note": "two\nlines", "none": "", "old": date(2024, 1, 2), "n": 3.0, "y": "a"},
        {"day": "", "at": "", "price": "7,0 €", "new": "nein",
         "note": "", "none": "", "old": None, "n": None, "y": "b"},
    ]  # fmt: skip
    types = {
        "day": "date", "at": "datetime", "price": "float", "new": "bool", "note": "string",
        "none": "float", "old": "date", "n": "int", "y": "string",
    }  # fmt: skip
    forms = {"day": ["%d.%m.%Y"], "price": "1.234,5 €"}
    columns = Columns(types, "y", False, "", "", ("n",), frozenset({""}), forms)
    sent = World(rows, columns).request(rows, types.keys() - {"y"})
    assert sent[0] == {
        "day": "2024-12-31", "at": "2024-12-31T10:00:00", "price": 1234.5, "new": True,
        "note": "two\nlines", "none": None, "old": "2024-01-02", "n": 3,
    }  # fmt: skip
    assert sent[1] == {**dict.fromkeys(sent[0]), "price": 7.0, "new": False}
    assert "y" not in sent[0]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    import polars as pl

    file, again = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pl.DataFrame({"n": [1, None], "d": ["x", "y"]}).write_parquet(file)
    table = rows.read(file, 10)
    table.write(again, table.rows)
    assert pl.read_parquet(again).equals(pl.read_parquet(file))


def test_settings_are_edited_in_place(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("task: a\n\ndata:\n  # Where.\n  source: null\n  id: x\nlog:\n  id: y\n")
    edit(file, {"data.source": "/a b.csv", "log.id": 3, "task": None})
    assert file.read_text() == (
        'task: null\n\ndata:\n  # Where.\n  source: "/a b.csv"\n  id: x\nlog:\n  id: 3\n'
    )


def test_days_are_windows() -> None:
    clock = Clock(1000, 8)
    assert [clock.day(moment) for moment in (999.9, 1000, 1007.9, 1008)] == [-1, 0, 0, 1]
    assert clock.end(0) == 1008


def test_what_was_started_ends_with_all_that_it_started(tmp_path: Path) -> None:
    with process.background(("bash", "-c", PARENT), tmp_path, {}):
        child = started(tmp_path)
    until(lambda: has_ended(child))


def test_an_interrupted_command_takes_its_children_along(tmp_path: Path) -> None:
    call = f"process.run_whole(('bash', '-c', {PARENT!r}), Path('.'), {{}})"
    code = f"from pathlib import Path; from mlfactory.base import process; {call}"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=-3) as running:
        child = started(tmp_path)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) != 0
    until(lambda: has_ended(child))


PARENT = "sleep 3000 & echo $! > new; mv new pid; wait"


def started(folder: Path) -> int:
    """The number of the process that `PARENT` starts."""
    until((folder / "pid").exists)
    return int((folder / "pid").read_text())


def test_the_page_tells_the_story(tmp_path: Path) -> None:
    days = Day(0, 9, "1.0.0", 0.1, 0.1, 0.1), Day(1, 9, "1.0.0", None, 0.2, None)
    events = (Event(1, "alarm", "<b> drifted"),)
    replay = Replay(1, 1, 2, 3, 18, 0, "log_loss", days, events)
    page.write(replay, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "&lt;b&gt; drifted" in text
    assert "all was well again" in text
    assert text.count("<circle") == 3
    assert "http" not in text


STORY = Replay(
    drift=5, alarm=2, promoted=9, recovered=10, answered=9, lost=0, metric="log_loss",
    windows=tuple(Day(k, 90, "m", 0.3 if k < 5 else 0.9, None, 0.3) for k in range(12)),
    events=(
        Event(10, "recovered", ""), Event(2, "alarm", ""), Event(6, "alarm", ""),
        Event(5, "drift", ""), Event(9, "promoted", ""), Event(9, "retrained", ""),
    ),
)  # fmt: skip


def test_an_alarm_before_the_drift_is_of_something_else() -> None:
    text = page.summary(STORY)
    assert "drifted on day 5, and the monitor rang on day 6. It had rung on day 2" in text
    silent = replace(STORY, events=(Event(2, "alarm", ""),))
    assert "the monitor did not ring. It had rung on day 2" in page.summary(silent)


def test_all_is_well_only_where_the_loss_is_what_it_was() -> None:
    assert "the loss is not yet what it was" in page.summary(STORY)
    days = tuple(replace(one, observed=0.31) for one in STORY.windows)
    assert "and all was well again." in page.summary(replace(STORY, windows=days))


def test_events_are_in_order_and_labels_stand_apart() -> None:
    content = page.content(STORY)
    assert [event.day for event in content["events"]] == [2, 5, 6, 9, 9, 10]
    boxes = [
        (m["y"], m["x"] - (wide := 7 * len(m["text"])) * m["left"], m["x"] + wide * (not m["left"]))
        for m in content["marks"]
    ]
    for k, (y, start, end) in enumerate(boxes):
        assert not [1 for b in boxes[:k] if b[0] == y and start < b[2] and b[1] < end]


@pytest.mark.parametrize(
    ("text", "size", "twice"),
    [
        ("1.234,5 €", 1234.5, "2469,0 €"),
        ("-3,2", -3.2, "-6,4"),
        ("($7)", -7.0, "($14)"),
        ("5 kg", 5.0, "10 kg"),
        ("42", 42.0, "84"),
        ("$1,234.50", 1234.5, "$2469.00"),
    ],
)
def test_numbers_as_people_write_them_drift_too(text: str, size: float, twice: str) -> None:
    assert figure(text) == size
    assert like(text, 2 * size) == twice


@pytest.mark.parametrize(
    ("value", "form", "later"),
    [
        ("2010Q1", "%YQ%q", "2024Q2"),
        (1700000000, "epoch s", 1715904000),
        ("2018/19", "%Y/+1", "2024/25"),
        ("März 2018", "%b %Y", "May 2024"),
        ("01.02.2020 10:30", "%d.%m.%Y %H:%M", "17.05.2024 10:30"),
    ],
)
def test_time_goes_on_in_every_form(value: object, form: str, later: object) -> None:
    assert date_like(value, date(2024, 5, 17), [form]) == later


def test_a_port_is_kept_for_those_who_ask_for_it_by_number() -> None:
    with own_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        for _ in range(2):
            with socket.create_server(("127.0.0.1", port)) as server:
                socket.create_connection(server.getsockname()).close()
