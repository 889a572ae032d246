"""A technician calls in sick on a running day: what becomes of the promises, how soon, and who is moved."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.instances import load
from scheduler.costs import evaluate
from scheduler.model import Plan, Problem, Route, Shift, Stop
from scheduler.rules import check
from scheduler.solver import solve

DAY = "days:visits=400,seed=7,breaks=1,load=1.03"
TECHNICIANS = 50
SICK_AT_S = 10 * 3600 + 1800
RUNNING_CHANGE = 2.0
"""The weight of changes that the product gives a day which was dispatched."""
FIRST_PLAN_BAR_S, MOVED_BAR = 2.0, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What came of it.

    `lost` are promised visits without a stop, `reference` those of a longer search that may move everybody;
    `first_s` and `settled_s` are when the first plan came, and the first that loses no more than the last.
    """

    technicians: int
    open_visits: int
    of_sick: int
    change: float
    first_s: float
    first_lost: int
    settled_s: float
    lost: int
    reference: int
    untouched: int
    moved: int
    took_s: float
    violations: int

    @property
    def moved_share(self) -> float:
        return self.moved / max(1, self.untouched)

    @property
    def kept(self) -> bool:
        """Whether every bar is kept."""
        good = self.first_s <= FIRST_PLAN_BAR_S and self.moved_share <= MOVED_BAR
        return good and self.lost <= self.reference and not self.violations


def promised_day(seconds: float, threads: int) -> tuple[Problem, Plan]:
    """A planned day whose customers were told their windows."""
    problem = load(DAY).problem
    plan = solve(problem, seconds=seconds, threads=threads)
    served = {visit for route in plan.routes for visit in route.visit_ids}
    visits = tuple(replace(visit, promised=visit.id in served) for visit in problem.visits)
    return replace(problem, visits=visits), plan


def running(problem: Problem, plan: Plan, now_s: int, sick: str) -> tuple[Problem, Plan]:
    """What is left of the day at a second, without the sick technician, and the rest of the plan.

    Work that began is finished; a van is free from then on, where it is. The plan still has the route of the
    sick technician, whose shift the problem does not have: those visits need somebody else.
    """
    done: set[str] = set()
    shifts, routes = [], []
    for shift in problem.shifts:
        stops = plan.route_of(shift.id).stops
        begun = [stop for stop in stops if stop.start_s <= now_s]
        ahead = tuple(stop for stop in stops if stop.start_s > now_s)
        done |= {stop.visit for stop in begun if stop.visit is not None}
        routes.append(Route(shift=shift.id, stops=ahead))
        if shift.technician != sick:
            shifts.append(_from_here(problem, shift, begun, now_s))
    visits = tuple(visit for visit in problem.visits if visit.id not in done)
    return replace(problem, visits=visits, shifts=tuple(shifts)), Plan(routes=tuple(routes))


def _from_here(problem: Problem, shift: Shift, begun: list[Stop], now_s: int) -> Shift:
    places = [problem.visit_by_id[stop.visit].location for stop in begun if stop.visit is not None]
    taken = {stop.break_index for stop in begun if stop.break_index is not None}
    return replace(
        shift,
        start_location=places[-1] if places else shift.start_location,
        available_s=max([now_s, *(stop.departure_s for stop in begun)]),
        breaks=tuple(rest for index, rest in enumerate(shift.breaks) if index not in taken),
    )


def busiest(plan: Plan, problem: Problem, now_s: int) -> str:
    """The technician with the most visits ahead."""
    ahead = {
        problem.shift_by_id[route.shift].technician: sum(
            stop.visit is not None and stop.start_s > now_s for stop in route.stops
        )
        for route in plan.routes
    }
    return max(ahead, key=lambda name: ahead[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sickness:
    """A running day at the second of the call: what is left, the plan so far, and how few can be lost."""

    problem: Problem
    rest: Problem
    start: Plan
    sick: str
    reference: int


def call(plan_s: float, reference_s: float, threads: int) -> Sickness:
    """Plan the day, let the technician with the most work ahead call in sick, see what is possible."""
    problem, plan = promised_day(plan_s, threads)
    sick = busiest(plan, problem, SICK_AT_S)
    rest, start = running(problem, plan, SICK_AT_S, sick)
    free = replace(rest, weights=replace(rest.weights, change=0.0))
    reference = _lost(rest, solve(free, start, seconds=reference_s, threads=threads))
    return Sickness(problem=problem, rest=rest, start=start, sick=sick, reference=reference)


def measure(day: Sickness, change: float, seconds: float, threads: int) -> Replanned:
    """Plan the rest of the day again with a weight of changes."""
    problem, start, sick = day.problem, day.start, day.sick
    rest = replace(day.rest, weights=replace(day.rest.weights, change=change))
    of_sick = {
        visit
        for route in start.routes
        if problem.shift_by_id[route.shift].technician == sick
        for visit in route.visit_ids
    }
    found: list[tuple[float, int]] = []
    began = time.perf_counter()

    def progress(better: Plan) -> None:
        found.append((time.perf_counter() - began, _lost(rest, better)))

    again = solve(rest, start, seconds=seconds, threads=threads, progress=progress)
    took = time.perf_counter() - began
    found.append((took, _lost(rest, again)))
    before, after = _technicians(problem, start), _technicians(rest, again)
    untouched = before.keys() & after.keys() - of_sick
    return Replanned(
        technicians=len({shift.technician for shift in problem.shifts}),
        open_visits=len(rest.visits),
        of_sick=len(of_sick),
        change=change,
        first_s=found[0][0],
        first_lost=found[0][1],
        settled_s=next(at for at, lost in found if lost <= found[-1][1]),
        lost=found[-1][1],
        reference=day.reference,
        untouched=len(untouched),
        moved=sum(before[visit] != after[visit] for visit in untouched),
        took_s=took,
        violations=len(check(rest, again)),
    )


def _lost(problem: Problem, plan: Plan) -> int:
    return int(evaluate(problem, plan)["promised_unassigned"])


def _technicians(problem: Problem, plan: Plan) -> Mapping[str, str]:
    return {
        visit: problem.shift_by_id[route.shift].technician
        for route in plan.routes
        for visit in route.visit_ids
    }


def report(found: Replanned) -> str:
    """In words, one line for each figure."""
    return "\n".join(
        [
            f"- {found.technicians} technicians, {found.open_visits} visits not begun; "
            f"the sick one had {found.of_sick}",
            f"- weight of changes {found.change:g}: first plan after {found.first_s:.2f} s "
            f"(bar {FIRST_PLAN_BAR_S:g} s) with {found.first_lost} promises lost, "
            f"no more than at the end after {found.settled_s:.2f} s; back after {found.took_s:.2f} s",
            f"- promises lost: {found.lost}; by a longer search that may move everybody: {found.reference}",
            f"- moved to another technician: {found.moved} of {found.untouched} untouched visits "
            f"({100 * found.moved_share:.1f} %, bar {100 * MOVED_BAR:g} %)",
            f"- violations: {found.violations}; {'kept' if found.kept else 'MISSED'}",
        ]
    )
