"""Each engine alone: better orders than it was given, and legal ones."""

import gc
import weakref

import pytest

from scheduler.costs import evaluate, objective
from scheduler.engines.first import FirstPlan
from scheduler.engines.local import LocalSearch
from scheduler.engines.routing import RoutingEngine
from scheduler.incumbent import Incumbent
from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.model import Plan
from scheduler.rules import check
from scheduler.timeline import schedule
from tests.scheduler.scenes import EIGHT, HOUR, make_problem, make_shift, make_visit
from tests.scheduler.test_solver import town


def limit(iterations):
    return Limit(seconds=None, iterations=iterations, should_stop=None)


def filled(problem):
    """The orders of cheapest insertion."""
    board = Board(problem, Plan())
    FirstPlan(board, problem.visits, ()).fill(limit(1))
    return board.orders()


def routing(problem, orders, found):
    RoutingEngine(problem, orders, ()).improve(limit(200), 1, found)


def local(problem, orders, found):
    LocalSearch(problem).improve(orders, limit(2), 1, 1, found)


def timed(problem, orders):
    routes = (schedule(problem, shift_id, order) for shift_id, order in orders.items())
    return Plan(routes=tuple(route for route in routes if route is not None))


@pytest.mark.parametrize("engine", [routing, local])
def test_engine_improves_and_stays_legal(engine):
    """From the same orders each engine alone finds cheaper ones that can be timed and break no rule."""
    problem, found = town(), []
    begun = filled(problem)
    engine(problem, begun, found.append)
    best = timed(problem, found[-1])
    assert check(problem, best) == []
    assert objective(evaluate(problem, best)) < objective(evaluate(problem, timed(problem, begun)))


def test_the_routing_engine_frees_its_model():
    """Nothing is left of a search when it is over: a process that plans all day does not grow."""
    problem, models = town(6, 2), []

    class Watched(RoutingEngine):
        def _build(self):
            super()._build()
            models.append(weakref.ref(self.routing))

    gc.disable()
    try:
        Watched(problem, filled(problem), ()).improve(limit(5), 1, lambda orders: None)
        assert [model() for model in models] == [None]
    finally:
        gc.enable()


def test_the_judge_takes_no_illegal_plan():
    """An order that cannot be timed loses visits until it can, and an illegal plan is not taken at all."""
    window = ((EIGHT, EIGHT + HOUR // 2),)
    visits = [make_visit(id="A", windows=window, priority=5), make_visit(id="B", windows=window)]
    problem = make_problem([*visits, make_visit(id="C", skills={"gas": 1})], [make_shift()])
    incumbent = Incumbent(problem, None, (), None)
    assert incumbent.offer_orders({"ana/mon": ["B", "A"]})
    assert incumbent.best.routes[0].visit_ids == ("A",)
    assert not incumbent.offer_orders({"ana/mon": ["A", "C"]})
    assert incumbent.best.routes[0].visit_ids == ("A",)
