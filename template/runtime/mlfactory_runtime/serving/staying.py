"""What a service shows while a newer model than its own cannot be served."""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily

STAYING_ENV = "FACTORY_STAYING"  # a file that is there while that is so
SINCE = "A newer model than the one that answers cannot be served: 1, else 0."


def stays() -> bool:
    """Whether whoever renews this service has failed to."""
    place = os.environ.get(STAYING_ENV)
    return bool(place) and Path(place or "").exists()


class Staying:
    """That, for Prometheus; of all workers the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("factory_renewal_failing", SINCE, value=float(stays()))
