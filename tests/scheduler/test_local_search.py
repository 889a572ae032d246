"""The compiled local search: it counts like the judge, keeps what must be kept, and stops in time."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from scheduler.costs import evaluate, objective, starts_of
from scheduler.engines.local import LocalSearch
from scheduler.engines.regions import Relay, Routes, cut, join
from scheduler.engines.warm import warm
from scheduler.limits import Limit
from scheduler.model import Plan, Restock
from scheduler.rules import check
from scheduler.timeline import schedule
from tests.scheduler.instances import greedy_plan, problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit
from tests.scheduler.test_solver import town


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Compiling takes half a minute where it was never done, which is no matter of these tests."""
    warm()


def limit(iterations=None, **parts):
    return Limit(**({"seconds": None, "iterations": iterations, "should_stop": None} | parts))


def search(problem, orders=None, iterations=1, threads=1, keep=(), former=None):
    """The engine after a search, and the last plan that it found."""
    engine, found = LocalSearch(problem, keep, former), []
    engine.improve(orders or {}, limit(iterations), 1, threads, found.append)
    routes = [schedule(problem, shift_id, order) for shift_id, order in found[-1].items()] if found else []
    assert None not in routes
    return engine, Plan(routes=tuple(route for route in routes if route.stops))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_it_counts_like_the_judge(problem):
    """Whatever the problem, each plan can be timed, breaks no rule, and costs what the engine says."""
    engine, plan = search(problem)
    assert check(problem, plan) == []
    if engine.best is not None:
        cost = evaluate(problem, plan)
        assert engine.best.rank[1:3] == objective(cost)[:2]
        assert engine.best.rank[3] == pytest.approx(cost["cost"] - cost["fairness"], abs=1)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_it_counts_changes_like_the_judge(problem):
    """The same when a former plan is compared with, and nothing of it that must be kept is lost."""
    start = greedy_plan(problem, keep_out="")
    served = {visit_id for route in start.routes for visit_id in route.visit_ids}
    keep = {visit.id for visit in problem.visits if visit.id in served and (visit.promised or visit.pinned)}
    orders = {route.shift: route.visit_ids for route in start.routes}
    engine, plan = search(problem, orders, keep=keep, former=starts_of(problem, start))
    assert check(problem, plan) == []
    if engine.best is not None:
        cost = evaluate(problem, plan, baseline=start)
        assert engine.best.rank[3] == pytest.approx(cost["cost"] - cost["fairness"], abs=1)
        assert keep <= {visit_id for route in plan.routes for visit_id in route.visit_ids}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(restock=True))
def test_it_fetches_like_the_judge(problem):
    """With a place to restock each plan is legal, and the engine counts no less than it costs.

    No less, because the judge's stop to restock may lie better; how late a start is does not count, for the
    place of the stop is chosen without it.
    """
    visits = tuple(replace(visit, due_s=None, preferred_windows=()) for visit in problem.visits)
    problem = replace(problem, visits=visits)
    engine, plan = search(problem)
    assert check(problem, plan) == []
    if engine.best is not None:
        cost = evaluate(problem, plan)
        assert engine.best.rank[1:3] == objective(cost)[:2]
        assert engine.best.rank[3] >= cost["cost"] - cost["fairness"] - 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(most_visits=4, restock=True))
def test_small_problems_with_restocking_are_solved_to_the_end(problem):
    """Up to four visits, tools and parts that must be fetched: as many are served as by trying everything."""
    _, plan = search(problem, iterations=2)
    assert objective(evaluate(problem, plan))[:2] == best_by_trying(problem)[:2]


def test_parts_are_fetched_in_large_problems():
    """In parts by thread as well: half of the visits need a tool that no van has."""
    problem = town(300, 30)
    visits = tuple(
        replace(visit, tools=frozenset({"camera"} if number % 2 else ()))
        for number, visit in enumerate(problem.visits)
    )
    problem = replace(problem, visits=visits, restock=Restock(location=0, service_s=5 * MINUTE))
    engine, found = LocalSearch(problem), []
    engine.improve({}, limit(seconds=1.5), 1, 2, found.append)
    routes = [schedule(problem, shift_id, order) for shift_id, order in found[-1].items()]
    plan = Plan(routes=tuple(route for route in routes if route.stops))
    assert check(problem, plan) == []
    assert any(stop.restock for route in plan.routes for stop in route.stops)
    assert engine.best.rank[1:3] == objective(evaluate(problem, plan))[:2]


def best_by_trying(problem):
    """The objective of the best plan, by trying every order of every choice of visits on every shift."""
    names = [visit.id for visit in problem.visits]
    shifts = [shift.id for shift in problem.shifts]
    best = objective(evaluate(problem, Plan()))
    for assigned in itertools.product([None, *shifts], repeat=len(names)):
        routes = []
        for shift in shifts:
            own = [name for name, where in zip(names, assigned, strict=True) if where == shift]
            timed = [schedule(problem, shift, order) for order in itertools.permutations(own)]
            legal = [route for route in timed if route and not check(problem, Plan(routes=(route,)))]
            if not legal:
                break
            costs = [evaluate(problem, Plan(routes=(route,)))["cost"] for route in legal]
            routes.append(legal[int(np.argmin(costs))])
        else:
            best = min(best, objective(evaluate(problem, Plan(routes=tuple(routes)))))
    return best


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(most_visits=4))
def test_small_problems_are_solved_to_the_end(problem):
    """On up to four visits it finds what trying everything finds."""
    _, plan = search(problem, iterations=2)
    assert objective(evaluate(problem, plan)) == best_by_trying(problem)


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_plan(threads):
    """With iterations limited the result does not depend on time, with one thread and with two."""
    problem = town()
    plans = [search(problem, iterations=4, threads=threads)[1] for _ in range(2)]
    assert plans[0] == plans[1]


def test_seeds_differ():
    """The seed matters: the control of the test above."""
    problem, found = town(60, 6), []
    for seed in (1, 2):
        engine = LocalSearch(problem)
        engine.improve({}, limit(1), seed, 1, lambda orders: None)
        found.append(engine.best.stops.tolist())
    assert found[0] != found[1]


def test_room_is_made_by_moving_others():
    """A visit that fits only after another one moved is placed."""
    team = [make_shift(end_s=EIGHT + 80 * 60), make_shift(id="ben/mon", technician="ben", skills={"gas": 1})]
    window = ((EIGHT, 9 * HOUR),)
    problem = make_problem(
        [make_visit(id="A", windows=window), make_visit(id="B", skills={"gas": 1}, windows=window)], team
    )
    _, plan = search(problem, {"ben/mon": ["A"]})
    assert {route.shift: route.visit_ids for route in plan.routes} == {"ana/mon": ("A",), "ben/mon": ("B",)}


def test_a_visit_to_keep_is_worth_more_than_all_others():
    """Two promised visits of great weight do not push out one that must be kept, which is not promised."""
    window = ((EIGHT, EIGHT + 20 * MINUTE),)
    others = [make_visit(id=name, location=2, windows=window, priority=9, promised=True) for name in "AB"]
    problem = make_problem([*others, make_visit(id="K", location=2, windows=window)])
    start = make_plan(problem, ana=["K"])
    _, kept = search(problem, {"ana/mon": ["K"]}, keep={"K"}, former=starts_of(problem, start))
    _, free = search(problem, {"ana/mon": ["K"]})
    assert kept.routes[0].visit_ids == ("K",)
    assert free.routes[0].visit_ids != ("K",)


@pytest.mark.alone
def test_it_stops_when_asked():
    """The search is over within a tenth of a second after the question is answered with yes."""
    problem = town(100, 10)
    began = time.monotonic()
    asked = limit(seconds=30, should_stop=lambda: time.monotonic() - began > 0.5)
    LocalSearch(problem).improve({}, asked, 1, 2, lambda orders: None)
    assert time.monotonic() - began < 0.7


def test_an_error_in_a_thread_is_raised():
    """What goes wrong in a thread of the search is not lost with it."""
    problem = town(10, 2)
    engine = LocalSearch(problem)
    with pytest.raises(ValueError, match="could not broadcast|shape mismatch|setting an array"):
        engine.improve(
            {"T0/mon": [visit.id for visit in problem.visits] * 100}, limit(1), 1, 1, lambda orders: None
        )


@pytest.mark.alone
def test_threads_share_one_large_plan():
    """Above `LARGE` visits the threads work on parts of one plan: legal, as counted, and in time."""
    problem, found = town(300, 30), []
    engine, began = LocalSearch(problem), time.monotonic()
    engine.improve({}, limit(seconds=1.5), 1, 2, found.append)
    assert time.monotonic() - began < 2.2
    routes = [schedule(problem, shift_id, order) for shift_id, order in found[-1].items()]
    plan = Plan(routes=tuple(route for route in routes if route.stops))
    assert check(problem, plan) == []
    assert engine.best.rank[1:3] == objective(evaluate(problem, plan))[:2]


def test_a_cut_gives_every_route_and_visit_one_part():
    """Visits on a route go with it, parts are of like size, and joining takes each route from its part."""
    data = LocalSearch(town(60, 8)).data
    stops, length = np.zeros((8, 20), np.int64), np.full(8, 7)
    for shift in range(8):
        stops[shift, 1:8] = np.arange(shift * 7, shift * 7 + 7)
    routes = Routes(stops, length)
    found = cut(data, routes, 2, turn=1)
    assert sorted(np.bincount(found.shifts)) == [4, 4]
    assert all((found.visits[stops[shift, 1:8]] == found.shifts[shift]).all() for shift in range(8))
    joined = join([routes, Routes(stops + 100, length - 1)], found.shifts)
    assert (joined.length == np.where(found.shifts == 0, 7, 6)).all()
    assert (joined.stops[found.shifts == 1, 1] >= 100).all()


def test_cuts_differ():
    """Every turn is cut elsewhere, so that no pair of routes stays apart."""
    data = LocalSearch(town(60, 8)).data
    routes = Routes(np.zeros((8, 20), np.int64), np.zeros(8, np.int64))
    assert len({tuple(cut(data, routes, 2, turn).shifts.tolist()) for turn in range(8)}) > 2


def test_threads_meet_again_when_one_came_late():
    """Who waited in vain goes on alone; at the next meeting both are there again."""
    engine = LocalSearch(town(20))
    relay = Relay(engine.data, 2)
    rows = np.zeros((len(engine.data.shifts), 30), np.int64)
    routes = Routes(rows, np.zeros(len(rows), np.int64))
    assert not relay.meet(0, routes, routes, 0.01)
    assert not relay.meet(1, routes, routes, 0.01)
    with ThreadPoolExecutor(2) as pool:
        met = [pool.submit(relay.meet, number, routes, routes, 30.0) for number in range(2)]
    assert [each.result() for each in met] == [True, True]
