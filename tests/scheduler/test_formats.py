"""JSON in and out: a round trip, and every fault with its path."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.formats import (
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    read_json,
    visit_from_json,
)
from scheduler.json_fields import FormatError
from scheduler.model import After, Break, Pin, Plan, Restock, Unassigned
from tests.scheduler.instances import greedy_plan, problems
from tests.scheduler.scenes import HOUR, line, make_plan, make_problem, make_shift, make_visit


def as_json(problem):
    return json.loads(json.dumps(problem_to_json(problem)))


def faults(data, **options):
    with pytest.raises(FormatError) as caught:
        problem_from_json(data, **options)
    return caught.value.lines


def same(one, other):
    assert (one.visits, one.shifts, one.weights, one.restock) == (
        other.visits,
        other.shifts,
        other.weights,
        other.restock,
    )
    assert (one.travel_s == other.travel_s).all()


@settings(max_examples=50, deadline=None)
@given(problems())
def test_round_trip(problem):
    """A problem and its plan come back as they went."""
    same(problem_from_json(as_json(problem)).problem, problem)
    plan = greedy_plan(problem, keep_out="")
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_round_trip_of_every_field():
    """Fields that the random problems lack survive too."""
    everything = make_visit(
        id="A",
        technicians=frozenset({"ana"}),
        not_technicians=frozenset({"ben"}),
        tools=frozenset({"camera"}),
        crew=2,
        after=(After(visit="B", max_lag_s=5, same_technician=True),),
        pinned=Pin(shift="ana/mon"),
    )
    problem = make_problem(
        [everything, make_visit(id="B")],
        [make_shift(breaks=(Break(earliest_s=0, latest_s=1, duration_s=2),), end_location=None)],
        restock=Restock(location=1, service_s=60),
        distance_m=line(6),
    )
    back = problem_from_json(as_json(problem)).problem
    same(back, problem)
    assert (back.distance_m == problem.distance_m).all()
    plan = Plan(
        unassigned=(Unassigned(visit="A", reasons=("no",)),), cost={"cost": 1}, stats={"seconds": 0.5}
    )
    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize(
    ("where", "value", "fault"),
    [
        (("visits", 0, "windows"), [[200, 100]], "visits[0].windows[0]: end 100 is before start 200"),
        (("visits", 0, "windows"), [[1]], "visits[0].windows[0]: must have 2 numbers, not 1"),
        (("visits", 0, "windows"), [[1, 2.5]], "visits[0].windows[0][1]: must be a whole number, not 2.5"),
        (("visits", 0, "service_s"), -1, "visits[0].service_s: -1 is not between 0 and 1000000000"),
        (("visits", 0, "service_s"), "1h", "visits[0].service_s: must be a whole number, not '1h'"),
        (("visits", 0, "service_s"), True, "visits[0].service_s: must be a whole number, not True"),
        (("visits", 0, "location"), 6, "visits[0].location: 6 is outside the travel matrix of 6 locations"),
        (("visits", 0, "promised"), 1, "visits[0].promised: must be true or false, not 1"),
        (("visits", 0, "skills"), ["gas"], "visits[0].skills: must be an object, not ['gas']"),
        (("visits", 0, "skills"), {"gas": -1}, "visits[0].skills.gas: -1 is not between 0 and 1000000000"),
        (("visits", 0, "color"), "red", "visits[0].color: unknown field"),
        (("visits", 0, "id"), "", "visits[0].id: must be a non-empty text, not ''"),
        (("visits", 0, "priority"), 0, "visits[0].priority: 0 is not between 1 and 1000000"),
        (("visits", 0, "pinned"), {}, "visits[0].pinned.pinned: needs a shift, a start_s or both"),
        (("visits", 0, "pinned"), {"shift": "x"}, "visits[0].pinned.shift: there is no shift 'x'"),
        (("visits", 0, "after"), [{"visit": "x"}], "visits[0].after[0].visit: there is no other visit 'x'"),
        (("visits", 1, "id"), "A", "visits[1].id: 'A' is used twice"),
        (("visits",), {}, "visits: must be a list, not {}"),
        (("visits", 0), 7, "visits[0]: must be an object, not 7"),
        (("shifts", 0, "end_s"), 0, "shifts[0].end_s: 0 is before start_s 28800"),
        (("shifts", 0, "end_location"), 9, "shifts[0].end_location: 9 is outside"),
        (
            ("shifts", 0, "breaks"),
            [{"earliest_s": 5, "latest_s": 4, "duration_s": 1}],
            "shifts[0].breaks[0].latest_s",
        ),
        (("travel_s", 0, 1), -4, "travel_s[0][1]: -4 is not a whole number from 0"),
        (("travel_s", 0), [1], "travel_s[0]: has 1 values, not 6"),
        (("weights",), {"travel": -1}, "weights.travel: -1 is not a number between 0 and 1000"),
        (("format",), "other/1", "format: must be 'fieldservice-problem/1'"),
        (("travel_profiles",), [], "travel_profiles: must be an object, not []"),
        (("travel_profiles",), {"bike": [[0]]}, "travel_profiles.bike: has not the shape of travel_s"),
        (("travel_profiles",), {"bike": [[0, 1], [2]]}, "travel_profiles.bike[1]: has 1 values, not 2"),
        (("shifts", 0, "profile"), "bike", "shifts[0].profile: there is no travel profile 'bike'"),
        (("weights",), {"distance": 1001}, "weights.distance: 1001 is not a number between 0 and 1000"),
    ],
)
def test_each_fault_has_its_path(where, value, fault):
    """One wrong value gives one line that begins with the path to it."""
    data = as_json(make_problem([make_visit(id="A"), make_visit(id="B")]))
    part = data
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    found = faults(data)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_all_faults_are_told_at_once():
    """Faults of several visits and of one visit are all listed."""
    data = as_json(make_problem([make_visit(id="A"), make_visit(id="B")]))
    data["visits"][0] |= {"service_s": -1, "priority": 0}
    del data["visits"][1]["location"]
    assert [fault.split(":")[0] for fault in faults(data)] == [
        "visits[0].service_s",
        "visits[0].priority",
        "visits[1].location",
    ]


def test_overlapping_shifts_of_one_technician_are_refused():
    """Nobody works two shifts at once; after the overtime the next may begin."""
    second = make_shift(id="ana/late", start_s=17 * HOUR, end_s=20 * HOUR)
    assert make_problem([], [make_shift(), second]).shifts
    with pytest.raises(ValueError, match=r"shifts\[1\]: overlaps shift 'ana/mon' of the same technician"):
        make_problem([], [make_shift(overtime_s=1), second])


def test_quarantine_sets_bad_visits_aside():
    """Bad visits, doubles and what refers to them are set aside with their faults; the rest is a problem."""
    good = [make_visit(id=name) for name in "ABCD"]
    data = as_json(make_problem(good))
    data["visits"][0]["location"] = 99
    data["visits"][1]["after"] = [{"visit": "A"}]
    data["visits"][2] = {"id": "C"}
    data["visits"].append(data["visits"][3])
    data["visits"].append(7)
    loaded = problem_from_json(data, quarantine=True)
    assert [visit.id for visit in loaded.problem.visits] == ["D"]
    assert set(loaded.quarantined) == {"A", "B", "C", "D", "visits[5]"}
    assert loaded.quarantined["A"] == ("visits[0].location: 99 is outside the travel matrix of 6 locations",)


def test_quarantine_does_not_excuse_the_rest():
    """Faults of shifts and tables are still refused."""
    data = as_json(make_problem([]))
    data["shifts"][0]["end_s"] = 0
    assert faults(data, quarantine=True) == ["shifts[0].end_s: 0 is before start_s 28800"]


@pytest.mark.parametrize(
    ("stop", "fault"),
    [
        ({}, "a stop is exactly one of visit, break and restock"),
        ({"visit": "A", "break": 0}, "a stop is exactly one of visit, break and restock"),
        ({"visit": 3}, "visit: must be a non-empty text, not 3"),
        ({"visit": "A", "arrival_s": None}, "arrival_s: must be a whole number, not None"),
    ],
)
def test_faults_of_a_plan(stop, fault):
    """A stop that is nothing, two things, or timed wrongly is told by its path."""
    data = plan_to_json(make_plan(make_problem([make_visit(id="A")]), ana=["A"]))
    times = data["routes"][0]["stops"][0]
    del times["visit"]
    data["routes"][0]["stops"][0] = times | stop
    with pytest.raises(FormatError) as caught:
        plan_from_json(data)
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith("routes[0].stops[0].")
    assert fault in caught.value.lines[0]


def test_visit_alone():
    """A visit of its own is read by the same rules."""
    assert visit_from_json({"id": "V1", "location": 1, "service_s": 3600}) == make_visit()
    with pytest.raises(FormatError, match=r"visit\.location: is missing"):
        visit_from_json({"id": "V1", "service_s": 3600})


@pytest.mark.parametrize("text", ["{", "[NaN]", "", "[" * 100_000])
def test_what_is_not_json_is_said_so(tmp_path, text):
    """Broken files are one line, never a trace."""
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"bad\.json: is (not JSON|nested too deeply)"):
        read_json(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def everywhere(data, path=()):
    """The path to every value of a JSON document."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from everywhere(value, (*path, key))


@settings(max_examples=200, deadline=None)
@given(st.data(), anything, st.booleans())
def test_no_value_anywhere_is_a_crash(data, value, quarantine):
    """Whatever stands in whatever place, the answer is a problem or lines, and never another exception."""
    full = make_visit(
        id="A",
        windows=((1, 2),),
        skills={"gas": 1},
        technicians=frozenset({"ana"}),
        preferred_windows=((1, 2, 3),),
        after=(After(visit="B", max_lag_s=5),),
        pinned=Pin(shift="ana/mon", start_s=1),
        parts={"valve": 1},
        load=(1,),
    )
    team = [make_shift(breaks=(Break(earliest_s=0, latest_s=1, duration_s=2),), capacity=(1,), available_s=0)]
    restock = Restock(location=1, service_s=60)
    document = as_json(make_problem([full, make_visit(id="B")], team, restock=restock, travel_s=line(3)))
    where = data.draw(st.sampled_from(list(everywhere(document))))
    part = document
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    with suppress(FormatError):
        problem_from_json(document, quarantine=quarantine)


def test_travel_profiles_survive_and_may_stand_alone():
    """Tables by name are read and written; without `travel_s` every shift has to name its own."""
    shifts = [make_shift(profile="bike"), make_shift(id="ben/mon", technician="ben")]
    problem = make_problem([make_visit()], shifts, travel_profiles={"bike": line(6, 1200)})
    data = as_json(problem)
    back = problem_from_json(data).problem
    assert back.shifts == problem.shifts
    assert (back.travel_of(back.shifts[0]) == line(6, 1200)).all()
    assert (back.travel_of(back.shifts[1]) == line(6)).all()
    del data["travel_s"]
    assert faults(data) == ["shifts[1].profile: is missing, and there is no travel_s"]
    data["shifts"][1]["profile"] = "bike"
    alone = problem_from_json(data).problem
    assert (alone.travel_of(alone.shifts[1]) == line(6, 1200)).all()
    del data["travel_profiles"]
    assert faults(data) == ["travel_s: is missing"]
