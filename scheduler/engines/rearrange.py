"""The search that makes room for a visit (`scheduler.repair`): the one function that says which it is."""

from collections.abc import Iterator
from dataclasses import replace

from scheduler.costs import Former, starts_of
from scheduler.engines.local import LocalSearch
from scheduler.engines.warm import is_warm, warm
from scheduler.incumbent import Orders
from scheduler.limits import Limit
from scheduler.model import Plan, Problem
from scheduler.timeline import schedule

CHANGE = 5.0
"""Weight of changes: who has to move for a visit is told, so nobody moves for a little less driving."""
SLICE_S = 0.1
"""Seconds after which the search is asked what it has."""


def rearranged(
    problem: Problem, orders: Orders, seconds: float, seed: int, threads: int = 1
) -> Iterator[Orders]:
    """Orders that serve what these serve, and more of the problem's visits if they can.

    Compiles what is not on disk yet: never call it in a web process.
    """
    if not is_warm():
        warm()
    steady = replace(problem, weights=replace(problem.weights, change=max(problem.weights.change, CHANGE)))
    limit = Limit(seconds=seconds, iterations=None, should_stop=None)
    kept = {visit_id for order in orders.values() for visit_id in order}
    engine = LocalSearch(steady, kept, _former(problem, orders))
    latest: list[Orders] = [orders]
    turn = 0
    while (left_s := limit.left_s()) > 0.01:
        slice_ = Limit(seconds=min(SLICE_S, left_s), iterations=None, should_stop=None)
        engine.improve(latest[-1], slice_, seed + turn, threads, latest.append)
        turn += 1
        yield latest[-1]


def _former(problem: Problem, orders: Orders) -> Former:
    """Where everybody is now."""
    routes = [schedule(problem, shift, list(order)) for shift, order in orders.items()]
    return starts_of(problem, Plan(routes=tuple(route for route in routes if route is not None)))
