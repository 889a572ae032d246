"""A problem with the number that its family compares."""

import math
from dataclasses import dataclass
from enum import Enum

from scheduler.costs import evaluate
from scheduler.model import Plan, Problem


class Measure(Enum):
    """What a family counts; less is better."""

    WEIGHT = "weight of unserved visits"
    DISTANCE = "distance"
    DURATION = "duration"
    OUTSOURCING = "travel and outsourcing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A problem, how to count, and what others reached.

    Parameters
    ----------
    name
        With its family, as `bench.instances.load` takes it.
    unit_s
        Seconds of the problem for each unit of the family's numbers.
    best_known
        Of `measure`, in units; None when nobody published one.
    mandatory
        A plan that leaves a visit out is no solution.
    note
        Where the travel times are from, when that matters.
    """

    name: str
    problem: Problem
    measure: Measure
    unit_s: int = 1
    best_known: float | None = None
    mandatory: bool = False
    note: str = ""

    @property
    def family(self) -> str:
        return self.name.partition(":")[0]

    def value(self, plan: Plan) -> float:
        """The number of `measure` that a legal plan reaches."""
        cost = evaluate(self.problem, plan)
        if self.measure is Measure.WEIGHT:
            return cost["unassigned_weight"]
        if self.measure is Measure.DURATION:
            return sum(route_durations_s(self.problem, plan)) / self.unit_s
        if self.measure is Measure.DISTANCE:
            return cost["travel_s"] / self.unit_s
        served = {visit for route in plan.routes for visit in route.visit_ids}
        left = [visit.priority for visit in self.problem.visits if visit.id not in served]
        return cost["travel_s"] / self.unit_s + sum(outsourcing_cost(priority) for priority in left)


def outsourcing_cost(priority: int) -> float:
    """What leaving a task to others costs, from the whole number that the converter made its priority.

    200 + levels ** 1.5 is more than 1 apart for different sums of levels, so the rounding can be undone.
    """
    levels = round(math.pow(max(priority - 200, 0), 2 / 3))
    return 200 + math.pow(levels, 1.5)


def route_durations_s(problem: Problem, plan: Plan) -> list[int]:
    """From leaving to the end of each route, in seconds."""
    durations = []
    for route in plan.routes:
        if not route.stops:
            continue
        first, last = route.stops[0], route.stops[-1]
        end = problem.shift_by_id[route.shift].end_location
        place = next(
            (problem.visit_by_id[stop.visit].location for stop in reversed(route.stops) if stop.visit), None
        )
        if last.restock and problem.restock is not None:
            place = problem.restock.location
        drive = 0 if end is None or place is None else problem.travel(place, end)
        durations.append(last.departure_s + drive - (first.arrival_s - first.travel_s))
    return durations
