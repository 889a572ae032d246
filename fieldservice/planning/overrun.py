"""A visit that takes longer than planned: what that does to the rest of its route, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import Plan, Stop, Visit, VisitState, Window
from fieldservice.planning.changes import NotPlannable, StalePlan
from fieldservice.planning.problem import Day, build, row_id, shift_id
from fieldservice.planning.progress import follow
from fieldservice.planning.rows import load_day
from fieldservice.planning.running import Cause, CauseKind, late_visits, request_repair
from fieldservice.planning.service import lock_territory
from scheduler import timeline

_LONGEST = timedelta(hours=4)


@dataclass(frozen=True)
class Later:
    """A visit that begins later than now planned."""

    visit_id: int
    old_starts_at: datetime
    starts_at: datetime
    window: Window | None

    @property
    def late(self) -> bool:
        """Whether it begins after its promised window."""
        return self.window is not None and self.starts_at > self.window.ends_at


def outlook(day: Day, visit: Visit, extra: timedelta) -> tuple[Later, ...]:
    """The visits after one in progress that begin later when it takes `extra` time; nothing is stored."""
    stop = visit.stop
    shift = day.problem.shift_by_id.get(shift_id(stop.technician_id)) if stop is not None else None
    if shift is None or stop is None:
        return ()
    fact = next(fact for fact in day.done[stop.technician_id] if fact.stop.visit_id == visit.id)
    ends_at = max(fact.starts_at + visit.occupied + extra, day.rows.now)
    longer = replace(shift, available_s=max(shift.available_s or 0, day.seconds(ends_at)))
    problem = replace(
        day.problem, shifts=tuple(longer if each is shift else each for each in day.problem.shifts)
    )
    before = {each.visit: each.start_s for each in day.plan.route_of(shift.id).stops if each.visit}
    route = timeline.project(problem, shift.id, list(day.order(stop.technician_id)))
    return tuple(
        Later(
            row_id(each.visit),
            day.instant(before[each.visit]),
            day.instant(each.start_s),
            day.visits[row_id(each.visit)].window,
        )
        for each in route.stops
        if each.visit is not None and each.visit.startswith("v") and each.start_s > before[each.visit]
    )


def extend_visit(
    session: Session,
    visit: Visit,
    extra: timedelta,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> tuple[int, ...]:
    """Plan more time for a visit in progress and time the rest of its route anew.

    When promises break by it a plan that mends the day is asked for. Returns the visits that begin too late
    by it. Raises StalePlan, NotPlannable unless the visit is in progress, StaleTravel.
    """
    if not timedelta(0) < extra <= _LONGEST:
        raise ValueError(f"not so much longer: {extra}")
    lock_territory(session, visit.territory)
    session.refresh(visit)
    stop = session.scalar(select(Stop).where(Stop.visit_id == visit.id))
    if stop is None or visit.state != VisitState.ON_SITE:
        raise NotPlannable
    plan = stop.route.plan
    if plan.version != plan_version:
        raise StalePlan
    before = _late(session, plan, visit, tables, now) if plan.on in tables else frozenset()
    visit.service_duration += extra
    minutes = round(extra.total_seconds() / 60)
    visit.record("overrun", occurred_at=now, now=now, actor=actor, payload={"minutes": minutes})
    session.flush()
    technician_id = follow(session, visit, tables=tables, now=now).technician_id
    late = tuple(sorted(row_id(name) for name in _late(session, plan, visit, tables, now) - before))
    if late:
        cause = Cause(CauseKind.OVERRUN, technician_id, late)
        request_repair(session, plan, cause, now=now, actor=actor)
    return late


def _late(
    session: Session, plan: Plan, visit: Visit, tables: Mapping[date, TravelTable], now: datetime
) -> frozenset[str]:
    return late_visits(build(load_day(session, visit.territory, plan.on, now=now), tables[plan.on]))
