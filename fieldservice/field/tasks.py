"""Celery's side of the phone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.field import position

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="field.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget positions of drives whose end nobody tapped."""
    services: Services = current_app.services
    services.db.run(partial(position.drop_ended, now=clock.now()))
