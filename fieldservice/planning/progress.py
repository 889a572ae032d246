"""What really happens during the day changes the times of everything after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Stop, Visit, VisitState
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.problem import Day, StaleTravel, build, shift_id, visit_id, wish
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.store import write_routes
from scheduler import timeline


def follow(session: Session, visit: Visit, *, tables: Mapping[date, TravelTable], now: datetime) -> Stop:
    """Time the visit's route anew after its state changed; returns its stop. The technicians are locked.

    A day that is over keeps its times. Raises StaleTravel.
    """
    stop = _stop_of(session, visit)
    on = stop.route.plan.on
    if on not in tables:
        raise StaleTravel
    if now >= visit.territory.midnight(on + timedelta(days=1)).astimezone(UTC):
        return stop
    rows = load_day(session, visit.territory, on, now=now)
    if visit.state == VisitState.EN_ROUTE:
        before = build(rows, tables[on], without=[visit_id(visit)])
        stop.travel = _drive(before, stop, visit)
    if visit.state in PLANNABLE and visit.crew == 1:
        day = build(rows, tables[on], without=[visit_id(visit)]).adding(wish(rows, tables[on], visit))
    else:
        day = build(rows, tables[on])
    shift = shift_id(stop.technician_id)
    if shift in day.problem.shift_by_id:
        back = visit.state in PLANNABLE and visit.crew == 1  # the others still know when a crew begins
        write_routes(session, day, [_put_back(day, shift, visit) if back else day.plan.route_of(shift)])
        session.expire(visit, ["stop"])
    return _stop_of(session, visit)


def _stop_of(session: Session, visit: Visit) -> Stop:
    return session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()


def _put_back(day: Day, shift: str, visit: Visit) -> scheduler.Route:
    """The route with a visit that was begun by mistake: with the least lateness, then with the earliest end.

    It need not have been the next one, so its place in the plan is not the one it has now.
    """
    name, others = visit_id(visit), day.plan.route_of(shift).visit_ids
    orders = [(*others[:place], name, *others[place:]) for place in range(len(others) + 1)]
    routes = [timeline.project(day.problem, shift, order) for order in orders]
    return min(routes, key=lambda route: (_lateness(day, route), route.stops[-1].departure_s))


def _lateness(day: Day, route: scheduler.Route) -> int:
    late = 0
    for stop in route.stops:
        if stop.visit is not None:
            last_s = max(end_s for _, end_s in day.problem.visit_by_id[stop.visit].windows)
            late += max(0, stop.start_s - last_s)
    return late


def _drive(before: Day, stop: Stop, visit: Visit) -> timedelta:
    """From where the technician is now, which need not be the stop before in the plan."""
    shift = before.problem.shift_by_id.get(shift_id(stop.technician_id))
    place = visit_place(visit)
    if shift is None or place is None:
        return stop.travel
    return timedelta(seconds=before.problem.travel(shift.start_location, before.location(place)))
