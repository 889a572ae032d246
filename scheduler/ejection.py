"""Making room by moving others: chains of visits, each of which takes the place of the next.

An ejection chain (Glover, *Discrete Applied Mathematics* 1996) touches every route at most once, so whether
its steps are possible can be looked up: for every route as it is, without one of its visits and without two,
the table of `Slots` says for each visit where it fits. The cheapest chain is found by A* over these steps,
with the cheapest way out of each visit, other steps of the chain aside, as the bound.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, count, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.kernel import Kernel
from scheduler.limits import Limit
from scheduler.model import Problem, Visit
from scheduler.slot_admission import Admissions
from scheduler.slot_pricing import Pricing
from scheduler.slot_search import Asked, FieldMaker
from scheduler.slot_table import SlotTable
from scheduler.timeline import start_windows

Window = tuple[int, int]
Costs = NDArray[np.float64]
LONGEST = 6
"""Visits that a chain moves at most."""
MOST_LOOKS = 400
"""Steps of the search for one window."""
MOST_PAIRS = 1500
"""Pairs of visits of one route that are taken out together, at most."""
ROUNDS = 4
"""How often the bounds are improved: chains of more visits have a bound that is too low, not wrong."""


class Variant(NamedTuple):
    """A route, or what is left of it."""

    shift: int
    out: tuple[int, ...]  # the visits taken out, by number


class Step(NamedTuple):
    """A visit goes into a variant of a route, before the one at this position."""

    visit: int  # -1 for the new one
    variant: int
    position: int


class _State(NamedTuple):
    cost: float
    steps: tuple[Step, ...]
    used: frozenset[int]
    homeless: tuple[int, ...]


class Ejections:
    """Where every visit of a plan could go instead.

    Parameters
    ----------
    problem
        Must have no place to restock. Limits of the duration are not looked at: time the routes of a chain.
    routes
        The visits of every shift of the problem, in order; they must be in time.

    Notes
    -----
    A visit with a pin does not move.
    """

    def __init__(self, problem: Problem, routes: Mapping[str, Sequence[Visit]]) -> None:
        self.problem = problem
        self.orders = [list(routes.get(shift.id, ())) for shift in problem.shifts]
        self.visits = [visit for order in self.orders for visit in order if visit.pinned is None]
        self._number = {visit.id: number for number, visit in enumerate(self.visits)}
        self.variants = list(self._variants())
        shifts = [problem.shifts[variant.shift] for variant in self.variants]
        self._table = SlotTable(problem, shifts, max(map(len, self.orders), default=0))
        self._admissions = Admissions(shifts)
        self._pricing = Pricing(problem, self._table, None)
        for column, variant in enumerate(self.variants):
            order = tuple(self.rest(variant))
            self._table.put(column, order)
            self._admissions.put(column, order)
            self._pricing.put(column, order)
        self._fields = FieldMaker(self._table)
        self._shift_of = np.array([variant.shift for variant in self.variants], np.int64)
        self._saved = self._savings()
        options = [self._options(visit, list(start_windows(visit))) for visit in self.visits]
        shape = (len(self.visits), len(self.variants))
        self._cost = np.array([cost for cost, _ in options]).reshape(shape)
        self._position = np.array([position for _, position in options], np.int64).reshape(shape)
        home = np.array([self._home(number) for number in range(len(self.visits))], np.int64)
        self._cost[self._shift_of[None] == home[:, None]] = np.inf
        self._way_out = self._ways_out()

    def _variants(self) -> Iterator[Variant]:
        for shift in range(len(self.orders)):
            yield Variant(shift, ())
        loose = [
            [self._number[visit.id] for visit in order if visit.id in self._number] for order in self.orders
        ]
        for shift, numbers in enumerate(loose):
            yield from (Variant(shift, (number,)) for number in numbers)
        pairs = [
            Variant(shift, pair) for shift, numbers in enumerate(loose) for pair in combinations(numbers, 2)
        ]
        yield from pairs[:MOST_PAIRS]

    def _home(self, number: int) -> int:
        """The shift of a visit: there it is taken out, not put in."""
        return next(variant.shift for variant in self.variants if variant.out == (number,))

    def rest(self, variant: Variant) -> list[Visit]:
        """What is left of a route."""
        out = {self.visits[number].id for number in variant.out}
        return [visit for visit in self.orders[variant.shift] if visit.id not in out]

    def _savings(self) -> Costs:
        """What each variant saves by driving less than its route."""
        driven = self._table.driven.astype(np.float64)
        saved: Costs = self.problem.weights.travel * (driven[self._shift_of] - driven)
        return saved

    def _options(self, visit: Visit, windows: Sequence[Window]) -> tuple[Costs, NDArray[np.int64]]:
        """By variant: what a visit adds to the cost in any of the windows, and its position there."""
        worth = self._admissions.technicians(visit.preferred_technicians)
        missed = max(visit.preferred_technicians.values(), default=0) - worth
        there, onward = self._table.ways(visit.location)
        field = self._fields.make(
            Asked(visit, there, onward, self._admissions.mask(visit), missed), self._pricing
        )
        possible = np.zeros(field.bound.shape, bool)
        far = self._table.far - 1
        for opens, closes in windows:
            start, end = max(opens, -far), min(closes, far)
            possible |= ((field.first <= end) & (field.last >= start)).any(axis=0)
        cost = np.where(possible, field.bound, np.inf)
        position = cost.argmin(axis=0)
        return cost[position, np.arange(cost.shape[1])] - self._saved, position

    def _ways_out(self) -> Costs:
        """For each visit the least cost of any chain that finds it a place."""
        way = np.full(len(self.visits), np.inf)
        for _ in range(ROUNDS):
            way = np.minimum(way, (self._cost + self._homeless_cost(way)[None]).min(axis=1, initial=np.inf))
        return way

    def _homeless_cost(self, way: Costs) -> Costs:
        """By variant: the least cost of finding places for what was taken out."""
        return np.array([sum(way[number] for number in variant.out) for variant in self.variants])

    def chains(self, visit: Visit, window: Window, limit: Limit) -> Iterator[tuple[Step, ...]]:
        """Chains that let a new visit into a window, cheapest first as far as driving tells."""
        cost, position = self._options(visit, [window])
        after = self._homeless_cost(self._way_out)
        number = count()
        waiting: list[tuple[float, int, _State]] = []

        def add(state: _State, who: int, variant: int, at: int, price: float) -> None:
            out, shift = self.variants[variant].out, self.variants[variant].shift
            homeless = (*state.homeless[1:], *out)
            if len(state.steps) + len(homeless) > LONGEST:
                return
            steps = (*state.steps, Step(who, variant, at))
            total = state.cost + price
            bound = total + sum(self._way_out[each] for each in homeless)
            heapq.heappush(
                waiting, (bound, next(number), _State(total, steps, state.used | {shift}, homeless))
            )

        begin = _State(0.0, (), frozenset(), ())
        for variant in np.flatnonzero(np.isfinite(cost + after)).tolist():
            add(begin, -1, variant, int(position[variant]), float(cost[variant]))
        looks = 0
        while waiting and looks < MOST_LOOKS and not limit.reached():
            looks += 1
            _, _, state = heapq.heappop(waiting)
            if not state.homeless:
                yield state.steps
                continue
            who = state.homeless[0]
            free = np.isfinite(self._cost[who] + after)
            free &= ~np.isin(self._shift_of, list(state.used))
            for variant in np.flatnonzero(free).tolist():
                add(state, who, variant, int(self._position[who, variant]), float(self._cost[who, variant]))

    def turns(self, visit: Visit, window: Window, limit: Limit) -> Iterator[dict[str, list[Visit]]]:
        """Routes that let the visit in once one or two of their own come at another place of the route.

        Of two, one may go to another route instead.
        """
        cost, position = self._options(visit, [window])
        for column in np.argsort(cost, kind="stable").tolist():
            if limit.reached() or not np.isfinite(cost[column]):
                return
            for out in permutations(self.variants[column].out):
                orders = self._turned(visit, column, int(position[column]), out)
                if orders:
                    yield orders

    def _turned(
        self, visit: Visit, column: int, at: int, out: Sequence[int]
    ) -> dict[str, list[Visit]] | None:
        """The routes after the visit came in and what was taken out has found places again, if it has."""
        variant = self.variants[column]
        shift, order = self.problem.shifts[variant.shift], self.rest(variant)
        order.insert(at, visit)
        changed = {shift.id: order}
        for number in out:
            moved = self.visits[number]
            here = _cheapest_position(Kernel(self.problem, [shift], [order]), moved)
            if here is not None:
                order.insert(here, moved)
                continue
            costs = self._cost[number, : len(self.orders)]  # the first variants are the routes as they are
            free = [
                row for row in np.flatnonzero(np.isfinite(costs)).tolist() if self._id(row) not in changed
            ]
            if not free:
                return None
            row = min(free, key=lambda row: costs[row])
            changed[self._id(row)] = [*self.orders[row]]
            changed[self._id(row)].insert(int(self._position[number, row]), moved)
        return changed

    def _id(self, row: int) -> str:
        return self.problem.shifts[row].id


def _cheapest_position(kernel: Kernel, visit: Visit) -> int | None:
    """Where a visit adds least driving to the only route of a kernel; ``None`` where there is no time."""
    starts = kernel.starts(visit, [0])
    spots = [position for _, position in kernel.spots(visit, [0], starts).tolist()]
    return min(spots, key=lambda position: int(starts[-1][0, position])) if spots else None
