"""What one more visit adds to the cost of many routes: a bound for all at once, the exact cost of one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scheduler.costs import Former, route_cost
from scheduler.insertion import Board
from scheduler.model import Matrix, Plan, Problem, Route, Shift, Visit
from scheduler.slot_table import Numbers, SlotTable
from scheduler.timeline import leaves_late, schedule_visits


class Pricing:
    """The costs of routes.

    A route is *plain* when only driving, overtime and its technician can make another visit dearer: its
    bounds are exact but for overtime. All others are priced by `scheduler.costs`.

    Parameters
    ----------
    problem
        Its weights count. Visits of routes that it does not have are added to it when they have to be priced.
    table
        The routes; `put` is called after those of the table.
    former
        What the cost of change compares with.
    """

    def __init__(self, problem: Problem, table: SlotTable, former: Former | None) -> None:
        self._problem, self._table, self._former = problem, table, former
        weights = problem.weights
        count = len(table.shifts)
        always = former is None and weights.waiting == 0 and weights.distance == 0
        self._may_be_plain = [always and not leaves_late(problem, shift) for shift in table.shifts]
        self.plain = np.zeros(count, bool)
        self._gone = np.zeros(count, np.int64)  # what the cost of a route loses at most beside driving
        self._work = np.zeros(count, np.int64)
        self._rate = np.array([weights.duration + shift.cost_per_h / 3600 for shift in table.shifts])
        self._cost: dict[int, int | None] = {}
        self._unpriced: set[int] = set()
        self.overtime = weights.overtime if any(shift.overtime_s for shift in table.shifts) else 0.0

    def put(self, column: int, visits: tuple[Visit, ...]) -> None:
        """Note that the visits of a shift changed."""
        table = self._table
        self.plain[column] = plain = self._may_be_plain[column] and not any(map(is_soft, visits))
        self._cost.pop(column, None)
        if plain:
            over_s = max(0, int(table.end_now[column]) - table.shifts[column].end_s)
            self._gone[column] = round(self._problem.weights.overtime * over_s)
            self._unpriced.discard(column)
        else:
            self._work[column] = sum(visit.service_s for visit in visits)
            self._unpriced.add(column)

    def bound(self, visit: Visit, added: Numbers, missed: Numbers) -> Numbers:
        """By position and shift: what the visit adds to the cost at least, overtime aside.

        `added` is the driving that it adds (seconds), `missed` what each technician is worse than the best.
        """
        while self._unpriced:
            self._note_loss(self._unpriced.pop())
        travel = self._problem.weights.travel
        bound: Numbers = added
        if travel != 1:
            driven = self._table.driven
            bound = np.rint(travel * (driven + added)) - np.rint(travel * driven)
            bound = bound.astype(np.int64)
        offset = missed - self._gone
        if self._rate.any():
            least = self._rate * (added + (self._table.driven + self._work + visit.service_s))
            bound = bound + np.where(self._rate > 0, np.floor(least) - 2, 0).astype(np.int64)
        return bound + offset if offset.any() else bound

    def _note_loss(self, column: int) -> None:
        table = self._table
        cost = self._cost_now(column) if table.fits_now[column] else None
        if cost is None:
            return  # nothing is added to it
        shift = table.shifts[column]
        kept = sum(_missed_technician(shift, visit) for visit in table.visits[column])
        travel = round(self._problem.weights.travel * int(table.driven[column]))
        self._gone[column] = cost - travel - kept

    def exact(
        self, visit: Visit, column: int, position: int, sides: tuple[Numbers, Numbers]
    ) -> tuple[Route, int] | None:
        """The route with the visit at a position and what it adds to the cost; None when it is too long.

        `sides` are the seconds by profile from and to each location of the problem.
        """
        problem, visit = self._scene(visit, sides)
        shift, visits = self._table.shifts[column], self._table.visits[column]
        route = schedule_visits(problem, shift, (*visits[:position], visit, *visits[position:]))
        before = self._cost_now(column)
        if route is None or before is None:
            return None
        return route, route_cost(problem, route, visit, self._former) - before

    def board(
        self, visit: Visit, columns: Sequence[int], sides: tuple[Numbers, Numbers]
    ) -> tuple[Board, Visit]:
        """These shifts alone, to be asked for a visit; and the visit with its place among the locations."""
        for column in columns:
            self._learn(column)
        problem, placed = self._scene(visit, sides)
        shifts = tuple(self._table.shifts[column] for column in columns)
        orders = [[_with_any_shift(each) for each in self._table.visits[column]] for column in columns]
        visits = tuple(visit for order in orders for visit in order)
        board = Board(replace(problem, shifts=shifts, visits=visits), Plan(), former=self._former)
        for row, order in enumerate(orders):
            board.set_route(row, order)
        return board, placed

    def _cost_now(self, column: int) -> int | None:
        """The cost of a route as it is; None when it is late or too long in itself."""
        if column not in self._cost:
            self._learn(column)
            shift, visits = self._table.shifts[column], self._table.visits[column]
            route = schedule_visits(self._problem, shift, visits)
            cost = None if route is None else route_cost(self._problem, route, None, self._former)
            self._cost[column] = cost
        return self._cost[column]

    def _learn(self, column: int) -> None:
        """Add the visits of a route that the problem does not have."""
        known = self._problem.visit_by_id
        new = [visit for visit in self._table.visits[column] if known.get(visit.id) is not visit]
        if new:
            names = {visit.id for visit in new}
            others = (visit for visit in self._problem.visits if visit.id not in names)
            self._problem = replace(self._problem, visits=(*others, *new))

    def _scene(self, visit: Visit, sides: tuple[Numbers, Numbers]) -> tuple[Problem, Visit]:
        """The problem and the visit, with its place among the locations."""
        there, onward = sides
        problem, here = self._problem, visit.location
        tables = [problem.travel_s, *problem.travel_profiles.values()]
        if here < len(tables[0]) and all(
            (table[:, here] == there[row]).all() and (table[here] == onward[row]).all()
            for row, table in enumerate(tables)
        ):
            return problem, visit
        wider = [_with_place(table, there[row], onward[row]) for row, table in enumerate(tables)]
        profiles = dict(zip(problem.travel_profiles, wider[1:], strict=True))
        problem = replace(problem, travel_s=wider[0], travel_profiles=profiles, distance_m=None)
        return problem, replace(visit, location=len(tables[0]))


def _with_place(table: Matrix, there: Numbers, onward: Numbers) -> Matrix:
    """The table with one more location."""
    wider = np.zeros((len(table) + 1, len(table) + 1), np.int32)
    wider[:-1, :-1], wider[:-1, -1], wider[-1, :-1] = table, there, onward
    return wider


def _with_any_shift(visit: Visit) -> Visit:
    """The visit, pinned to a time at most."""
    pin = visit.pinned
    if pin is None or pin.shift is None:
        return visit
    return replace(visit, pinned=None if pin.start_s is None else replace(pin, shift=None))


def is_soft(visit: Visit) -> bool:
    """Whether it costs something when the work at a visit starts."""
    return visit.due_s is not None or bool(visit.preferred_windows)


def _missed_technician(shift: Shift, visit: Visit) -> int:
    """What the best technician of a visit is worth, less this one (seconds)."""
    people = visit.preferred_technicians
    return max(people.values()) - people.get(shift.technician, 0) if people else 0
