"""Celery's side of booking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.booking import drafts

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="booking.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget drafts that nobody finished."""
    services: Services = current_app.services
    services.db.run(lambda session: drafts.drop_expired(session, now=clock.now()))
