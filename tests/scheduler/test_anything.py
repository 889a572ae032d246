"""Whatever the problem, with any subset of the fields: what every search promises."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from scheduler.costs import evaluate, objective
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.instances import anything

ENGINES = pytest.mark.parametrize("engine", ["local", "routing", "auto"])


def random_problems(examples):
    """Runs a test on so many of them."""

    def decorated(test):
        test = given(problem=anything())(test)
        slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
        return settings(max_examples=examples, deadline=None, suppress_health_check=slow)(test)

    return decorated


def served(plan):
    return {visit_id for route in plan.routes for visit_id in route.visit_ids}


@ENGINES
@random_problems(40)
def test_every_plan_is_legal_and_complete(engine, problem):
    """The judge has nothing to say, the cost is what it counts, and each visit left out has its reasons."""
    plan = solve(problem, iterations=1, engine=engine)
    assert check(problem, plan) == []
    assert plan.cost == evaluate(problem, plan)
    left = {each.visit for each in plan.unassigned}
    assert left | served(plan) == set(problem.visit_by_id)
    assert left.isdisjoint(served(plan))
    assert all(each.reasons for each in plan.unassigned)


@ENGINES
@random_problems(40)
def test_a_start_never_gets_worse(engine, problem):
    """No promised or pinned visit of the start is dropped, and the plan costs no more than the start."""
    start = solve(problem, iterations=1, seed=2)
    plan = solve(problem, start, iterations=1, engine=engine)
    assert check(problem, plan) == []
    had = served(start)
    assert {v.id for v in problem.visits if v.id in had and (v.promised or v.pinned)} <= served(plan)
    assert objective(plan.cost) <= objective(evaluate(problem, start, baseline=start))


@ENGINES
@random_problems(25)
def test_same_input_same_plan(engine, problem):
    """The same problem, seed and iterations give the same routes to the last second.

    Fairness and restocking are left out: the local search does not see them, and which of its plans it
    reports on the way depends on the clock.
    """
    seen = replace(problem, restock=None, weights=replace(problem.weights, fairness=0.0))
    plans = [solve(seen, iterations=1, seed=3, engine=engine) for _ in range(2)]
    assert (plans[0].routes, plans[0].cost) == (plans[1].routes, plans[1].cost)
