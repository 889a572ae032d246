"""From a peer's orders to a plan: timed by `scheduler.timeline`, judged by `scheduler.check`, as ours is."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.peers.common import Orders, may_serve
from scheduler.model import Plan, Problem, Route
from scheduler.rules import check
from scheduler.timeline import schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A legal plan, and how many visits had to be moved or taken out to make the orders legal."""

    plan: Plan
    repairs: int


def judge(problem: Problem, orders: Orders) -> Judged:
    """The plan with these orders.

    A route that breaks a rule here (a peer may let a break interrupt a drive) loses the fewest and lightest
    visits that make it legal; they are then put wherever there is room, heaviest first.
    """
    routes: dict[str, Route] = {}
    dropped: list[str] = []
    for shift_id, order in orders.items():
        if order:
            routes[shift_id], lost = _legal(problem, shift_id, list(order))
            dropped += lost
    for visit_id in sorted(dropped, key=lambda name: -problem.visit_by_id[name].priority):
        _put_back(problem, routes, visit_id)
    return Judged(
        plan=Plan(routes=tuple(route for route in routes.values() if route.stops)), repairs=len(dropped)
    )


def timed(problem: Problem, shift_id: str, order: Sequence[str]) -> Route | None:
    """The route with this order that breaks no rule, or None."""
    route = schedule(problem, shift_id, order)
    if route is None or check(problem, Plan(routes=(route,))):
        return None
    return route


def _legal(problem: Problem, shift_id: str, order: list[str]) -> tuple[Route, list[str]]:
    """The order without the visits that keep it from being legal."""
    lost: list[str] = []
    while (route := timed(problem, shift_id, order)) is None:
        victim = _victim(problem, shift_id, order)
        order.remove(victim)
        lost.append(victim)
    return route, lost


def _victim(problem: Problem, shift_id: str, order: Sequence[str]) -> str:
    """The lightest visit whose removal makes the order legal, else the lightest."""
    lightest = sorted(order, key=lambda name: problem.visit_by_id[name].priority)
    for name in lightest:
        if timed(problem, shift_id, [other for other in order if other != name]) is not None:
            return name
    return lightest[0]


def _put_back(problem: Problem, routes: dict[str, Route], visit_id: str) -> None:
    """Insert the visit where it adds least to the end of a route, if anywhere."""
    visit = problem.visit_by_id[visit_id]
    best: tuple[int, Route] | None = None
    for shift in problem.shifts:
        if not may_serve(visit, shift):
            continue
        order = routes[shift.id].visit_ids if shift.id in routes else ()
        before = _driven_s(routes.get(shift.id))
        for position in range(len(order) + 1):
            route = timed(problem, shift.id, [*order[:position], visit_id, *order[position:]])
            if route is not None and (best is None or _driven_s(route) - before < best[0]):
                best = _driven_s(route) - before, route
    if best is not None:
        routes[best[1].shift] = best[1]


def _driven_s(route: Route | None) -> int:
    return 0 if route is None else sum(stop.travel_s for stop in route.stops)
