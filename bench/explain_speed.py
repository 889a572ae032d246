"""How long an explanation takes on a full day of 50 technicians and 400 visits."""

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np

from bench.suggest_speed import HOUR_S, PLACES, STOPS, route, shift, towns
from scheduler.explain import explain, why_not
from scheduler.model import Plan, Problem, Visit
from scheduler.timeline import schedule

TECHNICIANS = 50
BAR_S = 0.2


def day(seed: int) -> tuple[Problem, Plan]:
    """A problem and a plan of up to eight visits a technician, as far as the routes are in time."""
    rng = np.random.default_rng(seed)
    travel = towns(rng)
    near = np.argsort(travel, axis=1, kind="stable")[:, 1:41]
    shifts, orders, left = [], {}, []
    for person in range(TECHNICIANS):
        skills = {"gas": 1 + person % 3} if person % 2 else {"water": 1}
        each = shift(f"t{person}", 0, int(rng.integers(PLACES)), skills, 3600)
        shifts.append(each)
        orders[each.id] = route(rng, each, travel, near)
    visits = [visit for order in orders.values() for visit in order]
    problem = Problem(travel_s=travel, visits=tuple(visits), shifts=tuple(shifts))
    routes = []
    for name, order in orders.items():
        found = None
        while found is None and order:
            found = schedule(problem, name, [visit.id for visit in order])
            if found is None:
                left.append(order.pop())
        if found is not None:
            routes.append(found)
    if sum(len(each.visit_ids) for each in routes) < 0.9 * TECHNICIANS * STOPS:
        raise AssertionError("the routes of the scene are not in time")
    return problem, Plan(routes=tuple(routes))


def wishes(seed: int, count: int) -> list[Visit]:
    """What customers could ask for: some that nobody may serve, most that nobody has time for."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        opens = int(rng.integers(8, 16)) * HOUR_S
        needs: dict[str, int] = [{"gas": 1}, {"gas": 2}, {"gas": 4}, {"gas": 1, "water": 1}][number % 4]
        found.append(
            Visit(
                id="wish",
                location=int(rng.integers(PLACES)),
                service_s=5400,
                windows=((opens, opens + 2 * HOUR_S),),
                skills=needs,
            )
        )
    return found


def run(seed: int = 1, count: int = 60) -> dict[str, list[float]]:
    """Time explanations of placed visits, unplaced visits and windows; prints medians and the worst."""
    problem, plan = day(seed)
    placed = [name for each in plan.routes for name in each.visit_ids]
    took: dict[str, list[float]] = defaultdict(list)
    changes = 0
    for number, wish in enumerate(wishes(seed, count)):
        begin = time.perf_counter()
        explain(problem, plan, placed[number * 5 % len(placed)])
        took["placed visit"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        changes += len(why_not(problem, plan, wish).changes)
        took["window not offered"].append(time.perf_counter() - begin)
        with_wish = replace(problem, visits=(*problem.visits, wish))
        begin = time.perf_counter()
        explain(with_wish, plan, wish.id)
        took["unplaced visit"].append(time.perf_counter() - begin)
    print(f"{TECHNICIANS} technicians, {len(placed)} visits on routes, seed {seed}, {changes} changes named")
    for kind, seconds in took.items():
        worst = max(seconds)
        verdict = "kept" if worst <= BAR_S else "MISSED"
        print(f"{kind:20s} median {np.median(seconds) * 1e3:6.1f} ms, worst {worst * 1e3:6.1f} ms: {verdict}")
    return dict(took)


if __name__ == "__main__":
    run()
