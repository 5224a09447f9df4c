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
        for name, (reference, salt) in references.items():
            found = tally(frame[name], reference, salt)
            self.features[name] = self.features[name] + found if name in self.features else found

    def score(self, p: Array, references: tuple[Reference, ...]) -> None:
        """Add scores."""
        columns = pl.DataFrame(p.reshape(len(p), -1)).get_columns()
        found = [tally(column, one) for column, one in zip(columns, references, strict=True)]
        self.scores = list(map(Tally.__add__, self.scores, found)) if self.scores else found


@dataclass(frozen=True)
class Compared:
    """How far the two parts lie apart in something, and how likely that is by chance."""

    name: str
    size: float
    p: float
    matters: bool


def others(whole: Tally, part: Tally) -> Tally:
    """The rows of a tally that are not in a part of it."""
    known, missing = whole.known - part.known, whole.missing - part.missing
    return Tally(known, missing, whole.cells - part.cells)


def as_reference(found: Tally, like: Reference) -> Reference:
    """Counted rows in the place of those of training."""
    if isinstance(like, Numbers):
        below, upto = (found.cells / max(found.known, 1)).tolist()
        return like.model_copy(
            update={"rows": found.known, "below": tuple(below), "upto": tuple(upto)}
        )
    *listed, other = found.cells.tolist()
    counts = dict(zip(like.counts, listed, strict=True))
    return like.model_copy(update={"rows": found.known, "counts": counts, "other": other})


def apart(
    name: str, whole: Tally, part: Tally, like: Reference, limits: tuple[int, float, float]
) -> Iterator[Compared]:
    """How the two parts differ in values, and in the share that is missing.

    `limits` are the rows that are needed, and the shares of rows elsewhere and missing up to which
    it does not matter.
    """
    rest, (least, share, rate) = others(whole, part), limits
    if min(part.known, rest.known) >= least:
        found = compare(as_reference(rest, like), part)
        yield Compared(name, found.moved, found.p, found.surely > share)
    rows, remaining = part.known + part.missing, rest.known + rest.missing
    if min(rows, remaining) >= least and part.missing + rest.missing:
        here, there = part.missing / rows, rest.missing / remaining
        counts = np.array([rest.missing]), remaining, np.array([part.missing]), rows
        p, change = float(chances(*counts)[0]), abs(here - there)
        yield Compared(f"{name} (missing)", change, p, change > rate)


def sure(found: list[Compared], level: float) -> list[Compared]:
    """Those that matter and hold among all others, the largest first."""
    from scipy.stats import false_discovery_control

    if not found:
        return []
    q = false_discovery_control([one.p for one in found]).tolist()
    kept = [one for one, own in zip(found, q, strict=True) if own < level and one.matters]
    return sorted(kept, key=lambda one: -one.size)


def said(found: Coverage) -> str:
    """The result in words."""
    text = f"outcomes are known of {found.labelled:,} of {found.rows:,} rows"
    if not found.differs:
        return f"{text}, and these are like the others"
    names = ", ".join(list(found.differs)[:SHOWN])
    return f"{text}, and these differ from the others ({names}): the metrics tell of such rows only"
