"""One set of settings, measured on the inner splits."""

from collections.abc import Callable, Iterator
from time import monotonic

import numpy as np

from ..errors import FactoryError
from ..records.tuning import Attempt, State
from ..settings.model import Value
from ..settings.params import Params
from .space import with_settings
from .splits import Parting, View, losses_of, metric_of, summed, total

Stop = Callable[[int, float], bool]  # the part, from 0, and the loss up to it: is it hopeless?


def measure(
    parting: Parting,
    number: int,
    settings: dict[str, Value],
    without: tuple[str, ...],
    variants: tuple[dict[str, Value], ...] = (),
    stop: Stop = lambda *_: False,
) -> Attempt:
    """What these settings are worth; what cannot be fitted fails, and says why."""
    begin, steps, losses = monotonic(), list[float](), list[np.ndarray]()
    state: State = "complete"
    why, sums = "", tuple[float, ...]()
    try:
        params = with_settings(parting.project.params, settings, without, variants)
        view = parting.view(params)
        metric = metric_of(view, params)
        for step, own in enumerate(parts_of(parting, params, view, metric)):
            losses.append(own)
            steps.append(so_far(metric, losses))
            if step + 1 < len(view.parts) and stop(step, steps[-1]):
                state = "pruned"
                break
        if state == "complete":
            sums = tuple(summed(view.parts, losses).round(9).tolist())
        if not np.isfinite(steps).all():
            raise ValueError("its loss is no number")
    except FactoryError:
        raise
    except Exception as error:  # of whatever library model.py uses
        state, why, steps, sums = "failed", reason(error), [], ()
    return Attempt(
        number=number,
        settings=settings,
        without=without,
        variants=variants,
        state=state,
        loss=steps[-1] if steps else None,
        steps=tuple(steps),
        sums=sums,
        seconds=round(monotonic() - begin, 2),
        why=why,
    )


def parts_of(parting: Parting, params: Params, view: View, metric: str) -> Iterator[np.ndarray]:
    """The losses of the rows of each part."""
    project = parting.project.with_params(params)
    for part in view.parts:
        yield losses_of(project, part, view.signature, metric, params.model.fitting)


def so_far(metric: str, losses: list[np.ndarray]) -> float:
    """The metric over all rows up to now."""
    values = np.concatenate(losses)
    return total(metric, values, np.ones(len(values)))


def reason(error: Exception) -> str:
    """What went wrong, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
