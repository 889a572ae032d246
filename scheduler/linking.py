"""Puts visits that hang together into routes, one after the other, without moving what is there."""

from collections.abc import Collection, Sequence
from itertools import islice

from scheduler.insertion import Board
from scheduler.links import Served, alone, companions, hold
from scheduler.model import Visit
from scheduler.teams import Team, teams

LOOKED_AT = 24
"""Teams of a visit that are looked at."""
TRIED = 4
"""Teams of a visit that are tried: the cheapest, the earliest and the latest of these."""
MOST_TRIES = 200
"""Teams that are tried for one chain of visits."""

Worth = tuple[int, int, int, int]
"""Visits to keep, promised ones, weight, and driving saved; more is better."""


class Linker:
    """Inserts chains of linked visits into the routes of a board.

    Parameters
    ----------
    board
        Is changed.
    served
        The linked visits that are on its routes; is changed with it.
    keep
        Visits that come first.
    """

    def __init__(self, board: Board, served: dict[str, Served], keep: Collection[str] = ()) -> None:
        self.board = board
        self.served = served
        self.keep = frozenset(keep)
        self._tries = 0

    def insert(self, chain: Sequence[Visit]) -> list[str]:
        """Put in as much of a chain (see `scheduler.links.chains`) as fits; the ids of what was put in."""
        self._tries = 0
        absent = [visit for visit in chain if visit.id not in self.served]
        best = self._best(absent)[1]
        for visit, team in best:
            self._put(visit, team)
        return [visit.id for visit, _ in best]

    def _best(self, absent: Sequence[Visit]) -> tuple[Worth, list[tuple[Visit, Team]]]:
        """The best of what was tried, by depth-first search."""
        if not absent:
            return (0, 0, 0, 0), []
        visit, *rest = absent
        best: tuple[Worth, list[tuple[Visit, Team]]] | None = None
        for team in self._teams(visit):
            if self._tries > MOST_TRIES:
                break
            self._tries += 1
            before = self._put(visit, team)
            worth, placed = self._best(rest)
            self._undo(visit, before)
            found = (_plus(worth, self._worth(visit, team)), [(visit, team), *placed])
            best = found if best is None or found[0] > best[0] else best
            if len(placed) == len(rest) and not rest:
                break
        if best is None or self._tries < MOST_TRIES and len(best[1]) < len(absent):
            without = self._best(rest)
            best = without if best is None or without[0] > best[0] else best
        return best

    def _worth(self, visit: Visit, team: Team) -> Worth:
        return int(visit.id in self.keep), int(visit.promised), visit.priority, -team.added_s

    def _teams(self, visit: Visit) -> list[Team]:
        """The cheapest team, and those that could start first and last."""
        found = self.candidates(visit, LOOKED_AT)
        if not found:
            return []
        by_start = sorted(found, key=lambda team: team.start_s)
        return list(dict.fromkeys([found[0], by_start[0], by_start[-1], *found[1:]]))[:TRIED]

    def candidates(self, visit: Visit, most: int) -> list[Team]:
        """The cheapest teams that could serve a visit beside what is on the routes."""
        single = alone(self.board.problem, visit, self.served)
        if single is None:
            return []
        among = companions(self.board.problem, visit, self.served) if visit.crew > 1 else None
        rows = self.board.admitting(single)
        return list(islice(teams(self.board.kernel, single, rows, visit.crew, among), most))

    def _put(self, visit: Visit, team: Team) -> list[tuple[int, tuple[Visit, ...]]]:
        """Put the visit in; what the routes were before."""
        before = []
        people = set()
        for row, position in team.spots:
            shift, visits = self.board.problem.shifts[row], self.board.visits(row)
            before.append((row, visits))
            held = hold(visit, shift.id, team.start_s)
            self.board.set_route(row, (*visits[:position], held, *visits[position:]))
            people.add(shift.technician)
        self.served[visit.id] = Served(team.start_s, team.start_s + visit.service_s, frozenset(people))
        return before

    def _undo(self, visit: Visit, before: list[tuple[int, tuple[Visit, ...]]]) -> None:
        del self.served[visit.id]
        for row, visits in before:
            self.board.set_route(row, visits)


def _plus(one: Worth, other: Worth) -> Worth:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]
