"""Lets the part of the day that is over have happened as it was planned."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.models import Stop, Technician, Territory, Visit, VisitState
from fieldservice.planning.problem import build, shift_id
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import write_routes
from fieldservice.planning.travel import table_of
from fieldservice.web import Services


def live_through(session: Session, services: Services, territory_id: int, on: date, *, now: datetime) -> None:
    """Record the taps of everything that was planned to happen before `now`, each at its planned moment."""
    territory = session.get_one(Territory, territory_id)
    lock_territory(session, territory)
    rows = load_day(session, territory, on, now=now)
    for entry in rows.technicians:
        for stop in entry.stops:
            if stop.visit is not None:
                _live(stop, stop.visit, entry.technician, now)
    session.flush()
    rows = load_day(session, territory, on, now=now)
    day = build(rows, table_of(services.tables, rows))
    planned = [entry.technician.id for entry in rows.technicians if entry.stops]
    write_routes(session, day, [day.plan.route_of(shift_id(technician)) for technician in planned])


def _live(stop: Stop, visit: Visit, technician: Technician, now: datetime) -> None:
    taps = (
        (VisitState.DISPATCHED, stop.arrives_at - stop.travel - timedelta(minutes=30)),
        (VisitState.EN_ROUTE, stop.arrives_at - stop.travel),
        (VisitState.ON_SITE, stop.starts_at),
        (VisitState.DONE, stop.ends_at),
    )
    for state, moment in taps:
        if moment <= now:
            visit.advance(state, occurred_at=moment, now=moment, actor=f"technician:{technician.id}")
