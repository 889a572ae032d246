"""The first plan: what fits without moving anything, without a compiler and without OR-Tools."""

from collections.abc import Collection, Sequence

from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.model import Visit

TRIES = 3
"""Places of each visit that are priced exactly."""


class FirstPlan:
    """Cheapest insertion.

    Parameters
    ----------
    board
        The routes so far; they are changed in place.
    absent
        The visits on none of them.
    keep
        Ids of visits that go first.
    """

    def __init__(self, board: Board, absent: Sequence[Visit], keep: Collection[str]) -> None:
        self.board = board
        self.absent = absent
        self.keep = frozenset(keep)

    def fill(self, limit: Limit) -> None:
        """Put in what fits, what must not be left out and what is hardest to place first."""
        for visit in sorted(self.absent, key=self._difficulty):
            if limit.reached():
                return
            self._insert(visit)

    def _difficulty(self, visit: Visit) -> tuple[bool, bool, int, int, int]:
        length = sum(end - start for start, end in visit.windows) if visit.windows else 1 << 40
        first = visit.id not in self.keep, not visit.promised
        return *first, -visit.priority, len(self.board.admitting(visit)), length

    def _insert(self, visit: Visit) -> None:
        place = self.board.cheapest(visit, TRIES)
        if place is not None:
            row = self.board.row_of[place.shift]
            visits = self.board.visits(row)
            self.board.set_route(row, (*visits[: place.position], visit, *visits[place.position :]))
