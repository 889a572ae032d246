"""Room is made without breaking anything, by as little as it takes, and what is offered can be booked."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.costs import evaluate
from scheduler.engines.rearrange import rearranged
from scheduler.insertion import suggest
from scheduler.model import Pin, Plan
from scheduler.repair import adopted, repair
from scheduler.rules import check
from tests.scheduler.instances import greedy_plan, problems, windows
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}


def after(plan, place):
    """The plan with the changed routes."""
    changed = {route.shift: route for route in place.routes}
    kept = [changed.pop(route.shift, route) for route in plan.routes]
    return Plan(routes=(*kept, *changed.values()))


def served(plan):
    return {name: route.shift for route in plan.routes for name in route.visit_ids}


@settings(max_examples=250, deadline=None)
@given(problems(), windows(3))
def test_what_repair_offers_is_legal_and_drops_nobody(problem, asked):
    """With the moves adopted the plan passes `check`; all others are on it, pinned ones on their route."""
    visit = replace(problem.visits[0], windows=(), pinned=None)
    problem = replace(problem, visits=(visit, *problem.visits[1:]))
    plan = greedy_plan(problem, keep_out=visit.id)
    before = served(plan)
    for window, place in zip(asked, repair(problem, plan, visit, asked, seconds=5), strict=True):
        single = replace(visit, windows=(window,))
        scene = replace(problem, visits=(single, *problem.visits[1:]))
        direct = suggest(scene, plan, single)
        assert not direct or place is not None
        if place is None:
            continue
        changed = after(plan, place)
        assert check(scene, changed) == []
        now = served(changed)
        assert now.keys() == before.keys() | {visit.id}
        assert all(now[name] == shift for name, shift in before.items() if problem.visit_by_id[name].pinned)
        said = {(move.visit, move.from_shift, move.to_shift) for move in place.moves}
        gone = {(name, shift, now[name]) for name, shift in before.items() if now[name] != shift}
        assert gone <= said
        if direct:
            assert not gone


def crowded(**second):
    """Ana alone may serve the new visit, and is busy with one that Ben could take."""
    team = [make_shift(skills={"gas": 1}, end_s=11 * HOUR), make_shift(**BEN, end_s=11 * HOUR)]
    windows = ((EIGHT, EIGHT + 20 * MINUTE),)
    first = make_visit(id="A", service_s=2 * HOUR, windows=windows, promised=True, **second)
    problem = make_problem([first], team)
    return problem, make_plan(problem, ana=["A"])


def test_a_visit_goes_to_somebody_else_to_make_room():
    """The one who holds the skill is freed; the move says from whom, to whom and when."""
    problem, plan = crowded()
    wish = make_visit(id="new", service_s=2 * HOUR, skills={"gas": 1})
    assert suggest(problem, plan, replace(wish, windows=((EIGHT, 9 * HOUR),))) == []
    (place,) = repair(problem, plan, wish, [(EIGHT, 9 * HOUR)], seconds=1)
    assert (place.technician, place.start_s) == ("ana", EIGHT + 10 * MINUTE)
    (move,) = place.moves
    assert (move.visit, move.from_shift, move.to_shift) == ("A", "ana/mon", "ben/mon")
    assert (move.from_start_s, move.to_start_s) == (EIGHT + 10 * MINUTE, EIGHT + 10 * MINUTE)


def test_suggest_makes_room_in_the_windows_that_have_no_place():
    """The first window needs a move, the second none; adopting the move gives a legal plan with its cost."""
    problem, plan = crowded()
    windows = ((EIGHT, 9 * HOUR), (10 * HOUR, 11 * HOUR))
    wish = make_visit(id="new", service_s=HOUR // 2, skills={"gas": 1}, windows=windows)
    full = replace(problem, visits=(*problem.visits, wish))
    assert {place.window for place in suggest(full, plan, wish)} == {1}
    places = suggest(full, plan, wish, repair=1)
    assert [place.window for place in places] == [*[1] * (len(places) - 1), 0]
    made = adopted(full, plan, places[-1])
    assert check(full, made) == []
    assert made.cost["cost"] - evaluate(full, plan)["cost"] == places[-1].added_cost
    with pytest.raises(ValueError, match="serve others now"):
        adopted(full, Plan(), places[-1])


@pytest.mark.parametrize("pin", [Pin(shift="ana/mon"), Pin(start_s=EIGHT + 10 * MINUTE)])
def test_a_pinned_visit_stays(pin):
    """What somebody pinned makes no room, so the window is not offered."""
    problem, plan = crowded(pinned=pin)
    wish = make_visit(id="new", service_s=2 * HOUR, skills={"gas": 1})
    assert repair(problem, plan, wish, [(EIGHT, 9 * HOUR)], seconds=1) == [None]


def test_a_visit_that_fits_moves_nobody():
    """Room that is there is used as it is."""
    problem, plan = crowded()
    (place,) = repair(problem, plan, make_visit(id="new"), [(EIGHT, 9 * HOUR)], seconds=1)
    assert (place.technician, place.moves) == ("ben", ())


def test_a_chain_moves_several():
    """Ana gives one to Ben who gives one to Cho: two moves, each inside its window."""
    narrow = ((EIGHT, EIGHT + 20 * MINUTE),)
    team = [
        make_shift(skills={"gas": 1}, end_s=10 * HOUR),
        make_shift(**BEN, skills={"water": 1, "heat": 1}, end_s=10 * HOUR),
        make_shift(id="cho/mon", technician="cho", skills={"heat": 1}, end_s=10 * HOUR),
    ]
    team[0] = replace(team[0], skills={"gas": 1, "water": 1})
    visits = [
        make_visit(id="A", windows=narrow, skills={"water": 1}, promised=True),
        make_visit(id="B", windows=narrow, skills={"heat": 1}, promised=True),
    ]
    problem = make_problem(visits, team)
    plan = make_plan(problem, ana=["A"], ben=["B"])
    (place,) = repair(problem, plan, make_visit(id="new", skills={"gas": 1}), list(narrow), seconds=1)
    assert {move.visit: move.to_shift for move in place.moves} == {"A": "ben/mon", "B": "cho/mon"}


@settings(max_examples=15, deadline=None)
@given(problems(), st.integers(1, 5))
def test_the_search_makes_room_as_legally(problem, seed):
    """What the compiled search finds is timed, checked and described like a chain."""
    visit = replace(problem.visits[0], windows=(), pinned=None)
    problem = replace(problem, visits=(visit, *problem.visits[1:]))
    plan = greedy_plan(problem, keep_out=visit.id)
    asked = [(0, 200), (200, 400)]
    chained = repair(problem, plan, visit, asked, seconds=5)
    found = repair(problem, plan, visit, asked, seconds=0.3, rearrange=rearranged, seed=seed)
    for window, place, before in zip(asked, found, chained, strict=True):
        assert place is not None or before is None
        if place is not None:
            single = replace(visit, windows=(window,))
            scene = replace(problem, visits=(single, *problem.visits[1:]))
            assert check(scene, after(plan, place)) == []
            assert served(after(plan, place)).keys() == served(plan).keys() | {visit.id}
