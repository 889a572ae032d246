"""`schedule` and `project`: exact times, breaks at the best place."""

from dataclasses import replace
from itertools import combinations, combinations_with_replacement

from hypothesis import given, settings

from scheduler.costs import route_cost
from scheduler.model import Break, Pin, Plan, Restock, Route, Stop, Weights
from scheduler.rules import check
from scheduler.timeline import project, schedule
from tests.scheduler.instances import problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_problem, make_shift, make_visit


def stops(route):
    return [(stop.visit or "break", stop.arrival_s, stop.start_s, stop.departure_s) for stop in route.stops]


def test_stops_are_timed_at_the_earliest():
    """The van leaves when the shift begins; who is early waits for the window."""
    early = make_visit(id="A", location=1)
    late = make_visit(id="B", location=3, windows=((12 * HOUR, 13 * HOUR),))
    route = schedule(make_problem([early, late]), "ana/mon", ["A", "B"])
    assert stops(route) == [
        ("A", EIGHT + 10 * MINUTE, EIGHT + 10 * MINUTE, 9 * HOUR + 10 * MINUTE),
        ("B", 9 * HOUR + 30 * MINUTE, 12 * HOUR, 13 * HOUR),
    ]


def test_second_window_is_used_when_the_first_is_gone():
    """Work starts in the earliest window that can still be reached, in whatever order they are listed."""
    visit = make_visit(location=5, windows=((15 * HOUR, 16 * HOUR), (8 * HOUR, 8 * HOUR + MINUTE)))
    route = schedule(make_problem([visit]), "ana/mon", ["V1"])
    assert route.stops[0].start_s == 15 * HOUR


def test_route_must_be_home_by_the_end_of_the_overtime():
    """The drive home counts, and overtime makes room for it; without an end location there is no drive."""
    visit = make_visit(location=1, service_s=9 * HOUR - 15 * MINUTE)
    for shift, feasible in (
        (make_shift(), False),
        (make_shift(overtime_s=5 * MINUTE), True),
        (make_shift(end_location=None), True),
        (make_shift(overtime_s=5 * MINUTE, available_s=EIGHT + 1), False),
        (make_shift(overtime_s=HOUR, max_duration_s=9 * HOUR), False),
    ):
        assert (schedule(make_problem([visit], [shift]), "ana/mon", ["V1"]) is not None) == feasible


def test_break_is_taken_in_idle_time():
    """A break that fits while the van waits delays nothing and is taken where the van has arrived."""
    shift = make_shift(breaks=(Break(earliest_s=10 * HOUR, latest_s=12 * HOUR, duration_s=30 * MINUTE),))
    visits = [make_visit(id="A"), make_visit(id="B", location=2, windows=((11 * HOUR, 12 * HOUR),))]
    route = schedule(make_problem(visits, [shift]), "ana/mon", ["A", "B"])
    assert stops(route) == [
        ("A", EIGHT + 10 * MINUTE, EIGHT + 10 * MINUTE, 9 * HOUR + 10 * MINUTE),
        ("break", 9 * HOUR + 20 * MINUTE, 10 * HOUR, 10 * HOUR + 30 * MINUTE),
        ("B", 10 * HOUR + 30 * MINUTE, 11 * HOUR, 12 * HOUR),
    ]
    assert [stop.travel_s for stop in route.stops] == [10 * MINUTE, 10 * MINUTE, 0]


def test_break_is_left_out_when_the_route_ends_or_begins_without_it():
    """Who is home by its latest start, or begins after it, needs no break on the route."""
    noon = (Break(earliest_s=12 * HOUR, latest_s=13 * HOUR, duration_s=30 * MINUTE),)
    short = make_problem([make_visit()], [make_shift(breaks=noon)])
    assert [stop.visit for stop in schedule(short, "ana/mon", ["V1"]).stops] == ["V1"]
    late = make_problem([make_visit()], [make_shift(breaks=noon, available_s=14 * HOUR)])
    assert [stop.visit for stop in schedule(late, "ana/mon", ["V1"]).stops] == ["V1"]


def test_pinned_start_is_exact_and_must_lie_in_a_window():
    """Work waits for a pinned start; a pin outside every window has no time at all."""
    pinned = make_visit(pinned=Pin(start_s=10 * HOUR))
    assert schedule(make_problem([pinned]), "ana/mon", ["V1"]).stops[0].start_s == 10 * HOUR
    outside = make_visit(pinned=Pin(start_s=10 * HOUR), windows=((11 * HOUR, 12 * HOUR),))
    assert schedule(make_problem([outside]), "ana/mon", ["V1"]) is None


def test_project_shows_lateness_and_still_takes_the_break():
    """A late order keeps its order: work begins on arrival, and the break is still in its interval."""
    shift = make_shift(breaks=(Break(earliest_s=9 * HOUR, latest_s=10 * HOUR, duration_s=30 * MINUTE),))
    visits = [
        make_visit(id="A", service_s=2 * HOUR, windows=((EIGHT, 9 * HOUR),)),
        make_visit(id="B", location=2, windows=((EIGHT, 9 * HOUR),)),
    ]
    problem = make_problem(visits, [shift])
    assert schedule(problem, "ana/mon", ["A", "B"]) is None
    route = project(problem, "ana/mon", ["A", "B"])
    assert route.visit_ids == ("A", "B")
    assert {found.rule for found in check(problem, Plan(routes=(route,)))} == {"window"}


def test_project_equals_schedule_where_that_has_an_answer():
    """For a feasible order the two agree."""
    problem = make_problem([make_visit()])
    assert project(problem, "ana/mon", ["V1"]) == schedule(problem, "ana/mon", ["V1"])


def test_no_visits_make_no_stops():
    """A van without visits stays where it is, breaks or not."""
    assert schedule(make_problem([make_visit()]), "ana/mon", []) == Route(shift="ana/mon", stops=())


def starts(visit, now):
    """When work may start for a van that is there, by the definition of windows and pins."""
    windows = visit.windows or ((0, 10**9),)
    if visit.pinned and visit.pinned.start_s is not None:
        pin = visit.pinned.start_s
        return [pin] if pin >= now and any(start <= pin <= end for start, end in windows) else []
    return [max(now, start) for start, end in windows if max(now, start) <= end]


def rest_at(here, now, travel):
    """Take these breaks one after the other; the first one counts the drive that led here."""
    found = []
    for index, rest in here:
        start = max(now, rest.earliest_s)
        if start > rest.latest_s:
            return None
        end = start + rest.duration_s
        found.append(Stop(break_index=index, arrival_s=now, start_s=start, departure_s=end, travel_s=travel))
        now, travel = end, 0
    return now, travel, found


def walk(problem, shift, order, spots, leave):
    """Drive the order and take each break at its spot: before the drive to visit n is 2n, after it 2n + 1.

    Returns the end of the route and its stops, or None if a window, a break or the shift does not allow it.
    """
    now, place, found = leave, shift.start_location, []
    for number, name in enumerate(order):
        visit = problem.visit_by_id[name]
        drive = int(problem.travel_of(shift)[place, visit.location])
        before = rest_at([item for item, spot in spots if spot == 2 * number], now, 0)
        if before is None:
            return None
        after = rest_at([item for item, spot in spots if spot == 2 * number + 1], before[0] + drive, drive)
        if after is None or not (possible := starts(visit, after[0])):
            return None
        now, travel, rests = after
        work = {"arrival_s": now, "start_s": min(possible), "departure_s": min(possible) + visit.service_s}
        found += [*before[2], *rests, Stop(visit=name, travel_s=travel, **work)]
        now, place = work["departure_s"], visit.location
    last = rest_at([item for item, spot in spots if spot == 2 * len(order)], now, 0)
    if last is None:
        return None
    drive = 0 if shift.end_location is None else int(problem.travel_of(shift)[place, shift.end_location])
    return last[0] + drive, [*found, *last[2]]


def every_walk(problem, shift, order, leave):
    """Every way of taking some of the breaks, in order, that the rules allow to a van that leaves then."""
    breaks = list(enumerate(shift.breaks))
    for count in range(len(breaks) + 1):
        for taken in combinations(breaks, count):
            left = [rest for item, rest in enumerate(shift.breaks) if (item, rest) not in taken]
            for places in combinations_with_replacement(range(2 * len(order) + 1), count):
                outcome = walk(problem, shift, order, list(zip(taken, places, strict=True)), leave)
                if outcome is None or outcome[0] > shift.limit_s:
                    continue
                if not any(shift.begin_s <= rest.latest_s < outcome[0] for rest in left):
                    yield outcome


def home_s(problem, shift):
    if shift.end_location is None:
        return 0
    return int(problem.travel_of(shift)[problem.visits[-1].location, shift.end_location])


def leave_and_end(problem, shift, route):
    first, last = route.stops[0], route.stops[-1]
    return first.arrival_s - first.travel_s, last.departure_s + home_s(problem, shift)


@settings(max_examples=200, deadline=None)
@given(problems(most_visits=4))
def test_schedule_ends_as_soon_as_the_best_of_all_break_places(problem):
    """`schedule` finds a timing exactly when trying every break place does, ends as soon, and is legal."""
    shift = replace(problem.shifts[0], max_duration_s=None, cost_per_h=0)
    problem = replace(problem, shifts=(shift, *problem.shifts[1:]), weights=Weights())
    order = [visit.id for visit in problem.visits]
    outcomes = list(every_walk(problem, shift, order, shift.begin_s))
    route = schedule(problem, shift.id, order)
    assert (route is None) == (not outcomes)
    if route is not None:
        assert leave_and_end(problem, shift, route)[1] == min(end for end, _ in outcomes)
        assert list(route.stops) in [found for _, found in outcomes]


@settings(max_examples=300, deadline=None)
@given(problems(most_visits=4))
def test_schedule_leaves_as_late_as_it_can_where_duration_counts(problem):
    """The end is the soonest there is; it can be kept when leaving then, and not a second later."""
    shift = replace(problem.shifts[0], max_duration_s=None, cost_per_h=60)
    problem = replace(problem, shifts=(shift, *problem.shifts[1:]))
    order = [visit.id for visit in problem.visits]
    route = schedule(problem, shift.id, order)
    soonest = min((end for end, _ in every_walk(problem, shift, order, shift.begin_s)), default=None)
    assert (route is None) == (soonest is None)
    if route is None:
        return
    leave, end = leave_and_end(problem, shift, route)
    assert end == soonest
    kept = [found for this, found in every_walk(problem, shift, order, leave) if this == soonest]
    assert list(route.stops) in kept
    assert all(this > soonest for this, _ in every_walk(problem, shift, order, leave + 1))
    for limit, feasible in ((end - leave, True), (max(end - leave - 1, 0), end == leave)):
        bounded = replace(shift, max_duration_s=limit)
        again = schedule(replace(problem, shifts=(bounded, *problem.shifts[1:])), shift.id, order)
        assert again == (route if feasible else None)


def test_van_leaves_late_where_duration_counts():
    """Whether labour, the weight of duration or a limit asks for it, the van waits at home, not outside."""
    visits = [make_visit(id="A", windows=((10 * HOUR, 11 * HOUR),)), make_visit(id="B", location=2)]
    for shift, weights, leave in (
        ({}, {}, EIGHT),
        ({"cost_per_h": 1}, {}, 10 * HOUR - 10 * MINUTE),
        ({"max_duration_s": 9 * HOUR}, {}, 10 * HOUR - 10 * MINUTE),
        ({}, {"duration": 0.1}, 10 * HOUR - 10 * MINUTE),
    ):
        problem = make_problem(visits, [make_shift(**shift)], weights=Weights(**weights))
        route = schedule(problem, "ana/mon", ["A", "B"])
        assert leave_and_end(problem, problem.shifts[0], route) == (leave, 12 * HOUR + 30 * MINUTE)
        assert check(problem, Plan(routes=(route,))) == []


def test_break_at_noon_is_not_dodged_by_leaving_late():
    """A shift that begins before the break takes it, at home if the first visit is in the afternoon."""
    noon = (Break(earliest_s=12 * HOUR, latest_s=13 * HOUR, duration_s=30 * MINUTE),)
    visit = make_visit(windows=((15 * HOUR, 16 * HOUR),))
    problem = make_problem([visit], [make_shift(breaks=noon, cost_per_h=60)])
    route = schedule(problem, "ana/mon", ["V1"])
    assert stops(route)[0] == ("break", 13 * HOUR, 13 * HOUR, 13 * HOUR + 30 * MINUTE)
    assert check(problem, Plan(routes=(route,))) == []


def test_project_tells_by_how_much_a_route_is_too_long():
    """A route that only takes too long leaves late all the same, so that the excess is the true one."""
    visit = make_visit(windows=((10 * HOUR, 11 * HOUR),))
    problem = make_problem([visit], [make_shift(max_duration_s=79 * MINUTE)])
    assert schedule(problem, "ana/mon", ["V1"]) is None
    found = check(problem, Plan(routes=(project(problem, "ana/mon", ["V1"]),)))
    assert [(each.rule, each.numbers["duration_s"]) for each in found] == [("duration", 80 * MINUTE)]


def fetching_at(problem, shift, order, position):
    """The route with a stop to restock before the visit at this position, as a visit of its own there."""
    place = problem.restock
    fetch = make_visit(id="fetch", location=place.location, service_s=place.service_s)
    plain = replace(problem, restock=None, visits=(*problem.visits, fetch))
    route = schedule(plain, shift.id, (*order[:position], "fetch", *order[position:]))
    if route is None:
        return None
    stops = (replace(s, visit=None, restock=True) if s.visit == "fetch" else s for s in route.stops)
    return replace(route, stops=tuple(stops))


@settings(max_examples=300, deadline=None)
@given(problems(most_visits=4, restock=True))
def test_restock_is_where_it_costs_least(problem):
    """Who needs no stop to restock makes none; else it is at the cheapest of all places where it is legal."""
    free = (
        replace(visit, skills={}, load=(), pinned=None, due_s=None, preferred_windows=())
        for visit in problem.visits
    )
    shift = replace(problem.shifts[0], max_visits=None)
    problem = replace(problem, visits=tuple(free), shifts=(shift, *problem.shifts[1:]))
    order = [visit.id for visit in problem.visits]
    plain = replace(problem, restock=None)
    lacks = check(problem, Plan(routes=(project(plain, shift.id, order),)))
    routes = [schedule(plain, shift.id, order)]
    if {"tools", "parts"} & {violation.rule for violation in lacks}:
        routes = [fetching_at(problem, shift, order, position) for position in range(len(order) + 1)]
    legal = [route for route in routes if route and not check(problem, Plan(routes=(route,)))]
    found = schedule(problem, shift.id, order)
    assert bool(legal) == (found is not None and not check(problem, Plan(routes=(found,))))
    if legal:
        cheapest = min(route_cost(problem, route) for route in legal)
        assert abs(route_cost(problem, found) - cheapest) <= 3  # each part is rounded


def test_restock_is_fetched_on_the_way():
    """The camera is fetched before the visit that needs it, where the depot lies on the way."""
    visits = [make_visit(id="A"), make_visit(id="B", location=3, tools=frozenset({"camera"}))]
    problem = make_problem(visits, restock=Restock(location=2, service_s=5 * MINUTE))
    route = schedule(problem, "ana/mon", ["A", "B"])
    assert [(stop.visit, stop.restock) for stop in route.stops] == [("A", False), (None, True), ("B", False)]
    assert route.stops[1].departure_s == 9 * HOUR + 25 * MINUTE
    carried = replace(problem, shifts=(make_shift(tools=frozenset({"camera"})),))
    assert len(schedule(carried, "ana/mon", ["A", "B"]).stops) == 2


def test_project_fetches_what_a_late_route_needs():
    """A route that is late still shows the stop to restock."""
    visit = make_visit(parts={"valve": 1}, windows=((EIGHT, EIGHT),))
    problem = make_problem([visit], restock=Restock(location=0, service_s=0))
    route = project(problem, "ana/mon", ["V1"])
    assert [found.rule for found in check(problem, Plan(routes=(route,)))] == ["window"]
