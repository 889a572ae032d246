"""What a web process counts itself: its requests and how long they took, and the races that were lost.

The processes of one web server share the counts through files in the folder that COUNTS_VARIABLE names;
without it each process counts for itself. Labels are names out of our own code, never what was typed.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from fieldservice.processes import COUNTS_VARIABLE

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

_own = CollectorRegistry()
_requests = Counter(
    "fieldservice_requests", "Requests that were answered", ("endpoint", "method", "status"), registry=_own
)
_seconds = Histogram(
    "fieldservice_request_seconds", "Until the answer began", ("endpoint",), registry=_own, buckets=BUCKETS_S
)
conflicts = Counter(
    "fieldservice_conflicts",
    "Refusals because somebody else was quicker: a window was taken, or what was changed had changed",
    ("kind",),
    registry=_own,
)
for _kind in ("slot_taken", "overtaken"):
    conflicts.labels(_kind)


def count_request(endpoint: str | None, method: str, status: int, seconds: float | None) -> None:
    """One more request that was answered; unknown methods and addresses are counted together."""
    name = endpoint or "none"
    _requests.labels(name, method if method in METHODS else "other", str(status)).inc()
    if seconds is not None:
        _seconds.labels(name).observe(seconds)


def counts() -> CollectorRegistry:
    """The counts of all processes of this web server."""
    if COUNTS_VARIABLE not in os.environ:
        return _own
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
