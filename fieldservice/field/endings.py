"""A visit that cannot be done: why, and what comes next, said at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.field.service import NotYourVisit, own_visit, require_moment, was_sent
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import OfficeTask, Technician, Visit, VisitEvent, VisitState, Window
from fieldservice.models.visit import ENDED
from fieldservice.planning.again import MISSED, once_more
from fieldservice.planning.ask import ask_of
from fieldservice.planning.progress import follow
from fieldservice.planning.rows import visit_place
from fieldservice.planning.service import (
    DayOffer,
    SlotTaken,
    book_visit,
    lock_territory,
    offered_days,
    slots,
)
from fieldservice.planning.windows import window_from

_OFFICE = timedelta(hours=1)
_DAYS_SHOWN = 3


class Reason(StrEnum):
    """Why a visit cannot be done."""

    NOBODY_HOME = "nobody_home"
    WRONG_PARTS = "wrong_parts"
    UNSAFE = "unsafe"
    SECOND_PERSON = "second_person"
    OTHER = "other"


class Next(StrEnum):
    """What comes after it."""

    FOLLOW_UP = "follow_up"  # another visit, booked at once
    OFFICE = "office"  # another visit, for which the office finds a time
    NOTHING = "nothing"


@dataclass(frozen=True)
class Ending:
    """What the phone says; its own id makes a repeated one harmless."""

    event_id: str
    visit_id: int
    reason: Reason
    words: str
    following: Next
    occurred_at: datetime


def end(
    session: Session,
    technician: Technician,
    ending: Ending,
    *,
    secret_key: str,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Visit:
    """End the visit and tell the office, and the customer when nobody opened; another visit waits if wanted.

    Returns the visit. Raises NotYourVisit, WrongTime, EventReused, NotAllowed when it is over, StaleTravel.
    """
    require_moment(ending.occurred_at, now=now)
    lock_territory(session, technician.territory)
    visit = own_visit(session, technician, ending.visit_id)
    if was_sent(session, ending.event_id, ending.visit_id):
        return visit
    missed = ending.reason == Reason.NOBODY_HOME
    visit.advance(
        VisitState.NO_SHOW if missed else VisitState.COULD_NOT_DO,
        occurred_at=ending.occurred_at,
        now=now,
        actor=actor,
        event_key=ending.event_id,
        payload={"reason": ending.reason, "words": ending.words, "next": ending.following},
    )
    session.flush()
    follow(session, visit, tables=tables, now=now)
    if missed:
        for channel in ("email", "sms"):
            visit.tell(MISSED, due_at=now, now=now, channel=channel)
    about = visit
    if ending.following != Next.NOTHING:
        about = once_more(session, visit, secret_key, now=now, actor=actor)
        about.preferred_technician_id = technician.id  # who was there knows what is missing
    session.add(_task(about, ending, now))
    return visit


def _task(visit: Visit, ending: Ending, now: datetime) -> OfficeTask:
    kind = "could_not_do" if ending.following == Next.NOTHING else "follow_up"
    detail = f"{ending.reason}\n{ending.words}"
    return OfficeTask(kind=kind, visit_id=visit.id, detail=detail, created_at=now, due_at=now + _OFFICE)


def follow_up_of(session: Session, technician: Technician, visit_id: int) -> Visit:
    """The visit that came out of one that could not be done. Raises NotYourVisit when there is none."""
    visit = own_visit(session, technician, visit_id)
    if visit.state not in ENDED:
        raise NotYourVisit
    for more in reversed(visit.work_order.visits):
        begun = session.scalars(
            select(VisitEvent).where(VisitEvent.visit_id == more.id, VisitEvent.kind == "requested")
        ).first()
        if begun is not None and begun.payload.get("after") == visit.reference:
            return more
    raise NotYourVisit


def offer(session: Session, more: Visit, *, tables: TravelTables, now: datetime) -> list[DayOffer]:
    """The first days on which somebody can come, with the windows that can be kept."""
    ask = ask_of(more)
    if ask is None:
        return []
    found = slots(session, ask, offered_days(ask, now=now), now=now, tables=tables)
    return [day for day in found.values() if day.slots][:_DAYS_SHOWN]


def window_of(more: Visit, starts_at: datetime) -> Window:
    """The arrival window of a service that begins then."""
    return window_from(starts_at, more.service.window_length, more.territory.zone)


def place_of(more: Visit) -> list[Coordinates]:
    """The place that has to be in a day's travel table."""
    at = visit_place(more)
    return [at] if at is not None else []


def book(
    session: Session,
    technician: Technician,
    visit_id: int,
    starts_at: datetime,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Window:
    """Promise the customer a window for the other visit; the office's task is done with it.

    Raises SlotTaken, NotYourVisit, StaleTravel.
    """
    more = follow_up_of(session, technician, visit_id)
    window = window_of(more, starts_at)
    if more.window == window:
        return window
    if more.state not in (VisitState.REQUESTED, VisitState.BOOKED):
        raise SlotTaken(window)
    book_visit(session, more, window, tables=tables, now=now, actor=actor)
    waiting = select(OfficeTask).where(OfficeTask.visit_id == more.id, OfficeTask.done_at.is_(None))
    for task in session.scalars(waiting):
        task.done_at = now
    return window
