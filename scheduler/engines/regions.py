"""Large problems in parts: each thread searches some routes for a while, then all are joined and cut anew.

A ruin changes a few routes near one visit, so two threads that work on different routes advance one and the
same plan twice as fast. Where it is cut changes each time, by place or, where shifts lie on different days,
by time; so every pair of routes is soon in one part.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scheduler.engines.layout import Column, Data, Floats, Integers

HALF_DAY_S = 43_200


class Routes(NamedTuple):
    """The visits of each shift: ``stops[shift, 1 : length[shift] + 1]``."""

    stops: Integers
    length: Integers


class Cut(NamedTuple):
    """By shift and by visit the number of the part it belongs to; the last place is the one to restock."""

    shifts: Integers
    visits: Integers


def cut(data: Data, routes: Routes, parts: int, turn: int) -> Cut:
    """Parts with about as many visits each; the same for the same `turn`."""
    chance = np.random.default_rng([turn, len(routes.length)])
    shift_key, visit_key = _keys(data, routes, chance, turn)
    order = np.argsort(shift_key, kind="stable")
    share = np.cumsum(routes.length[order] + 1)
    numbers = np.minimum((share - 1) * parts // share[-1], parts - 1)
    of_shift = np.empty(len(order), np.int64)
    of_shift[order] = numbers
    bounds = [shift_key[order][numbers == number].max(initial=-np.inf) for number in range(parts - 1)]
    of_visit = np.searchsorted(np.maximum.accumulate(np.array(bounds)), visit_key)
    for shift, length in enumerate(routes.length):
        of_visit[routes.stops[shift, 1 : length + 1]] = of_shift[shift]
    return Cut(of_shift, of_visit)


def _keys(data: Data, routes: Routes, chance: np.random.Generator, turn: int) -> tuple[Floats, Floats]:
    """How far along each shift and visit lie: in time, or from a random visit."""
    begins, count = data.shifts["begin"], len(data.visits)
    if turn % 2 and begins.max() - begins.min() > HALF_DAY_S:
        starts = np.clip(data.windows[:, 0, Column.START], begins.min(), data.shifts["limit"].max())
        return begins + chance.random(len(begins)), starts.astype(np.float64)
    from_pivot = data.travel[0, chance.integers(count - 1)].astype(np.float64)
    visits = from_pivot[:count]
    shifts = from_pivot[data.shifts["start_node"]]
    for shift, length in enumerate(routes.length):
        if length:
            shifts[shift] = visits[routes.stops[shift, 1 : length + 1]].mean()
    return shifts, visits


def join(parts: Sequence[Routes], shifts: Integers) -> Routes:
    """Each route as the part that it belonged to left it."""
    stops, length = parts[0].stops.copy(), parts[0].length.copy()
    for number, part in enumerate(parts):
        mine = shifts == number
        stops[mine], length[mine] = part.stops[mine], part.length[mine]
    return Routes(stops, length)


class Relay:
    """Where the threads meet: each hands in its part, and everybody goes on from the whole, cut anew."""

    def __init__(self, data: Data, threads: int) -> None:
        self.data = data
        self.threads = threads
        self.turn = 0
        self.cut = Cut(np.zeros(len(data.shifts), np.int64), np.zeros(len(data.visits), np.int64))
        self.current: Routes | None = None
        self.best: Routes | None = None
        self._handed: list[tuple[Routes, Routes] | None] = [None] * threads
        self._barrier = threading.Barrier(threads, self._join)

    def meet(self, number: int, current: Routes, best: Routes, wait_s: float) -> bool:
        """Hand in the routes of a thread as they are and at their best; whether all came in time.

        Where the machine is busy one may come late; the threads then go on with the parts they have until
        they meet again.
        """
        self._handed[number] = (current, best)
        try:
            self._barrier.wait(wait_s)
        except threading.BrokenBarrierError:
            if self._barrier.broken:
                self._barrier.reset()
            return False
        return True

    def _join(self) -> None:
        handed = [each for each in self._handed if each is not None]
        self.current = join([current for current, _ in handed], self.cut.shifts)
        self.best = join([best for _, best in handed], self.cut.shifts)
        self.turn += 1
        self.cut = cut(self.data, self.current, self.threads, self.turn)
