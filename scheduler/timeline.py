"""From an order of visits to arrival, start and departure: the only time arithmetic of the engines.

Every stop is timed at the earliest, and the van leaves when the shift begins; where the duration of the route
costs something or is limited (`leaves_late`), it leaves as late as it can without ending later. Breaks are
placed by dynamic programming over (visits served, breaks taken): a state reached earlier can do whatever a
later one can, so the earliest second of each state is all that has to be kept, and the latest one on the way
back. A stop to restock is put where driving, time and overtime cost least together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scheduler.model import Break, Matrix, Problem, Route, Shift, Stop, Visit
from scheduler.restocking import RestockVisit, restocked

NEVER = 1 << 60
"""Later than any time of a problem: the state cannot be reached."""
_ANY_TIME = ((-NEVER, NEVER),)


def leaves_late(problem: Problem, shift: Shift) -> bool:
    """Whether the time from leaving to the end of a route of this shift costs something or is limited."""
    return problem.weights.duration > 0 or shift.cost_per_h > 0 or shift.max_duration_s is not None


def break_span(shift: Shift) -> tuple[int, tuple[Break, ...]]:
    """The breaks that a route of `shift` may still need, and the index of the first of them."""
    first = 0
    while first < len(shift.breaks) and shift.breaks[first].latest_s < shift.begin_s:
        first += 1
    return first, shift.breaks[first:]


def start_windows(visit: Visit) -> tuple[tuple[int, int], ...]:
    """When work may start, its pin applied, in order of time; empty when a pin lies outside every window."""
    windows = visit.windows or _ANY_TIME
    if len(windows) > 1:
        windows = tuple(sorted(windows))
    pin = visit.pinned.start_s if visit.pinned else None
    if pin is None:
        return windows
    return ((pin, pin),) if any(start <= pin <= end for start, end in windows) else ()


def earliest_start(windows: Sequence[tuple[int, int]], arrival_s: int) -> int:
    """The earliest second from `arrival_s` on that lies in one of the ordered `windows`, or `NEVER`."""
    for start, end in windows:
        if arrival_s <= end:
            return arrival_s if arrival_s > start else start
    return NEVER


def take_breaks(times: list[int], breaks: Sequence[Break]) -> None:
    """Let every state also take the next breaks where it is; on a tie the later place for a break wins.

    Later on a tie means: the visits before it are served sooner, and the van is already there.
    """
    for index, pause in enumerate(breaks):
        begin = max(times[index], pause.earliest_s)
        if begin <= pause.latest_s and begin + pause.duration_s <= times[index + 1]:
            times[index + 1] = begin + pause.duration_s


def finish(times: Sequence[int], breaks: Sequence[Break], limit_s: int) -> int | None:
    """With how many breaks the route ends soonest (``None`` if it cannot); `times` is its end by that number.

    Breaks may be left out when the route ends by their latest start, and leaving them out is never later.
    """
    for taken, end in enumerate(times):
        if end <= limit_s and (taken == len(breaks) or end <= breaks[taken].latest_s):
            return taken
    return None


class _Leg(NamedTuple):
    """Earliest times around one drive, by number of breaks taken."""

    begin: list[int]  # served at the place before
    left: list[int]  # the same after breaks there
    reached: list[int]  # after the drive
    ready: list[int]  # after breaks here


Placement = list[tuple[int, int]]
"""For each drive: how many breaks are taken before it, and how many after it."""


def legs_of(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> list[int]:
    """Seconds of each drive of the route; the last leads to its end, and is 0 if that is the last visit."""
    return _legs(problem.travel_of(shift), shift, visits)


def _legs(table: Matrix, shift: Shift, visits: Sequence[Visit]) -> list[int]:
    between = table.item
    legs: list[int] = []
    place = shift.start_location
    for visit in visits:
        legs.append(between(place, visit.location))
        place = visit.location
    legs.append(0 if shift.end_location is None else between(place, shift.end_location))
    return legs


def schedule(problem: Problem, shift_id: str, visit_ids: Sequence[str]) -> Route | None:
    """Time the visits of a shift in this order.

    Parameters
    ----------
    problem, shift_id, visit_ids
        The ids must be of the problem.

    Returns
    -------
    Route or None
        The route that ends soonest, breaks included, with all its stops at the earliest; where `leaves_late`
        says so, it leaves as late as it can for this end. ``None`` when no place for the breaks makes the
        order feasible. Judges time alone (windows, pinned starts, the shift, breaks, the maximal duration),
        not skills or loads. No visits make a route without stops.
    """
    shift = problem.shift_by_id[shift_id]
    return schedule_visits(problem, shift, [problem.visit_by_id[visit_id] for visit_id in visit_ids])


def schedule_visits(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> Route | None:
    """`schedule` for visits that need not be in the problem."""
    timed = _timed(problem, shift, visits)
    if timed is None or (shift.max_duration_s is not None and timed.duration_s > shift.max_duration_s):
        return None
    return timed.route


def project(problem: Problem, shift_id: str, visit_ids: Sequence[str]) -> Route:
    """Time the visits of a shift in this order even if that breaks windows, breaks or the end of the shift.

    Equal to `schedule` where that has an answer, and but for the maximal duration where it has none. Else the
    van leaves at once, each break is taken at the last place at which it can still begin in time, and work
    that no window is left for begins on arrival.
    """
    shift = problem.shift_by_id[shift_id]
    return project_visits(problem, shift, [problem.visit_by_id[visit_id] for visit_id in visit_ids])


def project_visits(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> Route:
    """`project` for visits that need not be in the problem."""
    if (timed := _timed(problem, shift, visits)) is not None:
        return timed.route
    order = next(restocked(problem, shift, visits))
    drives = legs_of(problem, shift, order)
    return _lay_out(shift, order, drives, _last_chances(shift, order, drives), shift.begin_s)


class _Timed(NamedTuple):
    route: Route
    duration_s: int  # from leaving to the end
    end_s: int
    travel_s: int
    distance_m: int  # where it has a weight


def _timed(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> _Timed | None:
    """The route of `schedule`, however long it takes."""
    if not visits:
        return _Timed(Route(shift=shift.id, stops=()), 0, shift.begin_s, 0, 0)
    if problem.restock is None:
        return _in_order(problem, shift, visits)
    orders = restocked(problem, shift, visits)
    found = [timed for order in orders if (timed := _in_order(problem, shift, order)) is not None]
    return min(found, key=lambda timed: _rank(problem, shift, timed), default=None)


def _in_order(problem: Problem, shift: Shift, visits: Sequence[Visit]) -> _Timed | None:
    """The route with these stops, of which one may be to restock."""
    drives = legs_of(problem, shift, visits)
    leave_s = shift.begin_s
    found = _best_placement(shift, visits, drives, leave_s)
    if found is not None and leaves_late(problem, shift):
        leave_s = latest_leave(shift, visits, drives, found[0])
        found = _best_placement(shift, visits, drives, leave_s)
    if found is None:
        return None
    end, placement = found
    route = _lay_out(shift, visits, drives, placement, leave_s)
    table = problem.distance_m if problem.weights.distance else None
    metres = 0 if table is None else sum(_legs(table, shift, visits))
    return _Timed(route, end - leave_s, end, sum(drives), metres)


def _rank(problem: Problem, shift: Shift, timed: _Timed) -> tuple[bool, bool, float, int]:
    """The limits first, then what the place of a stop to restock mostly changes, then the end."""
    weights = problem.weights
    cost = weights.travel * timed.travel_s + weights.distance * timed.distance_m
    cost += (weights.duration + shift.cost_per_h / 3600) * timed.duration_s
    cost += weights.overtime * max(0, timed.end_s - shift.end_s)
    cost += weights.waiting * sum(stop.start_s - stop.arrival_s for stop in timed.route.stops)
    too_long = shift.max_duration_s is not None and timed.duration_s > shift.max_duration_s
    too_far = shift.max_travel_s is not None and timed.travel_s > shift.max_travel_s
    return too_long, too_far, cost, timed.end_s


def _best_placement(
    shift: Shift, visits: Sequence[Visit], drives: Sequence[int], leave_s: int
) -> tuple[int, Placement] | None:
    """The soonest end of a route that leaves then, and where its breaks are."""
    _, breaks = break_span(shift)
    times = [leave_s] + [NEVER] * len(breaks)
    legs: list[_Leg] = []
    for visit, drive in zip(visits, drives, strict=False):
        legs.append(leg := _advance(times, drive, breaks))
        windows = start_windows(visit)
        times = [min(earliest_start(windows, time) + visit.service_s, NEVER) for time in leg.ready]
        if min(times) >= NEVER:
            return None
    left = list(times)
    take_breaks(left, breaks)
    taken = finish([time + drives[-1] for time in left], breaks, shift.limit_s)
    if taken is None:
        return None
    end = left[taken] + drives[-1]
    here = _taken_here(times, left, taken, breaks)
    placement = [(here, 0)]
    taken -= here
    for leg in reversed(legs):
        after = _taken_here(leg.reached, leg.ready, taken, breaks)
        taken -= after
        before = _taken_here(leg.begin, leg.left, taken, breaks)
        taken -= before
        placement.append((before, after))
    return end, placement[::-1]


def _advance(times: list[int], drive: int, breaks: Sequence[Break]) -> _Leg:
    """Breaks before leaving, the drive, and breaks after arriving."""
    left = list(times)
    take_breaks(left, breaks)
    reached = [min(time + drive, NEVER) for time in left]
    ready = list(reached)
    take_breaks(ready, breaks)
    return _Leg(times, left, reached, ready)


def _taken_here(before: Sequence[int], after: Sequence[int], taken: int, breaks: Sequence[Break]) -> int:
    """How many of the last breaks that led to ``after[taken]`` were taken by `take_breaks` at this place."""
    count = 0
    while taken:
        pause = breaks[taken - 1]
        begin = max(after[taken - 1], pause.earliest_s)
        if begin > pause.latest_s or begin + pause.duration_s > before[taken]:
            break
        count, taken = count + 1, taken - 1
    return count


def latest_leave(shift: Shift, visits: Sequence[Visit], drives: Sequence[int], end_s: int) -> int:
    """The last second at which the van can leave and the route still end by `end_s`."""
    _, breaks = break_span(shift)
    first = latest_reach(shift, visits, drives, end_s)[0]
    return _with_breaks([time - drives[0] for time in first], breaks)[0]


def latest_reach(shift: Shift, visits: Sequence[Visit], drives: Sequence[int], end_s: int) -> list[list[int]]:
    """When each visit, then the end, is to be reached at the latest, by number of breaks taken before.

    The route is to end by `end_s`; what cannot be reached in time has ``-NEVER`` or less.
    """
    _, breaks = break_span(shift)
    times = [min(end_s, pause.latest_s) for pause in breaks] + [end_s]
    reach = [times]
    for visit, drive in zip(reversed(visits), reversed(drives[1:]), strict=True):
        left = _with_breaks([time - drive for time in times], breaks)
        windows = start_windows(visit)
        times = _with_breaks([_latest_start(windows, time - visit.service_s) for time in left], breaks)
        reach.append(times)
    return reach[::-1]


def _with_breaks(times: list[int], breaks: Sequence[Break]) -> list[int]:
    """Let every state also take the next breaks where it is, on the way back."""
    for taken in range(len(breaks) - 1, -1, -1):
        pause = breaks[taken]
        begin = min(times[taken + 1] - pause.duration_s, pause.latest_s)
        if begin >= pause.earliest_s:
            times[taken] = max(times[taken], begin)
    return times


def _latest_start(windows: Sequence[tuple[int, int]], limit_s: int) -> int:
    """The latest second until `limit_s` that lies in one of the windows, or ``-NEVER``."""
    return max((min(end, limit_s) for start, end in windows if start <= limit_s), default=-NEVER)


def _last_chances(shift: Shift, visits: Sequence[Visit], drives: Sequence[int]) -> Placement:
    """Take each break where going on would make its start too late."""
    _, breaks = break_span(shift)
    time, taken = shift.begin_s, 0
    placement: Placement = []

    def pause_before(duration_s: int) -> int:
        nonlocal time, taken
        count = 0
        while taken < len(breaks) and time + duration_s > breaks[taken].latest_s:
            time = max(time, breaks[taken].earliest_s) + breaks[taken].duration_s
            taken, count = taken + 1, count + 1
        return count

    for visit, drive in zip(visits, drives, strict=False):
        before = pause_before(drive)
        time += drive
        after = pause_before(_start(visit, time) - time + visit.service_s)
        time = _start(visit, time) + visit.service_s
        placement.append((before, after))
    placement.append((pause_before(drives[-1]), 0))
    return placement


def _start(visit: Visit, arrival_s: int) -> int:
    """The earliest second inside a window, or the arrival when none is left."""
    start = earliest_start(start_windows(visit), arrival_s)
    return arrival_s if start >= NEVER else start


def _lay_out(
    shift: Shift,
    visits: Sequence[Visit],
    drives: Sequence[int],
    placement: Sequence[tuple[int, int]],
    leave_s: int,
) -> Route:
    """The stops of the route, each at the earliest, with the breaks where `placement` says."""
    index, _ = break_span(shift)
    time = leave_s
    stops: list[Stop] = []

    def pause(count: int, drive: int) -> None:
        nonlocal time, index
        for number in range(count):
            here = shift.breaks[index]
            travel = 0 if number else drive
            arrival = time + travel
            start = max(arrival, here.earliest_s)
            time = start + here.duration_s
            stops.append(
                Stop(break_index=index, arrival_s=arrival, start_s=start, departure_s=time, travel_s=travel)
            )
            index += 1

    for visit, drive, (before, after) in zip(visits, drives, placement, strict=False):
        pause(before, 0)
        pause(after, drive)
        travel = 0 if after else drive
        arrival = time + travel
        start = _start(visit, arrival)
        time = start + visit.service_s
        fetches = isinstance(visit, RestockVisit)
        name = None if fetches else visit.id
        stops.append(
            Stop(
                visit=name,
                restock=fetches,
                arrival_s=arrival,
                start_s=start,
                departure_s=time,
                travel_s=travel,
            )
        )
    pause(placement[-1][0], 0)
    return Route(shift=shift.id, stops=tuple(stops))
