"""Are the rows whose outcome is known like the others? Metrics tell of these alone.

Where only some kinds of rows ever get an outcome, the figure can be far from that of all. The two
parts of a window are compared as a window is with training: by the same tests, corrected at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ..records.monitoring import Coverage
from ..records.profile import Numbers
from .statistics import Array, Reference, Tally, chances, compare, tally

PAGE, SHOWN = "outcomes-come-for-some-rows-only", 3


@dataclass
class Covered:
    """The rows with an outcome, counted as all rows are: by feature and by score."""

    rows: int = 0
    features: dict[str, Tally] = field(default_factory=dict)
    scores: list[Tally] = field(default_factory=list)

    def count(self, frame: pl.DataFrame, references: dict[str, tuple[Reference, str]]) -> None:
        """Add rows of features; each is counted where its profile looks, with its salt."""
        self.rows += frame.height
        if self.features and not frame.height:
            return
        for name, (reference, salt) in references.items():
            new = tally(frame[name], reference, salt)
            self.features[name] = self.features[name] + new if name in self.features else new

    def score(self, p: Array, references: tuple[Reference, ...]) -> None:
        """Add scores."""
        columns = pl.DataFrame(p.reshape(len(p), -1)).get_columns()
        counted = [tally(column, one) for column, one in zip(columns, references, strict=True)]
        self.scores = list(map(Tally.__add__, self.scores, counted)) if self.scores else counted


@dataclass(frozen=True)
class Compared:
    """How far the two parts lie apart in something, and how likely that is by chance."""

    name: str
    size: float
    p: float
    matters: bool


def others(whole: Tally, part: Tally) -> Tally:
    """The rows of a tally that are not in a part of it."""
    present, missing = whole.present - part.present, whole.missing - part.missing
    return Tally(present, missing, whole.cells - part.cells)


def as_reference(tally_part: Tally, like: Reference) -> Reference:
    """Counted rows in the place of those of training."""
    if isinstance(like, Numbers):
        below, upto = (tally_part.cells / max(tally_part.present, 1)).tolist()
        return like.model_copy(
            update={"rows": tally_part.present, "below": tuple(below), "upto": tuple(upto)}
        )
    *cells, other = tally_part.cells.tolist()
    counts = dict(zip(like.counts, cells, strict=True))
    return like.model_copy(update={"rows": tally_part.present, "counts": counts, "other": other})


def apart(
    name: str, whole: Tally, part: Tally, like: Reference, limits: tuple[int, float, float]
) -> Iterator[Compared]:
    """How the two parts differ in values, and in the share that is missing.

    `limits` are the rows that are needed, and the shares of rows elsewhere and missing up to which
    it does not matter.
    """
    rest, (least, share, rate) = others(whole, part), limits
    if min(part.present, rest.present) >= least:
        comparison = compare(as_reference(rest, like), part)
        yield Compared(name, comparison.moved, comparison.p, comparison.surely > share)
    rows, remaining = part.present + part.missing, rest.present + rest.missing
    if min(rows, remaining) >= least and part.missing + rest.missing:
        here, there = part.missing / rows, rest.missing / remaining
        counts = np.array([rest.missing]), remaining, np.array([part.missing]), rows
        p, change = float(chances(*counts)[0]), abs(here - there)
        yield Compared(f"{name} (missing)", change, p, change > rate)


def sure(comparisons: list[Compared], level: float) -> list[Compared]:
    """Those that matter and hold among all others, the largest first."""
    from scipy.stats import false_discovery_control

    if not comparisons:
        return []
    q = false_discovery_control([one.p for one in comparisons]).tolist()
    certain = [one for one, own in zip(comparisons, q, strict=True) if own < level and one.matters]
    return sorted(certain, key=lambda one: -one.size)


def as_text(coverage: Coverage) -> str:
    """The result in words."""
    text = f"outcomes are known of {coverage.labelled:,} of {coverage.rows:,} rows"
    if not coverage.differs:
        return f"{text}, and these are like the others"
    names = ", ".join(list(coverage.differs)[:SHOWN])
    return f"{text}, and these differ from the others ({names}): the metrics tell of such rows only"
