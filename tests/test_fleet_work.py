"""What goes wrong with one is what came of it, and the others come to their end."""

from __future__ import annotations

import os
import signal

import pytest
from mlfactory.base.errors import MlfactoryError
from mlfactory.fleet import proposal, work
from mlfactory.fleet.inventory import BAD_BRANCH
from mlfactory.fleet.work import Failure


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
