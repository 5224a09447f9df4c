"""What is said of a search."""

from collections.abc import Iterator

from ..git import tries
from ..project import MODEL, Project
from ..records.tuning import Tuning
from ..registry.tags import stages

BEFORE = ".factory/before"


def lines(search: Tuning) -> Iterator[str]:
    """How often validation was looked at, what the best is worth, and how sure that is."""
    states = [one.state for one in search.attempts]
    rest = "".join(
        f", {states.count(state)} {text}"
        for state, text in (("pruned", "cut short"), ("failed", "could not be fitted"))
        if state in states
    )
    before = f", {search.earlier} of them in earlier searches" if search.earlier else ""
    yield (
        f"validation ({search.by}) was looked at for {search.looks} sets of settings{before}{rest}"
    )
    worth = search.optimism
    if search.proposal == 0 or not search.complete:
        yield f"nothing is better than the settings as they are: {search.metric} {best(search)}"
    elif worth is None:
        yield f"{search.metric} {best(search)}; of so few rows nobody can tell how sure that is"
    else:
        yield (
            f"{search.metric} {worth.best:.4g}, before {worth.before:.4g}; the best of many looks "
            f"better than it is: expect {worth.corrected:.4g}, a gain of {worth.gain:.3g} "
            f"({worth.low:.3g} to {worth.high:.3g})"
        )
        if worth.low is not None and worth.low <= 0:
            yield "that gain may be chance"


def best(search: Tuning) -> str:
    """How good the best attempt is."""
    return f"{search.complete[0].loss:.4g}" if search.complete else "unknown"


def next_steps(project: Project) -> Iterator[str]:
    """How the model is made, and compared with the one before on rows that were held out."""
    yield "params.yaml is written; now one look at the holdout says whether that was right:"
    if tries(project.root, "rev-parse", "--git-dir") and stages(project).get("prod"):
        yield "next: dvc repro && factory compare"
        return
    copy = f"mkdir -p .factory && cp -r {MODEL.as_posix()} {BEFORE}"
    yield f"next: {copy} && dvc repro && factory compare {BEFORE}"
