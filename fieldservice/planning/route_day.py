"""A technician's whole route goes to another day: checked, promised anew and stored as one change.

A customer keeps the time of day that was promised, if the route can: then only the day changes. Else they are
promised the window around their new start. Whoever had a promise is told of the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Pin, Plan, PlanChange, Stop, Territory, Visit, VisitState, Window
from fieldservice.planning.chains import between
from fieldservice.planning.changes import StalePlan, plannable_visits
from fieldservice.planning.history import ChangeLog
from fieldservice.planning.judge import SOFT_RULES, RuleBroken
from fieldservice.planning.notices import promise_again
from fieldservice.planning.problem import (
    WHOLE_DAY_S,
    Day,
    StaleTravel,
    build,
    row_id,
    shift_id,
    wish,
)
from fieldservice.planning.rows import load_day, plan_of
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan, write_routes
from scheduler import timeline

_HALF_HOUR = timedelta(minutes=30)


class NothingToMove(Exception):
    """The technician has no visit left on this day that has not begun, or the other day is over."""


@dataclass(frozen=True)
class Wanted:
    """Whose route goes to which day, and why a soft rule may break for it."""

    technician_id: int
    to: date
    reason: str = ""


@dataclass(frozen=True)
class Moved:
    """A visit on its new day. `window` is promised instead of `old_window`; None where none was promised."""

    visit_id: int
    starts_at: datetime
    old_window: Window | None
    window: Window | None
    same_time: bool


@dataclass(frozen=True)
class RouteMove:
    """What moving a route to a day does, and the rules that it breaks."""

    on: date
    visits: tuple[Moved, ...]
    broken: tuple[scheduler.Violation, ...]

    @property
    def possible(self) -> bool:
        """Whether a person may decide for it."""
        return all(violation.rule in SOFT_RULES for violation in self.broken)


def movable(day: Day, technician_id: int) -> list[str]:
    """The visits that a technician has not begun, in order; what a crew makes is not theirs alone."""
    return [
        name
        for name in day.order(technician_id)
        if name.startswith("v") and day.visits[row_id(name)].crew == 1
    ]


def outlook(session: Session, day: Day, other: Day, technician_id: int) -> RouteMove:
    """What moving a technician's route from a day to another one would do. Raises NothingToMove."""
    return _planned(session, day, other, technician_id)[0]


def move_route(
    session: Session,
    plan: Plan,
    wanted: Wanted,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Move what a technician has not begun to another day; customers with a promise get a new one.

    A soft rule may break for a `reason`. Raises StalePlan, NothingToMove, RuleBroken, StaleTravel.
    """
    technician_id, to, reason = wanted.technician_id, wanted.to, wanted.reason
    territory = session.get_one(Territory, plan.territory_id)
    lock_territory(session, territory)
    session.refresh(plan)
    if plan.version != plan_version:
        raise StalePlan
    if not {plan.on, to} <= tables.keys():
        raise StaleTravel
    ensure_plan(session, territory, to)
    day, other = (build(load_day(session, territory, on, now=now), tables[on]) for on in (plan.on, to))
    found, target, route = _planned(session, day, other, technician_id)
    if not found.possible or (found.broken and not reason):
        raise RuleBroken(found.broken)
    names = [f"v{moved.visit_id}" for moved in found.visits]
    log = ChangeLog(session, {plan.on: day, to: other}, now=now, actor=actor)
    log.remember_routes([(plan.on, technician_id), (to, technician_id)], names)
    ids = [row_id(name) for name in names]
    session.execute(delete(Stop).where(Stop.visit_id.in_(ids)))
    session.execute(delete(Pin).where(Pin.visit_id.in_(ids)))
    left = build(day.rows, day.table, without=names)
    if shift_id(technician_id) in left.problem.shift_by_id:
        write_routes(session, left, [left.plan.route_of(shift_id(technician_id))])
    write_routes(session, target, [route])
    visits = plannable_visits(session, names)
    _promise(session, found, visits, to, now=now, actor=actor)
    summary = {
        "technician_id": technician_id,
        "to": to.isoformat(),
        "visits": len(names),
        "told": sum(moved.window is not None for moved in found.visits),
        "promises": _promises(found, plan.on, to),
        **({"reason": reason} if found.broken else {}),
    }
    return log.store("move_route", plan, summary)


def restore_promises(session: Session, change: PlanChange, *, which: str, now: datetime, actor: str) -> int:
    """Promise again what was promised `before` a moved route, or `after` it; returns how many are told."""
    told = 0
    for name, stored in change.summary["promises"].items():
        visit = plannable_visits(session, [name]).get(name)
        if visit is None:
            continue
        visit.wanted_on = date.fromisoformat(stored[which]["on"])
        if (window := stored[which]["window"]) is not None:
            told += promise_again(visit, Window(*map(datetime.fromisoformat, window)), now=now, actor=actor)
    session.flush()
    return told


def _planned(
    session: Session, day: Day, other: Day, technician_id: int
) -> tuple[RouteMove, Day, scheduler.Route]:
    shift, names = shift_id(technician_id), movable(day, technician_id)
    rows, now = other.rows, other.rows.now
    if not names or rows.on < rows.territory.local_day(now) or rows.on == day.rows.on:
        raise NothingToMove
    if shift not in other.problem.shift_by_id:
        text = "The technician has no shift on this day."
        none = scheduler.Violation(rule="no_shift", visit=None, shift=shift, text=text)
        return RouteMove(rows.on, (), (none,)), other, scheduler.Route(shift=shift, stops=())
    starts = {stop.visit: stop.start_s for stop in day.plan.route_of(shift).stops if stop.visit in names}
    visits = {name: day.visits[row_id(name)] for name in names}
    windows = {name: _same_time(visit, rows.on) for name, visit in visits.items()}
    kept = {name: _wish(other, visit, windows[name]) for name, visit in visits.items()}
    order = _order(day, other, technician_id, starts)
    route = _timed(other, kept, shift, order)
    late = {
        stop.visit
        for stop in route.stops
        if stop.visit in kept and not _inside(kept[stop.visit], stop.start_s)
    }
    kept = {name: _any_time(each) if name in late else each for name, each in kept.items()}
    target, route = _adding(other, kept), _timed(other, kept, shift, order)
    broken = list(scheduler.check(target.problem, scheduler.Plan(routes=(route,))))
    moved = [
        _moved(other, visits[stop.visit], windows[stop.visit], stop)
        for stop in route.stops
        if stop.visit in visits
    ]
    broken += _out_of_order(session, visits, moved, shift)
    return RouteMove(rows.on, tuple(moved), tuple(broken)), target, route


def _same_time(visit: Visit, on: date) -> Window | None:
    """The promised window by the wall clock of another day."""
    if visit.window is None:
        return None
    zone = visit.territory.zone
    starts_at = visit.window.starts_at.astimezone(zone)
    starts_at = datetime.combine(on, starts_at.time(), zone)
    return Window(starts_at, starts_at + (visit.window.ends_at - visit.window.starts_at))


def _wish(other: Day, visit: Visit, window: Window | None) -> scheduler.Visit:
    """The visit on its new day: no pin, and the window of that day."""
    span = (0, WHOLE_DAY_S)
    if window is not None:
        span = (other.seconds(window.starts_at), other.seconds(window.ends_at))
    return replace(wish(other.rows, other.table, visit), windows=(span,), pinned=None)


def _any_time(visit: scheduler.Visit) -> scheduler.Visit:
    return replace(visit, windows=((0, WHOLE_DAY_S),))


def _inside(visit: scheduler.Visit, start_s: int) -> bool:
    return any(low <= start_s <= high for low, high in visit.windows)


def _order(day: Day, other: Day, technician_id: int, starts: Mapping[str, int]) -> list[str]:
    """What is on the other day already and what comes to it, by the time of day."""
    stops = other.plan.route_of(shift_id(technician_id)).stops
    there = {stop.visit: stop.start_s for stop in stops if stop.visit is not None}
    return sorted([*there, *starts], key=lambda name: {**starts, **there}[name])


def _adding(other: Day, kept: Mapping[str, scheduler.Visit]) -> Day:
    for each in kept.values():
        other = other.adding(each)
    return other


def _timed(
    other: Day, kept: Mapping[str, scheduler.Visit], shift: str, order: Sequence[str]
) -> scheduler.Route:
    return timeline.project(_adding(other, kept).problem, shift, list(order))


def _moved(other: Day, visit: Visit, same: Window | None, stop: scheduler.Stop) -> Moved:
    starts_at = other.instant(stop.start_s)
    kept = same is not None and same.starts_at <= starts_at <= same.ends_at
    window = same if kept or same is None else _around(visit, starts_at)
    return Moved(visit.id, starts_at, visit.window, window, kept)


def _around(visit: Visit, starts_at: datetime) -> Window:
    """The window from the half hour before a start."""
    midnight = visit.territory.midnight(visit.territory.local_day(starts_at))
    begins = starts_at - (starts_at - midnight) % _HALF_HOUR
    return Window(begins, begins + visit.service.window_length)


def _out_of_order(
    session: Session, visits: Mapping[str, Visit], moved: Sequence[Moved], shift: str
) -> list[scheduler.Violation]:
    """Visits that would come before one that they follow, or after one that follows them."""
    text = "It would not come in its order with the visits that it is linked to."
    return [
        scheduler.Violation(rule="order", visit=f"v{each.visit_id}", shift=shift, text=text)
        for each in moved
        if each.window is not None and not between(session, visits[f"v{each.visit_id}"]).has(each.window)
    ]


def _promise(
    session: Session,
    found: RouteMove,
    visits: Mapping[str, Visit],
    to: date,
    *,
    now: datetime,
    actor: str,
) -> None:
    territory = next(iter(visits.values())).territory
    plan = plan_of(session, territory, to)
    for moved in found.visits:
        visit = visits[f"v{moved.visit_id}"]
        session.expire(visit, ["pin"])
        visit.wanted_on, visit.accepted_violations = to, []
        if visit.state == VisitState.DISPATCHED and (plan is None or plan.dispatched_at is None):
            visit.recall(now=now, actor=actor)
        if moved.window is not None:
            visit.promise(moved.window, now=now, actor=actor)


def _promises(found: RouteMove, on: date, to: date) -> dict[str, dict[str, dict[str, object]]]:
    """What was promised before and after, as a change keeps it."""
    return {
        f"v{moved.visit_id}": {
            "before": {"on": on.isoformat(), "window": _json(moved.old_window)},
            "after": {"on": to.isoformat(), "window": _json(moved.window)},
        }
        for moved in found.visits
    }


def _json(window: Window | None) -> list[str] | None:
    return [window.starts_at.isoformat(), window.ends_at.isoformat()] if window else None
