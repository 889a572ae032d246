"""Room is made where crews and orders tie routes together, and for visits that hang on others themselves."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.costs import evaluate
from scheduler.insertion import without_visit
from scheduler.links import linked_ids, served_of
from scheduler.model import After, Restock
from scheduler.repair import adopted, repair
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.instances import anything, instants, windows
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}
CHO = {"id": "cho/mon", "technician": "cho"}
MORNING = (EIGHT, EIGHT + 20 * MINUTE)


def served(plan):
    """How often each visit is served."""
    return Counter(name for route in plan.routes for name in route.visit_ids)


def where(plan, names):
    """Shift and start of each of these visits, one entry for each technician."""
    stops = ((stop.visit, route.shift, stop.start_s) for route in plan.routes for stop in route.stops)
    return {stop for stop in stops if stop[0] in names}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(anything(), windows(3), st.data())
def test_what_repair_offers_is_legal_beside_anything(problem, asked, data):
    """Whatever hangs on what: adopted, it passes `check`, drops nobody, and leaves crews where they are."""
    whole = solve(problem, iterations=1)
    visit = replace(data.draw(st.sampled_from(problem.visits)), windows=(), pinned=None)
    plan = without_visit(problem, whole, visit.id)
    if check(problem, plan):
        return  # others hang on the visit
    asked = (*asked, (data.draw(instants),) * 2)
    tied = linked_ids(problem) - {visit.id}
    for window, found in zip(asked, repair(problem, plan, visit, asked, seconds=5), strict=True):
        if found is None:
            continue
        single = replace(visit, windows=(window,))
        others = (other for other in problem.visits if other.id != visit.id)
        scene = replace(problem, visits=(*others, single), weights=replace(problem.weights, fairness=0.0))
        changed = adopted(scene, plan, found)
        assert check(scene, changed) == []
        assert served(changed) == served(plan) + Counter({visit.id: visit.crew})
        assert where(changed, tied) == where(plan, tied)
        assert {start for _, _, start in where(changed, {visit.id})} == {found.start_s}
        assert changed.cost["cost"] - evaluate(scene, plan)["cost"] == found.added_cost


def with_a_crew(**overrides):
    """Ana and Ben start together at eleven; in the morning Ana has a visit that others could take."""
    visits = [
        make_visit(
            id="crew", crew=2, location=0, technicians=frozenset({"ana", "ben"}), windows=((11 * HOUR,) * 2,)
        ),
        make_visit(id="A", windows=(MORNING,), promised=True),
    ]
    team = [make_shift(skills={"gas": 1}), make_shift(**BEN), make_shift(**CHO)]
    problem = make_problem(visits, team, **overrides)
    plan = solve(
        replace(problem, visits=(visits[0], replace(visits[1], technicians=frozenset({"ana"})))), iterations=1
    )
    assert where(plan, {"A"}) == {("A", "ana/mon", EIGHT + 10 * MINUTE)}
    return problem, plan


def test_room_is_made_on_a_day_with_a_crew():
    """Ana's visit goes to Ben; the crew stays at its start, and where it is in the way there is no room."""
    problem, plan = with_a_crew()
    wish = make_visit(id="wish", skills={"gas": 1})
    morning, noon = repair(problem, plan, wish, [MORNING, (11 * HOUR, 11 * HOUR + 30 * MINUTE)], seconds=1)
    assert noon is None
    assert (morning.technician, [(move.visit, move.to_shift) for move in morning.moves]) == (
        "ana",
        [("A", "ben/mon")],
    )
    changed = adopted(replace(problem, visits=(*problem.visits, wish)), plan, morning)
    assert where(changed, {"crew"}) == {("crew", f"{name}/mon", 11 * HOUR) for name in ("ana", "ben")}


def test_room_is_made_for_a_crew():
    """Nobody but Ana and Ben may come, and both are busy: both give their visit away and start together."""
    team = [make_shift(), make_shift(**BEN), make_shift(**CHO), make_shift(id="dee/mon", technician="dee")]
    visits = [make_visit(id=name, windows=(MORNING,), promised=True) for name in "AB"]
    crew = make_visit(id="crew", crew=2, technicians=frozenset({"ana", "ben"}))
    problem = make_problem([*visits, crew], team)
    plan = make_plan(problem, ana=["A"], ben=["B"])
    (place,) = repair(problem, plan, crew, [MORNING], seconds=2)
    assert {place.technician, *(other.technician for other in place.together)} == {"ana", "ben"}
    assert {move.to_shift for move in place.moves} == {"cho/mon", "dee/mon"}
    changed = adopted(replace(problem, visits=(*visits, replace(crew, windows=(MORNING,)))), plan, place)
    assert changed.unassigned == ()
    less = replace(problem, shifts=tuple(team[:3]))
    assert repair(less, plan, crew, [MORNING], seconds=2) == [None]


def test_a_crew_that_is_free_moves_nobody():
    """The technicians who are free together are taken as they are."""
    first = make_visit(id="A", windows=(MORNING,))
    problem = make_problem([first], [make_shift(), make_shift(**BEN), make_shift(**CHO)])
    plan = make_plan(problem, ana=["A"])
    (place,) = repair(problem, plan, make_visit(id="crew", crew=2), [MORNING], seconds=1)
    assert place.moves == ()
    assert len(place.together) == 1
    assert place.added_cost == place.added_travel_s == 40 * MINUTE


@pytest.mark.parametrize(("lag", "room"), [(2 * HOUR, True), (0, False)])
def test_order_and_lags_limit_the_windows(lag, room):
    """The second visit gets room as long after the first as it may, with its technician; the first stays."""
    after = (After(visit="first", max_lag_s=lag, same_technician=True),)
    visits = [
        make_visit(id="first", skills={"gas": 1}),
        make_visit(id="other", windows=((EIGHT, 9 * HOUR + 30 * MINUTE),), service_s=3 * HOUR, promised=True),
    ]
    problem = make_problem(visits, [make_shift(skills={"gas": 1}), make_shift(**BEN)])
    plan = make_plan(problem, ana=["first", "other"])
    second = make_visit(id="second", location=2, after=after)
    (place,) = repair(problem, plan, second, [(9 * HOUR, 11 * HOUR)], seconds=1)
    assert (place is not None) == room
    if room:
        assert place.technician == "ana"
        assert [(move.visit, move.to_shift) for move in place.moves] == [("other", "ben/mon")]
        changed = adopted(replace(problem, visits=(*visits, second)), plan, place)
        assert served_of(problem, changed.routes)["first"] == served_of(problem, plan.routes)["first"]


def test_what_restocks_or_is_late_stays_and_the_others_make_room():
    """One route fetches a part and one is late in itself; the other two still exchange a visit."""
    narrow = ((EIGHT, EIGHT + 20 * MINUTE),)
    visits = [
        make_visit(id="A", windows=narrow, promised=True),
        make_visit(id="part", parts={"valve": 1}),
        make_visit(id="late", location=5, windows=((EIGHT, EIGHT + 10 * MINUTE),)),
    ]
    team = [
        make_shift(skills={"gas": 1}),
        make_shift(**BEN),
        make_shift(**CHO, skills={"water": 1}, end_s=10 * HOUR),
        make_shift(id="dee/mon", technician="dee", skills={"water": 1}),
    ]
    problem = make_problem(visits, team, restock=Restock(location=1, service_s=5 * MINUTE))
    easy = replace(problem, visits=(*visits[:2], replace(visits[2], windows=())))
    plan = make_plan(easy, ana=["A"], cho=["part"], dee=["late"])
    (place,) = repair(problem, plan, make_visit(id="new", skills={"gas": 1}), list(narrow), seconds=1)
    assert [(move.visit, move.to_shift) for move in place.moves] == [("A", "ben/mon")]
