"""`suggest`, `place` and `refusals`: the same answers as trying everything."""

from dataclasses import replace

from hypothesis import given, settings

from scheduler.costs import route_cost, route_parts
from scheduler.insertion import Place, place, refusals, suggest
from scheduler.model import Plan
from scheduler.rules import check
from scheduler.timeline import schedule
from tests.scheduler.instances import greedy_plan, problems


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


@settings(max_examples=600, deadline=None)
@given(problems())
def test_suggest_equals_brute_force(problem):
    """Every feasible place with its exact times and cost, and no other, breaks and all limits included."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    assert by_position(suggest(problem, plan, visit)) == by_position(every_place(problem, plan, visit))
