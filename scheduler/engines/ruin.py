"""Ruin and recreate: take some neighbouring visits out and put each back where it is cheapest.

It sees every cost that a single route has, and places visits with the same exact kernel as `suggest`.
"""

import random
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from scheduler.incumbent import Orders
from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.model import Visit

Objective = tuple[int, int, int]
"""The loss of the visits to keep that are left out, the weight of all that are, and the cost (seconds)."""

TRIES = 6
"""Places of a visit that are priced exactly: those that add least driving."""
MOST_TAKEN = 14
"""Visits on routes that a round takes out at most."""
WARMTH = 0.01
"""At first a round may end dearer than the best by this part of the cost, in the end by nothing."""


class RuinEngine:
    """Improves the routes of a board.

    Parameters
    ----------
    board
        Where the search starts; it is changed.
    absent
        Visits that are on no route.
    keep
        Visits that come first, and how bad it is to leave out each; worse than to leave out all others.
    """

    def __init__(self, board: Board, absent: Iterable[Visit], keep: Mapping[str, int]) -> None:
        self.board = board
        self.keep = keep
        self.absent = {visit.id: visit for visit in absent}
        rows = range(len(board.problem.shifts))
        self.row_of = {visit.id: row for row in rows for visit in board.visits(row)}
        served = [visit for row in rows for visit in board.visits(row)]
        self.visits = [*served, *self.absent.values()]
        self._locations = np.array([visit.location for visit in self.visits], np.int64)
        self._before: dict[int, tuple[Visit, ...]] = {}
        self._cost = sum(board.cost(row) for row in rows)

    def fill(self, limit: Limit) -> None:
        """Put in what fits without moving anything, what comes first and what is hardest to place first."""
        for visit in sorted(self.absent.values(), key=self._difficulty):
            if limit.reached():
                return
            self._insert(visit)
        self._settle()

    def _difficulty(self, visit: Visit) -> tuple[int, int, int, int]:
        length = sum(end - start for start, end in visit.windows) if visit.windows else 1 << 40
        return -self.keep.get(visit.id, 0), -visit.priority, len(self.board.admitting(visit)), length

    def improve(self, limit: Limit, seed: int, found: Callable[[Orders], None]) -> None:
        """Search until the limit; `found` is called with each better set of orders."""
        chance = random.Random(seed)  # noqa: S311 - a search, not a secret
        current = best = self._objective()
        rounds = 0
        while self.visits and not limit.reached() and rounds != limit.iterations:
            self._round(chance)
            changed = self._objective()
            allowed = (*best[:2], round(best[2] * (1 + WARMTH * _left(limit, rounds))))
            if changed <= max(current, allowed):
                current = changed
                self._settle()
            else:
                self._undo()
            if current < best:
                best = current
                found(self.board.orders())
            rounds += 1

    def _objective(self) -> Objective:
        kept = sum(self.keep.get(visit_id, 0) for visit_id in self.absent)
        changed = sum(self.board.cost(row) for row in self._before)
        return kept, sum(visit.priority for visit in self.absent.values()), self._cost + changed

    def _round(self, chance: random.Random) -> None:
        """Take out the neighbours of a random visit and put everything that is out back in."""
        for visit in self._neighbours(chance):
            if visit.id in self.row_of:
                self._take_out(visit)
        out = list(self.absent.values())
        chance.shuffle(out)
        out.sort(key=lambda visit: (-self.keep.get(visit.id, 0), -visit.priority))
        for visit in out[: 2 * MOST_TAKEN]:
            self._insert(visit)

    def _neighbours(self, chance: random.Random) -> list[Visit]:
        """A random visit and the ones it is near to, a few of them passed over."""
        centre = chance.choice(self.visits)
        travel = self.board.problem.travel_s
        near = (
            travel[centre.location][self._locations].astype(np.int64)
            + travel[self._locations, centre.location]
        )
        count = chance.randint(1, MOST_TAKEN)
        order = np.argsort(near, kind="stable")[: 2 * count].tolist()
        return [self.visits[number] for number in sorted(chance.sample(order, min(count, len(order))))]

    def _take_out(self, visit: Visit) -> None:
        row = self.row_of.pop(visit.id)
        self._set(row, tuple(other for other in self.board.visits(row) if other.id != visit.id))
        self.absent[visit.id] = visit

    def _insert(self, visit: Visit) -> None:
        place = self.board.cheapest(visit, TRIES)
        if place is not None:
            row = self.board.row_of[place.shift]
            visits = self.board.visits(row)
            self._set(row, (*visits[: place.position], visit, *visits[place.position :]))
            self.row_of[visit.id] = row
            del self.absent[visit.id]

    def _set(self, row: int, visits: tuple[Visit, ...]) -> None:
        if row not in self._before:
            self._before[row] = self.board.visits(row)
            self._cost -= self.board.cost(row)
        self.board.set_route(row, visits)

    def _settle(self) -> None:
        """Keep what this round changed."""
        self._cost += sum(self.board.cost(row) for row in self._before)
        self._before.clear()

    def _undo(self) -> None:
        """Forget what this round changed."""
        touched = {visit.id: visit for row in self._before for visit in self.board.visits(row)}
        for visit_id in touched:
            self.row_of.pop(visit_id)
        self.absent |= touched
        for row, visits in self._before.items():
            self.board.set_route(row, visits)
            for visit in visits:
                self.row_of[visit.id] = row
                self.absent.pop(visit.id)
        self._settle()


def _left(limit: Limit, rounds: int) -> float:
    """The part of the search that is still to come."""
    parts = [1.0]
    if limit.iterations is not None:
        parts.append(1 - rounds / limit.iterations)
    if limit.seconds is not None:
        parts.append(limit.left_s() / limit.seconds)
    return max(0.0, min(parts))
