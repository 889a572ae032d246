"""Times of many routes in flat arrays, ready to be asked where one more visit fits.

One column a shift, one row a position, so that what belongs to a shift (its breaks, its end) meets every
position at once. The shifts are in order of their begin: those of one day lie side by side.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model import Break, Problem, Shift, Visit
from scheduler.timeline import NEVER, break_span, earliest_start, legs_of, start_windows, take_breaks

Numbers = NDArray[np.integer]
FAR_32, FAR_64 = 1 << 29, 1 << 60
SMALL = 1 << 24
"""Seconds (about half a year); when no time of a problem is further away, 32 bits hold every sum."""


class RouteTimes(NamedTuple):
    """What one route says about each of its positions, as plain numbers."""

    left: list[list[int]]  # by breaks taken, by position: the earliest second to leave the place before
    reach: list[list[int]]  # by breaks taken, by position: the latest second to be at the place after
    drives: list[int]  # by position: the drive that a visit there replaces
    tail: list[int]  # by position: work and driving after the place after was reached, without breaks
    end_s: int  # the soonest end


class SlotTable:
    """The arrays of `Slots`.

    Parameters
    ----------
    problem
        Its travel matrix and weights are used.
    shifts
        In order of their begin.
    longest
        Visits on the longest route; the table grows when a longer one comes.

    Notes
    -----
    Memory is linear in shifts times the length of the longest route: for shifts with one break 52 bytes a
    position in 32 bits.
    """

    def __init__(self, problem: Problem, shifts: Sequence[Shift], longest: int) -> None:
        self.problem, self.shifts = problem, shifts
        self.wide = _is_wide(problem, shifts)
        self.dtype = np.dtype(np.int64 if self.wide else np.int32)
        self.far = FAR_64 if self.wide else FAR_32
        self.breaks = [break_span(shift)[1] for shift in shifts]
        self.states = 1 + max(map(len, self.breaks), default=0)
        self._shift_arrays()
        self._locations = len(problem.travel_s)
        self._profiles = [None, *problem.travel_profiles]
        block = self._locations + 1  # one more for the end of an open route, which is no way from anywhere
        self._offset = [block * self._profiles.index(shift.profile) for shift in shifts]
        self.positions, self.windows = longest + 1, 1
        self._allocate()

    def _shift_arrays(self) -> None:
        count = len(self.shifts)
        self.break_count = np.array([len(breaks) for breaks in self.breaks], self.dtype)
        self.earliest = np.zeros((self.states - 1, count), self.dtype)
        self.latest = np.full((self.states - 1, count), -self.far, self.dtype)  # a break that never fits
        self.pause = np.ones((self.states - 1, count), self.dtype)
        for column, breaks in enumerate(self.breaks):
            for number, each in enumerate(breaks):
                self.earliest[number, column] = each.earliest_s
                self.latest[number, column] = each.latest_s
                self.pause[number, column] = each.duration_s
        self.latest_over = self.latest + self.pause
        self.end = np.array([shift.end_s for shift in self.shifts], self.dtype)
        longest = [shift.max_travel_s for shift in self.shifts]
        self.any_longest_drive = any(limit is not None for limit in longest)
        self.longest_drive = np.array([NEVER if limit is None else limit for limit in longest], np.int64)
        self.limit = np.array([shift.limit_s for shift in self.shifts], self.dtype)
        self.owed = np.zeros((self.states, count), self.dtype)
        for column, (shift, breaks) in enumerate(zip(self.shifts, self.breaks, strict=True)):
            for taken, owed_s in enumerate(_owed(shift, breaks)):
                self.owed[taken, column] = owed_s

    def _allocate(self) -> None:
        count = len(self.shifts)
        fields = 2 * self.states + 3 + 2 * self.windows
        self._nowhere = np.repeat([[self.far], [-self.far]], self.states, axis=0).astype(self.dtype)
        self.data = np.zeros((fields, self.positions, count), self.dtype)
        self.left = self.data[: self.states]
        self.reach = self.data[self.states : 2 * self.states]
        self.drive, self.tail, self.service = self.data[2 * self.states : 2 * self.states + 3]
        self.opens = self.data[2 * self.states + 3 : 2 * self.states + 3 + self.windows]
        self.closes = self.data[2 * self.states + 3 + self.windows :]
        self.left[:], self.reach[:] = self.far, -self.far
        self.places = np.zeros((2, self.positions, count), np.intp)
        self.origin, self.target = self.places
        self.visits: list[tuple[Visit, ...]] = [() for _ in self.shifts]
        self.length = np.zeros(count, np.intp)
        self.driven = np.zeros(count, np.int64)
        self.end_now = np.zeros(count, np.int64)
        self.fits_now = np.zeros(count, bool)

    def ways(self, location: int) -> tuple[Numbers, Numbers]:
        """Seconds from each location to one, and back; a row for each profile of travel."""
        problem = self.problem
        tables = [problem.travel_s, *problem.travel_profiles.values()]
        there = np.array([table[:, location] for table in tables])
        return there, np.array([table[location] for table in tables])

    def flat(self, ways: Numbers) -> Numbers:
        """A table of `ways`, to be indexed by `origin` or `target`."""
        padded = np.zeros((len(ways), self._locations + 1), self.dtype)
        padded[:, :-1] = ways
        return padded.reshape(-1)

    def put(self, column: int, visits: tuple[Visit, ...]) -> None:
        """Time the visits of a shift anew. A route that is late in itself has no room for another visit."""
        windows = [_clipped(start_windows(visit), self.far) for visit in visits]
        if len(visits) >= self.positions or max(map(len, windows), default=1) > self.windows:
            self._grow(len(visits), max(map(len, windows), default=1))
        shift = self.shifts[column]
        offset = self._offset[column]
        places = [offset + shift.start_location, *[offset + visit.location for visit in visits]]
        end = self._locations if shift.end_location is None else shift.end_location
        count = len(places)
        self.visits[column] = visits
        self.length[column] = count - 1
        self.places[0, :count, column] = places
        self.places[1, : count - 1, column] = places[1:]
        self.places[1, count - 1, column] = offset + end
        times = _route_times(self.problem, shift, visits, windows, self.far)
        self.data[: 2 * self.states, :, column] = self._nowhere
        self.fits_now[column] = times is not None
        if times is None:
            return
        self.driven[column] = sum(times.drives)
        self.end_now[column] = times.end_s
        width = len(times.left)
        self.data[:width, :count, column] = times.left
        self.data[self.states : self.states + width, :count, column] = times.reach
        self.data[2 * self.states : 2 * self.states + 2, :count, column] = times.drives, times.tail
        self._put_work(column, visits, windows)

    def _put_work(
        self, column: int, visits: Sequence[Visit], windows: Sequence[Sequence[tuple[int, int]]]
    ) -> None:
        if not visits:
            return
        closed = (self.far, -self.far)
        fields = [[visit.service_s for visit in visits]]
        for side in (0, 1):
            for number in range(self.windows):
                fields.append([(each[number] if number < len(each) else closed)[side] for each in windows])
        self.data[2 * self.states + 2 :, : len(visits), column] = fields

    def _grow(self, longest: int, windows: int) -> None:
        kept = self.visits
        self.positions = max(self.positions, longest + 2)
        self.windows = max(self.windows, windows)
        self._allocate()
        for column, visits in enumerate(kept):
            self.put(column, visits)


def _is_wide(problem: Problem, shifts: Sequence[Shift]) -> bool:
    """Whether a time, a break or a drive is too long for sums of 32 bits."""
    tables = [problem.travel_s, *problem.travel_profiles.values()]
    longest = [int(table.max()) for table in tables if table.size]
    for shift in shifts:
        longest += (abs(shift.begin_s), abs(shift.limit_s))
        longest += (max(abs(each.earliest_s), abs(each.latest_s), each.duration_s) for each in shift.breaks)
    return max(longest, default=0) > SMALL


def _owed(shift: Shift, breaks: Sequence[Break]) -> list[int]:
    """By breaks taken: seconds of those that a route ending in overtime still has to take.

    0 when a break can be left out so near to the end of the shift that this would say too much.
    """
    total = sum(each.duration_s for each in breaks)
    if any(each.latest_s + total > shift.end_s for each in breaks):
        return [0] * (len(breaks) + 1)
    return [sum(each.duration_s for each in breaks[taken:]) for taken in range(len(breaks) + 1)]


def _clipped(windows: Sequence[tuple[int, int]], far: int) -> Sequence[tuple[int, int]]:
    if all(-far < start and end < far for start, end in windows):
        return windows
    return [(max(start, 1 - far), min(end, far - 1)) for start, end in windows if start < far and end > -far]


def _route_times(
    problem: Problem,
    shift: Shift,
    visits: Sequence[Visit],
    windows: Sequence[Sequence[tuple[int, int]]],
    far: int,
) -> RouteTimes | None:
    """The times of a route; ``None`` when it is late in itself."""
    _, breaks = break_span(shift)
    drives = legs_of(problem, shift, visits) if visits else [0]  # a van without visits stays where it is
    services = [visit.service_s for visit in visits]
    left = _forward(shift, drives, services, windows, breaks)
    if left is None:
        return None
    tails = [0] * len(drives)
    for position in range(len(visits) - 1, -1, -1):
        tails[position] = tails[position + 1] + services[position] + drives[position + 1]
    reach = _backward(shift, drives, services, windows, breaks)
    ends = [time + drives[-1] for time in left[-1]]
    end_s = next(
        (
            end
            for taken, end in enumerate(ends)
            if end <= shift.limit_s and (taken == len(breaks) or end <= breaks[taken].latest_s)
        ),
        None,
    )
    if end_s is None:
        return None
    return RouteTimes(
        [[min(time, far) for time in state] for state in zip(*left, strict=True)],
        [[max(time, -far) for time in state] for state in zip(*reach, strict=True)],
        drives,
        tails,
        end_s,
    )


def _forward(
    shift: Shift,
    drives: Sequence[int],
    services: Sequence[int],
    windows: Sequence[Sequence[tuple[int, int]]],
    breaks: Sequence[Break],
) -> list[list[int]] | None:
    """When each place can be left at the earliest, by breaks taken there or before."""
    times = [shift.begin_s] + [NEVER] * len(breaks)
    if breaks:
        take_breaks(times, breaks)
    left = [times]
    for drive, service, allowed in zip(drives, services, windows, strict=False):
        ready = [time + drive for time in times]
        if breaks:
            take_breaks(ready, breaks)
        times = [earliest_start(allowed, time) + service for time in ready]
        if min(times) >= NEVER:
            return None
        if breaks:
            take_breaks(times, breaks)
        left.append(times)
    return left


def _backward(
    shift: Shift,
    drives: Sequence[int],
    services: Sequence[int],
    windows: Sequence[Sequence[tuple[int, int]]],
    breaks: Sequence[Break],
) -> list[list[int]]:
    """When each place after is to be reached at the latest, by breaks taken before."""
    times = [min(shift.limit_s, pause.latest_s) for pause in breaks] + [shift.limit_s]
    reach = [times]
    for position in range(len(windows) - 1, -1, -1):
        drive, service, allowed = drives[position + 1], services[position], windows[position]
        left = [time - drive for time in times]
        if breaks:
            _take_back(left, breaks)
        if len(allowed) == 1:
            ((opens, closes),) = allowed
            times = [-NEVER if time - service < opens else min(time - service, closes) for time in left]
        else:
            times = [
                max(
                    (min(end, time - service) for start, end in allowed if start <= time - service),
                    default=-NEVER,
                )
                for time in left
            ]
        if breaks:
            _take_back(times, breaks)
        reach.append(times)
    reach.reverse()
    return reach


def _take_back(times: list[int], breaks: Sequence[Break]) -> None:
    """Let every state also take the next breaks where it is, on the way back."""
    for taken in range(len(breaks) - 1, -1, -1):
        pause = breaks[taken]
        begin = min(times[taken + 1] - pause.duration_s, pause.latest_s)
        if times[taken] < begin >= pause.earliest_s:
            times[taken] = begin
