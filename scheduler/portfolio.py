"""Runs the engines one after another or at once; each starts from the best plan and offers what it finds."""

import subprocess
import threading
from collections import Counter
from typing import Literal, Self

from scheduler.costs import starts_of
from scheduler.engines.first import FirstPlan
from scheduler.engines.local import LocalSearch
from scheduler.engines.routing import RoutingEngine
from scheduler.engines.warm import begin_to_warm, is_warm, warm
from scheduler.incumbent import Incumbent, Orders
from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.model import Plan

Engine = Literal["auto", "local", "routing"]
ROUTING_BUILD_S = 1.2e-6
"""Seconds it takes to build OR-Tools' model, for each pair of visits."""
RESTOCK_PART = 0.05
"""Part of OR-Tools' time in which visits are inserted that need a stop to restock."""
COMBINED_FROM_S = 3.0
"""Routes are combined anew in searches of so many seconds."""
SEARCHED, COMBINED = 0.85, 0.93
"""The parts of a search after which that begins and ends; the rest improves what comes out."""
COOLED = 0.9
"""The part of the cooling that is then over."""


class Portfolio:
    """The engines around an incumbent.

    Parameters
    ----------
    incumbent
        Keeps the best plan.
    legal
        A legal plan to begin with.
    seed, threads
        Of the random choices, and how many threads the local search may use.
    """

    def __init__(self, incumbent: Incumbent, legal: Plan, seed: int, threads: int) -> None:
        self.incumbent = incumbent
        self.seed = seed
        self.threads = threads
        self.stats: dict[str, float | int | str] = {"engine": "start"}
        self.better: Counter[str] = Counter()
        baseline = incumbent.baseline
        self._former = None if baseline is None else starts_of(incumbent.problem, baseline)
        self._legal = legal

    def run(self, engine: Engine, limit: Limit) -> None:
        """Search with one engine, or with all of them (``auto``)."""
        if engine == "routing":
            self._first(limit)
            self._route(limit)
            return
        if limit.seconds is not None and not is_warm():
            self._compile_meanwhile(limit)
        self._local(limit)

    def _compile_meanwhile(self, limit: Limit) -> None:
        """Plan without the local search while its code is compiled for the first time on this machine."""
        compiler = begin_to_warm()
        self._first(limit)
        self._route(limit.unless(lambda: compiler.poll() is not None))
        _wait(compiler, limit)

    def _first(self, limit: Limit) -> None:
        """What fits without moving anything."""
        self._fill(self._legal, limit)

    def _fill(self, plan: Plan, limit: Limit) -> None:
        """Insert what is absent from a plan, with stops to restock where they are needed."""
        board = Board(self.incumbent.problem, plan, former=self._former)
        served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
        absent = [visit for visit in self.incumbent.problem.visits if visit.id not in served]
        FirstPlan(board, absent, self.incumbent.keep).fill(limit)
        self._offer("insertion", board.orders())

    def _local(self, limit: Limit) -> None:
        if not is_warm() and limit.seconds is not None:  # the compiler was too slow for this search
            return
        warm()
        engine = LocalSearch(self.incumbent.problem, self.incumbent.keep, self._former)
        whole = limit.left_s()
        if limit.seconds is None or whole <= COMBINED_FROM_S:
            self._search(engine, limit)
        else:
            loading = threading.Thread(target=_load_cp_sat, daemon=True)
            loading.start()
            self._search(engine, limit.before(whole * (1 - SEARCHED)))
            loading.join(max(0.0, limit.left_s()))
            self._combine(engine, limit.before(whole * (1 - COMBINED)))
            self._search(engine, limit, COOLED)
        self.stats["local_rounds"] = engine.rounds

    def _search(self, engine: LocalSearch, limit: Limit, cooled: float = 0.0) -> None:
        engine.improve(
            self._begin(), limit, self.seed, self.threads, lambda orders: self._offer("local", orders), cooled
        )

    def _combine(self, engine: LocalSearch, limit: Limit) -> None:
        """Choose anew among the routes that the local search came across."""
        if limit.reached():
            return
        from scheduler.engines.partition import choose

        pool, begin = engine.pool(), engine.columns()
        losses = [
            (int(visit.id in self.incumbent.keep), int(visit.promised), visit.priority)
            for visit in engine.problem.visits
        ]
        kinds = engine.data.shifts["kind"].tolist()
        found = choose(pool, begin, losses, limit=limit, workers=self.threads, kinds=kinds)
        self._offer("partition", engine.orders_of(found.columns))

    def _begin(self) -> Orders:
        """The orders of the best plan, or of the legal one when nothing was planned yet."""
        best = self.incumbent.best
        plan = best if any(route.stops for route in best.routes) else self._legal
        return {route.shift: route.visit_ids for route in plan.routes}

    def _route(self, limit: Limit) -> None:
        """OR-Tools' turn, if there is time to build its model; what a van carries is a limit to it."""
        if self.incumbent.problem.restock is not None:
            self._search_routing(limit.until(1 - RESTOCK_PART))
            self._fill(self.incumbent.best, limit)
        else:
            self._search_routing(limit)

    def _search_routing(self, limit: Limit) -> None:
        nodes = len(self.incumbent.problem.visits) + len(self.incumbent.problem.shifts)
        if limit.left_s() < ROUTING_BUILD_S * nodes**2:
            return
        with _Sieve(self, "routing") as sieve:
            engine = RoutingEngine(self.incumbent.problem, self._begin(), self.incumbent.keep)
            engine.improve(limit, self.seed, sieve.found)

    def _offer(self, engine: str, orders: Orders) -> None:
        if self.incumbent.offer_orders(orders):
            self.better[engine] += 1
            self.stats |= {"engine": engine, f"{engine}_plans": self.better[engine]}


def _load_cp_sat() -> None:
    """Import CP-SAT beside the search: it takes a second, and nobody needs it in a short search."""
    import scheduler.engines.partition  # noqa: F401


def _wait(compiler: "subprocess.Popen[bytes]", limit: Limit) -> None:
    """Until the compiler is done or the time is over; it is left to finish for the next search."""
    while compiler.poll() is None and not limit.reached():
        try:
            compiler.wait(min(0.05, max(limit.left_s(), 0.001)))
        except subprocess.TimeoutExpired:
            continue


class _Sieve:
    """Lets every tenth find of an engine and the last through: to judge one takes longer than to find it."""

    def __init__(self, portfolio: Portfolio, engine: str) -> None:
        self.portfolio = portfolio
        self.engine = engine
        self._finds = 0
        self._latest: Orders | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self._let_through()

    def found(self, orders: Orders) -> None:
        """Remember what was found; it may be judged later."""
        self._latest = orders
        self._finds += 1
        if self._finds % 10 == 0:
            self._let_through()

    def _let_through(self) -> None:
        if self._latest is not None:
            self.portfolio._offer(self.engine, self._latest)  # noqa: SLF001 - the sieve is part of it
            self._latest = None
