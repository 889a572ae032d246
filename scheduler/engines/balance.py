"""Fairness: the one cost that no route has alone, and so the one that the other engines do not see.

Visits move, one at a time, from the busiest technician to others and from others to the idlest, as long as
the whole cost falls.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scheduler.costs import route_parts
from scheduler.incumbent import Incumbent
from scheduler.insertion import Board, Place
from scheduler.limits import Limit
from scheduler.links import linked_ids
from scheduler.model import Plan, Visit
from scheduler.timeline import schedule_visits

LOOKED_AT = 40
"""Visits that are looked at for one move."""
MOST_MOVES = 500


class _Move(NamedTuple):
    gain: float
    visit: Visit
    origin: int
    place: Place


def balance(incumbent: Incumbent, limit: Limit, seed: int) -> bool:
    """Spread the work of the best plan until the limit or until no move helps; whether it got better."""
    problem = incumbent.problem
    if not problem.weights.fairness or len({shift.technician for shift in problem.shifts}) < 2:
        return False
    balancer = _Balancer(incumbent, random.Random(seed))  # noqa: S311 - a search, not a secret
    moves = 0
    while moves < MOST_MOVES and (move := balancer.best_move(limit)) is not None:
        balancer.apply(move)
        moves += 1
    return moves > 0 and incumbent.offer(balancer.plan())


class _Balancer:
    def __init__(self, incumbent: Incumbent, chance: random.Random) -> None:
        self.problem = incumbent.problem
        self.chance = chance
        self.board = Board(self.problem, incumbent.best)
        self.fixed = linked_ids(self.problem)

    def _busy(self) -> dict[str, int]:
        """Seconds of work and driving of each technician, as `scheduler.costs` counts them."""
        busy: dict[str, int] = defaultdict(int)
        for row, shift in enumerate(self.problem.shifts):
            busy[shift.technician] += 0
            route = schedule_visits(self.problem, shift, self.board.visits(row))
            if route is not None and route.stops:
                work = sum(s.departure_s - s.start_s for s in route.stops if s.break_index is None)
                busy[shift.technician] += work + route_parts(self.problem, route)["travel_s"]
        return busy

    def best_move(self, limit: Limit) -> _Move | None:
        """The move that saves most of those that are looked at; ``None`` when none saves anything."""
        busy = self._busy()
        order = sorted(busy, key=lambda name: busy[name])
        best: _Move | None = None
        for visit, row in self._candidates(order[-1]):
            if limit.reached():
                break
            for move in self._moves(visit, row, busy, order):
                if move.gain > 0.5 and (best is None or move.gain > best.gain):
                    best = move
        return best

    def _candidates(self, busiest: str) -> list[tuple[Visit, int]]:
        """Visits that may move, those of the busiest first."""
        found = [
            (visit, row)
            for row in range(len(self.problem.shifts))
            for visit in self.board.visits(row)
            if visit.pinned is None and visit.id not in self.fixed
        ]
        self.chance.shuffle(found)
        found.sort(key=lambda item: self.problem.shifts[item[1]].technician != busiest)
        return found[:LOOKED_AT]

    def _moves(self, visit: Visit, row: int, busy: dict[str, int], order: Sequence[str]) -> Iterator[_Move]:
        shifts, visits = self.problem.shifts, self.board.visits(row)
        giver, gap = shifts[row].technician, busy[order[-1]] - busy[order[0]]
        cost, travel_s = self.board.cost(row), self.board.travel_s(row)
        self.board.set_route(row, [other for other in visits if other.id != visit.id])
        saved, relief = cost - self.board.cost(row), travel_s - self.board.travel_s(row) + visit.service_s
        for place in self.board.places(visit):
            if place.technician == giver or (giver != order[-1] and place.technician != order[0]):
                continue
            after = dict(busy)
            after[giver] -= relief
            after[place.technician] += place.added_travel_s + visit.service_s
            narrower = gap - (max(after.values()) - min(after.values()))
            gain = saved - place.added_cost + self.problem.weights.fairness * narrower
            yield _Move(gain, visit, row, place)
        self.board.set_route(row, visits)

    def apply(self, move: _Move) -> None:
        left = [other for other in self.board.visits(move.origin) if other.id != move.visit.id]
        self.board.set_route(move.origin, left)
        row = self.board.row_of[move.place.shift]
        visits = self.board.visits(row)
        at = move.place.position
        self.board.set_route(row, (*visits[:at], move.visit, *visits[at:]))

    def plan(self) -> Plan:
        routes = (
            schedule_visits(self.problem, shift, self.board.visits(row))
            for row, shift in enumerate(self.problem.shifts)
        )
        return Plan(routes=tuple(route for route in routes if route is not None and route.stops))
