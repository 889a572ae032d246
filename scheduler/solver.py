"""`solve`: joins the engines. Every plan it returns passes `scheduler.rules.check`."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from typing import Self

from scheduler.admission import refuse_unsupported
from scheduler.costs import starts_of
from scheduler.engines.routing import RoutingEngine
from scheduler.engines.ruin import RuinEngine
from scheduler.explain import reasons
from scheduler.incumbent import Incumbent, Orders
from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.model import Plan, Problem, Route, Unassigned
from scheduler.rules import check
from scheduler.timeline import schedule

DEFAULT_SECONDS = 10.0
REASONS_S = 0.25
"""Seconds after the search in which the reasons of unassigned visits are worked out."""
RUIN_PART, ROUTING_PART = 0.6, 0.8
"""Parts of the time at which ruin and recreate hands over to OR-Tools, and gets its last turn."""
ROUTING_BUILD_S = 1.2e-6
"""Seconds it takes to build OR-Tools' model, for each pair of visits."""


def solve(
    problem: Problem,
    start: Plan | None = None,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 1,
    threads: int = 1,
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[Plan], None] | None = None,
) -> Plan:
    """Plan as many visits as possible, at the least cost.

    Parameters
    ----------
    problem
        Must not use crews, order between visits, or a place to restock.
    start
        A plan to improve. No promised or pinned visit of it is dropped while a legal plan with it is known,
        and the result is never worse than it. Routes of it that break a rule are repaired first.
    seconds
        Wall-clock limit. When neither it nor `iterations` is given it is 10.
    iterations
        Rounds of each engine; the same problem, start, seed and iterations give the same plan.
    seed
        Of the random choices.
    threads
        How many the engines may use; they use one.
    should_stop
        Asked many times a second; once it says yes the best plan so far is returned.
    progress
        Called with each better plan.

    Returns
    -------
    Plan
        Legal, with its cost (see `scheduler.costs.evaluate`), reasons for each unassigned visit, and in
        ``stats`` the seconds taken, the engine that made it and the number of violations of the start.

    Raises
    ------
    ValueError
        When the problem uses what is not supported, naming each field, or a limit is not positive.
    """
    refuse_unsupported(problem)
    _require_positive(seconds=seconds, iterations=iterations, threads=threads)
    if seconds is None and iterations is None:
        seconds = DEFAULT_SECONDS
    limit = Limit(seconds=seconds, iterations=iterations, should_stop=should_stop)
    keep = _kept(problem, start)
    incumbent = Incumbent(problem, start, keep, progress)
    violations = 0 if start is None else len(check(problem, start))
    if start is not None and not violations:
        incumbent.offer(start)
    engine = _search(incumbent, _legal_part(problem, start, keep), limit, seed)
    stats: dict[str, float | int | str] = {"engine": engine, "seed": seed, "start_violations": violations}
    return _with_reasons(incumbent, stats | {"seconds": round(limit.elapsed_s(), 2)})


def _require_positive(**limits: float | None) -> None:
    for name, value in limits.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name}: must be more than 0, not {value}")


def _kept(problem: Problem, start: Plan | None) -> set[str]:
    """The promised and pinned visits that the start has on a route."""
    served = {visit_id for route in start.routes for visit_id in route.visit_ids} if start else set()
    return {visit.id for visit in problem.visits if visit.id in served and (visit.promised or visit.pinned)}


def _legal_part(problem: Problem, start: Plan | None, keep: Container[str]) -> Plan:
    """The routes of the start timed anew, without the visits that break a rule there; each visit once."""
    legal: dict[str, Route] = {}
    seen: set[str] = set()
    for route in start.routes if start else ():
        if route.shift in problem.shift_by_id and route.shift not in legal:
            known = [name for name in dict.fromkeys(route.visit_ids) if name in problem.visit_by_id]
            legal[route.shift] = _repaired(problem, route.shift, [n for n in known if n not in seen], keep)
            seen.update(legal[route.shift].visit_ids)
    return Plan(routes=tuple(legal.values()))


def _repaired(problem: Problem, shift_id: str, order: Sequence[str], keep: Container[str]) -> Route:
    """The order, or what is left of it when the visits are let in by importance as long as no rule breaks."""
    route = schedule(problem, shift_id, order)
    if route is not None and not check(problem, Plan(routes=(route,))):
        return route
    legal = Route(shift=shift_id, stops=())
    chosen: set[str] = set()
    for name in sorted(order, key=lambda name: (name not in keep, -problem.visit_by_id[name].priority)):
        route = schedule(problem, shift_id, [other for other in order if other in chosen or other == name])
        if route is not None and not check(problem, Plan(routes=(route,))):
            legal = route
            chosen.add(name)
    return legal


def _search(incumbent: Incumbent, legal: Plan, limit: Limit, seed: int) -> str:
    """Fill and improve the plan; says which engine had the last word."""
    ruin = _ruin_engine(incumbent, legal)
    ruin.fill(limit)
    engine = "insertion" if incumbent.offer_orders(ruin.board.orders()) else "start"
    if _ruin(incumbent, ruin, limit.until(RUIN_PART), seed):
        engine = "ruin"
    if _route(incumbent, limit.until(ROUTING_PART), seed):
        engine = "routing"
    if _ruin(incumbent, _ruin_engine(incumbent, incumbent.best), limit.until(1.0), seed + 1):
        engine = "ruin"
    return engine


def _ruin_engine(incumbent: Incumbent, plan: Plan) -> RuinEngine:
    problem, baseline = incumbent.problem, incumbent.baseline
    former = None if baseline is None else starts_of(problem, baseline)
    served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
    absent = [visit for visit in problem.visits if visit.id not in served]
    loss = {visit.id: 1 for visit in problem.visits if visit.promised}
    loss |= dict.fromkeys(incumbent.keep, len(problem.visits) + 1)
    return RuinEngine(Board(problem, plan, former=former), absent, loss)


def _ruin(incumbent: Incumbent, engine: RuinEngine, limit: Limit, seed: int) -> bool:
    with _Sieve(incumbent) as sieve:
        engine.improve(limit, seed, sieve.found)
    return sieve.better


def _route(incumbent: Incumbent, limit: Limit, seed: int) -> bool:
    """OR-Tools' turn, if there is time to build its model."""
    orders = {route.shift: route.visit_ids for route in incumbent.best.routes}
    nodes = len(incumbent.problem.visits) + len(incumbent.problem.shifts)
    if limit.left_s() < ROUTING_BUILD_S * nodes**2:
        return False
    with _Sieve(incumbent) as sieve:
        RoutingEngine(incumbent.problem, orders, incumbent.keep).improve(limit, seed, sieve.found)
    return sieve.better


class _Sieve:
    """Lets every tenth find of an engine and the last through: to judge one takes longer than to find it."""

    def __init__(self, incumbent: Incumbent) -> None:
        self.incumbent = incumbent
        self.better = False
        self._finds = 0
        self._latest: Orders | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self._offer()

    def found(self, orders: Orders) -> None:
        self._latest = orders
        self._finds += 1
        if self._finds % 10 == 0:
            self._offer()

    def _offer(self) -> None:
        if self._latest is not None:
            self.better |= self.incumbent.offer_orders(self._latest)
            self._latest = None


def _with_reasons(incumbent: Incumbent, stats: Mapping[str, float | int | str]) -> Plan:
    plan = incumbent.best
    left = [incumbent.problem.visit_by_id[each.visit] for each in plan.unassigned]
    why = reasons(incumbent.problem, plan, left, seconds=REASONS_S)
    unassigned = tuple(Unassigned(visit=visit.id, reasons=why[visit.id]) for visit in left)
    return replace(plan, unassigned=unassigned, stats=stats)
