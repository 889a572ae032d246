"""What needs a person because of the days to come: who waits for a gap, whose certificate ends too soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.models import (
    Plan,
    Route,
    Stop,
    Technician,
    TechnicianSkill,
    Visit,
    WaitingEntry,
    WaitingOffer,
    WaitingState,
    WorkOrder,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.rows import visit_options

AHEAD = timedelta(days=30)
AT_MOST = 50
WAITING = (
    select(WaitingEntry)
    .join(Visit, Visit.id == WaitingEntry.visit_id)
    .where(WaitingEntry.state == WaitingState.WAITING, Visit.state.in_(PLANNABLE))
)
"""Those who wait for another window."""


@dataclass(frozen=True)
class Waiting:
    """Somebody on the waiting list, and the gap that they are offered now."""

    entry: WaitingEntry
    offer: WaitingOffer | None


@dataclass(frozen=True)
class Certificate:
    """A skill that ends before visits for which its technician is planned."""

    technician: Technician
    skill: str
    ends_on: date
    visits: tuple[Visit, ...]


def waiting_list(session: Session, *, now: datetime) -> list[Waiting]:
    """Who waits for another window, those with an open offer first, then the longest waiting."""
    entries = session.scalars(
        WAITING.order_by(WaitingEntry.joined_at, WaitingEntry.id)
        .limit(AT_MOST)
        .options(selectinload(WaitingEntry.offers))
        .options(joinedload(WaitingEntry.visit).joinedload(Visit.work_order).joinedload(WorkOrder.customer))
    ).all()
    found = [Waiting(entry, _open(entry, now)) for entry in entries]
    return sorted(found, key=lambda waiting: waiting.offer is None)


def _open(entry: WaitingEntry, now: datetime) -> WaitingOffer | None:
    offer = entry.open_offer
    return offer if offer is not None and offer.expires_at > now else None


def certificates(session: Session, *, now: datetime) -> list[Certificate]:
    """Skills that end within the month, or have ended, with the planned visits that need them afterwards."""
    held = session.scalars(
        select(TechnicianSkill)
        .join(Technician, Technician.id == TechnicianSkill.technician_id)
        .where(Technician.active, TechnicianSkill.expires_on.is_not(None))
        .where(TechnicianSkill.expires_on <= (now + AHEAD).date())
        .order_by(TechnicianSkill.expires_on, TechnicianSkill.technician_id)
        .limit(AT_MOST)
    ).all()
    if not held:
        return []
    technicians = {row.technician_id: session.get_one(Technician, row.technician_id) for row in held}
    planned = list(_planned(session, technicians, now=now))
    found = []
    for row in held:
        if row.expires_on is not None:
            visits = tuple(_affected(row, planned))
            found.append(Certificate(technicians[row.technician_id], row.skill.name, row.expires_on, visits))
    return [each for each in found if each.visits]


def _planned(session: Session, technicians: Iterable[int], *, now: datetime) -> Sequence[tuple[Stop, date]]:
    rows = session.execute(
        select(Stop, Plan.on)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .join(Visit, Visit.id == func.coalesce(Stop.visit_id, Stop.crew_visit_id))
        .where(Stop.technician_id.in_(list(technicians)), Stop.starts_at >= now)
        .where(Visit.state.in_(PLANNABLE), Stop.starts_at < now + 2 * AHEAD)
        .order_by(Stop.starts_at)
        .options(joinedload(Stop.visit).options(*visit_options()))
        .options(selectinload(Stop.crew_visit).options(*visit_options()))
    )
    return [(stop, on) for stop, on in rows]


def _affected(held: TechnicianSkill, planned: Sequence[tuple[Stop, date]]) -> Iterable[Visit]:
    for stop, on in planned:
        theirs = held.expires_on is not None and on > held.expires_on
        theirs = theirs and stop.technician_id == held.technician_id
        if theirs and stop.work is not None and held.skill.code in stop.work.required_skills():
            yield stop.work
