"""What becomes of requests without an answer: they are counted, in the metrics and in the log."""

from dataclasses import dataclass

from ..log.refusals import of_strangers, of_users
from ..log.service import Log
from .metrics import Metrics
from .schema import RefusedError


@dataclass(frozen=True)
class Unanswered:
    """Counts for the model of that version. Of a request that was not read, nobody knows how many
    rows it has: it counts as one.
    """

    metrics: Metrics
    log: Log
    version: str

    def count(self, refused: RefusedError, *, is_known: bool) -> None:
        """Count a request; one of nobody `is_known` says nothing of the rows that are asked for."""
        rows, broken = refused.rows, refused.broken
        self.metrics.refused(rows if is_known else 0, broken)
        whose = of_users(broken, rows) if is_known else of_strangers(broken)
        self.log.refuse(whose, self.version)
