"""Somebody has to come within the hour: who could, what each would have to leave, and the choice of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Pin, PlanChange, Stop, Visit, Window
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.changes import NotPlannable, StalePlan
from fieldservice.planning.crews import places_of
from fieldservice.planning.history import ChangeLog
from fieldservice.planning.judge import SOFT_RULES, RuleBroken
from fieldservice.planning.notices import tell_changed
from fieldservice.planning.order import out_of_order
from fieldservice.planning.problem import (
    WHOLE_DAY_S,
    Day,
    StaleTravel,
    build,
    row_id,
    shift_id,
    visit_id,
    wish,
)
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan, write_routes
from scheduler import timeline
from scheduler.repair import repair

BEST = 3
_ASKED = 8  # technicians who are looked at: those who could be there first
_SECONDS_EACH = 0.2
_STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class Displaced:
    """A visit that has another technician or start because of an emergency; `late`: after its promise."""

    visit_id: int
    old_technician_id: int
    old_starts_at: datetime
    technician_id: int
    starts_at: datetime
    late: bool


@dataclass(frozen=True)
class Option:
    """A technician who can be there in time, and everything that changes for it.

    `orders` are the visits of each technician whose route changes, in order.
    """

    technician_id: int
    starts_at: datetime
    added_travel: timedelta
    displaced: tuple[Displaced, ...]
    orders: Mapping[int, tuple[str, ...]]

    @property
    def broken(self) -> int:
        """How many promises break."""
        return sum(each.late for each in self.displaced)


@dataclass(frozen=True)
class Choice:
    """Who is sent to begin `within` a time from now, and the orders of visits that were shown for it."""

    technician_id: int
    orders: Mapping[int, Sequence[str]]
    within: timedelta


def options(day: Day, visit: Visit, within: timedelta) -> list[Option]:
    """The best technicians who can begin within a time from now, fewest broken promises first.

    `day` is today, built without the visit. Others move inside their promises where that helps; where it does
    not, the emergency goes first and what comes too late by it is said.
    """
    now_s = day.seconds(day.rows.now)
    until_s = now_s + round(within.total_seconds())
    asked = replace(
        wish(day.rows, day.table, visit, pinned=False), windows=((now_s, until_s),), promised=True
    )
    found = [_routes_of(day, asked, shift, until_s) for shift in _nearest(day, asked)]
    rows = {**day.visits, visit.id: visit}
    usable = [_told(day, asked, *each) for each in found if each and not out_of_order(day, each[1], rows)]
    return sorted(usable, key=lambda option: (option.broken, option.starts_at, option.added_travel))[:BEST]


def take(
    session: Session,
    visit: Visit,
    choice: Choice,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Send a technician to an emergency: store the routes as shown, promise the time, tell whom it hits.

    Raises StalePlan, NotPlannable, RuleBroken for orders that break a hard rule or are not those of the day,
    StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if visit.state not in PLANNABLE or visit_place(visit) is None or visit.crew > 1:
        raise NotPlannable
    on = visit.territory.local_day(now)
    plan = ensure_plan(session, visit.territory, on)
    if plan.version != plan_version:
        raise StalePlan
    source = next(iter(places_of(session, visit)), None)
    wanted = {on} | ({source[0]} if source else set())
    if any(each not in tables for each in wanted):
        raise StaleTravel
    days = {each: build(load_day(session, visit.territory, each, now=now), tables[each]) for each in wanted}
    keys = [*((on, key) for key in choice.orders), *([source] if source else [])]
    log = ChangeLog(session, days, now=now, actor=actor)
    log.remember_routes(keys, {visit_id(visit): None})
    starts_at = _store(session, days, visit, choice, source, on)
    _settle(session, visit, choice, starts_at, now=now, actor=actor)
    told = tell_changed(session, _technicians(days[on], choice.orders, visit), {}, now=now)
    summary = {
        "visit_id": visit.id,
        "technician_id": choice.technician_id,
        "starts_at": starts_at.isoformat(),
    }
    visit.record("emergency", occurred_at=now, now=now, actor=actor, payload=summary)
    return log.store("emergency", plan, {**summary, "told": len(told)})


def _store(
    session: Session,
    days: Mapping[date, Day],
    visit: Visit,
    choice: Choice,
    source: tuple[date, int] | None,
    on: date,
) -> datetime:
    """Write the chosen routes, and the one that the visit leaves; returns when it begins."""
    name = visit_id(visit)
    without = {each: build(day.rows, day.table, without=[name]) for each, day in days.items()}
    day = without[on].adding(_anytime(without[on], visit))
    routes = _routes(day, choice, visit)
    session.execute(delete(Stop).where(Stop.visit_id.in_(_rows(choice.orders))))
    if source is not None and (source[0] != on or source[1] not in choice.orders):
        left = without[source[0]].plan.route_of(shift_id(source[1]))
        write_routes(session, without[source[0]], [left])
    write_routes(session, day, routes)
    return next(day.instant(stop.start_s) for route in routes for stop in route.stops if stop.visit == name)


def _nearest(day: Day, asked: scheduler.Visit) -> list[scheduler.Shift]:
    """The shifts of those who may do it, whoever could be there first in front."""
    able = [
        shift
        for shift in day.problem.shifts
        if all(shift.skills.get(skill, 0) >= level for skill, level in asked.skills.items())
    ]
    return sorted(
        able, key=lambda shift: shift.begin_s + day.problem.travel(shift.start_location, asked.location)
    )[:_ASKED]


def _routes_of(
    day: Day, asked: scheduler.Visit, shift: scheduler.Shift, until_s: int
) -> tuple[scheduler.Shift, Sequence[scheduler.Route]] | None:
    """The routes that would change if this technician took it; None when they cannot."""
    only = replace(asked, technicians=frozenset({shift.technician}))
    (place,) = repair(day.problem, day.plan, only, asked.windows, seconds=_SECONDS_EACH)
    if place is not None:
        return shift, place.routes
    lenient = replace(asked, windows=((asked.windows[0][0], WHOLE_DAY_S),))
    problem = day.adding(lenient).problem
    route = timeline.project(problem, shift.id, [asked.id, *day.plan.route_of(shift.id).visit_ids])
    if route.stops[0].visit != asked.id or route.stops[0].start_s > until_s or _hard(problem, [route]):
        return None
    return shift, [route]


def _told(
    day: Day, asked: scheduler.Visit, shift: scheduler.Shift, routes: Sequence[scheduler.Route]
) -> Option:
    before = {
        stop.visit: (route.shift, stop.start_s)
        for route in day.plan.routes
        for stop in route.stops
        if stop.visit is not None
    }
    changed = [
        (stop.visit, route.shift, stop.start_s)
        for route in routes
        for stop in route.stops
        if stop.visit is not None and stop.visit.startswith("v") and stop.visit != asked.id
    ]
    shifts = {route.shift for route in routes}
    driven = sum(stop.travel_s for route in day.plan.routes if route.shift in shifts for stop in route.stops)
    drives = sum(stop.travel_s for route in routes for stop in route.stops)
    starts = {stop.visit: stop.start_s for route in routes for stop in route.stops}
    return Option(
        technician_id=row_id(shift.id),
        starts_at=day.instant(starts[asked.id]),
        added_travel=timedelta(seconds=max(0, drives - driven)),
        displaced=tuple(
            Displaced(
                row_id(name),
                row_id(before[name][0]),
                day.instant(before[name][1]),
                row_id(to),
                day.instant(start_s),
                _is_late(day, name, start_s),
            )
            for name, to, start_s in changed
            if before[name] != (to, start_s)
        ),
        orders={row_id(route.shift): route.visit_ids for route in routes},
    )


def _is_late(day: Day, name: str, start_s: int) -> bool:
    window = day.visits[row_id(name)].window
    return window is not None and day.instant(start_s) > window.ends_at


def _hard(problem: scheduler.Problem, routes: Iterable[scheduler.Route]) -> list[scheduler.Violation]:
    broken = scheduler.check(problem, scheduler.Plan(routes=tuple(routes)))
    return [violation for violation in broken if violation.rule not in SOFT_RULES]


def _anytime(day: Day, visit: Visit) -> scheduler.Visit:
    """The visit for whoever comes first: from now on, whatever was promised."""
    free = wish(day.rows, day.table, visit, pinned=False)
    return replace(free, windows=((day.seconds(day.rows.now), WHOLE_DAY_S),))


def _routes(day: Day, choice: Choice, visit: Visit) -> list[scheduler.Route]:
    """The routes as of now; raises StalePlan unless they serve what they served and the visit, RuleBroken."""
    name, orders = visit_id(visit), {shift_id(key): list(names) for key, names in choice.orders.items()}
    if not orders.keys() <= day.problem.shift_by_id.keys():
        raise StalePlan
    before = [each for shift in orders for each in day.plan.route_of(shift).visit_ids]
    served = sorted(each for names in orders.values() for each in names)
    if sorted([*before, name]) != served or name not in orders.get(shift_id(choice.technician_id), ()):
        raise StalePlan
    routes = [timeline.project(day.problem, shift, names) for shift, names in orders.items()]
    order = out_of_order(day, routes, {**day.visits, visit.id: visit})
    if broken := [*_hard(day.problem, routes), *order]:
        raise RuleBroken(broken)
    return routes


def _rows(orders: Mapping[int, Sequence[str]]) -> list[int]:
    return [row_id(name) for names in orders.values() for name in names if name.startswith("v")]


def _settle(
    session: Session,
    visit: Visit,
    choice: Choice,
    starts_at: datetime,
    *,
    now: datetime,
    actor: str,
) -> None:
    """Pin the visit to who takes it, and promise the time unless it is inside what was promised."""
    visit.pin = None
    session.flush()
    visit.pin = Pin(technician_id=choice.technician_id, starts_at=None, created_at=now)
    window = visit.window
    if window is None or not window.starts_at <= starts_at <= window.ends_at:
        visit.promise(soon(now, max(choice.within, starts_at - now)), now=now, actor=actor)
    session.flush()


def soon(now: datetime, within: timedelta) -> Window:
    """The window from now on, to the next five minutes after `within`."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    begins = minute - timedelta(minutes=minute.minute % 5)
    steps = -(-(now + within - begins) // _STEP)
    return Window(begins, begins + steps * _STEP)


def _technicians(day: Day, orders: Mapping[int, Sequence[str]], visit: Visit) -> dict[int, int]:
    """Who was to make the other visits of the routes."""
    return {
        row_id(name): key
        for key in orders
        for name in day.order(key)
        if name.startswith("v") and name != visit_id(visit)
    }
