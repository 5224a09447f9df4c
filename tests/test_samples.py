from __future__ import annotations

import pytest
from mlfactory.preflight import look
from mlfactory.samples import sample


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_data_that_come_along_pass_the_first_look(task: str) -> None:
    shipped = sample(task)
    seen = look(
        shipped.path, shipped.target, identifier=shipped.identifier, time=shipped.time, task="auto"
    )
    assert seen.task == task
    assert shipped.path.stat().st_size < 100_000


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_origin_and_licence_are_stated(task: str) -> None:
    shipped = sample(task)
    page = (shipped.path.parent / "README.md").read_text()
    assert shipped.licence in page
    assert shipped.path.name in page
