"""Celery's side of planning: a search, tidying up, and asking for tomorrow to be improved."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.planning import delays
from fieldservice.planning.jobs import Work, request_improvements, run_next_job
from fieldservice.planning.service import drop_expired_holds

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="planning.run_jobs")  # type: ignore[untyped-decorator]
def run_jobs() -> None:
    """Do one of the searches that wait; the next tick takes the next."""
    services: Services = current_app.services
    settings = services.settings
    work = Work(services.db, services.tables, settings.optimise_seconds, clock.now, settings.freeze)
    owner = f"{socket.gethostname()}:{os.getpid()}"
    run_next_job(work, owner=owner)


@shared_task(name="planning.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Give back what expired holds reserved."""
    services: Services = current_app.services
    services.db.run(lambda session: drop_expired_holds(session, now=clock.now()))


@shared_task(name="planning.replan")  # type: ignore[untyped-decorator]
def replan() -> None:
    """Have tomorrow's plans improved where something changed."""
    services: Services = current_app.services
    services.db.run(lambda session: request_improvements(session, now=clock.now()))


@shared_task(name="planning.tell_delays")  # type: ignore[untyped-decorator]
def tell_delays() -> None:
    """Tell the customers of visits that will begin too long after their windows."""
    services: Services = current_app.services
    delays.tell_all(services.db, services.tables, now=clock.now())
