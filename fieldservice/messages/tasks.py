"""The outbox's periodic task."""

from __future__ import annotations

import uuid

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.messages import service


@shared_task(name="messages.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Send what is due."""
    services = current_app.services
    service.sweep(
        services.db, services.channels, services.settings, now=clock.now(), owner=f"sweep-{uuid.uuid4()}"
    )
