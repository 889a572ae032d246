"""Two technicians exchange what they have not begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Pin, Plan, PlanChange, Stop, Territory, Visit
from fieldservice.planning.changes import StalePlan, plannable_visits, write_orders
from fieldservice.planning.history import ChangeLog
from fieldservice.planning.judge import SOFT_RULES
from fieldservice.planning.notices import tell_changed
from fieldservice.planning.order import broken_rules
from fieldservice.planning.problem import Day, StaleTravel, build, row_id, shift_id
from fieldservice.planning.relaxing import pinned_to
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from scheduler import timeline


class NothingToSwap(Exception):
    """The two have no visits that have not begun, or one of them does not work."""


@dataclass(frozen=True)
class Swap:
    """An exchange with another technician: how many visits move, and the rules that it breaks."""

    technician_id: int
    visits: int
    broken: tuple[scheduler.Violation, ...]

    @property
    def possible(self) -> bool:
        """Whether a person may decide for it."""
        return all(violation.rule in SOFT_RULES for violation in self.broken)


def swaps(day: Day, technician_id: int) -> list[Swap]:
    """What an exchange with each other technician of the day would do; what breaks nothing comes first."""
    found = [
        Swap(other, sum(map(len, orders.values())), tuple(_broken(day, orders)))
        for shift in day.problem.shifts
        if (other := row_id(shift.id)) != technician_id
        and (orders := _exchanged(day, technician_id, other)) is not None
    ]
    return sorted(found, key=lambda swap: (not swap.possible, len(swap.broken)))


def swap_routes(
    session: Session,
    plan: Plan,
    one: int,
    other: int,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Give each of two technicians what the other one has not begun; customers who knew who comes are told.

    Promises, shift ends and breaks may break by it: the page said so. Raises StalePlan, NothingToSwap,
    RuleBroken for a hard rule, StaleTravel.
    """
    territory = session.get_one(Territory, plan.territory_id)
    lock_territory(session, territory)
    session.refresh(plan)
    if plan.version != plan_version:
        raise StalePlan
    if plan.on not in tables:
        raise StaleTravel
    day = build(load_day(session, territory, plan.on, now=now), tables[plan.on])
    orders = _exchanged(day, one, other)
    if orders is None:
        raise NothingToSwap
    names = [name for order in orders.values() for name in order if _given(day, name)]
    log = ChangeLog(session, {plan.on: day}, now=now, actor=actor)
    log.remember_routes([(plan.on, one), (plan.on, other)], names)
    _unpin(session, names)
    session.execute(delete(Stop).where(Stop.visit_id.in_([row_id(name) for name in names])))
    write_orders(session, day, orders, plannable_visits(session, names), soft=True)
    before = {row_id(name): key for key in (one, other) for name in day.order(key) if name in names}
    told = tell_changed(session, before, {}, now=now)
    summary = {"technician_id": one, "other_id": other, "visits": len(names), "told": len(told)}
    return log.store("swap", plan, summary)


def _exchanged(day: Day, one: int, other: int) -> dict[int, list[str]] | None:
    """The orders after an exchange; reserved slots and crews stay. None when nothing would change."""
    if not {shift_id(one), shift_id(other)} <= day.problem.shift_by_id.keys():
        return None
    if not (day.order(one) or day.order(other)):
        return None
    return {key: _order(day, key, giver) for key, giver in ((one, other), (other, one))}


def _order(day: Day, key: int, giver: int) -> list[str]:
    starts = {
        stop.visit: stop.start_s
        for shift in (key, giver)
        for stop in day.plan.route_of(shift_id(shift)).stops
        if stop.visit is not None
    }
    held = [name for name in day.order(key) if not _given(day, name)]
    given = [name for name in day.order(giver) if _given(day, name)]
    return sorted([*held, *given], key=lambda name: starts[name])


def _given(day: Day, name: str) -> bool:
    """Whether somebody else can have it: no reserved slot, and no visit that a crew makes."""
    return name.startswith("v") and day.visits[row_id(name)].crew == 1


def _broken(day: Day, orders: Mapping[int, Sequence[str]]) -> list[scheduler.Violation]:
    free = [pinned_to((), visit) if _given(day, visit.id) else visit for visit in day.problem.visits]
    problem = scheduler.Problem(travel_s=day.problem.travel_s, visits=tuple(free), shifts=day.problem.shifts)
    routes = [timeline.project(problem, shift_id(key), list(names)) for key, names in orders.items()]
    return broken_rules(day, problem, scheduler.Plan(routes=tuple(routes)), routes, day.visits)


def _unpin(session: Session, names: Sequence[str]) -> None:
    ids = [row_id(name) for name in names]
    session.execute(delete(Pin).where(Pin.visit_id.in_(ids)))
    for number in ids:
        session.expire(session.get_one(Visit, number), ["pin"])
