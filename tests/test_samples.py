"""The data that travel with the program."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from mlfactory.base.errors import UsageError
from mlfactory.look import look
from mlfactory.new import samples
from mlfactory.new.samples import sample

TASKS = ("classification", "regression")
README = (Path(samples.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_passes_the_look_at_data_and_the_target_is_all_it_lacks(task: str) -> None:
    data_set = sample(task)
    facts = look(data_set.path, data_set.target, identifier=data_set.identifier, time=data_set.time)
    assert facts.task == task
    assert all("no target" in warning for warning in facts.warnings)


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_is_small(task: str) -> None:
    assert sample(task).path.stat().st_size < 50_000


@pytest.mark.parametrize("task", TASKS)
def test_the_readme_describes_every_column_and_the_licence(task: str) -> None:
    data_set = sample(task)
    with data_set.path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    words = [data_set.licence, data_set.path.name, *(f"`{name}`" for name in header)]
    assert [text for text in words if text not in README] == []


def test_the_identifier_of_the_penguins_is_unique() -> None:
    data_set = sample("classification")
    with data_set.path.open(encoding="utf-8", newline="") as file:
        names = [row[data_set.identifier] for row in csv.DictReader(file)]
    assert len(set(names)) == len(names) == 344


def test_auto_is_the_sample_for_classification() -> None:
    assert sample("auto") == sample("classification")


def test_another_task_is_refused() -> None:
    with pytest.raises(UsageError):
        sample("clustering")
