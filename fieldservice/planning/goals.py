"""What a search shall care for most, and what of a day it may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

import scheduler
from fieldservice.planning.problem import Day, seconds, shift_id
from fieldservice.planning.relaxing import pinned_to
from scheduler import costs

SPARE = timedelta(minutes=30)
"""How long before the end of its promise a visit begins where being on time comes first."""
_HOUR_S = 3600


class Goal(StrEnum):
    """What a search cares for most; promises, skills and shifts bind each of them."""

    BALANCED = "balanced"
    DRIVING = "driving"
    ON_TIME = "on_time"
    FAIR = "fair"


def aimed(problem: scheduler.Problem, goal: Goal) -> scheduler.Problem:
    """The problem with the weights of a goal; how readily technicians change stays as the day has it."""
    weights = problem.weights
    if goal == Goal.DRIVING:
        return replace(problem, weights=replace(weights, overtime=1.0, change=weights.change / 4))
    if goal == Goal.FAIR:
        return replace(problem, weights=replace(weights, fairness=0.5))
    if goal == Goal.ON_TIME:
        visits = tuple(_early(visit) for visit in problem.visits)
        return replace(problem, visits=visits, weights=replace(weights, lateness=4.0))
    return problem


def _early(visit: scheduler.Visit) -> scheduler.Visit:
    """A promised visit of which each second costs one when less than `SPARE` is left of its window."""
    if not visit.promised or not visit.windows:
        return visit
    start_s, end_s = visit.windows[-1]
    due_s = max(start_s, end_s - seconds(SPARE))
    return replace(visit, due_s=due_s, late_cost_per_h=_HOUR_S)


@dataclass(frozen=True)
class Scope:
    """What of a day a search may change: all of it, one technician's route, or some visits.

    A route is put in another order and takes in what has no place. Visits that are selected may go to
    anybody; the others stay with their technicians, inside their promises.
    """

    technician_id: int | None = None
    visit_ids: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is all of the day."""
        return self.technician_id is None and not self.visit_ids

    def as_json(self) -> dict[str, Any]:
        """The scope as a job and a proposal store it."""
        return {"technician_id": self.technician_id, "visit_ids": list(self.visit_ids)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Scope:
        """The scope that `as_json` stored; all of the day for None."""
        return cls(stored["technician_id"], tuple(stored["visit_ids"])) if stored else cls()

    def narrowed(self, day: Day) -> tuple[scheduler.Problem, scheduler.Plan]:
        """The part of a day that may change, with its present plan."""
        if self.technician_id is not None:
            return self._route(day, shift_id(self.technician_id))
        if self.visit_ids:
            return self._selected(day, {f"v{number}" for number in self.visit_ids})
        return day.problem, day.plan

    def widened(self, day: Day, found: scheduler.Plan) -> scheduler.Plan:
        """The plan of the whole day with the part that a search found."""
        if self.whole:
            return found
        mine = {route.shift: route for route in found.routes}
        routes = tuple(mine.get(route.shift, route) for route in day.plan.routes)
        placed = {name for route in routes for name in route.visit_ids}
        lost = {left.visit: left for left in (*day.plan.unassigned, *found.unassigned)}
        unassigned = tuple(left for name, left in lost.items() if name not in placed)
        return scheduler.Plan(routes=routes, unassigned=unassigned, cost=found.cost, stats=found.stats)

    @staticmethod
    def _route(day: Day, shift: str) -> tuple[scheduler.Problem, scheduler.Plan]:
        free = {left.visit for left in day.plan.unassigned if _may_go_to(day, left.visit, shift)}
        return _part(day, {shift}, free | set(day.plan.route_of(shift).visit_ids))

    @staticmethod
    def _selected(day: Day, names: set[str]) -> tuple[scheduler.Problem, scheduler.Plan]:
        where = {name: route.shift for route in day.plan.routes for name in route.visit_ids}
        known = [visit.id for visit in day.problem.visits if visit.id in where or visit.id in names]
        problem, plan = _part(day, set(day.problem.shift_by_id), known)
        visits = tuple(
            visit if visit.id in names or visit.pinned else _kept_with(visit, where[visit.id])
            for visit in problem.visits
        )
        return replace(problem, visits=visits), plan


def _may_go_to(day: Day, name: str, shift: str) -> bool:
    pin = day.problem.visit_by_id[name].pinned
    return pin is None or pin.shift in (None, shift)


def _kept_with(visit: scheduler.Visit, shift: str) -> scheduler.Visit:
    return replace(visit, pinned=scheduler.Pin(shift=shift))


def _part(day: Day, shifts: set[str], names: Iterable[str]) -> tuple[scheduler.Problem, scheduler.Plan]:
    """The day as if these were all its shifts and visits."""
    known = set(names)
    visits = (visit for visit in day.problem.visits if visit.id in known)
    problem = replace(
        day.problem,
        shifts=tuple(shift for shift in day.problem.shifts if shift.id in shifts),
        visits=tuple(pinned_to(shifts, visit) for visit in visits),
    )
    plan = scheduler.Plan(
        routes=tuple(route for route in day.plan.routes if route.shift in shifts),
        unassigned=tuple(left for left in day.plan.unassigned if left.visit in known),
    )
    return problem, plan


@dataclass(frozen=True)
class Aim:
    """What is asked of a search."""

    goal: Goal = Goal.BALANCED
    scope: Scope = Scope()


ANYTHING = Aim()


def busy_gap_s(problem: scheduler.Problem, plan: scheduler.Plan) -> int:
    """Seconds of work and driving by which the busiest technician exceeds the idlest."""
    fair = replace(problem, weights=replace(problem.weights, fairness=1.0))
    return costs.evaluate(fair, plan)["fairness"]


def goals_of(stored: Mapping[str, Any]) -> tuple[Goal, ...]:
    """The goals that a job's payload names; one search for each."""
    return tuple(Goal(name) for name in stored.get("goals", ())) or (Goal.BALANCED,)
