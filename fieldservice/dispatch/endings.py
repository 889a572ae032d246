"""A visit that will not take place: the customer cancels, or nobody was there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import OfficeTask, Visit, VisitState
from fieldservice.models.visit import PLANNABLE, UNDERWAY
from fieldservice.planning.again import MISSED, once_more
from fieldservice.planning.changes import NotPlannable
from fieldservice.planning.progress import follow
from fieldservice.planning.service import lock_territory, release_visit


def free_until(visit: Visit) -> datetime | None:
    """Until when cancelling is free, or possible without the office; None without a window."""
    if visit.free_until is not None:
        return visit.free_until
    window = visit.window
    return window.starts_at - visit.service.cancel_cutoff if window is not None else None


def can_be_missed(visit: Visit, *, now: datetime) -> bool:
    """Whether a technician can have stood before a closed door: planned, and its window has begun."""
    window = visit.window
    begun = window is not None and window.starts_at <= now
    return visit.stop is not None and (visit.state in UNDERWAY or (visit.state in PLANNABLE and begun))


def cancel_visit(
    session: Session,
    visit: Visit,
    *,
    reason: str,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
    charge: bool = False,
) -> None:
    """End a visit for a customer who calls; its place is given back, and they are told.

    With `charge` they owe what their visit says that a cancellation costs now.

    Raises NotPlannable when it has begun or ended, StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if visit.state not in PLANNABLE:
        raise NotPlannable
    release_visit(session, visit, tables=tables, now=now)
    visit.cancel(now=now, actor=actor, reason=reason, fee=visit.fee_at(now) if charge else "")
    _close_tasks(session, visit, now)


def record_missed(
    session: Session,
    visit: Visit,
    *,
    again: bool,
    secret_key: str,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Visit | None:
    """Nobody opened: the visit is over, and its customer gets a message.

    With `again` the same work waits unassigned as a new visit, which is returned. Raises NotPlannable when
    nobody can have been there, StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if not can_be_missed(visit, now=now):
        raise NotPlannable
    visit.advance(VisitState.NO_SHOW, occurred_at=now, now=now, actor=actor)
    session.flush()
    follow(session, visit, tables=tables, now=now)
    for channel in ("email", "sms"):
        visit.tell(MISSED, due_at=now, now=now, channel=channel)
    return once_more(session, visit, secret_key, now=now, actor=actor) if again else None


def _close_tasks(session: Session, visit: Visit, now: datetime) -> None:
    open_tasks = select(OfficeTask).where(
        OfficeTask.visit_id == visit.id, OfficeTask.done_at.is_(None), OfficeTask.due_at.is_(None)
    )
    for task in session.scalars(open_tasks):
        task.done_at = now
