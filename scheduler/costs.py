"""What a plan costs: one function for each soft cost, and `evaluate`, which reads the stops alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from scheduler.model import Plan, Problem, Route, Shift, Stop, Visit

CHANGE_S = 600
"""What `change` counts (seconds) for a visit with another technician, and for one in another window.

A move inside its arrival window counts nothing: the customer does not notice it.
"""


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
        ``cost`` (seconds) and its parts ``travel, distance, duration, waiting, overtime, lateness, labour,
        preference, fairness, change`` (weighted seconds), then the plain sums ``travel_s, waiting_s,
        overtime_s`` and ``distance_m``.
    """
    served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
    left = [visit for visit in problem.visits if visit.id not in served]
    totals: dict[str, int] = {
        "promised_unassigned": sum(visit.promised for visit in left),
        "unassigned": len(left),
        "unassigned_weight": sum(visit.priority for visit in left),
    }
    parts: dict[str, int] = defaultdict(int)
    former = {} if baseline is None else starts_of(problem, baseline)
    for route in plan.routes:
        for name, amount in route_parts(problem, route, former=former).items():
            parts[name] += amount
    parts["fairness"] = round(problem.weights.fairness * _busy_gap_s(problem, plan))
    cost = sum(parts[name] for name in COST_PARTS)
    sums = {name: parts[name] for name in ("travel_s", "waiting_s", "overtime_s", "distance_m")}
    return totals | {"cost": cost} | {name: parts[name] for name in COST_PARTS} | sums


COST_PARTS = (
    "travel",
    "distance",
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


Former = Mapping[str, tuple[str, int]]
"""Technician and start (seconds) of each visit in an earlier plan."""


def route_cost(
    problem: Problem, route: Route, extra: Visit | None = None, former: Former | None = None
) -> int:
    """Weighted seconds of one route, without the part that only a whole plan has (fairness)."""
    parts = route_parts(problem, route, extra, former)
    return sum(parts.get(name, 0) for name in COST_PARTS)


def route_parts(
    problem: Problem, route: Route, extra: Visit | None = None, former: Former | None = None
) -> dict[str, int]:
    """The parts of `evaluate` that one route causes.

    `extra` is a visit on it that the problem does not have, or has in another shape; `former` is what
    `change` compares with.
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
    distance_m = _distance_m(problem, shift, places)
    weights = problem.weights
    return {
        "travel": round(weights.travel * driven_s),
        "distance": round(weights.distance * distance_m),
        "duration": round(weights.duration * duration_s),
        "waiting": round(weights.waiting * waiting_s),
        "overtime": round(weights.overtime * overtime_s),
        "lateness": round(weights.lateness * sum(_late_cost(stop, visit) for stop, visit in visits)),
        "labour": round(duration_s * shift.cost_per_h / 3600),
        "preference": sum(_missed_preference_s(shift, stop, visit) for stop, visit in visits),
        "change": round(weights.change * _change_s(shift, visits, former)) if former else 0,
        "travel_s": driven_s,
        "waiting_s": waiting_s,
        "overtime_s": overtime_s,
        "distance_m": distance_m,
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
    return int(problem.travel_of(shift).item(origin, shift.end_location))


def _late_cost(stop: Stop, visit: Visit) -> float:
    """Seconds of cost for work that starts after the service-level date."""
    if visit.due_s is None or stop.start_s <= visit.due_s:
        return 0.0
    return (stop.start_s - visit.due_s) * visit.late_cost_per_h / 3600


def _missed_preference_s(shift: Shift, stop: Stop, visit: Visit) -> int:
    """What the best technician and window of a visit are worth, less what it got (seconds)."""
    people, windows = visit.preferred_technicians, visit.preferred_windows
    if not people and not windows:
        return 0
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


def _change_s(shift: Shift, visits: Sequence[tuple[Stop, Visit]], former: Former) -> int:
    """What changed for the visits of a route."""
    changes = 0
    for stop, visit in visits:
        if visit.id in former:
            technician, start_s = former[visit.id]
            changes += technician != shift.technician
            changes += _windows_of(visit, start_s).isdisjoint(_windows_of(visit, stop.start_s))
    return CHANGE_S * changes


def _windows_of(visit: Visit, start_s: int) -> set[int]:
    """The arrival windows a start lies in; -1 when it lies in none, or there are none."""
    inside = {index for index, (start, end) in enumerate(visit.windows) if start <= start_s <= end}
    return inside or {-1}


def starts_of(problem: Problem, plan: Plan) -> Former:
    """Technician and start of each visit of a plan; shifts that the problem does not have are left out."""
    return {
        stop.visit: (problem.shift_by_id[route.shift].technician, stop.start_s)
        for route in plan.routes
        if route.shift in problem.shift_by_id
        for stop in route.stops
        if stop.visit is not None
    }
