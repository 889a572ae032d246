"""The hard rules, one function each, and `check`, the only judge of a plan.

Everything is recomputed from the stops alone. Nothing here is shared with the engines, with `insertion` or
with `timeline`: a mistake there cannot hide here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from scheduler.model import Plan, Problem, Violation, Visit
from scheduler.rules_across import crew, one_place, order, same_technician
from scheduler.rules_ride import Ride


def check(problem: Problem, plan: Plan) -> list[Violation]:
    """Judge a plan.

    Parameters
    ----------
    problem, plan
        The plan may come from anywhere; it may name visits and shifts that the problem does not have.

    Returns
    -------
    list of Violation
        Every broken hard rule, in the order of the routes; empty for a legal plan. When ids are unknown only
        those are reported, because nothing else can be judged.
    """
    if unknown := list(unknown_ids(problem, plan)):
        return unknown
    found: list[Violation] = []
    for route in plan.routes:
        if route.stops:
            ride = Ride(problem, problem.shift_by_id[route.shift], route)
            for rule in ROUTE_RULES:
                found += rule(ride)
    for across in PLAN_RULES:
        found += across(problem, plan)
    return found


def unknown_ids(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A plan is about the visits, shifts and breaks of its problem, and has one route a shift."""
    seen: set[str] = set()
    for route in plan.routes:
        shift = problem.shift_by_id.get(route.shift)
        if shift is None or route.shift in seen:
            text = f"There is no shift {route.shift}." if shift is None else "The shift has two routes."
            yield Violation(rule="unknown", visit=None, shift=route.shift, text=text)
            continue
        seen.add(route.shift)
        for stop in route.stops:
            if stop.visit is not None and stop.visit not in problem.visit_by_id:
                text = f"There is no visit {stop.visit}."
                yield Violation(rule="unknown", visit=stop.visit, shift=shift.id, text=text)
            if stop.break_index is not None and not 0 <= stop.break_index < len(shift.breaks):
                text = f"The shift has no break {stop.break_index}."
                yield Violation(rule="unknown", visit=None, shift=shift.id, text=text)
            if stop.restock and problem.restock is None:
                text = "There is no place to restock."
                yield Violation(rule="unknown", visit=None, shift=shift.id, text=text)


def skill(ride: Ride) -> Iterator[Violation]:
    """The technician holds every skill of the visit at its level or above."""
    for _, visit in ride.visits:
        for name, need in visit.skills.items():
            have = ride.shift.skills.get(name)
            if have is None or have < need:
                text = f"{visit.id} needs {name} level {need}; {ride.shift.technician} has {have or 'none'}."
                yield ride.violation("skill", visit.id, text, skill=name, need=need, have=have or 0)


def technician(ride: Ride) -> Iterator[Violation]:
    """The technician is among the allowed ones of the visit and not among the refused ones."""
    name = ride.shift.technician
    for _, visit in ride.visits:
        if name in visit.not_technicians or (visit.technicians is not None and name not in visit.technicians):
            yield ride.violation(
                "technician", visit.id, f"{visit.id} may not be served by {name}.", technician=name
            )


def window(ride: Ride) -> Iterator[Violation]:
    """Work starts inside one of the arrival windows."""
    for stop, visit in ride.visits:
        if visit.windows and not any(start <= stop.start_s <= end for start, end in visit.windows):
            start, end = min(
                visit.windows, key=lambda window: max(window[0] - stop.start_s, stop.start_s - window[1])
            )
            off = max(start - stop.start_s, stop.start_s - end)
            yield ride.violation(
                "window",
                visit.id,
                f"{visit.id} starts at {stop.start_s}, {off} s outside its window {start} to {end}.",
                start_s=stop.start_s,
                window_start_s=start,
                window_end_s=end,
                off_s=off,
            )


def shift_start(ride: Ride) -> Iterator[Violation]:
    """The van leaves when its shift has begun and it is available."""
    leave = ride.route.stops[0].arrival_s - ride.route.stops[0].travel_s
    if leave < ride.begin_s:
        text = f"The van leaves at {leave}, before its shift begins at {ride.begin_s}."
        yield ride.violation("shift_start", None, text, leave_s=leave, begin_s=ride.begin_s)


def shift_end(ride: Ride) -> Iterator[Violation]:
    """The route ends within the shift and its allowed overtime."""
    limit = ride.shift.end_s + ride.shift.overtime_s
    if ride.end_s > limit:
        text = f"The route ends at {ride.end_s}, {ride.end_s - limit} s after the allowed {limit}."
        yield ride.violation(
            "shift_end", None, text, end_s=ride.end_s, limit_s=limit, over_s=ride.end_s - limit
        )


def travel(ride: Ride) -> Iterator[Violation]:
    """Between two stops there is time for the drive, and the drive is as long as the travel matrix says."""
    place, departure, driven = ride.shift.start_location, None, 0
    for stop in ride.route.stops:
        if departure is not None and stop.arrival_s < departure + stop.travel_s:
            short = departure + stop.travel_s - stop.arrival_s
            text = f"The drive to the stop at {stop.arrival_s} is {short} s too short."
            yield ride.violation("travel", stop.visit, text, arrival_s=stop.arrival_s, short_s=short)
        departure = stop.departure_s
        if stop.break_index is not None:
            if driven and stop.travel_s:
                yield ride.violation("travel", None, "A drive is interrupted by a break.", travel_s=driven)
            driven += stop.travel_s
            continue
        need = ride.drive_s(place, ride.location(stop))
        if stop.travel_s + driven != need or (driven and stop.travel_s):
            given = stop.travel_s + driven
            text = f"The drive to the stop at {stop.arrival_s} takes {need} s, not {given}."
            yield ride.violation("travel", stop.visit, text, need_s=need, given_s=given)
        place, driven = ride.location(stop), 0
    end = ride.shift.end_location
    home = 0 if end is None else ride.drive_s(place, end)
    if driven not in (0, home):
        text = f"The drive to the end takes {home} s, not {driven}."
        yield ride.violation("travel", None, text, need_s=home, given_s=driven)


def service(ride: Ride) -> Iterator[Violation]:
    """Work begins after the arrival and lasts as long as it must."""
    for stop in ride.route.stops:
        need = ride.service_s(stop)
        if stop.start_s < stop.arrival_s:
            text = f"The stop at {stop.start_s} begins before the arrival at {stop.arrival_s}."
            yield ride.violation("service", stop.visit, text, start_s=stop.start_s, arrival_s=stop.arrival_s)
        if stop.departure_s - stop.start_s != need:
            given = stop.departure_s - stop.start_s
            text = f"The stop at {stop.start_s} lasts {given} s, not {need}."
            yield ride.violation("service", stop.visit, text, need_s=need, given_s=given)


def pause(ride: Ride) -> Iterator[Violation]:
    """Breaks begin in their interval, in order, each once; one is left out only if the route ends by then."""
    taken = [(stop.break_index, stop.start_s) for stop in ride.route.stops if stop.break_index is not None]
    if [index for index, _ in taken] != sorted({index for index, _ in taken}):
        yield ride.violation("break", None, "Breaks are taken twice or out of order.", taken=len(taken))
    for index, start in taken:
        rest = ride.shift.breaks[index]
        if not rest.earliest_s <= start <= rest.latest_s:
            text = f"The break begins at {start}, not between {rest.earliest_s} and {rest.latest_s}."
            yield ride.violation(
                "break", None, text, start_s=start, earliest_s=rest.earliest_s, latest_s=rest.latest_s
            )
    for index, rest in enumerate(ride.shift.breaks):
        if index not in {number for number, _ in taken} and ride.begin_s <= rest.latest_s < ride.end_s:
            text = f"The break between {rest.earliest_s} and {rest.latest_s} is not taken."
            yield ride.violation("break", None, text, earliest_s=rest.earliest_s, latest_s=rest.latest_s)


def tools(ride: Ride) -> Iterator[Violation]:
    """The van carries every tool of the visit, or fetched it before."""
    for visit in _before_restock(ride):
        for tool in sorted(visit.tools - ride.shift.tools):
            text = f"{visit.id} needs {tool}; the van of {ride.shift.technician} does not carry it."
            yield ride.violation("tools", visit.id, text, tool=tool)


def parts(ride: Ride) -> Iterator[Violation]:
    """The parts used before a restock are on the van."""
    need: Mapping[str, int] = _sum_parts(_before_restock(ride))
    for part, amount in need.items():
        have = ride.shift.parts.get(part, 0)
        if amount > have:
            text = f"The route needs {amount} of {part}; the van has {have}."
            yield ride.violation("parts", None, text, part=part, need=amount, have=have)


def _before_restock(ride: Ride) -> list[Visit]:
    """The visits that only what the van carries in the morning can serve."""
    visits = []
    for stop in ride.route.stops:
        if stop.restock:
            break
        if stop.visit is not None:
            visits.append(ride.problem.visit_by_id[stop.visit])
    return visits


def _sum_parts(visits: list[Visit]) -> dict[str, int]:
    need: dict[str, int] = defaultdict(int)
    for visit in visits:
        for part, amount in visit.parts.items():
            need[part] += amount
    return need


def capacity(ride: Ride) -> Iterator[Violation]:
    """The loads of the route do not exceed the capacity of the shift; a shift without one has no limit."""
    for dimension, have in enumerate(ride.shift.capacity):
        loads = [visit.load[dimension] for _, visit in ride.visits if dimension < len(visit.load)]
        if sum(loads) > have:
            text = f"The route loads {sum(loads)} in dimension {dimension}; the van holds {have}."
            yield ride.violation("capacity", None, text, dimension=dimension, need=sum(loads), have=have)


def pin(ride: Ride) -> Iterator[Violation]:
    """A pinned visit stays in its shift and at its start."""
    for stop, visit in ride.visits:
        if visit.pinned is None:
            continue
        if visit.pinned.shift not in (None, ride.shift.id):
            text = f"{visit.id} is pinned to {visit.pinned.shift}."
            yield ride.violation("pin", visit.id, text, pinned_shift=visit.pinned.shift or "")
        if visit.pinned.start_s not in (None, stop.start_s):
            text = f"{visit.id} is pinned to start at {visit.pinned.start_s}, not at {stop.start_s}."
            yield ride.violation(
                "pin", visit.id, text, pinned_start_s=visit.pinned.start_s or 0, start_s=stop.start_s
            )


def duration(ride: Ride) -> Iterator[Violation]:
    """From leaving to the end the route takes no longer than allowed."""
    limit = ride.shift.max_duration_s
    took = ride.end_s - (ride.route.stops[0].arrival_s - ride.route.stops[0].travel_s)
    if limit is not None and took > limit:
        text = f"The route takes {took} s; {limit} are allowed."
        yield ride.violation("duration", None, text, duration_s=took, limit_s=limit)


def max_travel(ride: Ride) -> Iterator[Violation]:
    """The route drives no longer than allowed."""
    limit = ride.shift.max_travel_s
    driven = sum(stop.travel_s for stop in ride.route.stops) + ride.last_drive_s
    if limit is not None and driven > limit:
        text = f"The route drives {driven} s; {limit} are allowed."
        yield ride.violation("max_travel", None, text, travel_s=driven, limit_s=limit)


def max_visits(ride: Ride) -> Iterator[Violation]:
    """The route has no more visits than allowed."""
    limit, count = ride.shift.max_visits, len(ride.visits)
    if limit is not None and count > limit:
        text = f"The route has {count} visits; {limit} are allowed."
        yield ride.violation("max_visits", None, text, visits=count, limit=limit)


ROUTE_RULES: tuple[Callable[[Ride], Iterator[Violation]], ...] = (
    skill,
    technician,
    tools,
    parts,
    capacity,
    max_visits,
    pin,
    service,
    travel,
    window,
    pause,
    shift_start,
    shift_end,
    duration,
    max_travel,
)
PLAN_RULES: tuple[Callable[[Problem, Plan], Iterator[Violation]], ...] = (
    one_place,
    crew,
    order,
    same_technician,
)
