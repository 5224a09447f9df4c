"""The check of coverage: whether metrics of the labelled rows can stand for all."""

from collections.abc import Sequence
from dataclasses import replace

from ..records.monitoring import Coverage, Window
from .parts import PAGE, apart, as_text, sure
from .reading import Seen, Watched
from .verdict import Check


def coverage(sample: Seen, watched: Watched) -> Coverage | None:
    """How the rows with an outcome differ from the others; None if either are too few."""
    model, settings, part = watched.signature, watched.params.monitor, sample.covered
    if min(part.rows, sample.rows - part.rows) < settings.min_rows:
        return None
    limits = (settings.min_rows, settings.share, settings.rate)
    differing = [
        one
        for name, tally in part.features.items()
        for one in apart(name, sample.features[name], tally, watched.profile.features[name], limits)
    ]
    names = model.classes[-1:] if model.task == "binary" else model.classes or (model.target,)
    profiles = zip(names, sample.scores, part.scores, watched.profile.predictions, strict=False)
    for name, whole, own, like in profiles:
        differing += apart(f"the score of {name}", whole, own, like, limits)
    differs = {one.name: round(one.size, 4) for one in sure(differing, settings.level)}
    return Coverage(rows=sample.rows, labelled=part.rows, differs=differs)


def check_coverage(result: Coverage | None) -> list[Check]:
    """It never rings: that outcomes come for some rows only is told, and is nobody's alarm."""
    if result is None:
        return []
    bad, share = None if result.differs else False, result.labelled / result.rows
    return [Check("coverage", "performance", bad, share, message=as_text(result), runbook=PAGE)]


def check_earlier(records: Sequence[Window]) -> list[Check]:
    """The same of an earlier window, where the metrics that are judged are of that one."""
    last = records[-1]
    if last.coverage or last.observed or last.quality:
        return []
    measured = next((one for one in reversed(records) if one.observed or one.quality), last)
    when = f" (in the window up to {measured.end})" if measured.end else ""
    checks = check_coverage(measured.coverage)
    return [replace(one, message=f"{one.message}{when}") for one in checks]
