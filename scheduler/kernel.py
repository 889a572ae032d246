"""Where a visit fits in time: every position of every route at once, exactly, breaks included.

For each position of a route the kernel keeps, by number of breaks taken, the earliest second at which the
work before it is done and the latest second at which the van may reach what comes after it. Whether another
visit fits between, and from when to when its work may start, is then a handful of array operations for all
positions together. A route that changes is refreshed alone.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.model import Problem, Route, Shift, Visit
from scheduler.restocking import first_lacking
from scheduler.timeline import (
    NEVER,
    break_span,
    earliest_start,
    latest_reach,
    legs_of,
    schedule_visits,
    start_windows,
    take_breaks,
)

Times = NDArray[np.int64]


class Kernel:
    """Times of the routes of a problem, one row a shift, one column a position.

    Parameters
    ----------
    problem
        Only its travel times and weights are used.
    shifts
        They need not be in the problem.
    routes
        The visits of each of these shifts in order. They need not be in the problem.
    """

    def __init__(self, problem: Problem, shifts: Sequence[Shift], routes: Sequence[Sequence[Visit]]) -> None:
        self.problem = problem
        self.shifts = shifts
        self.routes: list[tuple[Visit, ...]] = [() for _ in shifts]
        names = [None, *problem.travel_profiles]
        self._tables = [problem.travel_s, *problem.travel_profiles.values()]
        self._table_of = np.array([names.index(shift.profile) for shift in shifts], np.int64)
        self._breaks = max((len(break_span(shift)[1]) for shift in shifts), default=0)
        self._columns = max((len(route) for route in routes), default=0) + 2
        self._earliest, self._latest, self._duration = self._break_tables()
        self._allocate()
        for index, route in enumerate(routes):
            self.refresh(index, route)

    def _break_tables(self) -> tuple[Times, Times, Times]:
        """Earliest and latest start and duration by shift and breaks taken; the unused ones never fit."""
        shape = (len(self.shifts), self._breaks)
        earliest, latest, duration = (
            np.zeros(shape, np.int64),
            np.full(shape, -NEVER),
            np.ones(shape, np.int64),
        )
        for row, shift in enumerate(self.shifts):
            for column, pause in enumerate(break_span(shift)[1]):
                earliest[row, column] = pause.earliest_s
                latest[row, column] = pause.latest_s
                duration[row, column] = pause.duration_s
        return earliest, latest, duration

    def _allocate(self) -> None:
        shape = (len(self.shifts), self._columns)
        self._origin = np.zeros(shape, np.int64)
        self._target = np.full(shape, -1)  # -1: the route ends where its last visit is
        self._drive = np.zeros(shape, np.int64)
        self._done = np.full((*shape, self._breaks + 1), NEVER)
        self._reach = np.full((*shape, self._breaks + 1), -NEVER)
        self._driven = np.zeros(len(self.shifts), np.int64)

    def refresh(self, index: int, route: Iterable[Visit]) -> None:
        """Set the visits of one shift. A route that is late in itself has no room for another visit."""
        visits = tuple(route)
        if len(visits) >= self._columns:
            self._columns = 2 * len(visits)
            self._allocate()
            for other, kept in enumerate(self.routes):
                self.refresh(other, kept)
        self.routes[index] = visits
        shift = self.shifts[index]
        drives = legs_of(self.problem, shift, visits)
        places = [shift.start_location, *(visit.location for visit in visits)]
        end = -1 if shift.end_location is None else shift.end_location
        count = len(places)
        self._origin[index, :count] = places
        self._target[index, :count] = [*places[1:], end]
        self._drive[index, :count] = drives if visits else 0  # a van without visits stays where it is
        self._driven[index] = sum(drives) if visits else 0
        self._reach[index] = -NEVER
        done = _earliest_done(shift, visits, drives)
        if done is not None:
            width = len(done[0])
            self._done[index, :, width:] = NEVER
            self._done[index, :count, :width] = done
            self._reach[index, :count, :width] = latest_reach(shift, visits, drives, shift.limit_s)

    def starts(self, visit: Visit, rows: Sequence[int]) -> tuple[Times, Times, Times]:
        """From when to when work at a visit may start, windows and pins aside.

        Returns
        -------
        first, last, added_travel_s
            The first two by row of `rows`, position and number of breaks taken before the work: any start
            from `first` to `last` (seconds) is feasible for the whole route, and no other is; but the maximal
            duration and stops to restock are not looked at. The third by row and position.
        """
        picked = np.asarray(rows, np.int64)
        there, onward = self._detours(visit.location, picked)
        earliest, latest, duration = (
            table[picked][:, None, :] for table in (self._earliest, self._latest, self._duration)
        )
        first = self._done[picked]
        _forward_breaks(first, earliest, latest, duration)
        first = first + there[..., None]
        _forward_breaks(first, earliest, latest, duration)
        last = self._reach[picked] - onward[..., None]
        _backward_breaks(last, earliest, latest, duration)
        last = last - visit.service_s
        added = there + onward - self._drive[picked]
        self._apply_travel_limits(picked, added, last)
        return first, last, added

    def _detours(self, location: int, picked: Times) -> tuple[Times, Times]:
        """Seconds from the place before each position to a location, and on to the place after."""
        origin, target = self._origin[picked], self._target[picked]
        table = self._table_of[picked][:, None]
        columns = np.array([each[:, location] for each in self._tables], np.int64)
        lines = np.array([each[location] for each in self._tables], np.int64)
        return columns[table, origin], np.where(target < 0, 0, lines[table, target])

    def spots(self, visit: Visit, rows: Sequence[int], starts: tuple[Times, Times, Times]) -> Times:
        """Where the visit fits: pairs of an index into `rows` and a position, by `starts` of these rows.

        The arrays know neither the maximal duration nor a stop to restock: where these matter every place
        is timed.
        """
        first, last, _ = starts
        possible = fits(visit, first, last)
        for index, row in enumerate(rows):
            if self._restocks(visit, row):
                count = len(self.routes[row]) + 1
                possible[index, :count] = [self._is_near(visit, row, spot) for spot in range(count)]
            elif self.shifts[row].max_duration_s is not None:
                for position in np.flatnonzero(possible[index]).tolist():
                    possible[index, position] = self.scheduled(visit, row, position) is not None
        return np.argwhere(possible)

    def _restocks(self, visit: Visit, row: int) -> bool:
        """Whether the van has to fetch something for this visit or for those that it has already."""
        if self.problem.restock is None:
            return False
        return first_lacking(self.shifts[row], (*self.routes[row], visit)) is not None

    def _is_near(self, visit: Visit, row: int, position: int) -> bool:
        """Whether there is time for the visit there, and the drive is not too long."""
        route, shift = self.scheduled(visit, row, position), self.shifts[row]
        if route is None or shift.max_travel_s is None:
            return route is not None
        order = (*self.routes[row][:position], visit, *self.routes[row][position:])
        home_s = legs_of(self.problem, shift, order)[-1]
        return sum(stop.travel_s for stop in route.stops) + home_s <= shift.max_travel_s

    def scheduled(self, visit: Visit, row: int, position: int) -> Route | None:
        """The route of a shift with the visit before the one at this position; ``None`` if it has no time."""
        visits = self.routes[row]
        order = (*visits[:position], visit, *visits[position:])
        return schedule_visits(self.problem, self.shifts[row], order)

    def _apply_travel_limits(self, picked: Times, added: Times, last: Times) -> None:
        limits = [self.shifts[row].max_travel_s for row in picked]
        for row, limit in enumerate(limits):
            if limit is not None:
                last[row][self._driven[picked[row]] + added[row] > limit] = -NEVER


def fits(visit: Visit, first: Times, last: Times) -> NDArray[np.bool_]:
    """By row and position: whether work may start in a window of the visit, however many breaks before."""
    found = np.zeros(first.shape, bool)
    for start, end in start_windows(visit):
        found |= (np.maximum(first, start) <= np.minimum(last, end)) & (first < NEVER)
    return np.asarray(found.any(axis=-1))


def _forward_breaks(times: Times, earliest: Times, latest: Times, duration: Times) -> None:
    for taken in range(times.shape[-1] - 1):
        begin = np.maximum(times[..., taken], earliest[..., taken])
        end = np.where(begin <= latest[..., taken], begin + duration[..., taken], NEVER)
        np.minimum(times[..., taken + 1], end, out=times[..., taken + 1])


def _backward_breaks(times: Times, earliest: Times, latest: Times, duration: Times) -> None:
    for taken in range(times.shape[-1] - 2, -1, -1):
        begin = np.minimum(times[..., taken + 1] - duration[..., taken], latest[..., taken])
        begin = np.where(begin >= earliest[..., taken], begin, -NEVER)
        np.maximum(times[..., taken], begin, out=times[..., taken])


def _earliest_done(shift: Shift, visits: Sequence[Visit], drives: Sequence[int]) -> list[list[int]] | None:
    """When the shift, then each visit, is done at the earliest, by breaks taken; None if one cannot be."""
    _, breaks = break_span(shift)
    times = [shift.begin_s] + [NEVER] * len(breaks)
    done = [times]
    for visit, drive in zip(visits, drives, strict=False):
        ready = list(times)
        take_breaks(ready, breaks)
        ready = [time + drive for time in ready]
        take_breaks(ready, breaks)
        windows = start_windows(visit)
        times = [min(earliest_start(windows, time) + visit.service_s, NEVER) for time in ready]
        if min(times) >= NEVER:
            return None
        done.append(times)
    return done


def routes_of(problem: Problem, routes: Iterable[Route], without: str | None = None) -> list[list[Visit]]:
    """The visits of each shift of the problem in order, leaving one out."""
    by_shift = {route.shift: route.visit_ids for route in routes}
    return [
        [problem.visit_by_id[visit_id] for visit_id in by_shift.get(shift.id, ()) if visit_id != without]
        for shift in problem.shifts
    ]
