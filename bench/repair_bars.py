"""How many arrival windows of full days insertion and repair can offer, of those that can be kept at all.

A window counts as one that can be kept when it was offered (and the changed plan passes `check`) or when a
search of ten seconds on the whole day finds a plan with it. Only windows that were not offered are searched.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.instances.days import Day, generate
from scheduler.engines.rearrange import rearranged
from scheduler.insertion import suggest
from scheduler.model import Plan, Problem, Visit
from scheduler.repair import RepairedPlace, repair
from scheduler.rules import check
from scheduler.solver import solve

HOUR_S = 3600
WINDOWS = tuple((start * HOUR_S, (start + 2) * HOUR_S) for start in (8, 10, 12, 14, 16))
LOADS = (0.70, 0.85, 0.95)
SECONDS, TRUTH_S = 1.0, 10.0
BAR = 0.9


@dataclass
class Count:
    """Windows of some days of one load."""

    asked: int = 0
    direct: int = 0
    chains: int = 0
    search: int = 0
    later: int = 0
    chains_s: float = 0.0
    worst_s: float = 0.0
    moves: int = 0

    @property
    def offered(self) -> int:
        return self.direct + self.chains + self.search

    @property
    def part(self) -> float:
        """Of the windows that can be kept the part that was offered."""
        return self.offered / max(1, self.offered + self.later)

    @property
    def part_of_chains(self) -> float:
        """The same for what needs no search."""
        return (self.direct + self.chains) / max(1, self.offered + self.later)


def full_day(load: float, seed: int, seconds: float) -> tuple[Problem, Plan]:
    """An optimised day on which every visit has its place and is promised its window."""
    problem = generate(Day(visits=200, seed=seed, load=load)).problem
    plan = solve(problem, seconds=seconds, seed=seed, threads=2)
    left = {each.visit for each in plan.unassigned}
    visits = tuple(replace(visit, promised=True) for visit in problem.visits if visit.id not in left)
    return replace(problem, visits=visits), replace(plan, unassigned=(), cost={})


def wishes(problem: Problem, seed: int, count: int) -> list[Visit]:
    """New visits like those of the day, somewhere on its map."""
    rng = np.random.default_rng(seed)
    picked = rng.choice(len(problem.visits), 2 * count, replace=False).tolist()
    pairs = zip(picked[:count], picked[count:], strict=True)
    return [
        replace(problem.visits[one], id="wish", windows=(), location=problem.visits[other].location)
        for one, other in pairs
    ]


def answer(problem: Problem, plan: Plan, wish: Visit, count: Count) -> list[RepairedPlace | None]:
    """Ask for a day, as a page would, and see that every offer can be booked."""
    began = time.perf_counter()
    chained = repair(problem, plan, wish, WINDOWS, seconds=SECONDS)
    count.chains_s = max(count.chains_s, time.perf_counter() - began)
    began = time.perf_counter()
    found = repair(problem, plan, wish, WINDOWS, seconds=SECONDS, rearrange=rearranged)
    count.worst_s = max(count.worst_s, time.perf_counter() - began)
    for before, place, window in zip(chained, found, WINDOWS, strict=True):
        count.asked += 1
        if place is None:
            continue
        book(problem, plan, replace(wish, windows=(window,)), place)
        count.moves += len(place.moves)
        if before is None:
            count.search += 1
        elif suggest(problem, plan, replace(wish, windows=(window,)), 1):
            count.direct += 1
        else:
            count.chains += 1
    return found


def book(problem: Problem, plan: Plan, visit: Visit, place: RepairedPlace) -> None:
    """Put the visit and its moves on the plan; raises AssertionError unless that is legal and keeps all."""
    changed = {route.shift: route for route in place.routes}
    routes = tuple(changed.pop(route.shift, route) for route in plan.routes)
    after = Plan(routes=(*routes, *changed.values()))
    full = replace(problem, visits=(*problem.visits, visit))
    served = [name for route in after.routes for name in route.visit_ids]
    if check(full, after) or sorted(served) != sorted(each.id for each in full.visits):
        raise AssertionError(f"the offer is not one: {check(full, after)}")


def could_be_kept(problem: Problem, plan: Plan, visit: Visit) -> bool:
    """Whether ten seconds of search on the whole day find a place for the visit."""
    orders = {route.shift: route.visit_ids for route in plan.routes}
    full = replace(problem, visits=(*problem.visits, visit))
    everybody = {each.id for each in full.visits}
    return any(
        everybody <= {name for order in found.values() for name in order}
        for found in rearranged(full, orders, TRUTH_S, 99, 2)
    )


def measure(load: float, seeds: Sequence[int], visits: int, optimised_s: float) -> Count:
    """Ask for some visits on some days of one load."""
    count = Count()
    for seed in seeds:
        problem, plan = full_day(load, seed, optimised_s)
        for wish in wishes(problem, seed, visits):
            found = answer(problem, plan, wish, count)
            for place, window in zip(found, WINDOWS, strict=True):
                if place is None:
                    count.later += could_be_kept(problem, plan, replace(wish, windows=(window,)))
        people, served = len(problem.shifts), len(problem.visits)
        print(
            f"load {load:.0%} seed {seed}: {people} technicians, {served} visits, so far {count}", flush=True
        )
    return count


def main() -> None:
    """Print the table of all loads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--visits", type=int, default=4, help="new visits asked for on each day")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS)
    parser.add_argument("--optimised", type=float, default=10.0, help="seconds that the day was planned for")
    options = parser.parse_args()
    counts = {load: measure(load, options.seeds, options.visits, options.optimised) for load in options.loads}
    print("load  asked  direct  chains  search  only 10 s  offered  without search  slowest  chains alone")
    for load, count in counts.items():
        kept = "kept" if count.part >= BAR else "MISSED"
        print(
            f"{load:4.0%}  {count.asked:5d}  {count.direct:6d}  {count.chains:6d}  {count.search:6d}"
            f"  {count.later:9d}  {count.part:7.1%}  {count.part_of_chains:14.1%}  {count.worst_s:6.2f}s"
            f"  {count.chains_s:11.2f}s  {kept}"
        )


if __name__ == "__main__":
    main()
