"""Each hard rule alone in a tiny scene, and `check` against plans that were spoiled on purpose."""

from dataclasses import replace

import pytest

from scheduler.model import After, Break, Pin, Plan, Restock, Route, Stop
from scheduler.rules import check
from scheduler.timeline import schedule
from tests.scheduler.scenes import (
    EIGHT,
    HOUR,
    MINUTE,
    line,
    make_plan,
    make_problem,
    make_shift,
    make_visit,
)

BREAK = Break(earliest_s=11 * HOUR, latest_s=13 * HOUR, duration_s=30 * MINUTE)


def rules_of(problem, plan):
    return {found.rule for found in check(problem, plan)}


def stretched(problem, plan, visits, shifts=None):
    """What `check` says about the plan of an easy problem, judged by a harder one."""
    return rules_of(replace(problem, visits=tuple(visits), shifts=tuple(shifts or problem.shifts)), plan)


@pytest.mark.parametrize(
    ("rule", "visit", "shift"),
    [
        ("skill", {"skills": {"gas": 2}}, {"skills": {"gas": 1}}),
        ("skill", {"skills": {"gas": 1}}, {}),
        ("technician", {"technicians": frozenset({"ben"})}, {}),
        ("technician", {"not_technicians": frozenset({"ana"})}, {}),
        ("window", {"windows": ((10 * HOUR, 11 * HOUR),)}, {}),
        ("shift_start", {}, {"start_s": EIGHT + 1}),
        ("shift_start", {}, {"available_s": EIGHT + 1}),
        ("shift_end", {}, {"end_s": EIGHT + 60 * MINUTE, "overtime_s": 19 * MINUTE}),
        ("break", {"service_s": HOUR}, {"breaks": (replace(BREAK, earliest_s=EIGHT, latest_s=9 * HOUR),)}),
        ("tools", {"tools": frozenset({"camera"})}, {"tools": frozenset({"ladder"})}),
        ("parts", {"parts": {"valve": 2}}, {"parts": {"valve": 1}}),
        ("capacity", {"load": (1, 3)}, {"capacity": (1, 2)}),
        ("pin", {"pinned": Pin(start_s=10 * HOUR)}, {}),
        ("duration", {}, {"max_duration_s": 80 * MINUTE - 1}),
        ("max_travel", {}, {"max_travel_s": 20 * MINUTE - 1}),
        ("max_visits", {}, {"max_visits": 0}),
        ("service", {"service_s": HOUR + 1}, {}),
        ("travel", {"location": 2}, {}),
    ],
)
def test_each_rule_catches_its_own_breach(rule, visit, shift):
    """A plan of one visit that is legal without the demand breaks exactly this rule with it."""
    problem = make_problem([make_visit()])
    plan = make_plan(problem, ana=["V1"])
    assert rules_of(problem, plan) == set()
    assert stretched(problem, plan, [make_visit(**visit)], [make_shift(**shift)]) == {rule}
    harder = replace(problem, visits=(make_visit(**visit),), shifts=(make_shift(**shift),))
    for found in check(harder, plan):
        assert found.text.endswith(".")
        assert found.numbers


@pytest.mark.parametrize(
    ("visit", "shift"),
    [
        ({"skills": {"gas": 2}}, {"skills": {"gas": 2}}),
        ({"technicians": frozenset({"ana"})}, {}),
        ({"windows": ((EIGHT + 10 * MINUTE, EIGHT + 10 * MINUTE),)}, {}),
        ({}, {"end_s": EIGHT + 60 * MINUTE, "overtime_s": 20 * MINUTE}),
        ({"tools": frozenset({"camera"})}, {"tools": frozenset({"camera"})}),
        ({"parts": {"valve": 2}}, {"parts": {"valve": 2}}),
        ({"load": (1, 2)}, {"capacity": (1, 2)}),
        ({"pinned": Pin(shift="ana/mon", start_s=EIGHT + 10 * MINUTE)}, {}),
        ({}, {"max_duration_s": 80 * MINUTE, "max_travel_s": 20 * MINUTE, "max_visits": 1}),
    ],
)
def test_each_rule_allows_what_just_fits(visit, shift):
    """The bounds themselves are inside."""
    problem = make_problem([make_visit(**visit)], [make_shift(**shift)])
    assert rules_of(problem, make_plan(problem, ana=["V1"])) == set()


def test_pin_to_a_shift():
    """A visit pinned to one shift may not be on another."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben")]
    problem = make_problem([make_visit()], team)
    plan = make_plan(problem, ana=["V1"])
    assert stretched(problem, plan, [make_visit(pinned=Pin(shift="ben/mon"))]) == {"pin"}


def test_parts_and_tools_may_be_fetched():
    """After a restock the van has what it lacks; before it, it has not."""
    visit = make_visit(tools=frozenset({"camera"}), parts={"valve": 9})
    problem = make_problem([visit], restock=Restock(location=1, service_s=5 * MINUTE))
    arrival = EIGHT + 10 * MINUTE
    fetch = Stop(
        restock=True,
        arrival_s=arrival,
        start_s=arrival,
        departure_s=arrival + 5 * MINUTE,
        travel_s=10 * MINUTE,
    )
    start = fetch.departure_s
    work = Stop(visit="V1", arrival_s=start, start_s=start, departure_s=start + HOUR, travel_s=0)
    assert rules_of(problem, Plan(routes=(Route(shift="ana/mon", stops=(fetch, work)),))) == set()
    late = replace(fetch, arrival_s=work.departure_s, start_s=work.departure_s, travel_s=0)
    late = replace(late, departure_s=late.start_s + 5 * MINUTE)
    early = replace(
        work, arrival_s=arrival, start_s=arrival, departure_s=arrival + HOUR, travel_s=10 * MINUTE
    )
    late = replace(late, arrival_s=early.departure_s, start_s=early.departure_s)
    late = replace(late, departure_s=late.start_s + 5 * MINUTE)
    plan = Plan(routes=(Route(shift="ana/mon", stops=(early, late)),))
    assert rules_of(problem, plan) == {"tools", "parts"}


def two_technicians(visits):
    return make_problem(visits, [make_shift(), make_shift(id="ben/mon", technician="ben")])


def test_one_place():
    """A visit served by two technicians is served twice."""
    problem = two_technicians([make_visit()])
    assert rules_of(problem, make_plan(problem, ana=["V1"], ben=["V1"])) == {"one_place"}


def test_crew_is_complete_and_starts_together():
    """Two technicians at the same second are a crew; one alone, or one later, is not."""
    problem = two_technicians([make_visit(crew=2)])
    both = make_plan(problem, ana=["V1"], ben=["V1"])
    assert rules_of(problem, both) == set()
    assert rules_of(problem, make_plan(problem, ana=["V1"])) == {"crew"}
    late = problem.shift_by_id["ben/mon"]
    delayed = replace(problem, shifts=(problem.shifts[0], replace(late, start_s=9 * HOUR)))
    assert rules_of(delayed, make_plan(delayed, ana=["V1"], ben=["V1"])) == {"crew"}


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        ({}, set()),
        ({"min_lag_s": 10 * MINUTE}, set()),
        ({"min_lag_s": 10 * MINUTE + 1}, {"order"}),
        ({"max_lag_s": 10 * MINUTE - 1}, {"order"}),
        ({"same_technician": True}, set()),
    ],
)
def test_order_and_lags(after, broken):
    """The lag runs from the end of the work before to the start of the work after, bounds included."""
    visits = [make_visit(id="A"), make_visit(id="B", location=2, after=(After(visit="A", **after),))]
    problem = make_problem(visits)
    assert rules_of(problem, make_plan(problem, ana=["A", "B"])) == broken


def test_order_needs_the_visit_before():
    """A visit whose predecessor is not planned, or comes later, is out of order."""
    visits = [make_visit(id="A"), make_visit(id="B", location=2, after=(After(visit="A"),))]
    problem = make_problem(visits)
    assert rules_of(problem, make_plan(problem, ana=["B"])) == {"order"}
    assert rules_of(problem, make_plan(problem, ana=["B", "A"])) == {"order"}


def test_same_technician():
    """Visits that need the same technician may not be split."""
    visits = [
        make_visit(id="A", service_s=0),
        make_visit(
            id="B",
            location=5,
            after=(After(visit="A", same_technician=True),),
            windows=((9 * HOUR, 10 * HOUR),),
        ),
    ]
    problem = two_technicians(visits)
    assert rules_of(problem, make_plan(problem, ana=["A"], ben=["B"])) == {"same_technician"}
    assert rules_of(problem, make_plan(problem, ana=["A", "B"])) == set()


def test_drives_take_what_the_profile_of_the_shift_says():
    """A plan of a van is too fast for a bicycle, and a plan of a bicycle is legal on one."""
    tables = {"bike": line(6, 20 * MINUTE)}
    van = make_problem([make_visit()], travel_profiles=tables)
    bike = replace(van, shifts=(make_shift(profile="bike"),))
    assert rules_of(bike, make_plan(van, ana=["V1"])) == {"travel"}
    plan = make_plan(bike, ana=["V1"])
    assert rules_of(bike, plan) == set()
    assert plan.routes[0].stops[0].travel_s == 20 * MINUTE


def test_unknown_names_are_reported_alone():
    """A plan about other visits, shifts or breaks is reported, not judged and never a crash."""
    problem = make_problem([make_visit()])
    stop = make_plan(problem, ana=["V1"]).routes[0].stops[0]
    for route in (
        Route(shift="nobody", stops=()),
        Route(shift="ana/mon", stops=(replace(stop, visit="V9"),)),
        Route(shift="ana/mon", stops=(replace(stop, visit=None, break_index=0),)),
        Route(shift="ana/mon", stops=(replace(stop, visit=None, restock=True),)),
    ):
        assert rules_of(problem, Plan(routes=(route,))) == {"unknown"}
    empty = Route(shift="ana/mon", stops=())
    assert rules_of(problem, Plan(routes=(empty, empty))) == {"unknown"}


@pytest.fixture
def busy():
    """A legal route of two visits with a break between them."""
    visits = [make_visit(id="A", service_s=3 * HOUR), make_visit(id="B", location=3, service_s=2 * HOUR)]
    problem = make_problem(visits, [make_shift(breaks=(BREAK,))])
    route = schedule(problem, "ana/mon", ["A", "B"])
    assert [stop.break_index for stop in route.stops] == [None, None, 0] or route.stops[1].break_index == 0
    return problem, route


def spoil(route, number, **changes):
    stops = list(route.stops)
    stops[number] = replace(stops[number], **changes)
    return Plan(routes=(replace(route, stops=tuple(stops)),))


def test_spoiled_times_are_caught(busy):
    """Moving any one time of any stop of a legal plan by a second is noticed, unless it only idles longer."""
    problem, route = busy
    assert check(problem, Plan(routes=(route,))) == []
    for number, stop in enumerate(route.stops):
        for name in ("start_s", "departure_s", "travel_s"):
            for shift in (-1, 1):
                changed = {name: getattr(stop, name) + shift}
                assert check(problem, spoil(route, number, **changed)), (number, changed)
        assert check(problem, spoil(route, number, arrival_s=stop.arrival_s - 1))


def test_spoiled_breaks_are_caught(busy):
    """A break that is missing, doubled, late or in the middle of a drive is noticed."""
    problem, route = busy
    number = next(i for i, stop in enumerate(route.stops) if stop.break_index is not None)
    without = tuple(stop for stop in route.stops if stop.break_index is None)
    assert "break" in rules_of(problem, Plan(routes=(replace(route, stops=without),)))
    doubled = (*route.stops[: number + 1], *route.stops[number:])
    assert "break" in rules_of(problem, Plan(routes=(replace(route, stops=doubled),)))
    rest = route.stops[number]
    later = {"start_s": 13 * HOUR + 1, "departure_s": 13 * HOUR + 1 + BREAK.duration_s}
    assert "break" in rules_of(problem, spoil(route, number, **later))
    assert "travel" in rules_of(problem, spoil(route, number, travel_s=rest.travel_s + 5 * MINUTE))
