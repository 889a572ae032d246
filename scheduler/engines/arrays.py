"""A problem as flat arrays, for the compiled local search.

Nodes are the visits by index, then the place to restock, the depots, and at last nowhere: the end of a shift
that ends at its last visit, to which it takes no time to drive.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.costs import CHANGE_S, Former
from scheduler.engines.eligibility import eligibility
from scheduler.engines.layout import (
    BLINK,
    EXACT,
    FORBIDDEN,
    HUNGRY,
    LONGEST,
    NEAREST,
    REMOVED,
    RULES,
    SEGMENTS,
    SHIFT,
    STATIC,
    VISIT,
    Column,
    Data,
    Floats,
    Integers,
    Records,
    Small,
)
from scheduler.model import Problem, Visit
from scheduler.timeline import NEVER, break_span, leaves_late, start_windows


def build(problem: Problem, former: Former | None = None, keep: Collection[str] = ()) -> Data:
    """The arrays of a problem.

    Parameters
    ----------
    problem
        Crews and orders between visits are not looked at.
    former
        What `change` compares with.
    keep
        Visits that must not be left out.
    """
    travel, metres = _tables(problem)
    visits = _visits(problem, former, keep)
    near = _nearest(travel[0], len(problem.visits))
    edge = _edge(travel[0], near)
    allowed = eligibility(problem)
    visits["least"] = visits["service"] + _shortest_drives(problem, travel.min(axis=0))
    visits["shift_count"][:-1] = allowed.sum(axis=1)
    windows = _windows(problem)
    apart, shifts, breaks = _apart(problem, former), _shifts(problem), _breaks(problem)
    apart[:-1][~allowed] = FORBIDDEN
    use, capacity, fetched = _loads(problem)
    shifts["kind"] = _kinds((shifts, breaks, capacity, apart.T))
    rules = _rules(problem, former, visits, shifts)
    rules["fetched"] = fetched
    rules["edge"] = price = _drive_cost(problem, edge, _edge(metres, near) if rules["distance"][0] else 0.0)
    rules["rows"] = _rows(visits, shifts, travel.min(axis=0))
    visits["penalty"] = (
        np.rint(visits["penalty"] * price * 1024) / 1024
    )  # sums of these are exact in any order
    return Data(
        travel=travel,
        travel_to=_transposed(travel),
        metres=metres,
        visits=visits,
        windows=windows,
        apart=apart,
        shifts_of=np.argsort(~allowed, axis=1, kind="stable").astype(np.int32),
        use=use,
        capacity=capacity,
        near=near,
        shifts=shifts,
        breaks=breaks,
        keys=_keys(visits, windows, shifts, travel[0], use, edge),
        rules=rules,
    )


def in_a_chain(problem: Problem) -> Problem:
    """The problem with each visit followed by the nearest one left: what a round reads then lies together."""
    count = len(problem.visits)
    where = np.array([visit.location for visit in problem.visits], np.int64)
    order, left = [0] if count else [], np.arange(1, count)
    while len(left):
        nearest = int(problem.travel_s[where[order[-1]], where[left]].argmin())
        order.append(int(left[nearest]))
        left = np.delete(left, nearest)
    return replace(problem, visits=tuple(problem.visits[index] for index in order))


def _transposed(travel: Small) -> Small:
    """The drives the other way; the same array where nothing differs: then twice as much is in the cache."""
    other = travel.transpose(0, 2, 1)
    return travel if np.array_equal(travel, other) else np.ascontiguousarray(other)


def _locations(problem: Problem) -> tuple[list[int], dict[int, int]]:
    """The location of each node but nowhere, and the node of each depot by location."""
    places = [visit.location for visit in problem.visits]
    places.append(0 if problem.restock is None else problem.restock.location)
    depots = {shift.start_location for shift in problem.shifts}
    depots |= {shift.end_location for shift in problem.shifts if shift.end_location is not None}
    node = {location: len(places) + index for index, location in enumerate(sorted(depots))}
    return [*places, *sorted(depots)], node


def _tables(problem: Problem) -> tuple[Small, Small]:
    """Seconds by profile, and metres."""
    profiles = (problem.travel_s, *problem.travel_profiles.values())
    metres = problem.distance_m
    if metres is None or not problem.weights.distance:
        return np.array([_between(problem, table) for table in profiles]), np.zeros((1, 1), np.int32)
    return np.array([_between(problem, table) for table in profiles]), _between(problem, metres)


def _between(problem: Problem, table: Small) -> Small:
    """A table by node."""
    places, _ = _locations(problem)
    rows = np.array(places, np.int64)
    found = np.zeros((len(places) + 1, len(places) + 1), np.int32)
    if len(table):
        found[:-1, :-1] = table[rows[:, None], rows[None]]
    return found


UNIT = 30.0
"""What a visit of usual priority is worth in the search, in usual drives."""


def _visits(problem: Problem, former: Former | None, keep: Collection[str]) -> Records:
    """The records of the visits but for what needs the drives; penalties are in usual drives."""
    visits = problem.visits
    table = np.zeros(len(visits) + 1, VISIT)
    for row, visit in enumerate(visits):
        windows = start_windows(visit)
        table["service"][row] = visit.service_s
        table["window_count"][row] = len(windows)
        table["last_start"][row] = max((end for _, end in windows), default=-NEVER)
        table["priority"][row] = visit.priority
        table["rank"][row] = 2 if visit.id in keep else visit.promised
        table["due"][row] = NEVER if visit.due_s is None else visit.due_s
        table["late_cost"][row] = visit.late_cost_per_h
        table["preferred_most"][row] = max((worth for _, _, worth in visit.preferred_windows), default=0)
        if former and visit.id in former:
            table["former_windows"][row] = _window_bits(visit, former[visit.id][1])
    table["service"][-1] = 0 if problem.restock is None else problem.restock.service_s
    table["window_count"][-1], table["last_start"][-1], table["due"][-1] = 1, NEVER, NEVER
    table["penalty"] = _penalties(table)
    return table


def _window_bits(visit: Visit, time_s: int) -> int:
    """Which arrival windows a start lies in; bit 62 says none."""
    inside = (index % 62 for index, (start, end) in enumerate(visit.windows) if start <= time_s <= end)
    return sum({1 << bit for bit in inside}) or 1 << 62


def _penalties(visits: Records) -> Floats:
    """What leaving out costs: one to keep more than all promised ones, one of these more than all others."""
    priority = visits["priority"].astype(np.float64)
    total = priority.sum() + 1
    usual = priority[:-1].mean() if len(visits) > 1 else 1.0
    steps = np.array([0.0, total, total * len(visits)])
    found: Floats = (priority + steps[visits["rank"]]) * (UNIT / usual)
    return found


def _windows(problem: Problem) -> Integers:
    starts = [start_windows(visit) for visit in problem.visits]
    most = max(
        (
            max(len(own), len(visit.windows), len(visit.preferred_windows), 1)
            for own, visit in zip(starts, problem.visits, strict=True)
        ),
        default=1,
    )
    table = np.empty((len(starts) + 1, most, len(Column)), np.int64)
    table[..., ::2], table[..., 1::2] = NEVER, -NEVER
    table[..., Column.WORTH] = 0
    table[-1, 0, :2] = -NEVER, NEVER
    for row, (own, visit) in enumerate(zip(starts, problem.visits, strict=True)):
        for first, values in enumerate((own, visit.windows)):
            for index, window in enumerate(values):
                table[row, index, 2 * first : 2 * first + 2] = window
        for index, preferred in enumerate(visit.preferred_windows):
            table[row, index, Column.PREFERRED_START :] = preferred
    return table


def _shifts(problem: Problem) -> Records:
    places, node = _locations(problem)
    table = np.zeros(len(problem.shifts), SHIFT)
    profiles = [None, *problem.travel_profiles]
    for row, shift in enumerate(problem.shifts):
        end = shift.end_location
        table["begin"][row], table["limit"][row], table["end"][row] = (
            shift.begin_s,
            shift.limit_s,
            shift.end_s,
        )
        table["start_node"][row] = node[shift.start_location]
        table["end_node"][row] = len(places) if end is None else node[end]
        table["hourly"][row], table["late_leave"][row] = shift.cost_per_h, leaves_late(problem, shift)
        table["profile"][row] = profiles.index(shift.profile)
        table["break_count"][row] = len(break_span(shift)[1])
        for name, value in (
            ("longest", shift.max_duration_s),
            ("travel_limit", shift.max_travel_s),
            ("visit_limit", shift.max_visits),
        ):
            table[name][row] = NEVER if value is None else value
    return table


def _breaks(problem: Problem) -> Integers:
    spans = [break_span(shift)[1] for shift in problem.shifts]
    table = np.zeros((len(spans), max(map(len, spans), default=0), 3), np.int64)
    for row, pauses in enumerate(spans):
        for column, pause in enumerate(pauses):
            table[row, column] = pause.earliest_s, pause.latest_s, pause.duration_s
    return table


def _apart(problem: Problem, former: Former | None) -> Floats:
    """What each technician costs a visit: others are preferred, or another one came before."""
    table = np.zeros((len(problem.visits) + 1, len(problem.shifts)))
    technicians = np.array([shift.technician for shift in problem.shifts], object)
    change = problem.weights.change * CHANGE_S
    for row, visit in enumerate(problem.visits):
        if visit.preferred_technicians:
            worth = visit.preferred_technicians
            table[row] = max(worth.values()) - np.array([worth.get(name, 0) for name in technicians])
        if former and visit.id in former:
            table[row] += change * (technicians != former[visit.id][0])
    return table


def _loads(problem: Problem) -> tuple[Integers, Integers, int]:
    """What visits use and shifts hold, and how many kinds of it in front a stop to restock fetches.

    First the parts, where there is a place to restock then the tools, of which a shift has any number or
    none, then the dimensions of the capacity.
    """
    visits, shifts = problem.visits, problem.shifts
    parts = sorted({part for visit in visits for part in visit.parts})
    tools = sorted({tool for visit in visits for tool in visit.tools}) if problem.restock else []
    goods, dimensions = len(parts) + len(tools), max((len(shift.capacity) for shift in shifts), default=0)
    use = np.zeros((len(visits) + 1, goods + dimensions), np.int64)
    capacity = np.full((len(shifts), goods + dimensions), NEVER)
    for row, visit in enumerate(visits):
        use[row, : len(parts)] = [visit.parts.get(part, 0) for part in parts]
        use[row, len(parts) : goods] = [tool in visit.tools for tool in tools]
        load = visit.load[:dimensions]
        use[row, goods : goods + len(load)] = load
    for row, shift in enumerate(shifts):
        capacity[row, : len(parts)] = [shift.parts.get(part, 0) for part in parts]
        capacity[row, len(parts) : goods] = [NEVER if tool in shift.tools else 0 for tool in tools]
        capacity[row, goods : goods + len(shift.capacity)] = shift.capacity
    return use, capacity, goods if problem.restock else 0


def _shortest_drives(problem: Problem, travel: Small) -> Integers:
    """To each visit, and the place to restock, and from it on, whatever comes before and after."""
    count, others = len(problem.visits) + 1, travel.astype(np.int64)
    np.fill_diagonal(others, NEVER)
    others[-1] = NEVER
    if all(shift.end_location is not None for shift in problem.shifts):
        others[:, -1] = NEVER
    found: Integers = others[:, :count].min(axis=0) + others[:count].min(axis=1)
    return found


def _nearest(travel: Small, visits: int) -> Small:
    """The nearest other visits of each, there and back, nearest first."""
    count = max(min(NEAREST, visits - 1), 0)
    found = np.zeros((visits, count), np.int32)
    for row in range(visits if count else 0):
        apart = travel[row, :visits].astype(np.int64) + travel[:visits, row]
        apart[row] = NEVER
        picked = np.argpartition(apart, count - 1)[:count]
        found[row] = picked[np.lexsort((picked, apart[picked]))]
    return found


def _edge(travel: Small, near: Small) -> float:
    """Seconds of a usual drive from a visit to one of its nearest."""
    if not near.size:
        return 1.0
    rows = np.arange(len(near))[:, None]
    return max(1.0, float(travel[rows, near[:, :10]].mean()))


def _kinds(tables: Sequence[NDArray[Any]]) -> Integers:
    """Numbers that are equal for shifts which do not differ in any of these tables."""
    known: dict[tuple[bytes, ...], int] = {}
    rows = range(len(tables[0]))
    keys = [tuple(np.ascontiguousarray(table[row]).tobytes() for table in tables) for row in rows]
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _keys(
    visits: Records, windows: Integers, shifts: Records, travel: Small, use: Integers, edge: float
) -> Floats:
    """The orders in which visits are put back, smallest key first; see `ORDERS` in `local`."""
    own = visits[:-1]
    starts, ends = windows[:-1, 0, Column.START], own["last_start"]
    home = shifts["start_node"] if len(shifts) else np.array([0])
    far = travel[home][:, : len(own)].mean(axis=0)
    weight = own["priority"] + own["rank"] * 1e9
    length = ends - np.maximum(starts, -NEVER // 2)
    load = -use[:-1].sum(axis=1)
    orders = (np.zeros(len(own)), -weight, -weight / (own["service"] + edge), own["shift_count"])
    return np.array([*orders, -far, far, length, starts, ends, load], np.float64)


def _drive_cost(problem: Problem, seconds: float, metres: float) -> float:
    """What a usual drive costs, the time of the technician included."""
    weights, shifts = problem.weights, problem.shifts
    hourly = sum(shift.cost_per_h for shift in shifts) / max(len(shifts), 1)
    cost = seconds * (weights.travel + weights.duration + hourly / 3600) + metres * weights.distance
    return cost if cost > 0 else 1.0


def _rules(problem: Problem, former: Former | None, visits: Records, shifts: Records) -> Records:
    weights, table = problem.weights, np.zeros(1, RULES)
    for name in ("travel", "distance", "duration", "waiting", "overtime", "lateness"):
        table[name] = getattr(weights, name)
    table["change"] = weights.change * CHANGE_S if former else 0.0
    table["distance"] *= problem.distance_m is not None
    late = weights.lateness > 0 and bool(((visits["late_cost"] > 0) & (visits["due"] < NEVER)).any())
    moved = bool(former and weights.change and visits["former_windows"].any())
    timed = weights.waiting > 0 or late or moved or bool(visits["preferred_most"].any())
    overtime = weights.overtime > 0 and bool((shifts["limit"] > shifts["end"]).any())
    plain = not shifts["break_count"].any() and visits["window_count"].max() < 2
    ends = overtime or bool(shifts["late_leave"].any())
    table["pricing"] = EXACT if timed or (ends and not plain) else SEGMENTS if ends else STATIC
    table["timed"], table["single"] = timed, visits["window_count"].max() < 2
    table["removed"], table["longest"], table["blink"] = REMOVED, LONGEST, BLINK
    table["hungry"] = HUNGRY
    return table


def _rows(visits: Records, shifts: Records, travel: Small) -> int:
    """How many visits a route can have: no more than fit into the longest shift at the least times."""
    count = len(visits) - 1
    if not count or not len(shifts):
        return count
    least = travel[:-1, :count].astype(np.int64)
    least[np.arange(count), np.arange(count)] = NEVER
    times = np.sort(visits["service"][:-1] + least.min(axis=0))
    span = int((shifts["limit"] - shifts["begin"]).max())
    return min(count, int(np.searchsorted(np.cumsum(times), span, side="right")) + 1)
