"""Every field of the contract, end to end: `solve` honours it, and would plan otherwise without it."""

import pytest

from scheduler.engines.routing import RoutingEngine
from scheduler.limits import Limit
from scheduler.model import Weights
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.scenes import HOUR, MINUTE, line, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}


def served(plan):
    """Who serves what, in order, leaving out the idle."""
    return {route.shift: route.visit_ids for route in plan.routes if route.visit_ids}


def planned(problem, **options):
    """The plan of a short search; it must be legal."""
    plan = solve(problem, **({"iterations": 5} | options))
    assert check(problem, plan) == []
    return plan


def routed(problem):
    """The orders that OR-Tools' routing alone finds."""
    found = [{}]
    limit = Limit(seconds=None, iterations=30, should_stop=None)
    RoutingEngine(problem, {}, ()).improve(limit, 1, found.append)
    return {shift: tuple(order) for shift, order in found[-1].items() if order}


@pytest.mark.parametrize("profile", [None, "bike"])
def test_a_slow_profile_keeps_far_visits_off(profile):
    """A visit whose window only the van reaches goes to the van, and nowhere when all go by bicycle."""
    visit = make_visit(location=5, windows=((8 * HOUR, 9 * HOUR),))
    team = [make_shift(profile="bike"), make_shift(**BEN, start_location=1, end_location=1, profile=profile)]
    problem = make_problem([visit], team, travel_profiles={"bike": line(6, 20 * MINUTE)})
    expected = {} if profile else {"ben/mon": ("V1",)}
    assert served(planned(problem)) == expected
    assert routed(problem) == expected


def test_metres_count_where_they_weigh():
    """Of two ways to serve a visit the shorter one wins over the faster one when metres weigh more."""
    metres = line(6, 1000)
    metres[:, 4] = metres[4, :] = 90_000
    team = [make_shift(start_location=3, end_location=3), make_shift(**BEN, start_location=4, end_location=4)]
    for weight, shift in ((0.0, "ben/mon"), (1.0, "ana/mon")):
        visit = make_visit(location=5)
        problem = make_problem([visit], team, distance_m=metres, weights=Weights(distance=weight))
        assert served(planned(problem)) == {shift: ("V1",)}
        assert routed(problem) == {shift: ("V1",)}
