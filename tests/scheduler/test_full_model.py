"""Every field of the contract, end to end: `solve` honours it, and would plan otherwise without it."""

import pytest

from scheduler.engines.routing import RoutingEngine
from scheduler.limits import Limit
from scheduler.model import Break, Pin, Restock, Weights
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, line, make_plan, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}
DAY = 24 * HOUR


def served(plan):
    """Who serves what, in order, leaving out the idle."""
    return {route.shift: route.visit_ids for route in plan.routes if route.visit_ids}


def planned(problem, **options):
    """The plan of a short search; it must be legal."""
    plan = solve(problem, **({"iterations": 5} | options))
    assert check(problem, plan) == []
    return plan


def routed(problem):
    """The orders that OR-Tools' routing alone finds."""
    found = [{}]
    limit = Limit(seconds=None, iterations=30, should_stop=None)
    RoutingEngine(problem, {}, ()).improve(limit, 1, found.append)
    return {shift: tuple(order) for shift, order in found[-1].items() if order}


@pytest.mark.parametrize("profile", [None, "bike"])
def test_a_slow_profile_keeps_far_visits_off(profile):
    """A visit whose window only the van reaches goes to the van, and nowhere when all go by bicycle."""
    visit = make_visit(location=5, windows=((8 * HOUR, 9 * HOUR),))
    team = [make_shift(profile="bike"), make_shift(**BEN, start_location=1, end_location=1, profile=profile)]
    problem = make_problem([visit], team, travel_profiles={"bike": line(6, 20 * MINUTE)})
    expected = {} if profile else {"ben/mon": ("V1",)}
    assert served(planned(problem)) == expected
    assert routed(problem) == expected


def test_metres_count_where_they_weigh():
    """Of two ways to serve a visit the shorter one wins over the faster one when metres weigh more."""
    metres = line(6, 1000)
    metres[:, 4] = metres[4, :] = 90_000
    team = [make_shift(start_location=3, end_location=3), make_shift(**BEN, start_location=4, end_location=4)]
    for weight, shift in ((0.0, "ben/mon"), (1.0, "ana/mon")):
        visit = make_visit(location=5)
        problem = make_problem([visit], team, distance_m=metres, weights=Weights(distance=weight))
        assert served(planned(problem)) == {shift: ("V1",)}
        assert routed(problem) == {shift: ("V1",)}


def test_missing_parts_and_tools_are_fetched():
    """With a place to restock both visits are served, after one stop there; without it neither is."""
    visits = [
        make_visit(id="A", location=2, tools=frozenset({"camera"})),
        make_visit(id="B", location=3, parts={"valve": 2}),
    ]
    for restock, count in ((None, 0), (Restock(location=1, service_s=5 * MINUTE), 2)):
        plan = planned(make_problem(visits, [make_shift(parts={"valve": 1})], restock=restock))
        assert len(plan.routes) == bool(count)
        for route in plan.routes:
            assert len(route.visit_ids) == count
            assert [stop.restock for stop in route.stops] == [True, False, False]


def test_a_detour_to_restock_counts():
    """The visit goes to who carries the part, and not to who is nearer but has to fetch it."""
    visit = make_visit(location=1, parts={"valve": 1})
    near, far = make_shift(), make_shift(**BEN, start_location=2, end_location=2, parts={"valve": 1})
    problem = make_problem([visit], [near, far], restock=Restock(location=5, service_s=0))
    assert served(planned(problem)) == {"ben/mon": ("V1",)}


def start_of(plan, visit_id):
    return next(s.start_s for route in plan.routes for s in route.stops if s.visit == visit_id)


@pytest.mark.parametrize(
    ("visit", "shift"),
    [
        ({"skills": {"gas": 2}}, {"skills": {"gas": 2}}),
        ({"technicians": frozenset({"ben"})}, {}),
        ({"not_technicians": frozenset({"ana"})}, {}),
        ({"tools": frozenset({"camera"})}, {"tools": frozenset({"camera"})}),
        ({"parts": {"valve": 2}}, {"parts": {"valve": 2}}),
        ({"pinned": Pin(shift="ben/mon")}, {}),
    ],
)
def test_only_who_may_come_comes(visit, shift):
    """The visit lies at ana's door; it goes to ben at the other end, who alone has what it needs."""
    team = [make_shift(skills={"gas": 1}, parts={"valve": 1})]
    team.append(make_shift(**BEN, start_location=5, end_location=5, **shift))
    assert served(planned(make_problem([make_visit(location=0, **visit)], team))) == {"ben/mon": ("V1",)}
    assert served(planned(make_problem([make_visit(location=0)], team))) == {"ana/mon": ("V1",)}


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        ({}, 3),
        ({"capacity": (2,)}, 2),
        ({"max_visits": 1}, 1),
        ({"max_travel_s": 40 * MINUTE}, 2),
        ({"max_duration_s": 2 * HOUR}, 1),
        ({"end_s": EIGHT + 2 * HOUR}, 1),
        ({"end_s": EIGHT + 2 * HOUR, "overtime_s": HOUR}, 2),
        ({"parts": {"valve": 1}}, 1),
    ],
)
def test_no_route_exceeds_its_limits(limit, count):
    """Of three visits along the line as many are served as the limits of the only shift allow."""
    visits = [make_visit(id=f"V{n}", location=n, load=(1,), parts={"valve": 1}) for n in (1, 2, 3)]
    shift = make_shift(**({"parts": {"valve": 3}} | limit))
    plan = planned(make_problem(visits, [shift]))
    assert sum(map(len, served(plan).values())) == count


def test_every_window_and_break_is_used():
    """Two visits want the same morning; one has a second window after the two breaks that both are taken."""
    morning = (EIGHT, EIGHT + 15 * MINUTE)
    rests = tuple(
        Break(earliest_s=hour * HOUR, latest_s=hour * HOUR + 30 * MINUTE, duration_s=30 * MINUTE)
        for hour in (10, 13)
    )
    visits = [
        make_visit(id="A", windows=(morning,)),
        make_visit(id="B", windows=(morning, (14 * HOUR, 15 * HOUR))),
    ]
    plan = planned(make_problem(visits, [make_shift(breaks=rests)]))
    assert served(plan) == {"ana/mon": ("A", "B")}
    assert [stop.break_index for stop in plan.routes[0].stops] == [None, 0, 1, None]


def test_preferred_window_is_worth_its_seconds():
    """The visit comes second, when its preferred window is open, if that is worth more than the detour."""
    for worth, order in ((HOUR, ("far", "near")), (60, ("near", "far"))):
        visits = [
            make_visit(id="near", location=1, preferred_windows=((9 * HOUR, 17 * HOUR, worth),)),
            make_visit(id="far", location=2, windows=((EIGHT, 11 * HOUR),)),
        ]
        problem = make_problem(visits, [make_shift(end_location=None)])
        assert served(planned(problem)) == {"ana/mon": order}


def test_due_dates_come_first_when_lateness_costs():
    """The visit that is due comes first although the way is longer then, unless lateness weighs nothing."""
    for weight, order in ((1.0, ("far", "near")), (0.0, ("near", "far"))):
        visits = [
            make_visit(id="near", location=1),
            make_visit(id="far", location=3, due_s=EIGHT + 30 * MINUTE, late_cost_per_h=7200),
        ]
        shift = make_shift(end_location=None)
        problem = make_problem(visits, [shift], weights=Weights(lateness=weight))
        assert served(planned(problem)) == {"ana/mon": order}


def test_overtime_is_dearer_than_a_detour():
    """Work goes to the far colleague when overtime costs, and into ana's overtime when it does not."""
    team = [
        make_shift(end_s=EIGHT + 90 * MINUTE, overtime_s=4 * HOUR),
        make_shift(**BEN, start_location=5, end_location=5),
    ]
    for weight, shift in ((4.0, "ben/mon"), (0.0, "ana/mon")):
        visits = [make_visit(id="A"), make_visit(id="B")]
        plan = planned(make_problem(visits, team, weights=Weights(overtime=weight)))
        assert [*served(plan)] == [shift]
        assert (plan.cost["overtime_s"] > 0) == (weight == 0)


def test_dear_hours_are_left_to_the_cheap():
    """Labour is counted from leaving to the end: the dear technician next door stays at home."""
    team = [make_shift(cost_per_h=3600), make_shift(**BEN, start_location=3, end_location=3)]
    visit = make_visit()
    assert served(planned(make_problem([visit], team))) == {"ben/mon": ("V1",)}


def test_fairness_spreads_the_work():
    """Four visits at one place go to both technicians alike if fairness weighs, to one if it does not."""
    team = [make_shift(), make_shift(**BEN)]
    visits = [make_visit(id=f"V{n}") for n in range(4)]
    for weight, counts in ((2.0, [2, 2]), (0.0, [4])):
        problem = make_problem(visits, team, weights=Weights(fairness=weight))
        assert sorted(map(len, served(planned(problem)).values())) == counts


def test_a_fortnight_is_one_problem():
    """Visits go to the days of their windows, one technician has a shift a day, the last day is the 14th."""
    shifts = [
        make_shift(id=f"ana/{day}", start_s=day * DAY + EIGHT, end_s=day * DAY + 17 * HOUR)
        for day in range(14)
    ]
    visits = [make_visit(id=f"V{day}", windows=((day * DAY, day * DAY + DAY - 1),)) for day in (0, 6, 13)]
    visits.append(make_visit(id="long", service_s=8 * HOUR + 10 * MINUTE, windows=((6 * DAY, 8 * DAY),)))
    found = served(planned(make_problem(visits, shifts)))
    assert found == {"ana/0": ("V0",), "ana/6": ("V6",), "ana/7": ("long",), "ana/13": ("V13",)}


def test_a_running_day_goes_on_from_now():
    """At noon the van is where it is; the visit under way and the promised one stay, another is let in."""
    noon = 12 * HOUR
    shift = make_shift(available_s=noon, start_location=4, end_location=0)
    under_way = make_visit(id="now", location=4, pinned=Pin(shift="ana/mon", start_s=noon))
    promised = make_visit(id="promised", location=1, promised=True, windows=((14 * HOUR, 15 * HOUR),))
    urgent = make_visit(id="urgent", location=3, priority=5, windows=((noon, 13 * HOUR + 15 * MINUTE),))
    problem = make_problem([under_way, promised, urgent], [shift])
    plan = planned(problem, start=make_plan(problem, ana=["now", "promised"]))
    assert served(plan) == {"ana/mon": ("now", "urgent", "promised")}
    assert start_of(plan, "now") == noon
    assert plan.routes[0].stops[0].travel_s == 0


def test_remote_and_branch_visits_are_places_like_others():
    """A call takes no travel and a branch is a location: both take the technician's time all the same."""
    travel = line(4)
    travel[3, :] = travel[:, 3] = 0
    visits = [
        make_visit(id="call", location=3),
        make_visit(id="branch", location=0),
        make_visit(id="V", location=1),
    ]
    problem = make_problem(visits, [make_shift(end_s=EIGHT + 3 * HOUR + 20 * MINUTE)], travel_s=travel)
    plan = planned(problem)
    assert plan.unassigned == ()
    assert plan.cost["travel_s"] <= 20 * MINUTE
