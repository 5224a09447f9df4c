"""Whether answers are worth less than on the holdout: skill, ranking and calibration, each alone.

What the numbers mean stands in `learn/quality.py`.
"""

from collections.abc import Iterator, Sequence
from math import hypot

from ..learn.quality import FEWEST, NUMBERS, qualities
from ..records.monitoring import Window
from ..records.profile import Quality
from ..settings.monitor import Monitor
from .effect import detectable, is_beyond
from .reading import Seen, Watched
from .verdict import Check

FALLS = ("skill", "ranking")  # of the others any change is bad
RUNBOOK = "the-model-is-worse"
OLD = "whether it still ranks and is calibrated: its profile does not say how it was, train again"


def measured(sample: Seen, watched: Watched) -> dict[str, Quality]:
    """What all answers with an outcome were worth."""
    if sample.labelled < watched.params.monitor.min_rows:
        return {}
    y, p, units = sample.outcomes(watched)
    return qualities(watched.signature.task, y, p, units.places)


def judged(records: Sequence[Window], watched: Watched) -> Iterator[tuple[Check, list[bool]]]:
    """Each number of the latest window that has it, and whether it was bad in windows before.

    Where there are outcomes enough, and a number is nowhere to be had, that is told.
    """
    qualities, settings = watched.profile.quality, watched.params.monitor
    for name in NUMBERS[watched.signature.task] if qualities else ():
        then = qualities.get(name)
        past = [(one, one.quality[name]) for one in records if name in one.quality]
        if then is None or not past:
            if records[-1].labelled >= settings.min_rows:
                yield blind(name, "this window" if then else "the holdout"), []
            continue
        level, limit = level_of(name, qualities, settings), limit_of(name, then, settings)
        bad = [is_beyond(*change_of(name, now, then), limit, level) for _, now in past]
        record, now = past[-1]
        least = detectable(change_of(name, now, then)[1], limit, level)
        when = f" up to {record.end}" if record.end else ""
        message = (
            f"{name} {now.value:.3g} (observed{when}), and {then.value:.3g} on the holdout: "
            f"{'less by' if name in FALLS else 'otherwise by'} more than {limit:.2g} matters, and "
            f"{least:.2g} would have been seen"
        )
        yield (
            Check(
                f"quality:{name}", "performance", bad[-1], now.value, limit, message, RUNBOOK,
                detectable=least,
            ),
            bad[:-1],
        )  # fmt: skip


def blind(name: str, where: str) -> Check:
    """A number that is not defined on the outcomes that there are."""
    few = f"{FEWEST} outcomes of the rarer kind, or side, tell"
    message = f"{name} cannot be told of {where}: {few}"
    return Check(f"quality:{name}", "performance", message=message, runbook=RUNBOOK)


def change_of(name: str, now: Quality, then: Quality) -> tuple[float, float]:
    """By how much it is worse, and the standard error of that."""
    change = then.value - now.value
    return change if name in FALLS else abs(change), hypot(now.error, then.error)


def level_of(name: str, qualities: dict[str, Quality], settings: Monitor) -> float:
    """Half of the false alarms are for outcomes, and shared by the numbers; both ways by halves."""
    return settings.level / 2 / len(qualities) / (1 if name in FALLS else 2)


def limit_of(name: str, then: Quality, settings: Monitor) -> float:
    """What does not matter yet; of skill it is a part of what there was."""
    if name == "skill":
        return settings.skill * max(then.value, 0.0)
    return float(getattr(settings, name))
