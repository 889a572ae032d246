"""Celery's side of attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock
from fieldservice.attachments import scanning, service

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="attachments.scan")  # type: ignore[untyped-decorator]
def scan() -> None:
    """Have files that are new looked at for viruses."""
    services: Services = current_app.services
    scanning.scan_waiting(services.db, services.files, services.settings.virus_scanner, now=clock.now())


@shared_task(name="attachments.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Remove files that have no row."""
    services: Services = current_app.services
    service.sweep(services.db, services.files, now=clock.now())
