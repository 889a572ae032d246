"""Celery's side of booking."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from celery import current_app, shared_task

from fieldservice import clock, web
from fieldservice.attachments import service as attachments
from fieldservice.auth import abuse, puzzles, visitors
from fieldservice.booking import approvals_sweep, area, chat, drafts, plan_sweep, strangers, waiting_sweep
from fieldservice.booking.new_visits import company_of

if TYPE_CHECKING:
    from fieldservice.web import Services


@shared_task(name="booking.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Forget what nobody came back to."""
    forget_old(current_app.services, now=clock.now())


def forget_old(services: Services, *, now: datetime) -> None:
    """Forget unfinished drafts with their files, strangers, what is known of visitors, and old forms."""
    services.db.run(partial(chat.close_over, now=now))
    services.db.run(partial(strangers.drop_old, now=now))
    services.db.run(lambda session: drafts.drop_expired(session, services.files, now=now))
    begun = now - drafts.LIFETIME
    services.db.run(lambda session: attachments.remove_unbooked(session, services.files, before=begun))
    for module in (visitors, abuse, puzzles):
        services.db.run(partial(module.drop_old, now=now))
    services.db.run(lambda session: web.drop_old_keys(session, now=now))


@shared_task(name="booking.expire_approvals")  # type: ignore[untyped-decorator]
def expire_approvals() -> None:
    """Give back what nobody agreed to in time."""
    services: Services = current_app.services
    approvals_sweep.expire_all(services.db, now=clock.now())


@shared_task(name="booking.offer_gaps")  # type: ignore[untyped-decorator]
def offer_gaps() -> None:
    """Offer windows that have become free to those who wait for one."""
    services: Services = current_app.services
    minutes = services.settings.offer_minutes
    waiting_sweep.offer_gaps(services.db, services.tables, now=clock.now(), minutes=minutes)


@shared_task(name="booking.serve_plans")  # type: ignore[untyped-decorator]
def serve_plans() -> None:
    """Invite the customers of service plans whose next visit is due."""
    services: Services = current_app.services
    plan_sweep.serve_plans(services.db, company_of(services.settings), now=clock.now())


@shared_task(name="booking.tell_areas")  # type: ignore[untyped-decorator]
def tell_areas() -> None:
    """Tell those who asked that we come to where they are now."""
    services: Services = current_app.services
    area.tell_all(services.db, now=clock.now())
