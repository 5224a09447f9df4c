"""The data that `mlfactory new` takes when it is given none: small, real, free to pass on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlfactory.base.errors import UsageError

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A data file that travels with mlfactory, and what is known about it."""

    name: str
    path: Path
    target: str
    identifier: str
    time: str
    task: str
    origin: str
    licence: str


PENGUINS = Sample(
    name="Palmer penguins",
    path=_HERE / "penguins.csv",
    target="sex",
    identifier="bird_id",
    time="",
    task="classification",
    origin="Palmer Station Antarctica LTER and K. Gorman, doi:10.1371/journal.pone.0090081",
    licence="CC0 1.0",
)
CARS = Sample(
    name="Auto MPG",
    path=_HERE / "cars.csv",
    target="miles_per_gallon",
    identifier="",
    time="",
    task="regression",
    origin="StatLib and the UCI Machine Learning Repository, doi:10.24432/C5859H",
    licence="CC BY 4.0",
)


def sample(task: str) -> Sample:
    """The sample for a task; `auto` is the one for classification."""
    samples = {"auto": PENGUINS, "classification": PENGUINS, "regression": CARS}
    if task not in samples:
        raise UsageError(
            f"there is no task {task!r}", "Use --task auto, classification or regression."
        )
    return samples[task]
