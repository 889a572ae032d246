"""Running late, said in one tap: the office and the customers concerned are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.field.service import own_visit, require_moment, was_sent
from fieldservice.geo.types import TravelTable
from fieldservice.models import OfficeTask, Technician
from fieldservice.models.visit import ENDED, UNDO
from fieldservice.planning.lateness import delay
from fieldservice.planning.service import lock_territory

MINUTES = (10, 20, 30)
_OFFICE = timedelta(minutes=10)


@dataclass(frozen=True)
class Late:
    """A tap that says how much later the technician will be; its own id makes a repeated one harmless."""

    event_id: str
    visit_id: int
    minutes: int
    occurred_at: datetime


def run_late(
    session: Session,
    technician: Technician,
    late: Late,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> int | None:
    """Record it, time the rest of the day anew and tell whom it concerns; returns how many are told.

    None when it changes nothing: it was said before, the visit is over, or it came so late that the time is
    over as well; then only the history has it. Raises NotYourVisit, WrongTime, EventReused, StaleTravel.
    """
    require_moment(late.occurred_at, now=now)
    lock_territory(session, technician.territory)
    visit = own_visit(session, technician, late.visit_id)
    if was_sent(session, late.event_id, late.visit_id):
        return None
    extra = timedelta(minutes=late.minutes)
    visit.record(
        "running_late",
        occurred_at=late.occurred_at,
        now=now,
        actor=actor,
        event_key=late.event_id,
        payload={"minutes": late.minutes},
    )
    if visit.state in ENDED or now - late.occurred_at >= extra:
        return None
    delayed = delay(session, visit, extra, tables=tables, now=now, actor=actor)
    for each in delayed:
        each.visit.tell_late(starts_at=each.starts_at, due_at=now + UNDO, now=now)
    session.add(
        OfficeTask(
            kind="running_late",
            visit_id=visit.id,
            detail=str(late.minutes),
            created_at=now,
            due_at=now + _OFFICE,
        )
    )
    return len(delayed)
