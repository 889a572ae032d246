"""The search that makes room for a visit (`scheduler.repair`): the one function that says which it is."""

from collections.abc import Iterator

from scheduler.engines.local import LocalSearch
from scheduler.engines.warm import warm
from scheduler.incumbent import Orders
from scheduler.limits import Limit
from scheduler.model import Problem

SLICE_S = 0.1
"""Seconds after which the search is asked what it has."""


def rearranged(
    problem: Problem, orders: Orders, seconds: float, seed: int, threads: int = 1
) -> Iterator[Orders]:
    """Orders that serve what these serve, and more of the problem's visits if they can.

    Compiles what is not on disk yet: never call it in a web process.
    """
    warm()
    limit = Limit(seconds=seconds, iterations=None, should_stop=None)
    kept = {visit_id for order in orders.values() for visit_id in order}
    engine = LocalSearch(problem, kept)
    latest: list[Orders] = [orders]
    turn = 0
    while (left_s := limit.left_s()) > 0.01:
        slice_ = Limit(seconds=min(SLICE_S, left_s), iterations=None, should_stop=None)
        engine.improve(latest[-1], slice_, seed + turn, threads, latest.append)
        turn += 1
        yield latest[-1]
