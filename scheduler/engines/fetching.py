"""Where the van of a route restocks, compiled: once, before the first visit that it carries too little for.

The stop is one more node of the route, the last record of `Data.visits`. Tools and parts are loads that count
up to it alone; a tool that the van has is never used up. `scheduler.restocking` has the same rules.
"""

from typing import Any

from scheduler.engines.compiled import compiled, inlined, random_part
from scheduler.engines.layout import SEGMENTS, Column
from scheduler.engines.moves import put_node, take_node
from scheduler.engines.timing import IMPOSSIBLE, alone, end_cost, head, join, line_cost, refresh, tail


@compiled
def settle_stop(data: Any, state: Any, shift: int) -> None:
    """Put the stop to restock where the route costs least; take it out when the van carries enough."""
    if state.routes[shift].stop > 0:
        take_node(state, shift, state.routes[shift].stop)
        refresh(data, state, shift)
    lacking = first_lacking(data, state, shift)
    if lacking == 0:
        return
    count, best, after = state.routes[shift].count, IMPOSSIBLE, lacking - 1
    for column in range(count + 2):
        state.line[column + (column >= lacking)].node = state.stops[shift, column].visit
    for place in range(lacking - 1, -1, -1):
        if place < lacking - 1:
            state.line[place + 2].node = state.line[place + 1].node
        state.line[place + 1].node = len(data.visits) - 1
        cost = line_total(data, state, shift, count + 1)
        if cost < best:
            best, after = cost, place
    put_node(state, shift, after, len(data.visits) - 1)
    refresh(data, state, shift)


@compiled
def first_lacking(data: Any, state: Any, shift: int) -> Any:
    """The column of the first visit for which the van carries too little, 0 if it has all; without a stop."""
    lacks = False
    for kind in range(data.rules[0].fetched):
        lacks = lacks or state.load[shift, kind] > data.capacity[shift, kind]
    if not lacks:
        return 0
    column = state.routes[shift].count + 1
    while lacks:
        column -= 1
        lacks = False
        for kind in range(data.rules[0].fetched):
            state.load[shift, kind] -= data.use[state.stops[shift, column].visit, kind]
            lacks = lacks or state.load[shift, kind] > data.capacity[shift, kind]
    return column


@compiled
def line_total(data: Any, state: Any, shift: int, count: int) -> Any:
    """What the tried route costs but for its technician."""
    profile, driven, metres = data.shifts[shift].profile, 0, 0
    for column in range(count + 1):
        before, after = state.line[column].node, state.line[column + 1].node
        driven += data.travel[profile, before, after]
        if data.rules[0].distance > 0.0:
            metres += data.metres[before, after]
    if driven > data.shifts[shift].travel_limit:
        return IMPOSSIBLE
    cost = line_cost(data, state, shift, count)
    return cost + data.rules[0].travel * driven + data.rules[0].distance * metres


@compiled
def best_with_stop(data: Any, state: Any, shift: int, visit: int, price: float) -> Any:
    """The cheapest place for a visit that needs a stop to restock first, on a route without one.

    Its price, if less than `price`, the column after which the stop goes, and that after which the visit goes
    once the stop is there; -1 for none.
    """
    if data.rules[0].pricing == SEGMENTS:
        return by_segments(data, state, shift, visit, price)
    return by_timing(data, state, shift, visit, price)


@inlined
def by_timing(data: Any, state: Any, shift: int, visit: int, price: Any) -> Any:
    """`best_with_stop` by timing every pair of places."""
    count, stop, place = state.routes[shift].count, -1, -1
    before = state.routes[shift].cost - state.routes[shift].apart + metres_cost(data, state, shift)
    for first in range(count + 1):
        for column in range(count + 1):
            state.line[column + (column > first)].node = state.stops[shift, column].visit
        state.line[first + 1].node = len(data.visits) - 1
        for column in range(count + 1, first, -1):
            state.line[column + 2].node = state.stops[shift, column].visit
            state.line[column + 1].node = visit
            found = line_total(data, state, shift, count + 2) - before + data.apart[visit, shift]
            if found < price and random_part(state.totals) >= data.rules[0].blink:
                price, stop, place = found, first, column
    return price, stop, place


@inlined
def metres_cost(data: Any, state: Any, shift: int) -> Any:
    """What the metres of the route as it is cost."""
    metres = 0
    if data.rules[0].distance > 0.0:
        for column in range(state.routes[shift].count + 1 if state.routes[shift].count else 0):
            metres += data.metres[state.stops[shift, column].visit, state.stops[shift, column + 1].visit]
    return data.rules[0].distance * metres


@inlined
def by_segments(data: Any, state: Any, shift: int, visit: int, price: Any) -> Any:
    """`best_with_stop` without breaks and second windows, each pair of places in O(1)."""
    count, stop, place = state.routes[shift].count, -1, -1
    profile, fetch = data.shifts[shift].profile, len(data.visits) - 1
    for first in range(count + 1):
        node = state.stops[shift, first].visit
        drive = data.travel[profile, node, fetch]
        rest = join(head(state, shift, first), drive, alone(data, fetch))
        gone = drive - state.stops[shift, first].leg
        if stop_bound(data, state, shift, first, rest, gone) >= price:
            continue
        metres = between(data, node, fetch)
        if count:
            metres -= between(data, node, state.stops[shift, first + 1].visit)
        cost = data.rules[0].travel * gone + data.rules[0].distance * metres
        found, column = best_behind(data, state, shift, visit, price, first, rest, gone, cost)
        if column >= 0:
            price, stop, place = found, first, column
    return price, stop, place


@inlined
def best_behind(  # noqa: PLR0913 - what is known of the route up to the stop
    data: Any, state: Any, shift: int, visit: int, price: Any, first: int, rest: Any, gone: Any, cost: Any
) -> Any:
    """The cheapest place behind a new stop to restock after column `first`: price, column once it is there.

    `rest` is the route up to the stop as a segment, `gone` and `cost` the driving it adds, and its price.
    """
    place, node, profile = -1, len(data.visits) - 1, data.shifts[shift].profile
    time = state.times[shift, first, 0, 0] + gone + state.stops[shift, first].leg + data.visits[node].service
    room = data.shifts[shift].travel_limit - state.routes[shift].driven
    for column in range(first, state.routes[shift].count + 1):
        following = state.stops[shift, column + 1].visit
        near, onward = data.travel[profile, node, visit], data.travel[profile, visit, following]
        added = near + onward - (state.stops[shift, column].leg if column > first else 0)
        start = max(time + near, data.windows[visit, 0, Column.START])
        done = start + data.visits[visit].service + onward
        in_time = start <= data.visits[visit].last_start and done <= state.times[shift, column + 1, 0, 1]
        if in_time and gone + added <= room:
            metres = between(data, node, visit) + between(data, visit, following)
            if column > first:
                metres -= between(data, node, following)
            found = cost + data.rules[0].travel * added + data.rules[0].distance * metres
            found += timed_behind(
                data, state, shift, visit, column, join(rest, near, alone(data, visit)), done
            )
            if found < price and random_part(state.totals) >= data.rules[0].blink:
                price, place = found, column + 1
        if column == state.routes[shift].count:
            break
        drive = data.travel[profile, node, following]
        if column == first:
            gone += drive
            cost += data.rules[0].travel * drive + data.rules[0].distance * between(data, node, following)
        time = max(time + drive, data.windows[following, 0, Column.START]) + data.visits[following].service
        if time > data.visits[following].last_start + data.visits[following].service:
            break
        rest = join(rest, drive, alone(data, following))
        node = following
    return price, place


@inlined
def timed_behind(data: Any, state: Any, shift: int, visit: int, column: int, rest: Any, done: Any) -> Any:
    """What the later end and the longer duration cost, and the technician; `rest` ends at the visit."""
    behind = tail(state, shift, column + 1)
    onward = data.travel[data.shifts[shift].profile, visit, state.stops[shift, column + 1].visit]
    whole = join(rest, onward, behind)
    if whole[0] > data.shifts[shift].longest:
        return IMPOSSIBLE
    end = max(done, behind[1]) + behind[0]
    return end_cost(data, shift, end, whole[0]) + data.apart[visit, shift] - state.routes[shift].timed


@inlined
def stop_bound(data: Any, state: Any, shift: int, first: int, rest: Any, gone: int) -> Any:
    """What the stop alone costs after a column: a visit behind it costs more; metres are not counted."""
    behind = tail(state, shift, first + 1)
    drive = data.travel[data.shifts[shift].profile, len(data.visits) - 1, state.stops[shift, first + 1].visit]
    whole = join(rest, drive, behind)
    cost = data.rules[0].travel * (gone + drive) - state.routes[shift].timed
    return cost + end_cost(data, shift, whole[1] + whole[0], whole[0])


@inlined
def between(data: Any, before: int, after: int) -> Any:
    """Metres from one node to another, where they cost something."""
    return data.metres[before, after] if data.rules[0].distance > 0.0 else 0
