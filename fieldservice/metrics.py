"""What Prometheus reads at `/metrics`: the counts of the web processes, and the figures of the tables.

What web, workers and beat do together is read from what they share when it is asked for. No label holds
anything that people typed, and each has few values.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address

import structlog
from flask import Flask, Request, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fieldservice import counted
from fieldservice.models import Job, JobState, KeptWork, MessageState, OutboxMessage, Proposal, Visit
from fieldservice.swept import last_sweeps
from fieldservice.web import Services

GAINS_OF = timedelta(days=1)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_WAITING = (MessageState.PENDING, MessageState.SENDING)

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Count every request; before all other parts, so that their work is within the time."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        seconds = time.perf_counter() - g.began if "began" in g else None
        counted.count_request(request.endpoint, request.method, response.status_code, seconds)
        return response


def may_read(asked: Request, token: str) -> bool:
    """Whether the figures are for whom asks: who has the token, or a program on this machine.

    What a proxy handed on comes from elsewhere, also when the proxy stands here.
    """
    scheme, _, given = asked.headers.get("Authorization", "").partition(" ")
    if token and scheme == "Bearer" and hmac.compare_digest(given.encode(), token.encode()):
        return True
    return not any(name in asked.headers for name in _FORWARDED) and _is_local(asked.remote_addr)


def _is_local(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def exposition(services: Services, *, now: datetime) -> bytes:
    """Everything, as text for Prometheus; without a database, what is known without one."""
    shared = CollectorRegistry()
    shared.register(_Figures(services, now))
    return generate_latest(counted.counts()) + generate_latest(shared)


class _Figures(Collector):
    """Reads the figures when the registry asks."""

    def __init__(self, services: Services, now: datetime) -> None:
        self.services = services
        self.now = now

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are known when they are read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        yield _sweeps(self.services, self.now)
        found: list[Metric] = []
        try:
            with self.services.db.reading() as session:
                for read in (_bookings, _messages, _jobs, _gains, _kept):
                    found += read(session, self.now)
        except DBAPIError as error:
            log.warning("no figures of the database", error=type(error.orig).__name__)
            found = []
        yield _gauge("database_up", "Whether the database answered", int(bool(found)))
        yield from found


def _gauge(
    name: str, what: str, value: float | None = None, labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fieldservice_{name}", what, value=value, labels=labels or None)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def _sweeps(services: Services, now: datetime) -> Metric:
    ages = _gauge("sweep_age_seconds", "Since a periodic task last ended well", labels=("task",))
    for task, at in sorted(last_sweeps(services.settings.data_dir).items()):
        ages.add_metric([task], _age(at, now))
    return ages


def _bookings(session: Session, _now: datetime) -> list[Metric]:
    visits = session.scalar(select(func.count()).select_from(Visit)) or 0
    return [CounterMetricFamily("fieldservice_bookings", "Visits that were ever taken in", value=visits)]


def _messages(session: Session, now: datetime) -> list[Metric]:
    states = _gauge(
        "messages", "Messages by channel and state; `dead` failed for good", labels=("channel", "state")
    )
    counted_by = select(OutboxMessage.channel, OutboxMessage.state, func.count())
    for channel, state, number in session.execute(
        counted_by.group_by(OutboxMessage.channel, OutboxMessage.state).order_by(
            OutboxMessage.channel, OutboxMessage.state
        )
    ):
        states.add_metric([channel, state], number)
    due = OutboxMessage.state.in_(_WAITING), OutboxMessage.next_at <= now
    oldest = session.scalar(select(func.min(OutboxMessage.next_at)).where(*due))
    return [states, _gauge("message_age_seconds", "Age of the oldest message that is due", _age(oldest, now))]


def _jobs(session: Session, now: datetime) -> list[Metric]:
    runs = _gauge("solver_runs", "Searches by kind and state", labels=("kind", "state"))
    by = Job.kind, Job.state
    for kind, state, number in session.execute(select(*by, func.count()).group_by(*by).order_by(*by)):
        runs.add_metric([kind, state], number)
    oldest = session.scalar(select(func.min(Job.created_at)).where(Job.state == JobState.QUEUED))
    return [runs, _gauge("job_age_seconds", "Age of the oldest queued search", _age(oldest, now))]


def _gains(session: Session, now: datetime) -> list[Metric]:
    def saved(figure: str, unit: str = "") -> int:
        before, after = (
            Proposal.summary[f"{figure}_{when}{unit}"].as_integer() for when in ("before", "after")
        )
        return (
            session.scalar(select(func.sum(before - after)).where(Proposal.created_at > now - GAINS_OF)) or 0
        )

    driving = _gauge("solver_gain_seconds", "Less of it in the plans found within a day", labels=("figure",))
    for figure in ("driving", "overtime"):
        driving.add_metric([figure], saved(figure, "_s"))
    placed = _gauge("solver_gain_visits", "More visits with a place in those plans", saved("unassigned"))
    return [driving, placed]


def _kept(session: Session, now: datetime) -> list[Metric]:
    number = session.scalar(select(func.count()).select_from(KeptWork)) or 0
    open_ones = select(func.count(), func.min(KeptWork.received_at)).where(KeptWork.decided_at.is_(None))
    undecided, oldest = session.execute(open_ones).one()
    return [
        CounterMetricFamily("fieldservice_sync_conflicts", "Items of phones that were refused", value=number),
        _gauge("sync_conflicts_open", "Those that nobody has decided about", undecided),
        _gauge("sync_conflict_age_seconds", "Age of the oldest of those", _age(oldest, now)),
    ]
