"""Random problems and plans for property tests: small, tight, with every feature that time depends on."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from scheduler.model import After, Break, Pin, Plan, Problem, Restock, Route, Shift, Visit, Weights
from scheduler.rules import check
from scheduler.timeline import schedule

PLACES = 5
DAY = 600  # seconds; short days make random windows, breaks and shift ends meet often

instants = st.integers(0, DAY)
skills = st.dictionaries(st.sampled_from(["gas", "water"]), st.integers(1, 2), max_size=2)


@st.composite
def windows(draw, count=3):
    found = []
    for _ in range(draw(st.integers(0, count))):
        start = draw(instants)
        found.append((start, start + draw(st.integers(0, 300))))
    return tuple(found)


@st.composite
def visits(draw, name, shift_ids):
    pinned = None
    if draw(st.integers(0, 7)) == 0:
        shift = draw(st.none() | st.sampled_from(shift_ids))
        start = draw(instants) if shift is None or draw(st.booleans()) else None
        pinned = Pin(shift=shift, start_s=start)
    return Visit(
        id=name,
        location=draw(st.integers(0, PLACES - 1)),
        service_s=draw(st.integers(0, 60)),
        windows=draw(windows()),
        skills=draw(st.just({}) | skills),
        priority=draw(st.integers(1, 5)),
        promised=draw(st.booleans()),
        preferred_technicians=draw(st.just({}) | st.just({"ana": 40})),
        preferred_windows=draw(st.just(()) | st.just(((100, 200, 30),))),
        parts=draw(st.just({}) | st.just({"valve": 1})),
        load=draw(st.just(()) | st.tuples(st.integers(0, 2))),
        due_s=draw(st.none() | instants),
        late_cost_per_h=3600,
        pinned=pinned,
    )


@st.composite
def breaks(draw):
    earliest, latest, found = 0, 0, []
    for _ in range(draw(st.sampled_from([2, 1, 0]))):
        earliest = draw(st.integers(earliest, DAY))
        latest = max(latest, earliest + draw(st.integers(0, 150)))
        found.append(Break(earliest_s=earliest, latest_s=latest, duration_s=draw(st.integers(1, 60))))
    return tuple(found)


@st.composite
def shifts(draw, name, profiles=(None,)):
    start = draw(st.integers(0, 150))
    return Shift(
        id=f"{name}/mon",
        technician=name,
        start_location=draw(st.integers(0, PLACES - 1)),
        end_location=draw(st.none() | st.integers(0, PLACES - 1)),
        start_s=start,
        end_s=start + draw(st.sampled_from([100, 300, 500, DAY])),
        overtime_s=draw(st.sampled_from([0, 0, 60])),
        available_s=draw(st.none() | st.integers(0, 300)),
        breaks=draw(breaks()),
        skills={"gas": 2, "water": draw(st.integers(1, 2))},
        parts={"valve": draw(st.sampled_from([4, 4, 1]))},
        capacity=draw(st.just(()) | st.just((3,))),
        max_duration_s=draw(st.sampled_from([None, None, 400])),
        max_travel_s=draw(st.sampled_from([None, None, 150])),
        max_visits=draw(st.sampled_from([None, None, 3])),
        cost_per_h=draw(st.sampled_from([0, 360])),
        profile=draw(st.sampled_from(profiles)),
    )


def matrices():
    cells = st.lists(st.integers(0, 60), min_size=PLACES**2, max_size=PLACES**2)
    return cells.map(lambda found: np.array(found, np.int32).reshape(PLACES, PLACES))


@st.composite
def problems(draw, most_visits=6, restock=False):
    people = draw(st.sampled_from([("ana", "ben"), ("ana",)]))
    profiles = draw(st.just({}) | st.fixed_dictionaries({"bike": matrices()}))
    team = tuple(draw(shifts(name, (None, *profiles))) for name in people)
    shift_ids = [shift.id for shift in team]
    names = [f"V{number}" for number in range(draw(st.integers(min(3, most_visits), most_visits)))]
    problem = Problem(
        travel_s=draw(matrices()),
        travel_profiles=profiles,
        visits=tuple(draw(visits(name, shift_ids)) for name in names),
        shifts=team,
        weights=draw(st.sampled_from([Weights(), Weights(duration=0.5, waiting=0.2)])),
    )
    return draw(with_restock(problem)) if restock else problem


@st.composite
def with_restock(draw, problem):
    """The problem with few parts on the vans, tools that nobody carries, and a place to fetch both."""
    tools = [draw(st.sampled_from([frozenset(), frozenset(), {"camera"}])) for _ in problem.visits]
    visits = [
        replace(visit, tools=frozenset(tool)) for visit, tool in zip(problem.visits, tools, strict=True)
    ]
    stock = [draw(st.sampled_from([{}, {"valve": 1}, {"valve": 4}])) for _ in problem.shifts]
    restock = Restock(location=draw(st.integers(0, PLACES - 1)), service_s=draw(st.integers(0, 30)))
    shifts = [replace(shift, parts=parts) for shift, parts in zip(problem.shifts, stock, strict=True)]
    metres = draw(st.none() | matrices())
    weights = replace(problem.weights, distance=0.0 if metres is None else 1.0)
    return replace(
        problem,
        visits=tuple(visits),
        shifts=tuple(shifts),
        restock=restock,
        distance_m=metres,
        weights=weights,
    )


def greedy_plan(problem: Problem, keep_out: str) -> Plan:
    """Append each visit but one to the first shift where the route stays legal."""
    routes = {shift.id: Route(shift=shift.id, stops=()) for shift in problem.shifts}
    for visit in problem.visits:
        for shift in problem.shifts:
            route = schedule(problem, shift.id, (*routes[shift.id].visit_ids, visit.id))
            if visit.id != keep_out and route and not check(problem, Plan(routes=(route,))):
                routes[shift.id] = route
                break
    return Plan(routes=tuple(routes.values()))


@st.composite
def links(draw, problem):
    """The problem with some crews of two and some orders between visits."""
    visits = []
    for index, visit in enumerate(problem.visits):
        after = ()
        if index and draw(st.integers(0, 3)) == 0:
            low = draw(st.integers(0, 60))
            after = (
                After(
                    visit=problem.visits[draw(st.integers(0, index - 1))].id,
                    min_lag_s=low,
                    max_lag_s=draw(st.none() | st.integers(low, low + 200)),
                    same_technician=draw(st.booleans()),
                ),
            )
        visits.append(replace(visit, after=after, crew=draw(st.sampled_from([1, 1, 1, 2]))))
    return replace(problem, visits=tuple(visits))


@st.composite
def people(draw, problem):
    """The problem with visits that only some may or must not serve, and one more day of the first."""
    names = sorted({shift.technician for shift in problem.shifts})
    some = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    visits = [
        replace(
            visit,
            technicians=draw(st.just(None) | st.just(None) | some),
            not_technicians=draw(st.just(frozenset()) | st.just(frozenset()) | some),
        )
        for visit in problem.visits
    ]
    first = problem.shifts[0]
    begin = first.limit_s + draw(st.integers(0, DAY))
    pauses = tuple(
        replace(each, earliest_s=each.earliest_s + begin, latest_s=each.latest_s + begin)
        for each in first.breaks
    )
    second = replace(
        first,
        id=f"{first.technician}/tue",
        start_s=begin,
        end_s=begin + draw(st.sampled_from([100, 300])),
        available_s=None,
        breaks=pauses,
    )
    return replace(problem, visits=tuple(visits), shifts=(*problem.shifts, second))


@st.composite
def anything(draw, most_visits=5):
    """A random problem with a random subset of all fields."""
    problem = draw(problems(most_visits, restock=draw(st.booleans())))
    if draw(st.booleans()):
        problem = draw(people(problem))
    if draw(st.integers(0, 2)) == 0:
        problem = draw(links(problem))
    fairness = draw(st.sampled_from([0.0, 0.0, 0.5]))
    return replace(problem, weights=replace(problem.weights, fairness=fairness))
