"""Celery's side of booking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock, web
from fieldservice.booking import drafts

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="booking.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget drafts that nobody finished, and which forms were sent more than a day ago."""
    services: Services = current_app.services
    services.db.run(lambda session: drafts.drop_expired(session, now=clock.now()))
    services.db.run(lambda session: web.drop_old_keys(session, now=clock.now()))
