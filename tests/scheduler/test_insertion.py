"""`suggest`, `place` and `refusals`: the same answers as trying everything."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.costs import evaluate, route_cost, route_parts
from scheduler.insertion import Place, place, refusals, suggest, without_visit
from scheduler.model import After, Break, Pin, Plan, Unassigned
from scheduler.rules import check
from scheduler.timeline import schedule
from tests.scheduler.instances import greedy_plan, problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit


def every_place(problem, plan, visit):
    """Try every shift, position and window; keep what `schedule` can time and `check` allows."""
    for shift in problem.shifts:
        old = plan.route_of(shift.id)
        ids = old.visit_ids
        for number, window in enumerate(visit.windows or (None,)):
            single = visit if window is None else replace(visit, windows=(window,))
            others = tuple(single if other.id == visit.id else other for other in problem.visits)
            scene = replace(problem, visits=others)
            for position in range(len(ids) + 1):
                route = schedule(scene, shift.id, (*ids[:position], visit.id, *ids[position:]))
                if route is None or check(scene, Plan(routes=(route,))):
                    continue
                stop = next(stop for stop in route.stops if stop.visit == visit.id)
                parts, before = route_parts(scene, route), route_parts(scene, old)
                yield Place(
                    shift=shift.id,
                    technician=shift.technician,
                    position=position,
                    window=number,
                    arrival_s=stop.arrival_s,
                    start_s=stop.start_s,
                    departure_s=stop.departure_s,
                    added_cost=route_cost(scene, route) - route_cost(scene, old),
                    added_travel_s=parts["travel_s"] - before.get("travel_s", 0),
                )


def by_position(places):
    return sorted(places, key=lambda found: (found.shift, found.position, found.window))


@settings(max_examples=300, deadline=None)
@given(problems() | problems(restock=True))
def test_suggest_equals_brute_force(problem):
    """Every feasible place with its exact times and cost, and no other, breaks and all limits included."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    assert by_position(suggest(problem, plan, visit)) == by_position(every_place(problem, plan, visit))


@settings(max_examples=100, deadline=None)
@given(problems() | problems(restock=True), st.randoms(use_true_random=False))
def test_placing_a_suggestion_gives_the_legal_plan_that_it_promised(problem, chance):
    """The stop has its times, the plan is legal, and the cost grows by what was said."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    places = suggest(problem, plan, visit)
    if not places:
        return
    chosen = chance.choice(places)
    placed = place(problem, plan, visit, chosen)
    stop = next(s for s in placed.route_of(chosen.shift).stops if s.visit == visit.id)
    assert (stop.arrival_s, stop.start_s, stop.departure_s) == (
        chosen.arrival_s,
        chosen.start_s,
        chosen.departure_s,
    )
    assert check(problem, placed) == []
    assert placed.cost["cost"] - evaluate(problem, plan)["cost"] == chosen.added_cost


@settings(max_examples=120, deadline=None)
@given(problems() | problems(restock=True))
def test_every_shift_has_a_place_or_a_refusal(problem):
    """`refusals` names exactly the shifts in which `suggest` finds nothing."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    possible = {found.shift for found in suggest(problem, plan, visit)}
    refused = refusals(problem, plan, visit)
    assert possible | set(refused) == set(problem.shift_by_id)
    assert possible.isdisjoint(refused)


@settings(max_examples=150, deadline=None)
@given(problems() | problems(restock=True))
def test_start_that_a_refusal_names_is_possible(problem):
    """Where only the window stops a visit, a window at the start that is named lets it in."""
    visit = replace(problem.visits[0], pinned=None)
    problem = replace(problem, visits=(visit, *problem.visits[1:]))
    plan = greedy_plan(problem, keep_out=visit.id)
    for shift_id, found in refusals(problem, plan, visit).items():
        if found.rule == "window":
            start = found.numbers["start_s"]
            moved = replace(visit, windows=((start, start),))
            assert shift_id in {place.shift for place in suggest(problem, plan, moved)}


def test_cheapest_comes_first_and_limit_cuts():
    """Next door is cheaper than the far end of the line, and `limit` returns the best of all."""
    problem = make_problem(
        [make_visit(id="A", location=2)], [make_shift(), make_shift(id="b", technician="b")]
    )
    plan = make_plan(problem, ana=["A"])
    places = suggest(problem, plan, make_visit(id="new", location=2))
    assert [found.added_cost for found in places] == [0, 0, 40 * MINUTE]
    assert suggest(problem, plan, make_visit(id="new", location=2), limit=1) == places[:1]


def test_each_window_has_its_own_places():
    """A later window is offered although an earlier one is possible too."""
    windows = ((EIGHT, 9 * HOUR), (14 * HOUR, 15 * HOUR))
    places = suggest(make_problem([]), Plan(), make_visit(windows=windows))
    assert [(found.window, found.start_s) for found in places] == [(0, EIGHT + 10 * MINUTE), (1, 14 * HOUR)]


def test_visit_on_the_plan_is_moved():
    """A visit that the plan has already is taken out first, and `place` moves it."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben")]
    problem = make_problem([make_visit()], team)
    plan = make_plan(problem, ana=["V1"])
    chosen = next(f for f in suggest(problem, plan, problem.visits[0]) if f.technician == "ben")
    moved = place(problem, plan, problem.visits[0], chosen)
    assert [route.visit_ids for route in moved.routes] == [(), ("V1",)]


def test_placed_visit_is_no_longer_unassigned():
    """The list of unassigned visits loses what is placed; other routes stay as they are."""
    problem = make_problem([make_visit()])
    plan = Plan(unassigned=(Unassigned(visit="V1", reasons=("no time",)),))
    placed = place(problem, plan, problem.visits[0], suggest(problem, plan, problem.visits[0])[0])
    assert placed.unassigned == ()
    assert without_visit(problem, placed, "V1").routes[0].stops == ()


def test_place_that_is_gone_is_refused():
    """A suggestion that no longer holds on the plan raises instead of bending a rule."""
    problem = make_problem([make_visit(id="A", service_s=8 * HOUR)])
    visit = make_visit(id="new")
    chosen = suggest(problem, Plan(), visit)[0]
    with pytest.raises(ValueError, match="does not fit ana/mon"):
        place(problem, make_plan(problem, ana=["A"]), visit, chosen)


@pytest.mark.parametrize(
    ("rule", "visit", "shift", "numbers"),
    [
        ("pin", {"pinned": Pin(shift="ben/mon")}, {}, {"pinned_shift": "ben/mon"}),
        ("technician", {"not_technicians": frozenset({"ana"})}, {}, {"technician": "ana"}),
        ("skill", {"skills": {"gas": 3}}, {"skills": {"gas": 1}}, {"skill": "gas", "need": 3, "have": 1}),
        ("tools", {"tools": frozenset({"camera"})}, {}, {"tool": "camera"}),
        ("parts", {"parts": {"valve": 2}}, {"parts": {"valve": 1}}, {"part": "valve", "need": 2, "have": 1}),
        ("capacity", {"load": (3,)}, {"capacity": (2,)}, {"dimension": 0, "need": 3, "have": 2}),
        ("max_visits", {}, {"max_visits": 0}, {"visits": 1, "limit": 0}),
        (
            "window",
            {"windows": ((EIGHT, EIGHT + 5 * MINUTE),)},
            {},
            {
                "start_s": EIGHT + 10 * MINUTE,
                "window_start_s": EIGHT,
                "window_end_s": EIGHT + 5 * MINUTE,
                "off_s": 5 * MINUTE,
            },
        ),
        (
            "shift_end",
            {},
            {"end_s": 9 * HOUR},
            {"end_s": 9 * HOUR + 20 * MINUTE, "limit_s": 9 * HOUR, "over_s": 20 * MINUTE},
        ),
        ("duration", {}, {"max_duration_s": HOUR}, {"over_s": 20 * MINUTE}),
        ("max_travel", {}, {"max_travel_s": HOUR // 4}, {"travel_s": 20 * MINUTE, "limit_s": HOUR // 4}),
    ],
)
def test_refusal_names_the_rule_and_its_numbers(rule, visit, shift, numbers):
    """Each rule that can keep a visit off a shift says so with what is behind it."""
    problem = make_problem([], [make_shift(**shift), make_shift(id="ben/mon", technician="ben")])
    found = refusals(problem, Plan(), make_visit(**visit))["ana/mon"]
    assert found.rule == rule
    assert numbers.items() <= found.numbers.items()


def test_refusal_without_a_gap_and_of_a_late_route():
    """Work longer than any gap, and a route that is late in itself, have their own words."""
    half = Break(earliest_s=12 * HOUR, latest_s=12 * HOUR, duration_s=HOUR)
    problem = make_problem([make_visit(id="A", windows=((EIGHT, EIGHT),))], [make_shift(breaks=(half,))])
    longest = make_visit(id="new", service_s=5 * HOUR, windows=((EIGHT, 12 * HOUR),))
    assert refusals(problem, Plan(), longest)["ana/mon"].rule == "no_gap"
    late = replace(problem, shifts=(make_shift(),))
    stops = make_plan(replace(late, visits=(make_visit(id="A"),)), ana=["A"])
    assert refusals(late, stops, make_visit(id="new"))["ana/mon"].rule == "late_route"


def test_wrong_references_are_refused_by_name():
    """A visit that the problem cannot know is refused with the path to the fault."""
    with pytest.raises(ValueError, match=r"visit\.location: 77 is outside the travel matrix of 6 locations"):
        suggest(make_problem([]), Plan(), make_visit(location=77))
    with pytest.raises(ValueError, match=r"visit\.after\[0\]\.visit: there is no other visit 'X'"):
        suggest(make_problem([]), Plan(), make_visit(after=(After(visit="X"),)))


def test_duration_is_measured_from_leaving():
    """A visit late in the day fits a short longest duration, because nobody leaves before it is needed."""
    team = [make_shift(max_duration_s=2 * HOUR + 30 * MINUTE)]
    problem = make_problem([make_visit(id="A", windows=((14 * HOUR, 14 * HOUR),))], team)
    plan = make_plan(problem, ana=["A"])
    new = make_visit(id="new", location=2, service_s=30 * MINUTE)
    assert [(found.position, found.start_s) for found in suggest(problem, plan, new)] == [
        (0, 13 * HOUR + 20 * MINUTE),
        (1, 15 * HOUR + 10 * MINUTE),
    ]
    far = make_visit(id="far", location=5)
    assert refusals(problem, plan, far)["ana/mon"].numbers == {
        "duration_s": 3 * HOUR + 40 * MINUTE,
        "limit_s": 2 * HOUR + 30 * MINUTE,
        "over_s": HOUR + 10 * MINUTE,
    }
    early = make_visit(id="early", windows=((9 * HOUR, 10 * HOUR),))
    told = refusals(problem, plan, early)["ana/mon"]
    assert told.rule == "window"
    assert told.numbers["start_s"] == 12 * HOUR + 50 * MINUTE
