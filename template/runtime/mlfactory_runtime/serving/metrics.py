"""What the service counts, in the format of Prometheus."""

import os
from collections.abc import Sequence
from functools import cache

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ..learn.signature import Signature
from ..log.refusals import Broken
from .schema import Row
from .staying import Staying

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where several workers add up what they count
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one process."""

    def __init__(self, signature: Signature, version: str) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Staying())
        requests = self._counter("requests", "Requests.", "path", "status")
        latency = Histogram(
            "factory_request_seconds",
            "Time to answer.",
            ("path",),
            buckets=SECONDS,
            registry=self.registry,
        )
        # Looking labels up takes longer than counting.
        self.requests, self.latency = cache(requests.labels), cache(latency.labels)
        predictions = self._counter("predictions", "Rows that were scored.", "prediction")
        self.classes = {name: predictions.labels(name) for name in signature.classes}
        self.numbers = None if signature.classes else predictions.labels("number")
        missing = self._counter("missing_values", "Values that were missing.", "feature")
        unseen = self._counter("unseen_values", "Categories not seen in training.", "feature")
        names = [feature.name for feature in signature.features]
        self.missing = [missing.labels(name) for name in names]
        self.unseen = [unseen.labels(name) for name in names]
        self.refused_rows = self._counter("refused_rows", "Rows that got no answer.")
        self.broken = self._counter("refused_values", "Rows that broke a rule.", "field", "rule")
        self.dropped, self.dropped_before = self._counter("log_dropped", "Not logged."), 0
        self.grouped = np.array([feature.role == "categorical" for feature in signature.features])
        sizes = [len(feature.categories) for feature in signature.features]
        self.missing_code = np.where(self.grouped, sizes, np.nan)
        labels = {"version": version, "task": signature.task, "target": signature.target}
        labels |= {key: signature.provenance.get(key, "") for key in ("data", "template")}
        info = Gauge("factory_model", "The model that answers.", tuple(labels), registry=self.registry, multiprocess_mode="max")  # fmt: skip  # noqa: E501
        info.labels(**labels).set(1)

    def _counter(self, name: str, meaning: str, *by: str) -> Counter:
        return Counter(f"factory_{name}", meaning, by, registry=self.registry)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count an answer, whatever it was."""
        self.requests(path, status).inc()
        self.latency(path).observe(seconds)

    def count_answers(self, x: np.ndarray, answers: Sequence[Row]) -> None:
        """Count predictions, and what was missing or unseen in their features."""
        if self.numbers:
            self.numbers.inc(len(answers))
        else:
            for answer in answers:
                self.classes[answer["prediction"]].inc()
        count(self.missing, np.isnan(x) | (x == self.missing_code))
        count(self.unseen, (x == -1) & self.grouped)

    def refused(self, rows: int, broken: Broken) -> None:
        """Count rows that were refused, and which fields broke which rules."""
        self.refused_rows.inc(rows)
        for (field, rule, _), times in broken.items():
            self.broken.labels(field, rule).inc(times)

    def log_dropped(self, so_far: int) -> None:
        """Count what the prediction log had to drop."""
        if so_far > self.dropped_before:
            self.dropped.inc(so_far - self.dropped_before)
            self.dropped_before = so_far

    def text(self) -> bytes:
        """All counters, of all workers."""
        registry = self.registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            registry.register(Staying())
        return generate_latest(registry)


def count(counters: Sequence[Counter], flags: np.ndarray) -> None:
    """Count in each column what is true."""
    if np.count_nonzero(flags):
        for counter, times in zip(counters, flags.sum(axis=0).tolist(), strict=True):
            counter.inc(times)
