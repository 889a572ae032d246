"""A technician who says that they run late: what that does to the rest of their day, and who has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import Plan, Stop, Visit, VisitState
from fieldservice.planning.facts import Done
from fieldservice.planning.problem import Day, StaleTravel, build, row_id, shift_id, visit_id
from fieldservice.planning.rows import load_day
from fieldservice.planning.running import Cause, CauseKind, request_repair
from fieldservice.planning.store import write_routes
from scheduler import timeline


@dataclass(frozen=True)
class Delayed:
    """A visit that begins later than its customer expects; `late` when that is after the promised window."""

    visit: Visit
    starts_at: datetime
    late: bool


def delay(
    session: Session,
    visit: Visit,
    extra: timedelta,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> tuple[Delayed, ...]:
    """Plan `extra` time for what the technician is at, and time the rest of the route anew.

    At a visit it takes longer, on the road the drive does; before that they set off later, which changes no
    stored time. Returns the visits whose customers have to know: the one that is driven to, and those that
    come to begin after their promised windows. A plan that mends these is asked for. The technicians are
    locked. Raises StaleTravel.
    """
    stop = visit.stop
    if stop is None or (plan := stop.route.plan).on not in tables:
        raise StaleTravel
    table = tables[plan.on]
    day = _look(session, visit, plan, table, now)
    before = _late(day, stop, timedelta(0))
    _stretch(day, visit, stop, extra)
    session.flush()
    day = _look(session, visit, plan, table, now)
    begun = visit.state in (VisitState.ON_SITE, VisitState.EN_ROUTE)
    if begun and (shift := shift_id(stop.technician_id)) in day.problem.shift_by_id:
        write_routes(session, day, [day.plan.route_of(shift)])
    after = _late(day, stop, timedelta(0) if begun else extra)
    found = [
        Delayed(day.visits[row_id(name)], starts_at, late=True)
        for name, starts_at in after.items()
        if before.get(name) != starts_at
    ]
    if found:
        cause = Cause(CauseKind.OVERRUN, stop.technician_id, tuple(each.visit.id for each in found))
        request_repair(session, plan, cause, now=now, actor=actor)
    if visit.state == VisitState.EN_ROUTE:
        fact = _fact(day, stop)
        window = visit.window
        late = window is not None and fact.starts_at > window.ends_at
        found.insert(0, Delayed(visit, fact.starts_at, late=late))
    return tuple(found)


def _stretch(day: Day, visit: Visit, stop: Stop, extra: timedelta) -> None:
    """What is underway ends, or arrives, `extra` later than it looks now: it may be late already."""
    if visit.state == VisitState.ON_SITE:
        fact = _fact(day, stop)
        visit.service_duration += fact.ends_at + extra - (fact.starts_at + visit.occupied)
    if visit.state == VisitState.EN_ROUTE:
        fact = _fact(day, stop)
        stop.travel += fact.arrives_at + extra - (visit.moments["on_my_way"] + stop.travel)


def _fact(day: Day, stop: Stop) -> Done:
    return next(fact for fact in day.done[stop.technician_id] if fact.stop.visit_id == stop.visit_id)


def _look(session: Session, visit: Visit, plan: Plan, table: TravelTable, now: datetime) -> Day:
    return build(load_day(session, visit.territory, plan.on, now=now), table)


def _late(day: Day, stop: Stop, extra: timedelta) -> dict[str, datetime]:
    """Visits of the route that begin after their promised windows if it goes on `extra` later, and when."""
    return {
        visit_id(visit): starts_at
        for visit, starts_at in expected(day, stop.technician_id, extra)
        if visit.window is not None and starts_at > visit.window.ends_at
    }


def expected(day: Day, technician_id: int, extra: timedelta = timedelta(0)) -> list[tuple[Visit, datetime]]:
    """When the visits that a technician still has to begin will begin, if it goes on `extra` later."""
    shift = day.problem.shift_by_id.get(shift_id(technician_id))
    if shift is None:
        return []
    free_s = max(shift.available_s or 0, shift.start_s, day.seconds(day.rows.now))
    later = replace(shift, available_s=free_s + round(extra.total_seconds())) if extra else shift
    shifts = tuple(later if each is shift else each for each in day.problem.shifts)
    route = timeline.project(replace(day.problem, shifts=shifts), shift.id, list(day.order(technician_id)))
    return [
        (day.visits[row_id(each.visit)], day.instant(each.start_s))
        for each in route.stops
        if each.visit is not None and each.visit.startswith("v")
    ]
