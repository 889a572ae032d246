"""Where an absent visit fits best into the routes of a `State`, compiled."""

from typing import Any

from scheduler.engines.arrays import SEGMENTS, STATIC, Column
from scheduler.engines.compiled import compiled, random_part
from scheduler.engines.timing import (
    IMPOSSIBLE,
    NEVER,
    alone,
    earliest_in,
    end_cost,
    head,
    join,
    line_cost,
    pause_forward,
    tail,
)

BLINK = 0.01
"""How often a place is overlooked."""


@compiled
def best_place(data: Any, state: Any, visit: int, everywhere: int) -> Any:
    """The cheapest place found for a visit: price, shift, column after which it goes; no shift (-1) if none.

    Unless `everywhere`, only routes that were changed in this round are looked at.
    """
    price, place, after = IMPOSSIBLE, -1, -1
    state.totals[0].tries += 1
    for index in range(data.visits[visit].shift_count):
        shift = data.shifts_of[visit, index]
        if not everywhere and state.routes[shift].mark != state.totals[0].round:
            continue
        if state.routes[shift].active and admits(data, state, shift, visit):
            found, column = best_column(data, state, shift, visit, price)
            if column >= 0:
                price, place, after = found, shift, column
    return price, place, after


@compiled
def admits(data: Any, state: Any, shift: int, visit: int) -> Any:
    """Whether loads and the number of visits leave room, and no empty route like this one was tried."""
    count = state.routes[shift].count
    if count == 0:
        kind = data.shifts[shift].kind
        if state.routes[kind].seen == state.totals[0].tries:
            return False
        state.routes[kind].seen = state.totals[0].tries
    if count >= data.shifts[shift].visit_limit or count + 3 >= state.stops.shape[1]:
        return False
    for kind in range(data.use.shape[1]):
        if state.load[shift, kind] + data.use[visit, kind] > data.capacity[shift, kind]:
            return False
    return True


@compiled
def best_column(data: Any, state: Any, shift: int, visit: int, price: float) -> Any:
    """The cheapest place on one route that costs less than `price`: its price and column, -1 for none."""
    if data.shifts[shift].break_count == 0 and data.visits[visit].window_count == 1:
        if data.rules[0].pricing == STATIC:
            return scan_static(data, state, shift, visit, price)
        return scan_plain(data, state, shift, visit, price)
    return scan_paused(data, state, shift, visit, price)


@compiled
def scan_static(data: Any, state: Any, shift: int, visit: int, price: float) -> Any:
    """`best_column` without breaks, in a single window, where only driving costs."""
    best, apart, weight = -1, data.apart[visit, shift], data.rules[0].travel
    first, last, service = (
        data.windows[visit, 0, Column.START],
        data.windows[visit, 0, Column.END],
        data.visits[visit].service,
    )
    room = data.shifts[shift].travel_limit - state.routes[shift].driven
    profile, metres = data.shifts[shift].profile, data.rules[0].distance
    for column in range(state.routes[shift].count + 1):
        leave = state.times[shift, column, 0, 0]
        if leave > last:
            break
        near = data.travel_to[profile, visit, state.stops[shift, column].visit]
        onward = data.travel[profile, visit, state.stops[shift, column + 1].visit]
        added = near + onward - state.stops[shift, column].leg
        lowest = weight * added + apart
        if metres > 0.0:
            lowest += metres * added_metres(data, state, shift, visit, column)
        if lowest < price:
            start = max(leave + near, first)
            fits = start <= last and start + service + onward <= state.times[shift, column + 1, 0, 1]
            if fits and added <= room and random_part(state.totals) >= BLINK:
                price, best = lowest, column
    return price, best


@compiled
def scan_plain(data: Any, state: Any, shift: int, visit: int, price: float) -> Any:
    """`best_column` without breaks, in a single window."""
    best, apart, weight = -1, data.apart[visit, shift], data.rules[0].travel
    first, last, service = (
        data.windows[visit, 0, Column.START],
        data.windows[visit, 0, Column.END],
        data.visits[visit].service,
    )
    room = data.shifts[shift].travel_limit - state.routes[shift].driven
    profile, metres = data.shifts[shift].profile, data.rules[0].distance
    for column in range(state.routes[shift].count + 1):
        leave = state.times[shift, column, 0, 0]
        if leave > last:
            break
        near = data.travel_to[profile, visit, state.stops[shift, column].visit]
        onward = data.travel[profile, visit, state.stops[shift, column + 1].visit]
        added = near + onward - state.stops[shift, column].leg
        lowest = weight * added + apart
        if metres > 0.0:
            lowest += metres * added_metres(data, state, shift, visit, column)
        if lowest < price or weight == 0.0:
            start = max(leave + near, first)
            fits = start <= last and start + service + onward <= state.times[shift, column + 1, 0, 1]
            if fits and added <= room and random_part(state.totals) >= BLINK:
                found = timed_price(data, state, shift, visit, column, start + service + onward, lowest)
                if found < price:
                    price, best = found, column
    return price, best


@compiled
def scan_paused(data: Any, state: Any, shift: int, visit: int, price: float) -> Any:
    """`best_column` with breaks or several windows."""
    best, apart, weight = -1, data.apart[visit, shift], data.rules[0].travel
    room = data.shifts[shift].travel_limit - state.routes[shift].driven
    profile, metres = data.shifts[shift].profile, data.rules[0].distance
    timed = data.rules[0].pricing != STATIC
    for column in range(state.routes[shift].count + 1):
        if state.times[shift, column, 0, 0] > data.visits[visit].last_start:
            break
        near = data.travel_to[profile, visit, state.stops[shift, column].visit]
        onward = data.travel[profile, visit, state.stops[shift, column + 1].visit]
        added = near + onward - state.stops[shift, column].leg
        lowest = weight * added + apart
        if metres > 0.0:
            lowest += metres * added_metres(data, state, shift, visit, column)
        cheap = (lowest < price or (timed and weight == 0.0)) and added <= room
        if cheap and fits(data, state, shift, visit, column, near, onward):
            if random_part(state.totals) < BLINK:
                continue
            found = exact_price(data, state, shift, visit, column, lowest) if timed else lowest
            if found < price:
                price, best = found, column
    return price, best


@compiled
def fits(data: Any, state: Any, shift: int, visit: int, column: int, near: int, onward: int) -> Any:
    """Whether work at the visit fits after this column, with any number of breaks before it."""
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
def added_metres(data: Any, state: Any, shift: int, visit: int, column: int) -> Any:
    """How many metres an insertion adds."""
    before, after = state.stops[shift, column].visit, state.stops[shift, column + 1].visit
    there = data.metres[before, visit] + data.metres[visit, after]
    return there - data.metres[before, after] if state.routes[shift].count else there


@compiled
def timed_price(
    data: Any, state: Any, shift: int, visit: int, column: int, reached: int, lowest: float
) -> Any:
    """The price of an insertion into a route without breaks; `lowest` is what it costs whatever the times."""
    if data.rules[0].pricing == SEGMENTS:
        return lowest + segment_price(data, state, shift, visit, column, reached)
    return exact_price(data, state, shift, visit, column, lowest)


@compiled
def segment_price(data: Any, state: Any, shift: int, visit: int, column: int, reached: int) -> Any:
    """What the later end and the longer duration cost, by segments; `reached` is when the next stop is."""
    rest, profile = tail(state, shift, column + 1), data.shifts[shift].profile
    end = max(reached, rest[1]) + rest[0]
    near = data.travel_to[profile, visit, state.stops[shift, column].visit]
    onward = data.travel[profile, visit, state.stops[shift, column + 1].visit]
    whole = join(join(head(state, shift, column), near, alone(data, visit)), onward, rest)
    if whole[0] > data.shifts[shift].longest:
        return IMPOSSIBLE
    return end_cost(data, shift, end, whole[0]) - state.routes[shift].timed


@compiled
def exact_price(data: Any, state: Any, shift: int, visit: int, column: int, lowest: float) -> Any:
    """By how much the cost of the route grows, by timing it."""
    count = state.routes[shift].count
    for index in range(column + 1):
        state.line[index].node = state.stops[shift, index].visit
    state.line[column + 1].node = visit
    for index in range(column + 1, count + 2):
        state.line[index + 1].node = state.stops[shift, index].visit
    return line_cost(data, state, shift, count + 1) - state.routes[shift].timed + lowest
