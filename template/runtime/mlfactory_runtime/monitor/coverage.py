"""The check of coverage: whether metrics of the labelled rows can stand for all."""

from ..records.monitoring import Coverage
from .parts import PAGE, apart, said, sure
from .reading import Seen, Watched
from .verdict import Check


def coverage(seen: Seen, watched: Watched) -> Coverage | None:
    """How the rows with an outcome differ from the others; None if either are too few."""
    known, settings, part = watched.signature, watched.params.monitor, seen.covered
    if min(part.rows, seen.rows - part.rows) < settings.min_rows:
        return None
    limits = (settings.min_rows, settings.share, settings.rate)
    found = [
        one
        for name, tally in part.features.items()
        for one in apart(name, seen.features[name], tally, watched.profile.features[name], limits)
    ]
    names = known.classes[-1:] if known.task == "binary" else known.classes or (known.target,)
    profiles = zip(names, seen.scores, part.scores, watched.profile.predictions, strict=False)
    for name, whole, own, like in profiles:
        found += apart(f"the score of {name}", whole, own, like, limits)
    differs = {one.name: round(one.size, 4) for one in sure(found, settings.level)}
    return Coverage(rows=seen.rows, labelled=part.rows, differs=differs)


def check_coverage(found: Coverage | None) -> list[Check]:
    """It never rings: that outcomes come for some rows only is told, and is nobody's alarm."""
    if found is None:
        return []
    bad, share = None if found.differs else False, found.labelled / found.rows
    return [Check("coverage", "performance", bad, share, message=said(found), runbook=PAGE)]
