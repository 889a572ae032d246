"""Ruin and recreate by Slack Induction by String Removals, compiled.

J. Christiaens and G. Vanden Berghe, *Slack Induction by String Removals for Vehicle Routing Problems*,
Transportation Science 54(2), 2020: strings of stops are taken out of routes that lie near one visit, and what
is absent is put back where it is cheapest, each place being overlooked now and then; simulated annealing
decides whether the outcome stays. Here visits may stay absent at a price, so that which of them are left out
is searched for together with the routes.
"""

from typing import Any

import numpy as np

from scheduler.engines.compiled import compiled, inlined, random_below, random_part
from scheduler.engines.fetching import settle_stop
from scheduler.engines.insertion_scan import EVERYWHERE as WHOLE
from scheduler.engines.insertion_scan import NEAR, TOUCHED, best_place
from scheduler.engines.layout import FORBIDDEN
from scheduler.engines.moves import (
    clear,
    make_absent,
    put_in,
    put_node,
    restore,
    save_best,
    take_out,
    touch,
)
from scheduler.engines.timing import IMPOSSIBLE, refresh
from scheduler.engines.windows import NEVER

SPLIT, SPLIT_STAYS = 0.5, 0.5
"""How often a string keeps a few stops inside, and how often one more is kept."""
MOST_TRIED = 60
"""How many visits that were absent before are tried in a round."""
EVERYWHERE = 0.005
"""How often such a visit is tried in routes that did not change."""
NEARBY, FEW = 0.9, 30
"""How often what left is tried on routes near it alone, where there are more shifts than a few."""
RANKED = 0.7
"""How often what was promised goes first."""


@compiled
def search(data: Any, state: Any, orders: Any, rounds: int, warmth: float, cooler: float) -> None:
    """So many rounds, from one temperature to another; with none the routes are taken as they are and filled.

    `orders` has how often, added up, each row of `Data.keys` sorts what is put back; the last is 1.
    """
    if rounds == 0:
        start(data, state)
        one_round(data, state, orders, 0.0)
    for number in range(rounds):
        one_round(data, state, orders, warmth * (cooler / warmth) ** (number / rounds))


@compiled
def one_round(data: Any, state: Any, orders: Any, warmth: float) -> None:
    """Ruin, recreate, and keep or undo; nothing is ruined without warmth."""
    state.totals[0].round += 1
    state.totals[0].touched = 0
    state.totals[0].saved_absent = state.totals[0].absent
    for index in range(state.totals[0].absent):
        state.lists[index].saved_absent = state.lists[index].absent
    if warmth > 0.0:
        ruin(data, state)
    recreate(data, state, orders)
    settle(data, state, warmth)


@compiled
def settle(data: Any, state: Any, warmth: float) -> None:
    """Keep what this round did when it is better, or by chance; undo it otherwise."""
    cost = state.totals[0].cost
    for index in range(state.totals[0].touched):
        shift = state.routes[index].touched
        cost += state.routes[shift].cost - state.routes[shift].saved_cost
    found = cost + state.totals[0].absence
    better = is_best(state, cost)
    bar = state.totals[0].current - warmth * np.log(1.0 - random_part(state.totals))
    if better or found < bar:
        state.totals[0].cost, state.totals[0].current = cost, found
        state.totals[0].accepted += 1
        if better:
            save_best(state)
    else:
        restore(data, state)


@compiled
def is_best(state: Any, cost: float) -> Any:
    """Whether promises, weight and cost, in this order, are better than the best so far."""
    total = state.totals[0]
    if total.kept != total.best_kept:
        return total.kept < total.best_kept
    if total.promised != total.best_promised:
        return total.promised < total.best_promised
    if total.weight != total.best_weight:
        return total.weight < total.best_weight
    return cost < total.best_cost - 1e-6


@compiled
def ruin(data: Any, state: Any) -> None:
    """Take strings out of routes near a visit."""
    visits = len(data.visits) - 1
    served, routes = visits - state.totals[0].absent, 0
    for shift in range(len(data.shifts)):
        routes += state.routes[shift].count > 0
    if served == 0:
        return
    longest = min(data.rules[0].longest, served / routes)
    strings = np.int64(random_part(state.totals) * (4 * data.rules[0].removed / (1 + longest) - 1)) + 1
    seed = pick(data, state)
    hungry = state.spots[seed].shift < 0
    for index in range(-1, data.near.shape[1]):
        visit = seed if index < 0 else data.near[seed, index]
        shift = state.spots[visit].shift
        if shift < 0 or state.routes[shift].mark == state.totals[0].round:
            continue
        if state.routes[shift].active and not (hungry and data.apart[seed, shift] >= FORBIDDEN):
            ruin_route(data, state, shift, state.spots[visit].column, longest)
            strings -= 1
            if strings <= 0:
                break


@compiled
def pick(data: Any, state: Any) -> Any:
    """A visit to begin a ruin at, if possible one that this thread may move."""
    visit, absent = 0, state.totals[0].absent
    hungry = absent and random_part(state.totals) < data.rules[0].hungry
    for _ in range(10):
        visit = random_below(state.totals, absent if hungry else len(data.visits) - 1)
        if hungry:
            visit = state.lists[visit].absent
        shift = state.spots[visit].shift
        if state.routes[shift].active if shift >= 0 else state.spots[visit].active:
            break
    return visit


@compiled
def ruin_route(data: Any, state: Any, shift: int, column: int, longest: float) -> None:
    """Take a string that includes a column out of a route."""
    count = state.routes[shift].count
    length = random_below(state.totals, np.int64(min(longest, count))) + 1
    kept = 0
    if length > 1 and length < count and random_part(state.totals) < SPLIT:
        kept = 1
        while length + kept < count and random_part(state.totals) > SPLIT_STAYS:
            kept += 1
    span = length + kept
    first = column - random_below(state.totals, span)
    first = min(max(first, 1), count + 1 - span)
    skip = first + random_below(state.totals, length + 1) if kept else first
    touch(state, shift)
    take_out(data, state, shift, first, span, skip, kept)
    if state.routes[shift].stop > 0:
        settle_stop(data, state, shift)
    if state.routes[shift].cost >= IMPOSSIBLE:
        clear(data, state, shift)


@compiled
def recreate(data: Any, state: Any, orders: Any) -> None:
    """Put back what is absent, in a random order of orders, each where it is cheapest."""
    count = queue_up(data, state, orders)
    for index in range(count):
        visit = state.lists[index].queue
        stop, shift, column = best_place(data, state, visit, reach_of(data, state, visit))
        if shift >= 0:
            touch(state, shift)
            if stop >= 0:
                put_node(state, shift, stop, len(data.visits) - 1)
            put_in(data, state, shift, column, visit)
            refresh(data, state, shift)


@inlined
def reach_of(data: Any, state: Any, visit: int) -> Any:
    """Where a visit is looked for: what was absent before is tried on the routes of this round mostly."""
    pick = random_part(state.totals)
    if state.spots[visit].since != state.totals[0].round:
        return WHOLE if pick < EVERYWHERE else TOUCHED
    return NEAR if len(data.shifts) > FEW and pick < NEARBY else WHOLE


@compiled
def queue_up(data: Any, state: Any, orders: Any) -> Any:
    """`State.queue` in the order in which visits are tried; how many."""
    absent = state.totals[0].absent
    before = state.totals[0].saved_absent
    chance = 1.0 if before <= MOST_TRIED else MOST_TRIED / before
    pick, row = random_part(state.totals), 0
    while pick >= orders[row]:
        row += 1
    ranked = 1e15 if random_part(state.totals) < RANKED else 0.0
    count = 0
    for index in range(absent):
        visit = state.lists[index].absent
        if not state.spots[visit].active:
            continue
        if (
            chance < 1.0
            and state.spots[visit].since != state.totals[0].round
            and random_part(state.totals) >= chance
        ):
            continue
        key = random_part(state.totals) if row == 0 else data.keys[row, visit]
        key -= ranked * data.visits[visit].rank
        place = count
        while place > 0 and state.lists[place - 1].key > key:
            state.lists[place].key, state.lists[place].queue = (
                state.lists[place - 1].key,
                state.lists[place - 1].queue,
            )
            place -= 1
        state.lists[place].key, state.lists[place].queue = key, visit
        count += 1
    return count


@compiled
def start(data: Any, state: Any) -> None:
    """Totals from the routes as they are; anything legal is better than the best so far."""
    total = state.totals[0]
    total.kept = total.promised = total.weight = total.absent = 0
    total.absence = total.cost = 0.0
    for visit in range(len(data.visits) - 1):
        if state.spots[visit].shift < 0:
            make_absent(data, state, visit)
            state.spots[visit].since = total.round + 1
    for shift in range(len(data.shifts)):
        refresh(data, state, shift)
        if data.rules[0].fetched:
            settle_stop(data, state, shift)
        total.cost += state.routes[shift].cost
    total.current = total.cost + total.absence
    total.best_kept = NEVER
