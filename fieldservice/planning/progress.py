"""What really happens during the day changes the times of everything after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import Plan, Route, Stop, Visit, VisitState
from fieldservice.planning.problem import Day, StaleTravel, build, shift_id, visit_id
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.store import write_routes


def follow(
    session: Session, visit: Visit, *, tables: Mapping[date, TravelTable], now: datetime
) -> Stop | None:
    """Time the visit's route anew after its state changed; returns its stop. The technicians are locked.

    Raises StaleTravel.
    """
    on = session.scalar(
        select(Plan.on)
        .join(Route, Route.plan_id == Plan.id)
        .join(Stop, Stop.route_id == Route.id)
        .where(Stop.visit_id == visit.id)
    )
    if on is None:
        return None
    if on not in tables:
        raise StaleTravel
    stop = session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()
    rows = load_day(session, visit.territory, on, now=now)
    if visit.state == VisitState.EN_ROUTE:
        before = build(rows, tables[on], without=[visit_id(visit)])
        stop.travel = _drive(before, stop.technician_id, visit)
    day = build(rows, tables[on])
    if shift_id(stop.technician_id) in day.problem.shift_by_id:
        write_routes(session, day, [day.plan.route_of(shift_id(stop.technician_id))])
    return session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()


def _drive(day: Day, technician_id: int, visit: Visit) -> timedelta:
    """From where the technician is now, which need not be the stop before in the plan."""
    shift = day.problem.shift_by_id.get(shift_id(technician_id))
    place = visit_place(visit)
    if shift is None or place is None:
        return timedelta(0)
    return timedelta(seconds=day.problem.travel(shift.start_location, day.location(place)))
