"""What goes wrong with one is what came of it, and the others come to their end."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial
from pathlib import Path

import pytest
from mlfactory.base import process
from mlfactory.base.errors import MlfactoryError
from mlfactory.fleet import proposal, work
from mlfactory.fleet.inventory import BAD_BRANCH
from mlfactory.fleet.work import Failure

from .evolving import forked
from .waiting import until


def square(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        raise MlfactoryError("three is not liked", "Take four.")
    if number == 4:
        raise ZeroDivisionError
    return number * number


def test_a_process_that_is_killed_takes_nobody_along() -> None:
    results = dict(work.compute(square, [1, 2, 3, 4, 5], jobs=2))
    assert (results[0], results[4]) == (1, 25)
    assert results[1] == Failure("the process was killed", "Is there too little memory?")
    assert results[2] == Failure("three is not liked", "Take four.")
    assert isinstance(results[3], Failure)


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_with_the_places_of_their_items(jobs: int) -> None:
    assert dict(work.compute(square, [7, 5, 6], jobs)) == {0: 49, 1: 25, 2: 36}
    assert dict(work.wait_for(square, [7, 5, 6])) == {0: 49, 1: 25, 2: 36}
    assert list(work.compute(square, [], jobs)) == []


def test_each_folder_of_a_repository_has_a_branch_of_its_own() -> None:
    folders = ("models/north", "models-north", "models/north ö", "models/north ü", "価", "",
               "格", "a..b", "x.lock", "-x", "x", "revert", "late-parcels", "A", "a")  # fmt: skip
    names = [proposal.branch_of("mlfactory/update", folder) for folder in folders]
    assert len({*names}) == len(names)
    assert names[0] == "mlfactory/update-models-north"
    assert "mlfactory/update-revert" not in names  # where the way back is proposed
    assert names[folders.index("")] == "mlfactory/update"
    assert not [name for name in names if BAD_BRANCH.search(name)]


def endless(folder: Path) -> int:
    (folder / "begun").mkdir()
    try:
        process.run_whole(("sleep", "3000"), folder, {}, timeout=3000)
    finally:
        (folder / "in order").touch()
    return 0


def interrupted(folder: Path) -> int:
    """Ends as Ctrl-C does while two of four acts wait for something that never comes."""
    items = [folder / str(number) for number in range(4)]
    for item in items:
        item.mkdir()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Thread(target=interrupt_when, args=([one / "begun" for one in items[:2]],))
    timer.start()
    try:
        return len(list(work.compute(endless, items, jobs=2)))
    except KeyboardInterrupt:
        return 130


def interrupt_when(begun: list[Path]) -> None:
    until(lambda: all(one.exists() for one in begun))
    os.kill(os.getpid(), signal.SIGINT)


def test_who_interrupts_waits_for_nobody(tmp_path: Path) -> None:
    forked(partial(interrupted, tmp_path), code=130)
    states = [sorted(p.name for p in (tmp_path / str(n)).iterdir()) for n in range(4)]
    assert states == [["begun", "in order"], ["begun", "in order"], [], []]
