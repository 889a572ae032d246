"""A visit before it has a window, and the private link to it; for bookings and for service plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth import links
from fieldservice.config import Settings
from fieldservice.db import exists_one
from fieldservice.models import Needs, Territory, Visit, VisitState, WorkOrder
from fieldservice.models.visit import new_reference

PLAN = "service plan"
"""The actor of what a service plan does by itself."""
LINK_AFTER_VISIT = timedelta(days=30)
LINK_OF_REQUEST = timedelta(days=180)


@dataclass(frozen=True, kw_only=True)
class Company:
    """What the company adds to every visit: the first letters of references and the key of private links."""

    prefix: str
    secret_key: str


def company_of(settings: Settings) -> Company:
    """What the settings say about references and private links."""
    return Company(prefix=reference_prefix(settings.company_name), secret_key=settings.secret_key)


def reference_prefix(company_name: str) -> str:
    """The first letters of the company's name, such as HH for Harbor Heating."""
    letters = [word[0].upper() for word in company_name.split() if word[0].isascii() and word[0].isalpha()]
    return "".join(letters[:3]) or "V"


def new_visit(
    session: Session,
    order: WorkOrder,
    territory: Territory,
    company: Company,
    *,
    now: datetime,
    actor: str,
    needs: Needs,
    **values: Any,
) -> Visit:
    """A requested visit of a work order, with its first entry of history; `values` are further columns."""
    visit = Visit(
        reference=_free_reference(session, company.prefix),
        work_order=order,
        territory=territory,
        state=VisitState.REQUESTED,
        setup=needs.setup,
        service_duration=needs.duration,
        cleanup=needs.cleanup,
        priority=needs.priority,
        crew=needs.crew,
        promise_version=0,
        created_at=now,
        **values,
    )
    session.add(visit)
    visit.record("requested", occurred_at=now, now=now, actor=actor)
    session.flush()
    return visit


def link_until(visit: Visit, *, now: datetime) -> datetime:
    """How long a private link to the visit works: some weeks longer than the visit itself."""
    window = visit.window
    return now + LINK_OF_REQUEST if window is None else window.ends_at + LINK_AFTER_VISIT


def make_link(visit: Visit, company: Company, *, now: datetime) -> None:
    """Give the customer of a visit a private link to it."""
    links.make_link(visit, secret_key=company.secret_key, now=now, expires_at=link_until(visit, now=now))


def _free_reference(session: Session, prefix: str) -> str:
    while True:
        reference = new_reference(prefix)
        if not exists_one(session, select(Visit.id).where(Visit.reference == reference)):
            return reference
