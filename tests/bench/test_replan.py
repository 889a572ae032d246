"""The running day of the sick call: what is begun stays, who is sick is gone."""

from dataclasses import replace

import pytest

from bench.replan import Sickness as Call
from bench.replan import busiest, measure, running
from scheduler.solver import solve
from tests.scheduler.scenes import EIGHT, HOUR, make_plan, make_problem, make_shift, make_visit

VISITS = [make_visit(id=f"V{number}", location=number, promised=True) for number in (1, 2, 3, 4)]
SHIFTS = [
    make_shift(),
    make_shift(id="bob/mon", technician="bob"),
]
PROBLEM = make_problem(VISITS, SHIFTS)
PLAN = make_plan(PROBLEM, ana=["V1", "V2", "V3"], bob=["V4"])
NOW = EIGHT + 1200
"""Ana works at V1 from 8:10 to 9:10."""


def test_begun_work_is_finished_and_the_rest_is_open():
    """V1 is no longer in the problem; Ana is free at its place when it is over; the sick have no shift."""
    rest, start = running(PROBLEM, PLAN, NOW, "bob")
    assert [visit.id for visit in rest.visits] == ["V2", "V3", "V4"]
    (ana,) = rest.shifts
    assert (ana.start_location, ana.available_s) == (1, EIGHT + 600 + HOUR)
    assert [route.visit_ids for route in start.routes] == [("V2", "V3"), ("V4",)]


def test_nobody_has_begun_before_the_day():
    """Before the first shift everything is open and everybody is at home."""
    rest, start = running(PROBLEM, PLAN, EIGHT - 1, "nobody")
    assert rest.visits == PROBLEM.visits
    assert [shift.start_location for shift in rest.shifts] == [0, 0]
    assert [route.visit_ids for route in start.routes] == [route.visit_ids for route in PLAN.routes]


def test_who_has_most_ahead_is_sick():
    """Ana has two visits ahead, Bob one."""
    assert busiest(PLAN, PROBLEM, NOW) == "ana"


def test_the_visits_of_the_sick_go_to_the_others():
    """Bob's visit is promised and Ana has time: nothing is lost, and nobody else is moved."""
    rest, start = running(PROBLEM, PLAN, NOW, "bob")
    day = Call(problem=PROBLEM, rest=rest, start=start, sick="bob", reference=0)
    found = measure(day, change=1.0, seconds=0.5, threads=1)
    assert (found.of_sick, found.lost, found.moved, found.untouched) == (1, 0, 0, 2)
    assert found.violations == 0
    assert found.first_s <= found.settled_s <= found.took_s


def test_a_lost_promise_is_counted():
    """When nobody else can serve it, the promise is lost and counted, in the plan and in the reference."""
    only_bob = [
        replace(visit, technicians=frozenset({"bob"}) if visit.id == "V4" else None) for visit in VISITS
    ]
    problem = make_problem(only_bob, SHIFTS)
    rest, start = running(problem, PLAN, NOW, "bob")
    assert solve(rest, start, seconds=0.3).cost["promised_unassigned"] == 1
    found = measure(Call(problem=problem, rest=rest, start=start, sick="bob", reference=0), 0.1, 0.3, 1)
    assert found.lost == 1
    assert not found.kept


@pytest.mark.parametrize(("reference", "kept"), [(0, False), (1, True)])
def test_only_what_can_be_kept_counts(reference, kept):
    """A promise that the longer search loses as well is no miss."""
    only_bob = [
        replace(visit, technicians=frozenset({"bob"}) if visit.id == "V4" else None) for visit in VISITS
    ]
    problem = make_problem(only_bob, SHIFTS)
    rest, start = running(problem, PLAN, NOW, "bob")
    day = Call(problem=problem, rest=rest, start=start, sick="bob", reference=reference)
    assert measure(day, 1.0, 0.3, 1).kept is kept
