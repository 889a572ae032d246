"""A technician's day, and the taps that move it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Plan, Route, Stop, StopKind, Technician, Visit, VisitEvent, VisitState, Window
from fieldservice.models.visit import ENDED, PLANNABLE, UNDERWAY
from fieldservice.planning.agenda import Agenda, Entry, agenda
from fieldservice.planning.problem import build
from fieldservice.planning.progress import follow
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.service import lock_territory, table_of

UNDO_OFFERED = timedelta(minutes=10)
_FUTURE = timedelta(minutes=5)
_PAST = timedelta(hours=24)


class Tap(StrEnum):
    """What a technician can say about a visit."""

    ON_MY_WAY = "on_my_way"
    ARRIVED = "arrived"
    DONE = "done"
    UNDO = "undo"


@dataclass(frozen=True)
class TapEvent:
    """A tap as the phone tells it: its own id makes a repeated one harmless, its own clock says when."""

    event_id: str
    visit_id: int
    kind: Tap
    occurred_at: datetime


_STATES = {
    Tap.ON_MY_WAY: VisitState.EN_ROUTE,
    Tap.ARRIVED: VisitState.ON_SITE,
    Tap.DONE: VisitState.DONE,
}


class NotYourVisit(Exception):
    """The visit is not on a route of this technician."""


class AnotherUnderway(Exception):
    """The technician is still on the way to, or at, another visit."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(f"visit {visit.id} is {visit.state}")
        self.visit = visit


class WrongTime(Exception):
    """The tap is said to be in the future or more than a day old."""


@dataclass(frozen=True)
class PhoneDay:
    """What the phone shows of a day."""

    technician: Technician
    on: date
    now: datetime
    agenda: Agenda
    estimated: bool

    @property
    def visits(self) -> list[Entry]:
        """The stops that are visits."""
        return [entry for entry in self.agenda.entries if entry.visit is not None]

    @property
    def done(self) -> list[Entry]:
        """Visits that are over."""
        return [entry for entry in self.visits if entry.visit and entry.visit.state in ENDED]

    @property
    def next(self) -> Entry | None:
        """The visit that is underway, or else the first that is still to do."""
        left = [entry for entry in self.visits if entry.visit and entry.visit.state not in ENDED]
        underway = [entry for entry in left if entry.visit and entry.visit.state in UNDERWAY]
        return next(iter(underway or left), None)

    @property
    def later(self) -> list[Entry]:
        """Stops after the next visit, breaks among them."""
        upcoming = self.next
        return [
            entry
            for entry in self.agenda.entries
            if entry is not upcoming and not entry.fact and entry.kind != StopKind.HOLD
        ]


def technician_of(session: Session, technician_id: int | None) -> Technician:
    """The signed-in technician. Raises NotYourVisit for an account without one."""
    technician = session.get(Technician, technician_id) if technician_id else None
    if technician is None or not technician.active:
        raise NotYourVisit
    return technician


def phone_day(
    session: Session, technician: Technician, on: date, *, tables: TravelTables, now: datetime
) -> PhoneDay:
    """The technician's route of a day, timed as of now."""
    rows = load_day(session, technician.territory, on, now=now)
    day = build(rows, table_of(tables, rows))
    entry = next(entry for entry in rows.technicians if entry.technician.id == technician.id)
    estimated = entry.route is not None and entry.route.travel_estimated
    return PhoneDay(technician, on, now, agenda(day, technician.id), estimated)


def next_day(session: Session, technician: Technician, *, now: datetime) -> Stop | None:
    """The first stop after today, for a day without visits."""
    return session.scalar(
        select(Stop)
        .where(Stop.technician_id == technician.id, Stop.starts_at > now, Stop.kind == StopKind.VISIT)
        .order_by(Stop.starts_at)
        .limit(1)
    )


def own_visit(session: Session, technician: Technician, visit_id: int) -> Visit:
    """A visit on one of the technician's routes. Raises NotYourVisit."""
    visit = session.get(Visit, visit_id)
    if visit is None or visit.stop is None or visit.stop.technician_id != technician.id:
        raise NotYourVisit
    return visit


def planned_on(session: Session, visit: Visit) -> date | None:
    """The day whose route has the visit."""
    return session.scalar(select(Plan.on).join(Route).join(Stop).where(Stop.visit_id == visit.id))


def tap(
    session: Session,
    technician: Technician,
    event: TapEvent,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Visit:
    """Record a tap, move the visit on and time the rest of the route anew; the same event again does nothing.

    Raises NotYourVisit, WrongTime, AnotherUnderway when a second visit would be begun, NotAllowed for a step
    that does not exist, StaleTravel.
    """
    visit = own_visit(session, technician, event.visit_id)
    if not now - _PAST <= event.occurred_at <= now + _FUTURE:
        raise WrongTime
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if session.scalar(select(VisitEvent.id).where(VisitEvent.event_key == event.event_id)) is not None:
        return visit
    said: dict[str, Any] = {
        "occurred_at": event.occurred_at,
        "now": now,
        "actor": actor,
        "event_key": event.event_id,
    }
    if event.kind == Tap.UNDO:
        visit.revert(**said)
    else:
        _require_free(session, technician, visit)
        visit.advance(_STATES[event.kind], **said)
    session.flush()
    stop = follow(session, visit, tables=tables, now=now)
    if event.kind == Tap.ON_MY_WAY and stop is not None:
        visit.tell_on_my_way(arrives_at=stop.arrives_at, now=now)
    return visit


def _require_free(session: Session, technician: Technician, visit: Visit) -> None:
    other = session.scalar(
        select(Visit)
        .join(Stop, Stop.visit_id == Visit.id)
        .where(Stop.technician_id == technician.id, Visit.state.in_(UNDERWAY), Visit.id != visit.id)
        .limit(1)
    )
    if other is not None and visit.state in PLANNABLE:
        raise AnotherUnderway(other)


def place(visit: Visit) -> Coordinates | None:
    """Where the technician has to drive."""
    return visit_place(visit)


def is_late(entry: Entry, window: Window | None) -> bool:
    """Whether the visit starts after its promised window."""
    return window is not None and entry.starts_at > window.ends_at
