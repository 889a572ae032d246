"""Where an absent visit fits best into the routes of a `State`, compiled."""

from typing import Any

import numpy as np

from scheduler.engines.compiled import compiled, inlined, random_part
from scheduler.engines.fetching import best_with_stop
from scheduler.engines.layout import FORBIDDEN, SEGMENTS, STATIC, Column
from scheduler.engines.one_break import fits_one
from scheduler.engines.timing import IMPOSSIBLE, alone, end_cost, head, join, line_cost, pause_forward, tail
from scheduler.engines.windows import NEVER, earliest_in

REFUSED, ANYWHERE, BEHIND, FETCHING = range(4)
"""Where a visit may go on a route: nowhere, anywhere, after the stop to restock, or only with a new one."""


TOUCHED, NEAR, EVERYWHERE = range(3)
"""Which routes are looked at: those of this round, those of near visits too, or all."""
NEIGHBOURS = 30
"""Of how many of the nearest visits."""


@compiled
def best_place(data: Any, state: Any, visit: int, reach: int) -> Any:
    """The cheapest place found for a visit: shift, and the column after which it goes; no shift (-1) if none.

    In front, the column after which the van must restock for it first, or -1.
    """
    price, place, after, stop = IMPOSSIBLE, -1, -1, -1
    state.totals[0].tries += 1
    for index in range(candidates(data, state, visit, reach)):
        shift = state.routes[index].candidate
        admitted = admits(data, state, shift, visit)
        if admitted == FETCHING:
            found, first, column = best_with_stop(data, state, shift, visit, price)
            if column >= 0:
                price, place, after, stop = found, shift, column, first
        elif admitted != REFUSED:
            first = state.routes[shift].stop if admitted == BEHIND else 0
            found, column = best_column(data, state, shift, visit, price, first)
            if column >= 0:
                price, place, after, stop = found, shift, column, -1
    return stop, place, after


@inlined
def candidates(data: Any, state: Any, visit: int, reach: int) -> Any:
    """Fill the list of routes to look at, each once; how many."""
    count = 0
    if reach != EVERYWHERE:
        for index in range(state.totals[0].touched):
            count = propose(data, state, visit, state.routes[index].touched, count)
    if reach == NEAR:
        for index in range(min(NEIGHBOURS, data.near.shape[1])):
            shift = state.spots[data.near[visit, index]].shift
            if shift >= 0:
                count = propose(data, state, visit, shift, count)
    if reach != TOUCHED:
        for index in range(data.visits[visit].shift_count):
            shift = data.shifts_of[visit, index]
            if reach == EVERYWHERE or state.routes[shift].count == 0:
                count = propose(data, state, visit, shift, count)
    return count


@inlined
def propose(data: Any, state: Any, visit: int, shift: int, count: int) -> Any:
    """Put a route on the list, unless it is there or has no time for the visit; how many there are then."""
    route = state.routes[shift]
    if route.asked == state.totals[0].tries or data.apart[visit, shift] >= FORBIDDEN:
        return count
    route.asked = state.totals[0].tries
    if not route.active or route.widest < data.visits[visit].least:
        return count
    state.routes[count].candidate = shift
    return count + 1


@inlined
def admits(data: Any, state: Any, shift: int, visit: int) -> Any:
    """Whether loads and the number of visits leave room, and where; no empty route twice that is alike."""
    count, carried = state.routes[shift].count, True
    if count == 0:
        kind = data.shifts[shift].kind
        if state.routes[kind].seen == state.totals[0].tries:
            return REFUSED
        state.routes[kind].seen = state.totals[0].tries
    fetched = state.routes[shift].stop > 0
    if count - fetched >= data.shifts[shift].visit_limit or count + 4 >= state.stops.shape[1]:
        return REFUSED
    for kind in range(data.use.shape[1]):
        if state.load[shift, kind] + data.use[visit, kind] > data.capacity[shift, kind]:
            if kind >= data.rules[0].fetched:
                return REFUSED
            carried = False
    if carried:
        return ANYWHERE
    return BEHIND if fetched else FETCHING


@inlined
def best_column(data: Any, state: Any, shift: int, visit: int, price: Any, first: int) -> Any:
    """The cheapest place of a route, from a column on, that costs less than `price`: price, column or -1."""
    best, last = -1, data.visits[visit].last_start
    room = data.shifts[shift].travel_limit - state.routes[shift].driven
    pricing = data.rules[0].pricing
    free = pricing != STATIC and data.rules[0].travel == 0.0 and data.rules[0].distance == 0.0
    for column in range(first, state.routes[shift].count + 1):
        if state.times[shift, column, 0, 0] > last:
            break
        if state.stops[shift, column].gap < data.visits[visit].least:
            continue
        near, onward = drives(data, state, shift, visit, column)
        added = near + onward - state.stops[shift, column].leg
        lowest = added_cost(data, state, shift, visit, column, added)
        if (
            (lowest < price or free)
            and added <= room
            and fits(data, state, shift, visit, column, near, onward)
        ):
            if random_part(state.totals) < data.rules[0].blink:
                continue
            if pricing != STATIC:
                lowest = timed_price(data, state, shift, visit, column, lowest)
            if lowest < price:
                price, best = lowest, column
    return price, best


@inlined
def drives(data: Any, state: Any, shift: int, visit: int, column: int) -> Any:
    """From the stop in a column to a visit, and on to the next stop."""
    profile = data.shifts[shift].profile
    near = np.int64(data.travel_to[profile, visit, state.stops[shift, column].visit])
    onward = np.int64(data.travel[profile, visit, state.stops[shift, column + 1].visit])
    return near, onward


@inlined
def added_cost(data: Any, state: Any, shift: int, visit: int, column: int, added: int) -> Any:
    """What an insertion costs whatever the times."""
    cost = data.rules[0].travel * added + data.apart[visit, shift]
    if data.rules[0].distance > 0.0:
        before, after = state.stops[shift, column].visit, state.stops[shift, column + 1].visit
        metres = data.metres[before, visit] + data.metres[visit, after]
        if state.routes[shift].count:
            metres -= data.metres[before, after]
        cost += data.rules[0].distance * metres
    return cost


@inlined
def fits(data: Any, state: Any, shift: int, visit: int, column: int, near: int, onward: int) -> Any:
    """Whether work at the visit fits after this column, with any number of breaks before it."""
    breaks = data.shifts[shift].break_count
    if breaks > 1 or not data.rules[0].single:
        return fits_often(data, state, shift, visit, column, near, onward)
    if breaks == 1:
        return fits_one(data, state, shift, visit, column, near, onward)
    start = max(state.times[shift, column, 0, 0] + near, data.windows[visit, 0, Column.START])
    done = start + data.visits[visit].service
    return start <= data.visits[visit].last_start and done + onward <= state.times[shift, column + 1, 0, 1]


@compiled
def fits_often(data: Any, state: Any, shift: int, visit: int, column: int, near: int, onward: int) -> Any:
    """`fits` with several breaks or windows."""
    breaks, work, service = data.shifts[shift].break_count, state.scratch, data.visits[visit].service
    for taken in range(breaks + 1):
        work[0, taken] = min(state.times[shift, column, taken, 0] + near, NEVER)
    pause_forward(data, shift, work, 0)
    for taken in range(breaks + 1):
        work[0, taken] = min(earliest_in(data, visit, work[0, taken]) + service, NEVER)
    pause_forward(data, shift, work, 0)
    for taken in range(breaks + 1):
        if work[0, taken] + onward <= state.times[shift, column + 1, taken, 1]:
            return True
    return False


@compiled
def timed_price(data: Any, state: Any, shift: int, visit: int, column: int, lowest: float) -> Any:
    """The price of an insertion; `lowest` is what it costs whatever the times."""
    if data.rules[0].pricing == SEGMENTS:
        return lowest + segment_price(data, state, shift, visit, column)
    return exact_price(data, state, shift, visit, column, lowest)


@inlined
def segment_price(data: Any, state: Any, shift: int, visit: int, column: int) -> Any:
    """What the later end and the longer duration cost, by segments."""
    rest, this = tail(state, shift, column + 1), alone(data, visit)
    near, onward = drives(data, state, shift, visit, column)
    reached = max(state.times[shift, column, 0, 0] + near, this[1]) + this[0] + onward
    end = max(reached, rest[1]) + rest[0]
    whole = join(join(head(state, shift, column), near, this), onward, rest)
    if whole[0] > data.shifts[shift].longest:
        return IMPOSSIBLE
    return end_cost(data, shift, end, whole[0]) - state.routes[shift].timed


@inlined
def exact_price(data: Any, state: Any, shift: int, visit: int, column: int, lowest: float) -> Any:
    """By how much the cost of the route grows, by timing it."""
    count = state.routes[shift].count
    for index in range(column + 1):
        state.line[index].node = state.stops[shift, index].visit
    state.line[column + 1].node = visit
    for index in range(column + 1, count + 2):
        state.line[index + 1].node = state.stops[shift, index].visit
    return line_cost(data, state, shift, count + 1) - state.routes[shift].timed + lowest
