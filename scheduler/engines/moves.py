"""What a round of the local search changes, and how it is undone or kept, compiled."""

from typing import Any

from scheduler.engines.compiled import compiled
from scheduler.engines.timing import refresh


@compiled
def touch(state: Any, shift: int) -> None:
    """Remember a route as it was before this round."""
    if state.routes[shift].mark == state.totals[0].round:
        return
    state.routes[shift].mark = state.totals[0].round
    state.routes[state.totals[0].touched].touched = shift
    state.totals[0].touched += 1
    for column in range(1, state.routes[shift].count + 1):
        state.copies[shift, column].saved = state.stops[shift, column].visit
    state.routes[shift].saved_count = state.routes[shift].count
    state.routes[shift].saved_cost = state.routes[shift].cost


@compiled
def count_absent(data: Any, state: Any, visit: int, sign: int) -> None:
    rank = data.visits[visit].rank
    state.totals[0].kept += sign * (rank == 2)
    state.totals[0].promised += sign * (rank >= 1)
    state.totals[0].weight += sign * data.visits[visit].priority
    state.totals[0].absence += sign * data.visits[visit].penalty


@compiled
def make_absent(data: Any, state: Any, visit: int) -> None:
    state.spots[visit].shift = -1
    state.spots[visit].since = state.totals[0].round
    state.spots[visit].slot = state.totals[0].absent
    state.lists[state.totals[0].absent].absent = visit
    state.totals[0].absent += 1
    count_absent(data, state, visit, 1)


@compiled
def take_out(data: Any, state: Any, shift: int, first: int, span: int, skip: int, kept: int) -> None:
    """Take out the visits of a span, but for `kept` of them from `skip` on; a stop to restock stays."""
    count, place = state.routes[shift].count, first
    for column in range(first, count + 1):
        visit = state.stops[shift, column].visit
        stays = column >= first + span or skip <= column < skip + kept
        if stays or visit == len(data.visits) - 1:
            state.stops[shift, place].visit = visit
            place += 1
        else:
            make_absent(data, state, visit)
    state.routes[shift].count = place - 1
    refresh(data, state, shift)


@compiled
def clear(data: Any, state: Any, shift: int) -> None:
    """Take everything out of a route."""
    for column in range(1, state.routes[shift].count + 1):
        if state.stops[shift, column].visit < len(data.visits) - 1:
            make_absent(data, state, state.stops[shift, column].visit)
    state.routes[shift].count = 0
    refresh(data, state, shift)


@compiled
def put_node(state: Any, shift: int, after: int, node: int) -> None:
    """Put a node after a column of a route, whose times are not refreshed."""
    for column in range(state.routes[shift].count, after, -1):
        state.stops[shift, column + 1].visit = state.stops[shift, column].visit
    state.stops[shift, after + 1].visit = node
    state.routes[shift].count += 1


@compiled
def take_node(state: Any, shift: int, column: int) -> None:
    """Take the node in a column out of a route, whose times are not refreshed."""
    for later in range(column, state.routes[shift].count):
        state.stops[shift, later].visit = state.stops[shift, later + 1].visit
    state.routes[shift].count -= 1


@compiled
def put_in(data: Any, state: Any, shift: int, after: int, visit: int) -> None:
    """Put an absent visit after a column of a route, whose times are not refreshed."""
    put_node(state, shift, after, visit)
    slot, last = state.spots[visit].slot, state.lists[state.totals[0].absent - 1].absent
    state.lists[slot].absent, state.spots[last].slot = last, slot
    state.totals[0].absent -= 1
    count_absent(data, state, visit, -1)


@compiled
def restore(data: Any, state: Any) -> None:
    """Undo this round."""
    for index in range(state.totals[0].absent):
        count_absent(data, state, state.lists[index].absent, -1)
    for index in range(state.totals[0].saved_absent):
        visit = state.lists[index].saved_absent
        state.lists[index].absent, state.spots[visit].slot, state.spots[visit].shift = visit, index, -1
        count_absent(data, state, visit, 1)
    state.totals[0].absent = state.totals[0].saved_absent
    for index in range(state.totals[0].touched):
        shift = state.routes[index].touched
        state.routes[shift].count = state.routes[shift].saved_count
        for column in range(1, state.routes[shift].count + 1):
            state.stops[shift, column].visit = state.copies[shift, column].saved
        refresh(data, state, shift)


@compiled
def save_best(state: Any) -> None:
    """The routes as they are become the best so far."""
    state.totals[0].better += 1
    state.totals[0].best_cost = state.totals[0].cost
    total = state.totals[0]
    total.best_kept, total.best_promised, total.best_weight = total.kept, total.promised, total.weight
    for shift in range(len(state.routes)):
        state.routes[shift].best_count = state.routes[shift].count
        state.routes[shift].best_route_cost = state.routes[shift].cost
        for column in range(1, state.routes[shift].count + 1):
            state.copies[shift, column].best = state.stops[shift, column].visit
