"""The local search as an engine: threads that search, cool down, exchange what they found, and stop."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from scheduler.costs import Former
from scheduler.engines.arrays import build, in_a_chain
from scheduler.engines.harvest import Column, Pool, visits_among
from scheduler.engines.layout import Data, Floats, Integers
from scheduler.engines.regions import Cut, Relay, Routes
from scheduler.engines.sisr import search
from scheduler.engines.state import State, allocate
from scheduler.incumbent import Orders
from scheduler.limits import Limit
from scheduler.model import Problem

ROUNDS_PER_ITERATION = 500
"""Rounds of ruin and recreate in each iteration, where iterations are limited."""
ORDERS = (4.0, 0.5, 4.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0)
"""How often each order of `Data.keys` is used, those which make no difference aside."""
WARM, COOL, COLD = 10.0, 1.0, 0.05
"""Temperatures in usual drives: at the beginning, when it is decided what is left out, and at the end."""
WARM_LARGE = 6.0
"""The first one where threads search different routes: fewer rounds come to each visit."""
DECIDED = 0.8
"""The part of the search after which it is decided what is left out."""
CALL_S = 0.01
"""Seconds of a call of the compiled search, after which time and requests to stop are looked at."""
WATCH_S = 0.02
REPORT_S = 0.25
"""Seconds between two reports of what was found: to judge a plan takes a while."""
FIRST_PLANS, FIRST_PART = 6, 0.03
"""From how many plans a thread picks the one that it begins with, in no more than this part of the time."""
EXCHANGES = 8
"""How often a thread that lags behind takes over the best plan of all threads."""

LARGE = 250
"""From so many visits on the threads search different routes of one plan instead of a plan each."""
MEETINGS = 25
"""How often they then join what they have."""
SHORTEST_TURN_S, PATIENCE_S = 0.15, 0.3
"""The least seconds between two meetings, and how long one waits for the others."""
HARVEST = 0.6
"""The part of the search after which routes are collected: earlier ones are too dear."""
Rank = tuple[int, int, int, float]


class Found(NamedTuple):
    """The best routes of a thread: what they leave out and cost, and the visits of each shift in order."""

    rank: Rank
    stops: Integers
    length: Integers
    costs: Floats

    def routes(self) -> list[Integers]:
        """The nodes of each shift in order."""
        return [self.stops[row, 1 : length + 1] for row, length in enumerate(self.length)]


class LocalSearch:
    """Ruin and recreate on all routes of a problem, whose visits `self.problem` has in an order of its own.

    Parameters
    ----------
    problem
        Crews and orders between visits are not looked at.
    keep
        Visits that must not be left out.
    former
        What the cost of change compares with.
    """

    def __init__(self, problem: Problem, keep: Collection[str] = (), former: Former | None = None) -> None:
        self.problem = problem = in_a_chain(problem)
        self.data = build(problem, former, keep)
        self.rounds = 0
        self.best: Found | None = None
        self._pools: list[Pool] = []
        self._number = {visit.id: number for number, visit in enumerate(problem.visits)}

    def improve(  # noqa: PLR0913 - what a search is told
        self,
        orders: Orders,
        limit: Limit,
        seed: int,
        threads: int,
        found: Callable[[Orders], None],
        cooled: float = 0.0,
    ) -> None:
        """Search until the limit; `found` is called in this thread with better and better orders.

        `cooled` is the part of the cooling that earlier searches have done.
        """
        if not self.problem.visits or not self.problem.shifts:
            return
        team = Team(self.data, limit, threads, cooled)
        begin = self._routes(orders)
        workers = [Worker(team, allocate(self.data, seed * 1000 + n), n) for n in range(threads)]
        running = [threading.Thread(target=worker.run, args=(begin,), daemon=True) for worker in workers]
        for thread in running:
            thread.start()
        try:
            self._watch(team, running, found)
        finally:
            team.stop = True
            for thread in running:
                thread.join()
            self.rounds += sum(worker.rounds for worker in workers)
            self._pools += [worker.pool for worker in workers]
        team.raise_error()
        self._report(team, found)

    def _watch(
        self, team: "Team", running: Sequence[threading.Thread], found: Callable[[Orders], None]
    ) -> None:
        reported = -REPORT_S
        while any(thread.is_alive() for thread in running):
            running[0].join(min(WATCH_S, max(team.limit.left_s(), 0.0)))
            if team.limit.reached():
                return
            if team.limit.iterations is None and time.monotonic() - reported > REPORT_S:
                self._report(team, found)
                reported = time.monotonic()

    def pool(self) -> list[Column]:
        """Routes that the last search came across, each set of visits once for each kind of shift."""
        whole = Pool(self.data.shifts["kind"])
        for pool in self._pools:
            for column in pool.columns():
                whole.add(column)
        return whole.columns()

    def columns(self) -> list[Column]:
        """The routes of the best plan."""
        if self.best is None:
            return []
        routes = [self._visits(self.best, row) for row in range(len(self.problem.shifts))]
        return [(row, visits, round(self.best.costs[row])) for row, visits in enumerate(routes) if visits]

    def _visits(self, best: Found, row: int) -> tuple[int, ...]:
        return visits_among(best.stops[row, 1 : best.length[row] + 1], len(self.problem.visits))

    def orders_of(self, columns: Sequence[Column]) -> Orders:
        """The ids of the visits of these routes."""
        visits, shifts = self.problem.visits, self.problem.shifts
        return {shifts[row].id: [visits[number].id for number in numbers] for row, numbers, _ in columns}

    def _report(self, team: "Team", found: Callable[[Orders], None]) -> None:
        best = team.news()
        if best is not None:
            self.best = best
            found(self._orders(best))

    def _routes(self, orders: Orders) -> list[list[int]]:
        return [
            [self._number[visit_id] for visit_id in orders.get(shift.id, ()) if visit_id in self._number]
            for shift in self.problem.shifts
        ]

    def _orders(self, best: Found) -> Orders:
        visits = self.problem.visits
        return {
            shift.id: [visits[number].id for number in self._visits(best, row)]
            for row, shift in enumerate(self.problem.shifts)
        }


class Team:
    """What the threads of a search share."""

    def __init__(self, data: Data, limit: Limit, threads: int, cooled: float = 0.0) -> None:
        self.data = data
        self.limit = limit
        self.cooled = cooled
        large = threads > 1 and limit.iterations is None and len(data.visits) > LARGE
        self.relay = Relay(data, threads) if large else None
        self.orders = order_chances(data)
        self.stop = False
        self.best: Found | None = None
        self._reported: Found | None = None
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def exchanges(self) -> int:
        """How often the threads exchange what they have."""
        if self.relay is None:
            return EXCHANGES
        seconds = self.limit.seconds or 0.0
        return max(1, min(MEETINGS, int(seconds / SHORTEST_TURN_S)))

    def offer(self, found: Found) -> None:
        """Take the routes of a thread if they are the best."""
        with self._lock:
            if self.best is None or found.rank < self.best.rank:
                self.best = found

    def news(self) -> Found | None:
        """The best routes, once."""
        with self._lock:
            if self.best is self._reported:
                return None
            self._reported = self.best
            return self.best

    def failed(self, error: BaseException) -> None:
        """Remember the error of a thread for the one that waits, and stop the others."""
        self._error, self.stop = error, True

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def progress(self, rounds: int) -> float:
        """The part of the search that is over, of 1."""
        parts = [0.0]
        if self.limit.iterations is not None:
            parts.append(rounds / (self.limit.iterations * ROUNDS_PER_ITERATION))
        if self.limit.seconds is not None:
            parts.append(self.limit.elapsed_s() / self.limit.seconds)
        return max(parts)


class Worker:
    """One thread's search; its plan is its own."""

    def __init__(self, team: Team, state: State, number: int) -> None:
        self.team = team
        self.state = state
        self.number = number
        self.rounds = 0
        self.pool = Pool(team.data.shifts["kind"])
        self._better = 0

    def run(self, begin: Sequence[Sequence[int]]) -> None:
        """Search from these routes until the team stops."""
        try:
            self._run(begin)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self.team.failed(error)

    def _run(self, begin: Sequence[Sequence[int]]) -> None:
        team, edge = self.team, float(self.team.data.rules["edge"][0])
        self._fill(begin)
        rounds, part = ROUNDS_PER_ITERATION, team.progress(0)
        exchanged = 0
        while not team.stop and part < 1:
            began = time.perf_counter()
            cooled = team.cooled + (1 - team.cooled) * part
            leaving_out = bool(self.state.totals["best_weight"][0])
            warm = WARM if team.relay is None else WARM_LARGE
            warmth = edge * warmth_at(cooled, warm, leaving_out=leaving_out)
            search(team.data, self.state, team.orders, rounds, warmth, warmth)
            self.rounds += rounds
            self._offer()
            if cooled > HARVEST:
                self.pool.harvest(self.state)
            if team.limit.iterations is None:
                taken = time.perf_counter() - began
                rounds = int(min(max(rounds * CALL_S / max(taken, 1e-6), 1), 2 * rounds))
                if part * (team.exchanges() + 1) > exchanged + 1:
                    exchanged += 1
                    self._exchange()
            part = team.progress(self.rounds)
        if team.limit.iterations is None:
            self._exchange()

    def _fill(self, begin: Sequence[Sequence[int]]) -> None:
        """Begin with the best of some plans in which what is absent was inserted in different orders."""
        best: Found | None = None
        for _ in range(FIRST_PLANS):
            self._restart(begin)
            if best is None or self._rank() < best.rank:
                best = self._found()
            if self.team.progress(0) > FIRST_PART:
                break
        if best is not None and best.rank < self._rank():
            self._restart(best.routes())

    def _restart(self, routes: Sequence[Sequence[int] | Integers]) -> None:
        """Go on from these routes, with what fits into them."""
        load(self.state, routes)
        search(self.team.data, self.state, self.team.orders, 0, 1.0, 1.0)
        self._offer()

    def _found(self) -> Found:
        stops, length = self.state.copies["best"].copy(), self.state.routes["best_count"].copy()
        return Found(self._rank(), stops, length, self.state.routes["best_route_cost"].copy())

    def _offer(self) -> None:
        """Tell the team when there is something better."""
        better = int(self.state.totals["better"][0])
        if better != self._better:
            self._better = better
            self.team.offer(self._found())

    def _rank(self) -> Rank:
        total = self.state.totals[0]
        return (
            int(total["best_kept"]),
            int(total["best_promised"]),
            int(total["best_weight"]),
            float(total["best_cost"]),
        )

    def _exchange(self) -> None:
        """Go on from what all threads have together, or from the best of them."""
        relay = self.team.relay
        if relay is None:
            self._catch_up()
            return
        current = Routes(self.state.stops["visit"].copy(), self.state.routes["count"].copy())
        best = Routes(self.state.copies["best"].copy(), self.state.routes["best_count"].copy())
        if relay.meet(self.number, current, best, PATIENCE_S) and relay.best and relay.current:
            if self.number == 0:
                self._take(relay.best, None)
            self._take(relay.current, relay.cut)

    def _take(self, routes: Routes, mine: Cut | None) -> None:
        """Go on from these routes; with a cut only this thread's part of them may change."""
        self.state.routes["active"] = 1 if mine is None else mine.shifts == self.number
        self.state.spots["active"][:-1] = 1 if mine is None else mine.visits[:-1] == self.number
        self._restart([routes.stops[row, 1 : count + 1] for row, count in enumerate(routes.length)])

    def _catch_up(self) -> None:
        """Go on from the best routes of all when they are better than any of this thread."""
        best = self.team.best
        if best is not None and best.rank < self._rank():
            self._restart(best.routes())


def warmth_at(part: float, warm: float, *, leaving_out: bool) -> float:
    """The temperature when this part of the search is over, slower at first where visits are left out."""
    if not leaving_out:
        return float(warm * (COLD / warm) ** part)
    if part < DECIDED:
        return float(warm * (COOL / warm) ** (part / DECIDED))
    return float(COOL * (COLD / COOL) ** ((part - DECIDED) / (1 - DECIDED)))


def load(state: State, routes: Sequence[Sequence[int] | Integers]) -> None:
    """Put these visits on the routes; `search` with no rounds works out the rest."""
    state.spots["shift"] = -1
    for row, visits in enumerate(routes):
        state.routes["count"][row] = len(visits)
        state.stops["visit"][row, 1 : len(visits) + 1] = visits
        state.spots["shift"][visits] = row


def order_chances(data: Data) -> Floats:
    """How often each order is used, added up; those in which all visits are alike are not."""
    differs = (data.keys != data.keys[:, :1]).any(axis=1)
    differs[0] = True
    chances = np.cumsum(np.array(ORDERS) * differs)
    return np.asarray(chances / chances[-1], np.float64)
