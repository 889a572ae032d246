"""What a plan costs: one function for each soft cost, and `evaluate`, which reads the stops alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from scheduler.model import Plan, Problem, Route, Shift, Stop, Visit

CHANGED_TECHNICIAN_S = 3600
"""A visit that changes technician counts as much as one that moves by this many seconds."""


def evaluate(problem: Problem, plan: Plan, *, baseline: Plan | None = None) -> Mapping[str, int]:
    """Count what a plan leaves undone and what it costs.

    Parameters
    ----------
    problem, plan
        The plan's ids must be of the problem.
    baseline
        The plan that `change` compares with; without it `change` is 0.

    Returns
    -------
    Mapping
        ``promised_unassigned`` and ``unassigned`` (visits), ``unassigned_weight`` (sum of priorities),
        ``cost`` (seconds) and its parts ``travel, duration, waiting, overtime, lateness, labour, preference,
        fairness, change`` (weighted seconds), then the plain sums ``travel_s, waiting_s, overtime_s`` and
        ``distance_m``.
    """
    served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
    left = [visit for visit in problem.visits if visit.id not in served]
    totals: dict[str, int] = {
        "promised_unassigned": sum(visit.promised for visit in left),
        "unassigned": len(left),
        "unassigned_weight": sum(visit.priority for visit in left),
    }
    parts: dict[str, int] = defaultdict(int)
    for route in plan.routes:
        for name, amount in route_parts(problem, route).items():
            parts[name] += amount
    parts["fairness"] = round(problem.weights.fairness * _busy_gap_s(problem, plan))
    parts["change"] = round(problem.weights.change * (_change_s(problem, plan, baseline) if baseline else 0))
    cost = sum(parts[name] for name in COST_PARTS)
    sums = {name: parts[name] for name in ("travel_s", "waiting_s", "overtime_s", "distance_m")}
    return totals | {"cost": cost} | {name: parts[name] for name in COST_PARTS} | sums


COST_PARTS = (
    "travel",
    "duration",
    "waiting",
    "overtime",
    "lateness",
    "labour",
    "preference",
    "fairness",
    "change",
)


def objective(cost: Mapping[str, int]) -> tuple[int, int, int]:
    """The order of plans: promised visits left out, weight left out, weighted cost; less is better."""
    return cost["promised_unassigned"], cost["unassigned_weight"], cost["cost"]


def route_cost(problem: Problem, route: Route, extra: Visit | None = None) -> int:
    """Weighted seconds of one route, without the parts that only a whole plan has (fairness, change)."""
    parts = route_parts(problem, route, extra)
    return sum(parts.get(name, 0) for name in COST_PARTS)


def route_parts(problem: Problem, route: Route, extra: Visit | None = None) -> dict[str, int]:
    """The parts of `evaluate` that one route causes.

    `extra` is a visit on it that the problem does not have, or has in another shape.
    """
    if not route.stops:
        return {}
    shift = problem.shift_by_id[route.shift]
    visits = [
        (stop, extra if extra is not None and stop.visit == extra.id else problem.visit_by_id[stop.visit])
        for stop in route.stops
        if stop.visit is not None
    ]
    places = _places(problem, shift, route.stops, extra)
    drive_s = _last_drive_s(problem, shift, route.stops, places[-1])
    driven_s = sum(stop.travel_s for stop in route.stops) + drive_s
    end_s = route.stops[-1].departure_s + drive_s
    duration_s = end_s - (route.stops[0].arrival_s - route.stops[0].travel_s)
    waiting_s = sum(stop.start_s - stop.arrival_s for stop in route.stops)
    overtime_s = max(0, end_s - shift.end_s)
    weights = problem.weights
    return {
        "travel": round(weights.travel * driven_s),
        "duration": round(weights.duration * duration_s),
        "waiting": round(weights.waiting * waiting_s),
        "overtime": round(weights.overtime * overtime_s),
        "lateness": round(weights.lateness * sum(_late_cost(stop, visit) for stop, visit in visits)),
        "labour": round(duration_s * shift.cost_per_h / 3600),
        "preference": sum(missed_preference_s(shift, stop, visit) for stop, visit in visits),
        "travel_s": driven_s,
        "waiting_s": waiting_s,
        "overtime_s": overtime_s,
        "distance_m": _distance_m(problem, shift, places),
    }


def _places(problem: Problem, shift: Shift, stops: Sequence[Stop], extra: Visit | None) -> list[int]:
    """The locations a route comes through, its start included and its end not; breaks are at one of them."""
    places = [shift.start_location]
    for stop in stops:
        if stop.visit is not None:
            visit = extra if extra is not None and stop.visit == extra.id else problem.visit_by_id[stop.visit]
            places.append(visit.location)
        elif stop.restock and problem.restock is not None:
            places.append(problem.restock.location)
    return places


def _last_drive_s(problem: Problem, shift: Shift, stops: Sequence[Stop], origin: int) -> int:
    """Seconds from the last place to the end of the route; 0 when a break there has counted them."""
    if shift.end_location is None:
        return 0
    for stop in reversed(stops):
        if stop.break_index is None:
            break
        if stop.travel_s:
            return 0
    return problem.travel(origin, shift.end_location)


def _late_cost(stop: Stop, visit: Visit) -> float:
    """Seconds of cost for work that starts after the service-level date."""
    if visit.due_s is None or stop.start_s <= visit.due_s:
        return 0.0
    return (stop.start_s - visit.due_s) * visit.late_cost_per_h / 3600


def missed_preference_s(shift: Shift, stop: Stop, visit: Visit) -> int:
    """What the best technician and window of a visit are worth, less what it got (seconds)."""
    people, windows = visit.preferred_technicians, visit.preferred_windows
    missed = max(people.values(), default=0) - people.get(shift.technician, 0)
    got = max((worth for start, end, worth in windows if start <= stop.start_s <= end), default=0)
    return missed + max((worth for _, _, worth in windows), default=0) - got


def _distance_m(problem: Problem, shift: Shift, places: Sequence[int]) -> int:
    if problem.distance_m is None:
        return 0
    end = () if shift.end_location is None else (shift.end_location,)
    return sum(int(problem.distance_m.item(leg)) for leg in pairwise((*places, *end)))


def _busy_gap_s(problem: Problem, plan: Plan) -> int:
    """Seconds of work and driving by which the busiest technician exceeds the idlest."""
    busy: dict[str, int] = {shift.technician: 0 for shift in problem.shifts}
    for route in plan.routes:
        work = sum(stop.departure_s - stop.start_s for stop in route.stops if stop.break_index is None)
        travel = route_parts(problem, route).get("travel_s", 0)
        busy[problem.shift_by_id[route.shift].technician] += work + travel
    return max(busy.values(), default=0) - min(busy.values(), default=0)


def _change_s(problem: Problem, plan: Plan, baseline: Plan) -> int:
    """Seconds by which visits start at another time than before, a change of technician included."""
    before = _starts(problem, baseline)
    total = 0
    for visit_id, (technician, start_s) in _starts(problem, plan).items():
        if visit_id in before:
            total += abs(start_s - before[visit_id][1])
            total += CHANGED_TECHNICIAN_S * (technician != before[visit_id][0])
    return total


def _starts(problem: Problem, plan: Plan) -> dict[str, tuple[str, int]]:
    return {
        stop.visit: (problem.shift_by_id[route.shift].technician, stop.start_s)
        for route in plan.routes
        for stop in route.stops
        if stop.visit is not None
    }
