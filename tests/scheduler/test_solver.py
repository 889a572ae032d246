"""`solve`: legal plans, never worse than the start, in time, and the same for the same input."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from scheduler.costs import evaluate, objective
from scheduler.model import Break, Pin, Plan, Problem, Shift, Visit
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.instances import greedy_plan, problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit


def town(visits=30, technicians=4, seed=1):
    """Random places in a square of half an hour's drive, mixed skills, windows, breaks and homes."""
    chance = np.random.default_rng(seed)
    points = chance.uniform(0, 1800, (visits + technicians, 2))
    travel = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)).astype(np.int32)
    noon = Break(earliest_s=11 * HOUR, latest_s=13 * HOUR, duration_s=30 * MINUTE)
    return Problem(
        travel_s=travel,
        visits=tuple(
            Visit(
                id=f"V{n}",
                location=technicians + n,
                service_s=20 * MINUTE + 60 * (n % 40),
                windows=((EIGHT + n % 4 * 2 * HOUR, EIGHT + n % 4 * 2 * HOUR + 2 * HOUR),),
                skills={"gas": n % 3} if n % 2 else {},
                priority=1 + n % 5,
                promised=n % 4 == 0,
                preferred_technicians={"T1": 300} if n % 7 == 0 else {},
            )
            for n in range(visits)
        ),
        shifts=tuple(
            Shift(
                id=f"T{n}/mon",
                technician=f"T{n}",
                start_location=n,
                end_location=n if n % 2 else None,
                start_s=EIGHT,
                end_s=16 * HOUR,
                overtime_s=HOUR,
                breaks=(noon,),
                skills={"gas": n},
            )
            for n in range(technicians)
        ),
    )


def complete(problem, plan):
    """Every visit is on a route or unassigned with a reason, and the cost is what `evaluate` says."""
    left = {each.visit for each in plan.unassigned}
    served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
    assert left | served == set(problem.visit_by_id)
    assert left.isdisjoint(served)
    assert all(each.reasons for each in plan.unassigned)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_every_plan_is_legal_and_complete(problem):
    """Whatever the problem, `check` has nothing to say, and each visit that is left has its reasons."""
    plan = solve(problem, iterations=3)
    assert check(problem, plan) == []
    complete(problem, plan)
    assert plan.cost == evaluate(problem, plan)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_never_worse_than_the_start(problem):
    """From a legal plan: no promised or pinned visit of it is lost, and the objective gets no worse."""
    start = greedy_plan(problem, keep_out="")
    plan = solve(problem, start, iterations=3)
    assert check(problem, plan) == []
    served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
    had = {visit_id for route in start.routes for visit_id in route.visit_ids}
    assert {v.id for v in problem.visits if v.id in had and (v.promised or v.pinned)} <= served
    before = evaluate(problem, start, baseline=start)
    assert objective(plan.cost) <= objective(before)


def test_same_input_same_plan():
    """The same problem, start, seed and iterations give the same plan to the last second."""
    problem = town()
    plans = [replace(solve(problem, iterations=5, seed=3), stats={}) for _ in range(2)]
    assert plans[0] == plans[1]


def test_engines_improve_on_insertion():
    """On a town of 30 visits the engines find a cheaper plan than cheapest insertion alone."""
    problem = town()
    begun = solve(problem, iterations=1, should_stop=iter_stop(60))
    better = solve(problem, iterations=30)
    assert objective(better.cost) < objective(begun.cost)
    assert check(problem, better) == []


def iter_stop(questions):
    """Says yes from the given question on."""
    left = iter(range(questions))
    return lambda: next(left, None) is None


@pytest.mark.alone
def test_seconds_are_a_promise():
    """The answer comes within 5 % and half a second, on one visit and on many more than there is time for."""
    for problem in (town(1, 1), town(400, 20)):
        began = time.monotonic()
        plan = solve(problem, seconds=1.0)
        assert time.monotonic() - began < 1.0 * 1.05 + 0.5
        assert check(problem, plan) == []
        complete(problem, plan)


@pytest.mark.alone
def test_stop_returns_the_best_so_far():
    """Asked to stop at once it is back at once, with a legal plan."""
    problem = town(200, 10)
    began = time.monotonic()
    plan = solve(problem, seconds=60, should_stop=lambda: time.monotonic() - began > 0.5)
    assert time.monotonic() - began < 2
    assert check(problem, plan) == []
    assert plan.cost["unassigned"] < 200


def test_progress_sees_ever_better_legal_plans():
    """Each plan that is shown is legal and better than the one before, and the last is the result."""
    problem, seen = town(), []
    plan = solve(problem, iterations=20, progress=seen.append)
    keys = [objective(shown.cost) for shown in seen]
    assert keys == sorted(set(keys), reverse=True)
    assert all(check(problem, shown) == [] for shown in seen)
    assert seen[-1].routes == plan.routes


def test_promised_beats_any_number_of_others():
    """When only one of two visits fits, the promised one is served although the other weighs more."""
    window = ((EIGHT, EIGHT + 20 * MINUTE),)
    visits = [
        make_visit(id="weighty", location=2, windows=window, priority=1000),
        make_visit(id="promised", location=2, windows=window, promised=True),
    ]
    plan = solve(make_problem(visits), iterations=3)
    assert plan.routes[0].visit_ids == ("promised",)


def test_priority_decides_between_others():
    """Of two visits of which one fits, the weightier is served, though it is farther away."""
    window = ((EIGHT, EIGHT + 50 * MINUTE),)
    visits = [
        make_visit(id="near", location=1, windows=window),
        make_visit(id="far", location=5, windows=window, priority=2),
    ]
    plan = solve(make_problem(visits), iterations=3)
    assert plan.routes[0].visit_ids == ("far",)
    assert plan.unassigned[0].reasons


def test_pins_and_promises_of_the_start_stay():
    """A pinned visit keeps its shift and start, and a promised one stays served."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben", start_location=5, end_location=5)]
    visits = [
        make_visit(id="pinned", location=5, pinned=Pin(shift="ana/mon", start_s=10 * HOUR)),
        make_visit(id="promised", location=5, promised=True),
    ]
    problem = make_problem(visits, team)
    plan = solve(problem, make_plan(problem, ana=["promised", "pinned"]), iterations=5)
    stop = next(s for s in plan.route_of("ana/mon").stops if s.visit == "pinned")
    assert stop.start_s == 10 * HOUR
    assert plan.unassigned == ()


def test_illegal_start_is_repaired():
    """A start that breaks rules, or names visits and shifts that are gone, still leads to a legal plan."""
    problem = make_problem([make_visit(id="A"), make_visit(id="B", promised=True)])
    start = make_plan(problem, ana=["A", "B"])
    now = make_problem(
        [make_visit(id="A", skills={"gas": 1}), make_visit(id="B", promised=True)],
        [make_shift(), make_shift(id="ben/mon", technician="ben", skills={"gas": 1})],
    )
    doubled = Plan(routes=(*start.routes, replace(start.routes[0], shift="gone")))
    plan = solve(now, doubled, iterations=3)
    assert check(now, plan) == []
    assert plan.unassigned == ()
    assert plan.stats["start_violations"] > 0


def test_preferences_steer():
    """A preferred technician is worth a detour of so many seconds, and not one more."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben", start_location=5, end_location=5)]
    for worth, technician in ((79 * MINUTE, "ana/mon"), (81 * MINUTE, "ben/mon")):
        visit = make_visit(location=0, preferred_technicians={"ben": worth + 20 * MINUTE})
        plan = solve(make_problem([visit], team), iterations=3)
        assert [route.shift for route in plan.routes if route.stops] == [technician]


def test_nothing_to_do_is_a_plan():
    """No visits, or no shifts, are no error."""
    assert solve(make_problem([]), iterations=1).routes == ()
    nobody = replace(make_problem([make_visit()]), shifts=())
    assert solve(nobody, iterations=1).unassigned[0].reasons == ("there are no shifts",)


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"seconds": -1}, {"iterations": 0}, {"threads": 0}])
def test_limits_are_positive(limits):
    """A limit of nothing is a mistake, and said to be one."""
    with pytest.raises(ValueError, match="must be more than 0"):
        solve(make_problem([]), **limits)
