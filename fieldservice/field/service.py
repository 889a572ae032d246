"""A technician's day, and the taps that move it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one
from fieldservice.field import checklist
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import (
    Attachment,
    NotAllowed,
    Stop,
    StopKind,
    Technician,
    Visit,
    VisitEvent,
    VisitState,
    WorkOrder,
)
from fieldservice.models.visit import ENDED, PLANNABLE, UNDERWAY, UNDO
from fieldservice.planning.agenda import Agenda, Entry, agenda
from fieldservice.planning.problem import build
from fieldservice.planning.progress import follow
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from fieldservice.planning.travel import table_of

WORK = (StopKind.VISIT, StopKind.CREW)
UNDO_OFFERED = UNDO
UNDO_TAKEN = timedelta(minutes=1)
"""So long a page that showed the button is believed; later a step is corrected with a reason."""
DONE_AFTER = UNDO_TAKEN
FEEDBACK_AFTER = timedelta(hours=1)
_FUTURE = timedelta(minutes=5)
_PAST = timedelta(days=3)  # a weekend in the mountains
_CLOCKS_AGREE = timedelta(minutes=1)


class Tap(StrEnum):
    """What a technician can say about a visit."""

    ON_MY_WAY = "on_my_way"
    ARRIVED = "arrived"
    WORKING = "working"
    DONE = "done"
    UNDO = "undo"


@dataclass(frozen=True)
class TapEvent:
    """A tap as the phone tells it: its id makes a repeated one harmless, its clock, set right, says when."""

    event_id: str
    visit_id: int
    kind: Tap
    occurred_at: datetime
    phone_at: datetime | None = None

    @property
    def clocks(self) -> dict[str, str]:
        """What the phone's own clock said, when that was not the time of the tap."""
        wrong = self.phone_at is not None and abs(self.phone_at - self.occurred_at) > _CLOCKS_AGREE
        return {"phone_at": self.phone_at.isoformat()} if self.phone_at and wrong else {}


STATES = {
    Tap.ON_MY_WAY: VisitState.EN_ROUTE,
    Tap.ARRIVED: VisitState.ON_SITE,
    Tap.DONE: VisitState.DONE,
}


class NoTechnician(Exception):
    """The account belongs to no technician who works here."""


class NotYourVisit(Exception):
    """The visit is not, or no longer, on a route of this technician."""


class AnotherUnderway(Exception):
    """The technician is still on the way to, or at, another visit."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(f"visit {visit.id} is {visit.state}")
        self.visit_id = visit.id


class NotToday(Exception):
    """The visit is planned for a later day: to be made today it has to be moved first."""


class WrongTime(Exception):
    """The tap is said to be in the future or more than three days old."""


class EventReused(Exception):
    """The event's id is that of a tap on another visit."""


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
    def told(self) -> datetime | None:
        """When the next visit's customer is told to expect the technician who sets off now, early or late."""
        upcoming = self.next
        return self.now + upcoming.travel if upcoming else None

    @property
    def later(self) -> list[Entry]:
        """Stops after the next visit, breaks among them; a break stays until it is over."""
        upcoming = self.next
        return [
            entry
            for entry in self.agenda.entries
            if entry is not upcoming
            and entry.kind != StopKind.HOLD
            and (not entry.fact or (entry.kind == StopKind.BREAK and entry.ends_at > self.now))
        ]

    @property
    def undoable(self) -> Visit | None:
        """The visit whose last step can still be taken back; of several, that of the newest step."""
        steps = [
            (step.recorded_at, step.id, entry.visit)
            for entry in self.visits
            if entry.visit and entry.leads and (step := undoable_step(entry.visit, self.now))
        ]
        return max(steps, key=lambda step: step[:2])[2] if steps else None

    def entry_of(self, visit: Visit) -> Entry:
        """The stop of a visit that is on this day's route."""
        return next(entry for entry in self.visits if entry.visit is visit)


def technician_of(session: Session, technician_id: int | None) -> Technician:
    """The signed-in technician. Raises NoTechnician."""
    technician = session.get(Technician, technician_id) if technician_id else None
    if technician is None or not technician.active:
        raise NoTechnician
    return technician


def phone_day(
    session: Session, technician: Technician, on: date, *, tables: TravelTables, now: datetime
) -> PhoneDay:
    """The technician's route of a day, timed as of now."""
    rows = load_day(session, technician.territory, on, now=now, only=[technician.id])
    day = build(rows, table_of(tables, rows))
    [own] = rows.technicians
    estimated = own.route is not None and own.route.travel_estimated
    return PhoneDay(technician, on, now, agenda(day, technician.id), estimated)


def next_stop(session: Session, technician: Technician, *, now: datetime) -> Stop | None:
    """The first visit after now, for a day without visits."""
    return session.scalar(
        select(Stop)
        .where(Stop.technician_id == technician.id, Stop.starts_at > now, Stop.kind.in_(WORK))
        .order_by(Stop.starts_at)
        .limit(1)
    )


def own_visit(session: Session, technician: Technician, visit_id: int) -> Visit:
    """A visit on one of the technician's routes, theirs to say what happens. Raises NotYourVisit."""
    visit = seen_visit(session, technician, visit_id)
    if visit.stop is None or visit.stop.technician_id != technician.id:
        raise NotYourVisit
    return visit


def seen_visit(session: Session, technician: Technician, visit_id: int) -> Visit:
    """A visit that the technician makes, led by somebody else or not. Raises NotYourVisit."""
    visit = session.get(Visit, visit_id)
    if visit is None or technician.id not in [one.id for one in visit.made_by]:
        raise NotYourVisit
    return visit


def own_attachment(session: Session, technician: Technician, attachment_id: int) -> Attachment:
    """A photo or document that may be shown, of a work order with a visit of the technician's.

    Raises NotYourVisit.
    """
    attachment = session.get(Attachment, attachment_id)
    if attachment is None or attachment.visit is None or not attachment.shown_to_others:
        raise NotYourVisit
    orders = select(WorkOrder.id).where(attachment.visit.work_order.asked_together)
    visits = select(Visit.id).where(Visit.work_order_id.in_(orders))
    there = or_(Stop.visit_id.in_(visits), Stop.crew_visit_id.in_(visits))
    own = select(Stop.id).where(Stop.technician_id == technician.id, there)
    if not exists_one(session, own):
        raise NotYourVisit
    return attachment


def planned_on(visit: Visit) -> date:
    """The day whose route has the visit. Raises NotYourVisit for a visit that is on none."""
    if visit.stop is None:
        raise NotYourVisit
    return visit.stop.route.plan.on


def undoable_step(visit: Visit, at: datetime, *, within: timedelta = UNDO_OFFERED) -> VisitEvent | None:
    """The technician's last step, while it is young enough to be taken back."""
    step = last_tap(visit)
    own = step is not None and (step.kind == "working" or step.to_state in STATES.values())
    return step if step and own and at - step.occurred_at <= within else None


def last_tap(visit: Visit) -> VisitEvent | None:
    """The last step of the work that counts, the beginning of the work at the site among them."""
    if visit.working_since is None:
        return visit.last_step
    return next((event for event in reversed(visit.events) if event.kind == "working"), None)


def require_moment(occurred_at: datetime, *, now: datetime) -> None:
    """Raise WrongTime for a tap of the future, or one of more than a day ago."""
    if not now - _PAST <= occurred_at <= now + _FUTURE:
        raise WrongTime


def was_sent(session: Session, event_id: str, visit_id: int) -> bool:
    """Whether what the phone sends has been recorded. Raises EventReused when it was of another visit."""
    found = session.scalar(select(VisitEvent.visit_id).where(VisitEvent.event_key == event_id))
    if found not in (None, visit_id):
        raise EventReused
    return found is not None


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

    Raises NotYourVisit, NotToday, WrongTime, ChecklistOpen, AnotherUnderway when a second visit would be
    begun, NotAllowed for a step that does not exist or an undo that comes too late, EventReused, StaleTravel.
    """
    require_moment(event.occurred_at, now=now)
    lock_territory(session, technician.territory)
    visit = own_visit(session, technician, event.visit_id)
    if was_sent(session, event.event_id, event.visit_id) or _is_there(visit, event.kind):
        return visit
    if planned_on(visit) > technician.territory.local_day(now):
        raise NotToday
    if event.kind == Tap.DONE:
        checklist.require_complete(session, visit)
    _step(session, technician, visit, event, now=now, actor=actor)
    session.flush()
    stop = follow(session, visit, tables=tables, now=now)
    if event.kind == Tap.ON_MY_WAY:
        visit.tell_on_my_way(arrives_at=stop.arrives_at, now=now)
    if event.kind == Tap.ARRIVED:
        told: dict[str, Any] = {"arrives_at": event.occurred_at.isoformat()}
        visit.tell("arrived", due_at=now + UNDO, now=now, payload=told)
    if event.kind == Tap.DONE:
        told = {"report": True} if checklist.has_report(session, visit) else {}
        visit.tell("done", due_at=now + DONE_AFTER, now=now, payload=told)
        visit.tell("feedback", due_at=now + FEEDBACK_AFTER, now=now, payload=told)
    return visit


def _is_there(visit: Visit, kind: Tap) -> bool:
    """Whether the visit is at the step already: a tap on a page that was not fresh."""
    return visit.state == STATES.get(kind) or (kind == Tap.WORKING and visit.working_since is not None)


def _step(
    session: Session, technician: Technician, visit: Visit, event: TapEvent, *, now: datetime, actor: str
) -> None:
    said: dict[str, Any] = {
        "occurred_at": event.occurred_at,
        "now": now,
        "actor": actor,
        "event_key": event.event_id,
        "payload": event.clocks,
    }
    if event.kind == Tap.UNDO:
        step = undoable_step(visit, event.occurred_at, within=UNDO_TAKEN)
        if step is None:
            raise NotAllowed(visit, VisitState(visit.state))
        (visit.stop_working if step.kind == "working" else visit.revert)(**said)
        return
    if event.kind == Tap.WORKING:
        visit.begin_working(**said)
        return
    if event.kind != Tap.DONE:
        _require_free(session, technician, visit)
    visit.advance(STATES[event.kind], **said)


def _require_free(session: Session, technician: Technician, visit: Visit) -> None:
    """Nobody begins a visit while at another one; what was done already may be said at any time."""
    other = session.scalar(
        select(Visit)
        .join(Stop, Stop.visit_id == Visit.id)
        .where(Stop.technician_id == technician.id, Visit.state.in_(UNDERWAY), Visit.id != visit.id)
        .limit(1)
    )
    if other is not None and visit.state in PLANNABLE:
        raise AnotherUnderway(other)
