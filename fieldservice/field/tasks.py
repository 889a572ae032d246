"""Celery's side of the phone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock, sweeps
from fieldservice.field import news, position, pushes

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="field.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget positions of drives whose end nobody tapped, and what was known of routes long ago."""
    services: Services = current_app.services
    services.db.run(partial(position.drop_ended, now=clock.now()))
    services.db.run(partial(news.drop_old, now=clock.now()))


@shared_task(name="field.push")  # type: ignore[untyped-decorator]
def push() -> None:
    """Tell phones whose route the office has changed. Nothing is written while nothing has."""
    services: Services = current_app.services
    now = clock.now()
    with services.db.reading() as session:
        found = pushes.with_phones(session)

    def tell(technician_id: int) -> None:
        with services.db.reading() as session:
            due = pushes.is_due(session, technician_id, now=now)
        if due:
            services.db.run(partial(pushes.tell_changed, technician_id=technician_id, now=now))

    sweeps.each(found, tell)
