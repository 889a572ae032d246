"""Scheduler values -> rows: the routes of a day are stored as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.models import Plan, Route, Stop, StopKind, Territory
from fieldservice.planning.names import row_id, shift_id, visit_number
from fieldservice.planning.problem import Day
from fieldservice.planning.rows import plan_of


def write_routes(session: Session, day: Day, routes: Iterable[scheduler.Route]) -> None:
    """Store these routes in place of what their technicians had; facts stay. The technicians are locked.

    All old stops go before the first new one comes, so that a swap is not an overlap on the way.
    """
    routes = _with_crews(day, routes)
    plan = ensure_plan(session, day.rows.territory, day.rows.on)
    targets = [(_route_row(session, plan, row_id(route.shift)), route) for route in routes]
    session.execute(delete(Stop).where(Stop.route_id.in_([row.id for row, _ in targets])))
    for row, route in targets:
        _insert_stops(session, day, row, route)
        row.version += 1
    plan.version += 1
    session.flush()
    for visit in day.visits.values():
        session.expire(visit, ["stop", "crew_stops"])
    for row, _ in targets:
        session.expire(row, ["stops"])


def _with_crews(day: Day, routes: Iterable[scheduler.Route]) -> list[scheduler.Route]:
    """The routes, and those on which a crew of theirs has other times than are stored."""
    found = {route.shift: route for route in routes}
    stored: dict[tuple[int, int | None], tuple[datetime, datetime]] = {
        (entry.technician.id, stop.work.id): (stop.starts_at, stop.ends_at)
        for entry in day.rows.technicians
        for stop in entry.stops
        if stop.work is not None and stop.work.crew > 1
    }
    pending = list(found.values()) if stored else []
    while pending:
        route = pending.pop()
        own = {*map(visit_number, route.visit_ids), *_crews_begun(day, route)}
        for other in day.plan.routes:
            who = row_id(other.shift)
            times = {**_crews_begun(day, other), **_times(day, other)}
            moved = any(stored.get((who, key), times[key]) != times[key] for key in own & times.keys())
            if moved and other.shift not in found:
                found[other.shift] = other
                pending.append(other)
    return list(found.values())


type _Times = dict[int | None, tuple[datetime, datetime]]


def _times(day: Day, route: scheduler.Route) -> _Times:
    """When each visit that is still to be made on a route begins and ends."""
    return {
        visit_number(stop.visit): (day.instant(stop.start_s), day.instant(stop.departure_s))
        for stop in route.stops
    }


def _crews_begun(day: Day, route: scheduler.Route) -> _Times:
    """When each visit of a crew that is a fact for whose route it is began and ends."""
    return {
        fact.stop.work.id: (fact.starts_at, fact.ends_at)
        for fact in day.done.get(row_id(route.shift), ())
        if fact.stop.work is not None and fact.stop.work.crew > 1
    }


def _insert_stops(session: Session, day: Day, row: Route, route: scheduler.Route) -> None:
    technician_id = row.technician_id
    for fact in day.done[technician_id]:
        session.add(
            Stop(
                route_id=row.id,
                technician_id=technician_id,
                kind=fact.stop.kind,
                visit_id=fact.stop.visit_id,
                crew_visit_id=fact.stop.crew_visit_id,
                hold_id=None,
                arrives_at=fact.arrives_at,
                starts_at=fact.starts_at,
                ends_at=fact.ends_at,
                travel=fact.stop.travel,
            )
        )
    for stop in route.stops:
        name = stop.visit or ""
        session.add(
            Stop(
                route_id=row.id,
                technician_id=technician_id,
                kind=kind_of(name),
                visit_id=row_id(name) if name.startswith("v") else None,
                hold_id=row_id(name) if name.startswith("h") else None,
                crew_visit_id=row_id(name) if name.startswith("c") else None,
                arrives_at=day.instant(stop.arrival_s),
                starts_at=day.instant(stop.start_s),
                ends_at=day.instant(stop.departure_s),
                travel=timedelta(seconds=stop.travel_s),
            )
        )
    row.travel_home, row.travel_estimated = _way_home(day, technician_id, route)


_KINDS = {"": StopKind.BREAK, "v": StopKind.VISIT, "c": StopKind.CREW, "h": StopKind.HOLD}


def kind_of(name: str | None) -> StopKind:
    """What is done under a name of the scheduler's; None is a break."""
    return _KINDS[(name or "")[:1]]


def _way_home(day: Day, technician_id: int, route: scheduler.Route) -> tuple[timedelta, bool]:
    """The drive home, and whether any drive of the route is an estimate."""
    shift = day.problem.shift_by_id.get(shift_id(technician_id))
    if shift is None or shift.end_location is None:
        return timedelta(0), False
    places = [shift.start_location]
    places += [day.problem.visit_by_id[name].location for name in route.visit_ids]
    places.append(shift.end_location)
    estimated = any(bool(day.table.estimated_cells[a, b]) for a, b in zip(places, places[1:], strict=False))
    return timedelta(seconds=day.problem.travel(places[-2], places[-1])), estimated


def ensure_plan(session: Session, territory: Territory, on: date) -> Plan:
    """The plan of a day, made when there is none; call it with the technicians locked."""
    plan = plan_of(session, territory, on)
    if plan is None:
        plan = Plan(territory_id=territory.id, on=on, version=1)
        session.add(plan)
        session.flush()
    return plan


def _route_row(session: Session, plan: Plan, technician_id: int) -> Route:
    row = session.scalar(select(Route).where(Route.plan_id == plan.id, Route.technician_id == technician_id))
    if row is None:
        row = Route(plan_id=plan.id, technician_id=technician_id, version=1)
        session.add(row)
        session.flush()
    return row
