"""Everything that is booked at once: several visits in one transaction, all of them or none.

Works inside the caller's transaction, as `service.book` does for each of the visits.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import service
from fieldservice.booking.service import Answers, Company
from fieldservice.geo.types import TravelTable
from fieldservice.models import Hold, Visit, WorkOrder


def asked_together(each: Sequence[Answers], *, follow: bool) -> list[Answers]:
    """The same answers as one request; with `follow` each visit comes after the one before it."""
    key = str(uuid.uuid4())
    return [
        replace(answers, request_key=key, turn=position if follow else 0)
        for position, answers in enumerate(each, start=1)
    ]


def book_all(
    session: Session,
    each: Sequence[Answers],
    *,
    company: Company,
    tables: Mapping[date, TravelTable],
    now: datetime,
    holds: Sequence[Hold | None],
) -> list[Visit]:
    """Book a visit for each of the answers into its window; `holds` are what was reserved for them.

    Raises what `service.book` raises; the caller then rolls back, and nothing at all is booked.
    """
    return [
        service.book(session, answers, company=company, tables=tables, now=now, hold=hold)
        for answers, hold in zip(each, holds, strict=True)
    ]


def request_all(session: Session, each: Sequence[Answers], *, company: Company, now: datetime) -> list[Visit]:
    """Make the visits without windows and leave the rest to the office. Raises NotOnline."""
    return [service.request(session, answers, company=company, now=now) for answers in each]


def asked_with(session: Session, visit: Visit) -> list[Visit]:
    """All visits that were asked for at once, this one among them, in the order in which they are made."""
    key = visit.work_order.request_key
    if not key:
        return [visit]
    found = select(Visit).join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    return list(session.scalars(found.where(WorkOrder.request_key == key).order_by(Visit.turn, Visit.id)))
