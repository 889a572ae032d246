"""Whether this process can take traffic, and which part says no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from kombu.connection import Connection
from sqlalchemy import text

from fieldservice import schema
from fieldservice.config import Settings
from fieldservice.swept import last_sweeps
from fieldservice.web import Services

BROKER_S = 2.0
SWEEP = "messages.sweep"  # its success proves beat, broker and worker together

log = structlog.get_logger()


def failing_parts(services: Services, *, now: datetime) -> list[str]:
    """The names of the parts that do not work; what is wrong with them is for the log alone."""
    return list(_failing(services, now))


def _failing(services: Services, now: datetime) -> Iterator[str]:
    settings = services.settings
    if not _database_answers(services):
        yield "database"
    elif not schema.is_current(services.db.engine):
        yield "schema"
    if settings.broker_url and not _broker_answers(settings.broker_url):
        yield "broker"
    if settings.ready_sweep_seconds and not _swept(settings, now):
        yield "sweeps"


def _database_answers(services: Services) -> bool:
    try:
        with services.db.reading() as session:
            session.execute(text("SELECT 1"))
    except Exception as error:  # noqa: BLE001  a probe answers whatever is broken
        log.warning("the database does not answer", error=type(error).__name__)
        return False
    return True


def _broker_answers(url: str) -> bool:
    bounds = {"socket_timeout": BROKER_S, "socket_connect_timeout": BROKER_S, "max_retries": 0}
    try:
        broker = Connection(url, connect_timeout=BROKER_S, transport_options=bounds)  # type: ignore[no-untyped-call]
        with broker as connection:
            connection.connect()
    except Exception as error:  # noqa: BLE001  a probe answers whatever is broken
        log.warning("the broker does not answer", error=type(error).__name__)
        return False
    return True


def _swept(settings: Settings, now: datetime) -> bool:
    last = last_sweeps(settings.data_dir).get(SWEEP)
    return last is not None and now - last <= timedelta(seconds=settings.ready_sweep_seconds)
