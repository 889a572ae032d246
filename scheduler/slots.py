"""Which arrival windows can be kept, and where each is cheapest: `Slots`, fast enough for a page.

All positions of all routes are looked at together with a few array operations. What a place costs is bounded
from below the same way; the place that looks cheapest in a window is timed and priced exactly, and the next
one only if that was dearer than it looked. So the answer is that of trying every position, and no object is
made for a position that is not an answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from scheduler.admission import unsupported
from scheduler.consistency import visit_faults
from scheduler.costs import Former
from scheduler.insertion import Place
from scheduler.links import held_routes
from scheduler.model import Plan, Problem, Visit
from scheduler.restocking import first_lacking
from scheduler.slot_admission import Admissions
from scheduler.slot_pricing import Pricing
from scheduler.slot_search import Asked, FieldMaker, Search
from scheduler.slot_table import Numbers, SlotTable

Window = tuple[int, int]


class Slots:
    """Routes that are asked where visits fit, over any number of days; they are changed one by one.

    Parameters
    ----------
    problem, plan
        The routes are timed as by `scheduler.timeline.schedule`, by their order alone; but visits that hang
        together (crews, order) stay at their start.
    without
        A visit to leave out of the plan, because it is to be moved.
    former
        What the cost of change compares with; none without it.
    """

    def __init__(
        self, problem: Problem, plan: Plan, *, without: str | None = None, former: Former | None = None
    ) -> None:
        self.problem = problem
        shifts = sorted(problem.shifts, key=lambda shift: (shift.begin_s, shift.limit_s))
        self.column_of = {shift.id: column for column, shift in enumerate(shifts)}
        held = held_routes(problem, plan.routes, without)
        routes = {shift.id: visits for shift, visits in zip(problem.shifts, held, strict=True)}
        self._table = SlotTable(problem, shifts, max(map(len, held), default=0))
        self._admissions = Admissions(shifts, restocking=problem.restock is not None)
        self._pricing = Pricing(problem, self._table, former)
        for shift in shifts:
            self.set_route(shift.id, routes[shift.id])
        self._begins = np.array([shift.begin_s for shift in shifts], np.int64)
        limits = np.array([shift.limit_s for shift in shifts], np.int64)
        self._ends = np.maximum.accumulate(limits) if shifts else limits
        self._fields = FieldMaker(self._table)

    def set_route(self, shift_id: str, visits: Iterable[Visit]) -> None:
        """Change the visits of one shift; nothing else is timed again."""
        column, order = self.column_of[shift_id], tuple(visits)
        self._table.put(column, order)
        self._admissions.put(column, order)
        self._pricing.put(column, order)

    def visits(self, shift_id: str) -> tuple[Visit, ...]:
        """The visits of a shift, in order."""
        return self._table.visits[self.column_of[shift_id]]

    def beside(self, place: Place) -> tuple[int, ...]:
        """The locations before and after it on its route; none after the last stop of an open end."""
        column = self.column_of[place.shift]
        shift, visits = self._table.shifts[column], self._table.visits[column]
        before = visits[place.position - 1].location if place.position else shift.start_location
        after = visits[place.position].location if place.position < len(visits) else shift.end_location
        return tuple(location for location in (before, after) if location is not None)

    def cheapest(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        there_s: Numbers | None = None,
        onward_s: Numbers | None = None,
    ) -> list[Place | None]:
        """For each of these arrival windows the cheapest place of a visit.

        Parameters
        ----------
        visit
            Need not be in the problem, and must not be on a route. Its own windows are not looked at.
        windows
            Work starts inside one of these (seconds, both ends included).
        there_s, onward_s
            Seconds from and to each location of the problem, for a place that is not one of them; a row for
            `travel_s` and for each of its `travel_profiles`, if it has any.

        Returns
        -------
        list of Place or None
            By window one with the least added cost; ``None`` where nobody can come. Of several that cost
            the same, one of the shift that begins first.

        Raises
        ------
        ValueError
            When the visit's references are wrong, or it needs a crew or hangs on other visits: where these
            fit is asked with `scheduler.insertion.suggest`.
        """
        table = self._table
        self._require_plannable(visit, anywhere=there_s is not None)
        if not windows or not table.shifts:
            return [None] * len(windows)
        if there_s is None or onward_s is None:
            there, onward = table.ways(visit.location)
        else:
            there, onward = np.atleast_2d(there_s), np.atleast_2d(onward_s)
        timed = self._timed_alone(visit)
        mask = self._admissions.mask(visit).copy()
        mask[timed] = False
        asked = Asked(visit, there, onward, mask, self._missed(visit))
        if not self._fields.fits():
            self._fields = FieldMaker(table)
        field = self._fields.make(asked, self._pricing)
        wanted = [_pinned(visit, window) for window in windows]
        found = Search(table, self._pricing, asked, field, wanted).run(self._begins, self._ends)
        return self._with_restocking(found, asked, windows, timed) if timed else found

    def _timed_alone(self, visit: Visit) -> list[int]:
        """The shifts that have to restock for this visit or have to already: the table knows no such stop."""
        if self.problem.restock is None:
            return []
        routes = zip(self._table.shifts, self._table.visits, strict=True)
        return [
            column
            for column, (shift, visits) in enumerate(routes)
            if first_lacking(shift, (*visits, visit)) is not None
        ]

    def _with_restocking(
        self, found: list[Place | None], asked: Asked, windows: Sequence[Window], timed: Sequence[int]
    ) -> list[Place | None]:
        """The cheaper ones of the places found and those on shifts that have to restock."""
        board, visit = self._pricing.board(asked.visit, timed, (asked.there, asked.onward))
        cheaper = list(found)
        for number, window in enumerate(windows):
            if window[0] <= window[1]:
                single = replace(visit, windows=(window,))
                for place in board.places(single):
                    best = cheaper[number]
                    if best is None or place.added_cost < best.added_cost:
                        cheaper[number] = replace(place, window=number)
        return cheaper

    def _require_plannable(self, visit: Visit, *, anywhere: bool) -> None:
        locations = visit.location + 1 if anywhere else len(self.problem.travel_s)
        problem = self.problem
        faults = [
            *visit_faults(visit, locations, problem.visit_by_id, problem.shift_by_id),
            *unsupported(visit),
        ]
        if anywhere and problem.weights.distance:
            faults.append("location: metres count, so it has to be a location of the problem")
        if faults:
            raise ValueError("\n".join(f"visit.{fault}" for fault in faults))

    def _missed(self, visit: Visit) -> Numbers:
        """By shift: what the technician is worth less than the most welcome one (seconds)."""
        worth = self._admissions.technicians(visit.preferred_technicians)
        return max(visit.preferred_technicians.values(), default=0) - worth


def _pinned(visit: Visit, window: Window) -> Window:
    """When work may start in a window; an end before the start when a pin forbids it."""
    pin = visit.pinned.start_s if visit.pinned else None
    if pin is None:
        return window
    return (pin, pin) if window[0] <= pin <= window[1] else (1, 0)
