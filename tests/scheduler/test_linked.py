"""Crews, order and the same technician: timed, suggested, planned, and improved by CP-SAT."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.costs import evaluate, objective
from scheduler.explain import explain
from scheduler.insertion import place, refusals, suggest
from scheduler.links import chains, joined, pinned_apart
from scheduler.model import After, Plan
from scheduler.rules import check
from scheduler.slots import Slots
from scheduler.solver import solve
from tests.scheduler.instances import links, problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit
from tests.scheduler.test_solver import complete, town

BEN = {"id": "ben/mon", "technician": "ben"}
CHO = {"id": "cho/mon", "technician": "cho"}


def team(*more, **overrides):
    return [make_shift(**overrides), *(make_shift(**(who | overrides)) for who in more)]


def starts(plan):
    """When the work at each visit starts, one entry for each technician."""
    found = {}
    for route in plan.routes:
        for stop in route.stops:
            if stop.visit:
                found.setdefault(stop.visit, []).append(stop.start_s)
    return found


def who(plan, visit_id):
    return sorted(route.shift.split("/")[0] for route in plan.routes if visit_id in route.visit_ids)


def linked_problems():
    """Random problems with some crews of two and some orders between visits."""
    return problems().flatmap(links)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(linked_problems())
def test_every_plan_is_legal_and_complete(problem):
    """Whatever hangs on what, `check` has nothing to say, and each visit that is left has its reasons."""
    plan = solve(problem, iterations=1)
    assert check(problem, plan) == []
    complete(problem, plan)
    assert plan.cost == evaluate(problem, plan)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(linked_problems())
def test_never_worse_than_the_start(problem):
    """From a legal plan no promised or pinned visit of it is lost, and the objective gets no worse."""
    start = solve(problem, iterations=1)
    plan = solve(problem, start, iterations=1, seed=2)
    assert check(problem, plan) == []
    had, has = set(starts(start)), set(starts(plan))
    assert {v.id for v in problem.visits if v.id in had and (v.promised or v.pinned)} <= has
    assert objective(plan.cost) <= objective(evaluate(problem, start, baseline=start))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(linked_problems(), st.randoms(use_true_random=False))
def test_what_is_suggested_can_be_placed(problem, chance):
    """Every place of a visit, alone or with a crew, beside visits that hang together, gives a legal plan."""
    plan = solve(problem, iterations=1)
    for visit in problem.visits:
        if visit.id in starts(plan) and any(visit.id == a.visit for v in problem.visits for a in v.after):
            continue  # what comes after it would hang in the air
        found = suggest(problem, plan, visit)
        for chosen in chance.sample(found, min(len(found), 3)):
            placed = place(problem, plan, visit, chosen)
            assert check(problem, placed) == []
            assert set(starts(placed)[visit.id]) == {chosen.start_s}


def test_crew_starts_together():
    """Two who come from different ends of the line start at the same second, when the later one is there."""
    team = [make_shift(), make_shift(**BEN, start_location=5, end_location=5)]
    problem = make_problem([make_visit(location=1, crew=2)], team)
    plan = solve(problem, iterations=1)
    assert check(problem, plan) == []
    assert starts(plan) == {"V1": [EIGHT + 40 * MINUTE] * 2}


def test_crew_is_never_half():
    """With one technician only, or two who are never free at once, the visit stays unassigned."""
    alone = make_problem([make_visit(crew=2)])
    late = [make_shift(end_s=12 * HOUR), make_shift(**BEN, start_s=12 * HOUR)]
    for problem in (alone, replace(alone, shifts=tuple(late))):
        plan = solve(problem, iterations=1)
        assert plan.routes == ()
        assert {found.rule for found in refusals(problem, plan, problem.visits[0]).values()} == {"crew"}
        assert plan.unassigned[0].reasons


@pytest.mark.parametrize(
    ("after", "start"),
    [
        ({"min_lag_s": 2 * HOUR}, EIGHT + 10 * MINUTE + 3 * HOUR),
        ({"max_lag_s": 5 * MINUTE}, None),
        ({}, 9 * HOUR + 20 * MINUTE),
    ],
)
def test_order_and_lags_are_kept(after, start):
    """The second visit starts as long after the first as it must, and not at all when it cannot."""
    visits = [make_visit(id="A"), make_visit(id="B", location=2, after=(After(visit="A", **after),))]
    plan = solve(make_problem(visits), iterations=1)
    assert starts(plan).get("B") == (None if start is None else [start])
    assert "A" in starts(plan)


def test_same_technician_is_kept():
    """The second visit, next door to ben, goes to ana who did the first; without the rule it goes to ben."""
    team = [make_shift(skills={"gas": 1}), make_shift(**BEN, start_location=5, end_location=5)]
    for same, name in ((True, "ana"), (False, "ben")):
        after = (After(visit="A", same_technician=same),)
        visits = [make_visit(id="A", skills={"gas": 1}), make_visit(id="B", location=5, after=after)]
        plan = solve(make_problem(visits, team), iterations=1)
        assert check(make_problem(visits, team), plan) == []
        assert who(plan, "B") == [name]


def test_what_is_in_the_way_moves():
    """CP-SAT moves a visit of ben's to cho, so that ana and ben are free at once for the promised crew."""
    window = ((EIGHT, EIGHT + 10 * MINUTE),)
    visits = [
        make_visit(id="crew", crew=2, windows=window, priority=50, skills={"gas": 1}),
        make_visit(id="other", windows=window),
    ]
    problem = make_problem(visits, [*team(BEN, skills={"gas": 1}), make_shift(**CHO)])
    start = make_plan(problem, ben=["other"])
    plan = solve(problem, start, iterations=2)
    assert check(problem, plan) == []
    assert who(plan, "crew") == ["ana", "ben"]
    assert who(plan, "other") == ["cho"]


def test_pinned_apart_and_joined_again():
    """A plan with a crew and an order survives being taken apart, and the parts hang on nothing."""
    visits = [make_visit(id="A", crew=2), make_visit(id="B", location=2, after=(After(visit="A"),))]
    problem = make_problem(visits, team(BEN))
    plan = solve(problem, iterations=1)
    apart, pinned = pinned_apart(problem, plan)
    assert all(visit.crew == 1 and not visit.after for visit in apart.visits)
    assert check(apart, pinned) == []
    assert joined(problem, pinned).routes == plan.routes


def test_chains_hang_together_in_order():
    """Visits that refer to each other are one chain, each after what it comes after; circles end, too."""
    visits = [
        make_visit(id="C", after=(After(visit="B"),)),
        make_visit(id="B", after=(After(visit="A"),)),
        make_visit(id="A"),
        make_visit(id="D", crew=2),
        make_visit(id="E"),
        make_visit(id="X", after=(After(visit="Y"),)),
        make_visit(id="Y", after=(After(visit="X"),)),
    ]
    found = [tuple(visit.id for visit in chain) for chain in chains(make_problem(visits))]
    assert sorted(found) == [("A", "B", "C"), ("D",), ("X", "Y")]
    plan = solve(make_problem(visits, team(BEN)), iterations=1)
    assert set(starts(plan)) == {"A", "B", "C", "D", "E"}


def test_suggested_crew_is_the_one_that_drives_least():
    """Of three technicians the two nearest are offered first, and the sum of their cost is told."""
    shifts = [make_shift(), make_shift(**BEN, start_location=5, end_location=5), make_shift(**CHO)]
    visit = make_visit(id="new", crew=2)
    best = suggest(make_problem([], shifts), Plan(), visit)[0]
    assert {best.technician, *(other.technician for other in best.together)} == {"ana", "cho"}
    assert best.added_cost == 40 * MINUTE


def test_suggestions_keep_what_hangs_together():
    """A visit is not offered where it would push one of a crew away from the other."""
    crew = make_visit(id="crew", crew=2, windows=((10 * HOUR, 11 * HOUR),))
    problem = make_problem([crew], team(BEN))
    plan = solve(problem, iterations=1)
    at = starts(plan)["crew"][0]
    new = make_visit(id="new", service_s=30 * MINUTE, windows=((9 * HOUR + 55 * MINUTE, 10 * HOUR),))
    assert suggest(problem, plan, new) == []
    assert suggest(problem, plan, replace(new, windows=((at + 2 * HOUR, at + 3 * HOUR),)))


def test_windows_are_asked_beside_crews():
    """`Slots` gives the cheapest of what `suggest` gives where a crew must not be moved."""
    crew = make_visit(id="crew", crew=2, windows=((10 * HOUR, 11 * HOUR),))
    problem = make_problem([crew], team(BEN))
    plan = solve(problem, iterations=1)
    windows = [(hour * HOUR, hour * HOUR + 30 * MINUTE) for hour in range(8, 16)]
    new = make_visit(id="new", service_s=30 * MINUTE)
    found = Slots(problem, plan).cheapest(new, windows)
    costs = [
        min(
            (place.added_cost for place in suggest(problem, plan, replace(new, windows=(window,)))),
            default=None,
        )
        for window in windows
    ]
    assert [place and place.added_cost for place in found] == costs
    assert None in costs
    assert 0 in costs
    with pytest.raises(ValueError, match="crew"):
        Slots(problem, plan).cheapest(replace(new, crew=2), windows)


def test_explanations_know_crews_and_orders():
    """A visit of a crew, placed or not, and one whose predecessor is nowhere, are explained."""
    visits = [
        make_visit(id="A", crew=3),
        make_visit(id="B", after=(After(visit="A"),)),
        make_visit(id="C", crew=2),
    ]
    problem = make_problem(visits, team(BEN))
    plan = solve(problem, iterations=1)
    told = {name: explain(problem, plan, name) for name in "ABC"}
    assert {found.rule for found in told["A"].refusals} == {"crew"}
    assert {found.rule for found in told["B"].refusals} == {"order"}
    assert told["C"].shift is not None
    why = {left.visit: left.reasons for left in plan.unassigned}
    assert why["A"] == ("too few of ana, ben are free at the same time",)
    assert "a visit that it comes after is not planned" in why["B"][0]


def crowded(visits=40, seed=1):
    """The town with a crew of two for every fifth visit, and every seventh after the one before."""
    problem = town(visits, 5, seed)
    chance = np.random.default_rng(seed)
    changed = []
    for number, visit in enumerate(problem.visits):
        after = ()
        if number % 7 == 6:
            before = problem.visits[number - 1]
            after = (After(visit=before.id, same_technician=bool(chance.integers(2))),)
        wide = ((EIGHT, 16 * HOUR),) if number % 7 in (5, 6) else visit.windows
        changed.append(replace(visit, crew=2 if number % 5 == 0 else 1, after=after, windows=wide, skills={}))
    return replace(problem, visits=tuple(changed))


@pytest.mark.alone
def test_time_is_kept_and_plans_get_better():
    """Back in time with a legal plan that is better than inserting one after the other."""
    problem = crowded()
    begun = solve(problem, iterations=1, should_stop=lambda: True)
    began = time.monotonic()
    plan = solve(problem, seconds=4)
    assert time.monotonic() - began < 4 * 1.05 + 0.5
    assert check(problem, plan) == []
    assert objective(plan.cost) < objective(begun.cost)


def test_same_input_same_plan():
    """The same problem, seed and iterations give the same plan, CP-SAT included."""
    problem = crowded(20)
    plans = [replace(solve(problem, iterations=2, seed=3), stats={}) for _ in range(2)]
    assert plans[0] == plans[1]
