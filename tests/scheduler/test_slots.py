"""`Slots`: the same answers as trying everything, after every change, and for places that are new."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import After, Pin, Plan, Weights
from scheduler.slots import Slots
from tests.scheduler.instances import greedy_plan, problems, windows
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit
from tests.scheduler.test_insertion import every_place


def rivals(problem, plan, visit, window):
    """What brute force says about one window."""
    single = replace(visit, windows=(window,))
    return [replace(place, window=0) for place in every_place(problem, plan, single)]


def agrees(found, places):
    """One of the cheapest places there are, with its exact times; or none, when there is none."""
    if found is None:
        return not places
    least = min((place.added_cost for place in places), default=None)
    return found.added_cost == least and replace(found, window=0) in places


@st.composite
def scenes(draw):
    """Any problem, also with a place to restock, with any weights, and windows to ask for."""
    several = [Weights(), Weights(), Weights(travel=1.37, overtime=0.7), Weights(travel=0.3, waiting=0.5)]
    several.append(Weights(travel=0.3, duration=1.0))
    problem = draw(problems(restock=draw(st.sampled_from([False, False, True]))))
    weights = replace(draw(st.sampled_from(several)), distance=problem.weights.distance)
    return replace(problem, weights=weights), draw(windows(5))


@settings(max_examples=400, deadline=None)
@given(scenes())
def test_cheapest_equals_brute_force(scene):
    """In every window the least cost there is, with the times of the route; nothing where nothing fits."""
    problem, asked = scene
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    found = Slots(problem, plan).cheapest(visit, asked)
    assert len(found) == len(asked)
    for number, (window, place) in enumerate(zip(asked, found, strict=True)):
        assert agrees(place, rivals(problem, plan, visit, window)), window
        assert place is None or place.window == number


@settings(max_examples=150, deadline=None)
@given(scenes(), st.data())
def test_routes_that_change_one_by_one_equal_a_new_object(scene, data):
    """After any changes of routes, also to longer and late ones, the answers are those of a fresh object."""
    problem, asked = scene
    visit = problem.visits[0]
    kept = Slots(problem, Plan())
    others = list(problem.visits[1:])
    for _ in range(data.draw(st.integers(1, 4))):
        shift = data.draw(st.sampled_from(problem.shifts))
        elsewhere = {v.id for s in problem.shifts if s is not shift for v in kept.visits(s.id)}
        free = [other for other in others if other.id not in elsewhere]
        kept.set_route(shift.id, data.draw(st.permutations(free).map(lambda order: order[:3])))
        kept.cheapest(visit, asked)
    fresh = Slots(problem, Plan())
    for shift in problem.shifts:
        fresh.set_route(shift.id, kept.visits(shift.id))
    assert kept.cheapest(visit, asked) == fresh.cheapest(visit, asked)


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_place_that_is_no_location_comes_as_two_vectors(scene):
    """Seconds to and from a new place give the same answers as a problem that has the place."""
    problem, asked = scene
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    tables = [problem.travel_s, *problem.travel_profiles.values()]
    there = np.array([table[:, visit.location] for table in tables])
    onward = np.array([table[visit.location] for table in tables])
    slots = Slots(problem, plan)
    if problem.weights.distance:
        with pytest.raises(ValueError, match="metres count"):
            slots.cheapest(visit, asked, there_s=there, onward_s=onward)
        return
    beyond = replace(visit, location=len(problem.travel_s) + 5)
    found = slots.cheapest(beyond, asked, there_s=there, onward_s=onward)
    assert found == slots.cheapest(visit, asked)


def test_times_too_long_for_32_bits_are_exact():
    """Years from the epoch and drives of months are answered like any other."""
    far = 900_000_000
    problem = make_problem(
        [], [make_shift(start_s=far, end_s=far + 9 * HOUR), make_shift(id="ben/mon", technician="ben")]
    )
    late, early = Slots(problem, Plan()).cheapest(make_visit(), [(far, far + 9 * HOUR), (0, 9 * HOUR)])
    assert (late.shift, late.start_s) == ("ana/mon", far + 10 * MINUTE)
    assert (early.shift, early.start_s) == ("ben/mon", EIGHT + 10 * MINUTE)


def test_windows_of_many_days_meet_their_own_shifts():
    """A window of Tuesday is answered by Tuesday's shifts; one of a free Sunday by nobody."""
    day = 24 * HOUR
    team = [
        make_shift(
            id=f"{name}/{number}",
            technician=name,
            start_s=EIGHT + number * day,
            end_s=number * day + 17 * HOUR,
        )
        for number in range(3)
        for name in ("ana", "ben")
    ]
    problem = make_problem([make_visit(id="A")], team)
    plan = Plan(routes=(make_plan(problem, ana=["A"]).routes[0],))
    asked = [(EIGHT + number * day, 10 * HOUR + number * day) for number in (2, 0, 1, 6)]
    found = Slots(problem, plan).cheapest(make_visit(id="new", service_s=HOUR), asked)
    assert [place and place.shift for place in found] == ["ana/2", "ana/0", "ana/1", None]


def test_pin_and_wish_are_heeded():
    """A pinned start or shift is the only one; a welcome technician is worth a drive."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben", start_location=5, end_location=5)]
    slots = Slots(make_problem([], team), Plan())
    asked = [(EIGHT, 12 * HOUR), (13 * HOUR, 16 * HOUR)]
    pinned = make_visit(pinned=Pin(shift="ben/mon", start_s=14 * HOUR))
    assert [place and (place.shift, place.start_s) for place in slots.cheapest(pinned, asked)] == [
        None,
        ("ben/mon", 14 * HOUR),
    ]
    wish = make_visit(preferred_technicians={"ben": 2 * HOUR})
    assert [place.technician for place in slots.cheapest(wish, asked)] == ["ben", "ben"]
    assert [place.technician for place in slots.cheapest(make_visit(), asked)] == ["ana", "ana"]


def test_nobody_and_nothing_are_answered():
    """Without shifts, without windows, and for a place outside the table."""
    problem = make_problem([])
    assert Slots(replace(problem, shifts=()), Plan()).cheapest(make_visit(), [(0, HOUR)]) == [None]
    assert Slots(problem, Plan()).cheapest(make_visit(), []) == []
    with pytest.raises(ValueError, match="location: 77 is outside"):
        Slots(problem, Plan()).cheapest(make_visit(location=77), [(0, HOUR)])


def test_crews_and_order_are_refused_by_name():
    """What hangs together is not half answered; `suggest` answers it."""
    plain = make_problem([])
    with pytest.raises(ValueError, match=r"^visit\.crew: "):
        Slots(plain, Plan()).cheapest(make_visit(crew=2), [(0, HOUR)])
    chained = make_visit(id="B", after=(After(visit="A"),))
    with pytest.raises(ValueError, match=r"^visit\.after: "):
        Slots(make_problem([make_visit(id="A")]), Plan()).cheapest(chained, [(0, HOUR)])
