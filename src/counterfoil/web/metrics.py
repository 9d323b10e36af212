"""What a running node counts, for Prometheus."""

from __future__ import annotations

import math
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one serving node; nothing in them names a record or a person."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "requests",
            "Requests answered, by method and status.",
            ("method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "request_seconds",
            "How long requests took.",
            registry=self._registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self._size = Gauge("log_size", "Entries in the log.", registry=self._registry)
        self._waiting = Gauge("writes_waiting", "Requests that wait to be stored.", registry=self._registry)
        self._faults = Gauge("audit_faults", "Faults that the last audit found.", registry=self._registry)
        self._behind = Gauge(
            "witness_behind",
            "Entries that a witness has not cosigned yet.",
            ("witness",),
            registry=self._registry,
        )
        self._statuses: dict[tuple[str, int], Counter] = {}

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        counter = self._statuses.get((method, status))
        if counter is None:
            counter = self._statuses[method, status] = self._requests.labels(method, str(status))
        counter.inc()
        self._seconds.observe(seconds)

    def text(self, size: int, waiting: int, behind: dict[str, int], faults: int | None = None) -> bytes:
        """All of it as Prometheus reads it, with what the node says now; `faults` is what the last audit found."""
        self._faults.set(math.nan if faults is None else faults)
        self._size.set(size)
        self._waiting.set(waiting)
        self._behind.clear()  # of a witness that is asked no more, nothing is said
        for name, entries in behind.items():
            self._behind.labels(name).set(entries)
        return generate_latest(self._registry)
