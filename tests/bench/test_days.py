"""Generated days: the same everywhere, possible for somebody, too much for all."""

from dataclasses import replace

import numpy as np
import pytest

from bench.instances import load
from bench.instances.days import Day, generate
from bench.instances.roads import places
from bench.peers.common import may_serve
from scheduler.formats import problem_to_json
from scheduler.timeline import schedule

DAY = Day(visits=60, seed=5, breaks=1, roads="estimate")


def test_a_name_makes_the_same_day_every_time():
    """The same settings give the same problem, down to the last second; the name says all of them."""
    assert problem_to_json(load(DAY.name).problem) == problem_to_json(generate(DAY).problem)


@pytest.mark.parametrize("other", [{"seed": 6}, {"visits": 61}, {"load": 2.0}, {"breaks": 0}])
def test_another_setting_makes_another_day(other):
    """No setting is without effect."""
    assert problem_to_json(generate(replace(DAY, **other)).problem) != problem_to_json(generate(DAY).problem)


def test_an_unknown_setting_is_refused():
    """A mistyped setting does not silently give the default day."""
    with pytest.raises(ValueError, match="visit"):
        load("days:visit=10")


@pytest.mark.parametrize("visits", [1, 40, 300])
@pytest.mark.parametrize("breaks", [0, 1])
def test_every_visit_can_be_served_by_somebody(visits, breaks):
    """On an empty day each visit has somebody with its skills who reaches it in time and gets home."""
    problem = generate(Day(visits=visits, breaks=breaks, roads="estimate")).problem
    stuck = [
        visit.id
        for visit in problem.visits
        if not any(
            may_serve(visit, shift) and schedule(problem, shift.id, [visit.id]) for shift in problem.shifts
        )
    ]
    assert stuck == []


def test_there_is_more_work_than_time():
    """Work alone, without driving, fills more than nine tenths of the hours: not everything fits."""
    problem = generate(Day(visits=400, roads="estimate")).problem
    work = sum(visit.service_s for visit in problem.visits)
    hours = sum(shift.end_s - shift.start_s - 1800 * len(shift.breaks) for shift in problem.shifts)
    assert work > 0.9 * hours


def test_breaks_are_there_when_asked_for():
    """With breaks everybody who works past noon has one, without them nobody."""
    with_breaks, without = generate(DAY).problem, generate(replace(DAY, breaks=0)).problem
    assert all(bool(shift.breaks) == (shift.end_s > 13 * 3600) for shift in with_breaks.shifts)
    assert not any(shift.breaks for shift in without.shifts)


def test_travel_of_a_map_is_by_road(data):
    """With the map the times are the road engine's: not symmetric, kept for the next time, and labelled."""
    first, again = places("liechtenstein", 30, 1), places("liechtenstein", 30, 1)
    assert (first.seconds == again.seconds).all()
    assert not np.array_equal(first.seconds, first.seconds.T)
    assert (first.metres >= 0).all()
    assert first.note == "roads of liechtenstein-2021.osm.pbf"
    assert places("estimate", 30, 1).note == "estimated travel times"
