"""When work at chosen places would start and the routes end, for many places at once.

The same answer as `scheduler.timeline.schedule` for a van that leaves when its shift begins: the route ends
as soon as it can, and of the breaks that allow this end each is taken as late as possible.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.slot_table import Numbers, SlotTable

Bools = NDArray[np.bool_]


class Spots(NamedTuple):
    """Chosen places: one element each."""

    column: Numbers
    position: Numbers
    ready: Numbers  # by breaks taken before the work: when it could start at the earliest, windows aside
    start: Numbers  # by breaks taken before the work: when it would start; `far` where it cannot
    onward: Numbers  # seconds from there to the place after

    def only(self, chosen: Numbers) -> "Spots":
        """Some of them."""
        return Spots(
            self.column[chosen],
            self.position[chosen],
            self.ready[:, chosen],
            self.start[:, chosen],
            self.onward[chosen],
        )


class _Step(NamedTuple):
    """Earliest times around one drive, by breaks taken."""

    going: Bools  # whether the route has this drive
    ends: Bools  # whether it is the drive to the end
    begin: Numbers
    left: Numbers
    reached: Numbers
    ready: Numbers


def end_and_taken(table: SlotTable, spots: Spots, service_s: int) -> tuple[Numbers, Numbers]:
    """The soonest end of each route with the work in it, and how many breaks are taken before the work."""
    rules = _Breaks(table, spots.column)
    times = np.minimum(spots.start + service_s, table.far)
    left_over = table.length[spots.column] - spots.position
    steps: list[_Step] = []
    for number in range(int(left_over.max(initial=0)) + 1):
        drive = spots.onward if number == 0 else _at(table.drive, spots, number)
        left = rules.forward(times)
        reached = np.minimum(left + drive, table.far)
        ready = rules.forward(reached)
        going, ends = left_over >= number, left_over == number
        steps.append(_Step(going, ends, times, left, reached, ready))
        worked = _worked(table, spots, number, ready)
        times = np.where(ends, reached, np.where(going, worked, times))
    taken = rules.finish(times)
    end = times[taken, np.arange(len(taken))]
    for step in reversed(steps):
        after = rules.taken_here(step.reached, step.ready, taken)
        now = np.where(step.ends, taken, after)
        now = rules.taken_here(step.begin, step.left, now)
        taken = np.where(step.going, now, taken)
    return end, taken


def _at(field: Numbers, spots: Spots, number: int) -> Numbers:
    """A field of the visit that comes so many places after each spot."""
    found: Numbers = field[np.minimum(spots.position + number, field.shape[0] - 1), spots.column]
    return found


def _worked(table: SlotTable, spots: Spots, number: int, ready: Numbers) -> Numbers:
    """When the visit that comes so many places after each spot is done."""
    start = np.full_like(ready, table.far)
    for window in range(table.windows - 1, -1, -1):
        closes = _at(table.closes[window], spots, number)
        opens = _at(table.opens[window], spots, number)
        start = np.where(ready <= closes, np.maximum(ready, opens), start)
    done: Numbers = np.minimum(start + _at(table.service, spots, number), table.far)
    return done


class _Breaks:
    """The breaks of the shifts of some spots; see `scheduler.timeline` for what each method does to one."""

    def __init__(self, table: SlotTable, column: Numbers) -> None:
        self.far = table.far
        self.earliest, self.latest = table.earliest[:, column], table.latest[:, column]
        self.pause = table.pause[:, column]
        self.count, self.limit = table.break_count[column], table.limit[column]

    def forward(self, times: Numbers) -> Numbers:
        """Let every state also take the next breaks where it is."""
        if not len(self.pause):
            return times
        times = times.copy()
        for taken in range(len(self.pause)):
            begin = np.maximum(times[taken], self.earliest[taken])
            end = np.where(begin <= self.latest[taken], begin + self.pause[taken], self.far)
            np.minimum(times[taken + 1], end, out=times[taken + 1])
        return times

    def finish(self, ends: Numbers) -> Numbers:
        """With how many breaks each route ends soonest."""
        taken = np.full(ends.shape[1], len(ends) - 1)
        for number in range(len(ends) - 2, -1, -1):
            may_end = (ends[number] <= self.limit) & (
                (number >= self.count) | (ends[number] <= self.latest[number])
            )
            taken[may_end] = number
        return taken

    def taken_here(self, before: Numbers, after: Numbers, taken: Numbers) -> Numbers:
        """How many breaks were taken before this place, if so many were when it was left."""
        for number in range(len(self.pause), 0, -1):
            begin = np.maximum(after[number - 1], self.earliest[number - 1])
            here = begin + self.pause[number - 1] <= before[number]
            here &= begin <= self.latest[number - 1]
            taken = np.where((taken == number) & here, number - 1, taken)
        return taken
