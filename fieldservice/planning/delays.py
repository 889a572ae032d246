"""Visits whose estimate leaves the promised window: their customers are told before they wait in vain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import MessageState, Plan, Territory, Visit, VisitState
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.lateness import expected
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from fieldservice.planning.travel import with_travel
from fieldservice.sweeps import each

AHEAD = timedelta(hours=2)
"""How long before the end of its window a visit is looked at: earlier, the day may still be mended."""


def tell_all(db: Database, tables: TravelTables, *, now: datetime) -> int:
    """Look at today in every territory; returns how many customers are told.

    Nobody is kept waiting where there is nothing to tell. An error is raised after all territories had their
    turn.
    """
    with db.reading() as session:
        territories = session.scalars(select(Territory).where(Territory.active))
        today = {territory.id: territory.local_day(now) for territory in territories}
        dispatched = Visit.state.in_((VisitState.DISPATCHED, VisitState.BOOKED))
        near = Visit.window_ends_at.between(now - AHEAD, now + AHEAD)
        waiting = set(session.scalars(select(Visit.territory_id).where(dispatched, near).distinct()))

    def serve(territory_id: int) -> int:
        on = today[territory_id]

        def work(found: Mapping[date, TravelTable]) -> int:
            with db.reading() as session:
                territory = session.get_one(Territory, territory_id)
                if not _delayed_on(session, territory, on, found[on], now=now):
                    return 0
            return db.run(lambda session: _tell(session, territory_id, on, found[on], now=now))

        return with_travel(db, tables, territory_id, [on], [], now=now, work=work)

    return sum(each(sorted(waiting & set(today)), serve))


def _delayed_on(
    session: Session, territory: Territory, on: date, table: TravelTable, *, now: datetime
) -> list[tuple[Visit, datetime]]:
    if session.scalar(select(Plan.id).where(Plan.territory_id == territory.id, Plan.on == on)) is None:
        return []
    return delayed(build(load_day(session, territory, on, now=now), table), now=now)


def _tell(session: Session, territory_id: int, on: date, table: TravelTable, *, now: datetime) -> int:
    territory = session.get_one(Territory, territory_id)
    lock_territory(session, territory)
    found = _delayed_on(session, territory, on, table, now=now)
    for visit, starts_at in found:
        visit.tell_late(starts_at=starts_at, due_at=now, now=now)
    return len(found)


def delayed(day: Day, *, now: datetime) -> list[tuple[Visit, datetime]]:
    """The visits that are expected after their windows by more than their service allows, and when.

    Not those whose customers were told a time that is still about right, and none of a technician who has
    tapped nothing today: nobody knows where they are. A break that is over is no tap.
    """
    found = []
    for entry in day.rows.technicians:
        if not any(fact.stop.work for fact in day.done.get(entry.technician.id, ())):
            continue
        for visit, starts_at in expected(day, entry.technician.id):
            window, allowed = visit.window, visit.service.late_after
            if window is None or visit.state not in PLANNABLE or window.ends_at - now > AHEAD:
                continue
            latest = max(window.ends_at, _told(visit) or window.ends_at)
            if starts_at > latest + allowed:
                found.append((visit, starts_at))
    return found


def _told(visit: Visit) -> datetime | None:
    """The latest time that the customer heard, or is about to hear."""
    times = [
        datetime.fromisoformat(message.payload["arrives_at"])
        for message in visit.messages
        if message.kind == "late"
        and message.promise_version == visit.promise_version
        and message.state != MessageState.CANCELLED
    ]
    return max(times, default=None)
