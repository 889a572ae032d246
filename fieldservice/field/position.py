"""Where the technician is, for one customer: from *On my way* to *Arrived*, and only if they share it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.field.service import own_visit
from fieldservice.geo.types import Coordinates
from fieldservice.models import DrivePosition, PositionSharing, Technician, VisitState

EVERY = timedelta(seconds=30)
LONGEST = timedelta(hours=2)
"""After this a drive is over, whether *Arrived* was tapped or not."""


class NotShared(Exception):
    """The technician does not share their position, or does not drive to this visit now."""


@dataclass(frozen=True)
class Fix:
    """A place, and when the phone found it."""

    at: Coordinates
    seen_at: datetime


def is_shared(session: Session, technician: Technician) -> bool:
    """Whether the technician shares their position on drives."""
    return session.get(PositionSharing, technician.id) is not None


def switch(session: Session, technician: Technician, *, on: bool, now: datetime) -> None:
    """Begin to share, or stop; who stops takes back what is shown at this moment."""
    lock_technicians(session, [technician.id])
    row = session.get(PositionSharing, technician.id, populate_existing=True)
    if on and row is None:
        session.add(PositionSharing(technician_id=technician.id, since=now))
    if not on:
        session.execute(delete(PositionSharing).where(PositionSharing.technician_id == technician.id))
        session.execute(delete(DrivePosition).where(DrivePosition.technician_id == technician.id))


def keep(session: Session, technician: Technician, visit_id: int, fix: Fix, *, now: datetime) -> None:
    """Put this position in the place of the last one; one that comes too soon, or late, changes nothing.

    Raises NotShared, and NotYourVisit from the service. The lock is the one of a tap: no position is written
    after the drive has ended.
    """
    lock_technicians(session, [technician.id])
    visit = own_visit(session, technician, visit_id)
    step = visit.last_step
    if visit.state != VisitState.EN_ROUTE or step is None or not is_shared(session, technician):
        raise NotShared
    ends_at = step.occurred_at + LONGEST
    if ends_at <= now:
        raise NotShared
    row = visit.position
    if row is not None and fix.seen_at < row.seen_at + EVERY:
        return
    if fix.seen_at < step.occurred_at - EVERY:  # a phone knows where it is from a moment ago
        return
    if row is None:
        row = visit.position = DrivePosition()
    row.technician_id, row.lat, row.lon = technician.id, fix.at.lat, fix.at.lon
    row.seen_at, row.ends_at = fix.seen_at, ends_at


def drop_ended(session: Session, *, now: datetime) -> None:
    """Forget positions of drives whose end nobody tapped."""
    session.execute(delete(DrivePosition).where(DrivePosition.ends_at <= now))
