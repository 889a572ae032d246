"""Times and costs of routes, compiled: what `scheduler.timeline` and `scheduler.costs` say, on arrays.

For each stop and number of breaks taken there is the earliest second at which the van can leave and the
latest at which it may arrive, so that whether a visit fits is a handful of operations. Where the end of a
route costs something, segments (duration, earliest and latest start; Vidal, Crainic, Gendreau and Prins 2013)
price an insertion without breaks and with single windows as fast; everything else is timed exactly.
"""

from typing import Any

import numpy as np

from scheduler.engines.compiled import compiled, inlined
from scheduler.engines.layout import EXACT, SEGMENTS, Column
from scheduler.engines.one_break import backward_one, both_ways, forward_one
from scheduler.engines.stop_costs import timed_cost
from scheduler.engines.windows import LEFT, NEVER, REACHED, READY, SERVED, earliest_in, latest_in

IMPOSSIBLE = 1e30
"""The cost of a route that cannot be driven."""


@inlined
def pause_forward(data: Any, shift: int, times: Any, row: int) -> None:
    """Let every state also take the next breaks where it is."""
    for taken in range(data.shifts[shift].break_count):
        begin = max(times[row, taken], data.breaks[shift, taken, 0])
        if begin <= data.breaks[shift, taken, 1]:
            times[row, taken + 1] = min(times[row, taken + 1], begin + data.breaks[shift, taken, 2])


@inlined
def pause_backward(data: Any, shift: int, times: Any, row: int) -> None:
    """The same on the way back."""
    for taken in range(data.shifts[shift].break_count - 1, -1, -1):
        begin = min(times[row, taken + 1] - data.breaks[shift, taken, 2], data.breaks[shift, taken, 1])
        if begin >= data.breaks[shift, taken, 0]:
            times[row, taken] = max(times[row, taken], begin)


@compiled
def forward(data: Any, state: Any, shift: int) -> None:
    """When the van can leave each stop of a route at the earliest, by breaks taken."""
    breaks, work = data.shifts[shift].break_count, state.scratch
    for column in range(state.routes[shift].count + 1):
        if column == 0:
            for taken in range(breaks + 1):
                work[0, taken] = data.shifts[shift].begin if taken == 0 else NEVER
        else:
            visit, drive = state.stops[shift, column].visit, state.stops[shift, column - 1].leg
            if breaks == 0:
                start = earliest_in(data, visit, state.times[shift, column - 1, 0, 0] + drive)
                state.times[shift, column, 0, 0] = min(start + data.visits[visit].service, NEVER)
                continue
            for taken in range(breaks + 1):
                work[0, taken] = min(work[0, taken] + drive, NEVER)
            pause_forward(data, shift, work, 0)
            for taken in range(breaks + 1):
                start = earliest_in(data, visit, work[0, taken])
                work[0, taken] = min(start + data.visits[visit].service, NEVER)
        pause_forward(data, shift, work, 0)
        for taken in range(breaks + 1):
            state.times[shift, column, taken, 0] = work[0, taken]


@compiled
def backward(data: Any, state: Any, shift: int) -> None:
    """When each stop of a route must be reached at the latest, by breaks taken before."""
    breaks, work, end = data.shifts[shift].break_count, state.scratch, state.routes[shift].count + 1
    for taken in range(breaks + 1):
        limit = data.shifts[shift].limit
        work[0, taken] = limit if taken == breaks else min(limit, data.breaks[shift, taken, 1])
        state.times[shift, end, taken, 1] = work[0, taken]
    for column in range(end - 1, 0, -1):
        visit, drive = state.stops[shift, column].visit, state.stops[shift, column].leg
        if breaks == 0:
            time = state.times[shift, column + 1, 0, 1] - drive - data.visits[visit].service
            state.times[shift, column, 0, 1] = latest_in(data, visit, time)
            continue
        for taken in range(breaks + 1):
            work[0, taken] = max(work[0, taken] - drive, -NEVER)
        pause_backward(data, shift, work, 0)
        for taken in range(breaks + 1):
            work[0, taken] = latest_in(data, visit, work[0, taken] - data.visits[visit].service)
        pause_backward(data, shift, work, 0)
        for taken in range(breaks + 1):
            state.times[shift, column, taken, 1] = work[0, taken]


@inlined
def join(first: Any, drive: int, second: Any) -> Any:
    """Two segments (duration, earliest, latest start) and the drive between as one."""
    gone = first[0] + drive
    wait = max(second[1] - gone - first[2], 0)
    return (
        gone + second[0] + wait,
        max(second[1] - gone, first[1]) - wait,
        min(second[2] - gone, first[2]),
    )


@inlined
def alone(data: Any, visit: int) -> Any:
    """A visit with a single window as a segment."""
    return (
        data.visits[visit].service,
        data.windows[visit, 0, Column.START],
        data.windows[visit, 0, Column.END],
    )


@inlined
def head(state: Any, shift: int, column: int) -> Any:
    """The route up to a column as a segment."""
    stop = state.sides[shift, column]
    return stop.head_duration, stop.head_earliest, stop.head_latest


@inlined
def tail(state: Any, shift: int, column: int) -> Any:
    """The route from a column on as a segment."""
    stop = state.sides[shift, column]
    return stop.tail_duration, stop.tail_earliest, stop.tail_latest


@compiled
def segments(data: Any, state: Any, shift: int) -> None:
    """The heads and tails of a route."""
    end = state.routes[shift].count + 1
    ends = (np.int64(0), data.shifts[shift].begin, data.shifts[shift].limit)
    found = ends
    for column in range(end):
        if column > 0:
            found = join(
                found, state.stops[shift, column - 1].leg, alone(data, state.stops[shift, column].visit)
            )
        stop = state.sides[shift, column]
        stop.head_duration, stop.head_earliest, stop.head_latest = found
    found = ends
    for column in range(end, -1, -1):
        if column < end:
            this = ends if column == 0 else alone(data, state.stops[shift, column].visit)
            found = join(this, state.stops[shift, column].leg, found)
        stop = state.sides[shift, column]
        stop.tail_duration, stop.tail_earliest, stop.tail_latest = found


@compiled
def refresh(data: Any, state: Any, shift: int) -> None:
    """All about a route that follows from its stops; its cost is `IMPOSSIBLE` when it cannot be driven."""
    count, driven, apart = state.routes[shift].count, 0, 0.0
    profile = data.shifts[shift].profile
    state.stops[shift, 0].visit, state.stops[shift, count + 1].visit = (
        data.shifts[shift].start_node,
        data.shifts[shift].end_node,
    )
    state.routes[shift].stop = 0
    for kind in range(data.use.shape[1]):
        state.load[shift, kind] = 0
    for column in range(count + 1):
        drive = (
            data.travel[profile, state.stops[shift, column].visit, state.stops[shift, column + 1].visit]
            if count
            else 0
        )
        state.stops[shift, column].leg = drive
        driven += drive
    for column in range(1, count + 1):
        visit = state.stops[shift, column].visit
        state.spots[visit].shift, state.spots[visit].column = shift, column
        apart += data.apart[visit, shift]
        if visit == len(data.visits) - 1:
            state.routes[shift].stop = column
        for kind in range(data.rules[0].fetched if state.routes[shift].stop else 0, data.use.shape[1]):
            state.load[shift, kind] += data.use[visit, kind]
    if data.rules[0].distance > 0.0:
        apart += distance_cost(data, state, shift, count)
    state.routes[shift].driven, state.routes[shift].apart = driven, apart
    if data.rules[0].single and data.shifts[shift].break_count == 0:
        both_ways(data, state, shift)
    elif data.rules[0].single and data.shifts[shift].break_count == 1:
        forward_one(data, state, shift)
        backward_one(data, state, shift)
    else:
        forward(data, state, shift)
        backward(data, state, shift)
    if data.rules[0].pricing == SEGMENTS:
        segments(data, state, shift)
    gaps(data, state, shift)
    state.routes[shift].cost = route_cost(data, state, shift)


@inlined
def gaps(data: Any, state: Any, shift: int) -> None:
    """How long a visit with its drives can be at most in each place of a route."""
    widest, breaks = -NEVER, data.shifts[shift].break_count
    for column in range(state.routes[shift].count + 1):
        gap = -NEVER
        for taken in range(breaks + 1):
            ready = state.times[shift, column, taken, 0]
            for later in range(taken, breaks + 1):
                gap = max(gap, state.times[shift, column + 1, later, 1] - ready)
                if later < breaks:
                    ready += data.breaks[shift, later, 2]
        state.stops[shift, column].gap = gap
        widest = max(widest, gap)
    state.routes[shift].widest = widest


@compiled
def distance_cost(data: Any, state: Any, shift: int, count: int) -> Any:
    """What the metres of a route cost."""
    metres = 0
    for column in range(count + 1 if count else 0):
        metres += data.metres[state.stops[shift, column].visit, state.stops[shift, column + 1].visit]
    return np.rint(data.rules[0].distance * metres)


@compiled
def route_cost(data: Any, state: Any, shift: int) -> Any:
    """Weighted seconds of a route, as `scheduler.costs.route_cost` counts them."""
    route = state.routes[shift]
    route.timed = 0.0
    if route.count == 0:
        return 0.0
    if route.driven > data.shifts[shift].travel_limit or not in_time(state, shift):
        return IMPOSSIBLE
    if data.rules[0].pricing == EXACT:
        for column in range(route.count + 2):
            state.line[column].node = state.stops[shift, column].visit
        route.timed = line_cost(data, state, shift, route.count)
    elif data.rules[0].pricing == SEGMENTS:
        duration = state.sides[shift, 0].tail_duration
        if duration > data.shifts[shift].longest:
            return IMPOSSIBLE
        end = state.times[shift, route.count, 0, 0] + state.stops[shift, route.count].leg
        route.timed = end_cost(data, shift, end, duration)
    return np.rint(data.rules[0].travel * route.driven) + route.apart + route.timed


@inlined
def in_time(state: Any, shift: int) -> Any:
    """Whether the route ends in time with its breaks."""
    count = state.routes[shift].count
    for taken in range(state.times.shape[2]):
        if (
            state.times[shift, count, taken, 0] + state.stops[shift, count].leg
            <= state.times[shift, count + 1, taken, 1]
        ):
            return True
    return False


@inlined
def end_cost(data: Any, shift: int, end: int, duration: int) -> Any:
    """What the end of a route and the time from leaving to it cost."""
    overtime = max(end - data.shifts[shift].end, 0)
    return (
        np.rint(data.rules[0].overtime * overtime)
        + np.rint(data.rules[0].duration * duration)
        + np.rint(duration * data.shifts[shift].hourly / 3600)
    )


@compiled
def line_cost(data: Any, state: Any, shift: int, count: int) -> Any:
    """The part of the cost of the route in `State.line` that depends on its times."""
    profile = data.shifts[shift].profile
    for column in range(count + 1):
        state.line[column].leg = data.travel[profile, state.line[column].node, state.line[column + 1].node]
    taken = line_forward(data, state, shift, count, data.shifts[shift].begin)
    if taken < 0:
        return IMPOSSIBLE
    leave, end = data.shifts[shift].begin, state.line_times[count, LEFT, taken] + state.line[count].leg
    if data.shifts[shift].late_leave:
        leave = line_latest_leave(data, state, shift, count, end)
        taken = line_forward(data, state, shift, count, leave)
        end = state.line_times[count, LEFT, taken] + state.line[count].leg
        if end - leave > data.shifts[shift].longest:
            return IMPOSSIBLE
    cost = end_cost(data, shift, end, end - leave)
    if data.rules[0].timed:
        cost += timed_cost(data, state, shift, count, leave, taken)
    return cost


@compiled
def line_forward(data: Any, state: Any, shift: int, count: int, leave: int) -> Any:
    """Earliest times of the tried route; with how many breaks it ends soonest, or -1."""
    times, breaks = state.line_times, data.shifts[shift].break_count
    for taken in range(breaks + 1):
        times[0, SERVED, taken] = times[0, LEFT, taken] = leave if taken == 0 else NEVER
    pause_forward(data, shift, times[0], LEFT)
    for column in range(1, count + 1):
        visit, drive = state.line[column].node, state.line[column - 1].leg
        here, before = times[column], times[column - 1]
        for taken in range(breaks + 1):
            here[REACHED, taken] = here[READY, taken] = min(before[LEFT, taken] + drive, NEVER)
        pause_forward(data, shift, here, READY)
        for taken in range(breaks + 1):
            done = min(earliest_in(data, visit, here[READY, taken]) + data.visits[visit].service, NEVER)
            here[SERVED, taken] = here[LEFT, taken] = done
        pause_forward(data, shift, here, LEFT)
    for taken in range(breaks + 1):
        end = times[count, LEFT, taken] + state.line[count].leg
        if end <= data.shifts[shift].limit and (taken == breaks or end <= data.breaks[shift, taken, 1]):
            return taken
    return -1


@compiled
def line_latest_leave(data: Any, state: Any, shift: int, count: int, end: int) -> Any:
    """The last second at which the van can leave and the tried route still end by `end`."""
    breaks, work = data.shifts[shift].break_count, state.scratch
    for taken in range(breaks):
        work[1, taken] = min(end, data.breaks[shift, taken, 1])
    work[1, breaks] = end
    for column in range(count, 0, -1):
        visit, drive = state.line[column].node, state.line[column].leg
        for taken in range(breaks + 1):
            work[1, taken] = max(work[1, taken] - drive, -NEVER)
        pause_backward(data, shift, work, 1)
        for taken in range(breaks + 1):
            work[1, taken] = latest_in(data, visit, work[1, taken] - data.visits[visit].service)
        pause_backward(data, shift, work, 1)
    for taken in range(breaks + 1):
        work[1, taken] -= state.line[0].leg
    pause_backward(data, shift, work, 1)
    return work[1, 0]
