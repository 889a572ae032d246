"""Celery's side of the phone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.field import news, position

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="field.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget positions of drives whose end nobody tapped, and what was known of routes long ago."""
    services: Services = current_app.services
    services.db.run(partial(position.drop_ended, now=clock.now()))
    services.db.run(partial(news.drop_old, now=clock.now()))
