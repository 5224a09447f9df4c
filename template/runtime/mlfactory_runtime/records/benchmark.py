"""reports/benchmark.json: other libraries on the same rows and splits."""

from typing import Literal

from .evaluation import Interval
from .record import Part, Record, optional

State = Literal["measured", "absent", "failed"]


class Contender(Part):
    """A library by its defaults. `gain` is by how much it is better than the model, in the metric,
    `seconds` are of all fits and answers, `memory` is the largest of its process, in MB, and `why`
    is what it lacks.
    """

    name: str
    state: State
    version: str = optional("")
    value: float | None = optional()
    gain: Interval | None = optional()
    seconds: float | None = optional()
    memory: float | None = optional()
    why: str = optional("")
    is_better: bool = optional(False)


class Benchmark(Record):
    """What was compared: data, settings and code by hash, as the model's own provenance has them.

    `margin` is what matters of the metric, and `model` this factory's own.
    """

    data: str
    params: str
    code: str
    metric: str
    by: str
    rows: int
    margin: float
    model: Contender
    others: tuple[Contender, ...]

    @property
    def winners(self) -> list[Contender]:
        """Those that are surely better by more than the margin, the best first."""
        better = [one for one in self.others if one.is_better]
        return sorted(better, key=lambda one: one.value or 0.0)
