"""`solve`: joins the engines. Every plan it returns passes `scheduler.rules.check`."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from scheduler.engines.balance import balance
from scheduler.explain import reasons
from scheduler.incumbent import Incumbent
from scheduler.limits import Limit
from scheduler.links import linked_ids
from scheduler.model import Plan, Problem, Route, Unassigned
from scheduler.portfolio import Engine, Portfolio
from scheduler.rules import check
from scheduler.timeline import schedule

DEFAULT_SECONDS = 10.0
FAIRNESS_PART = 0.2
"""Part of the time in which work is spread more evenly, where that has a weight."""
REASONS_S = 0.25
"""Seconds after the search in which the reasons of unassigned visits are worked out."""


def solve(  # noqa: PLR0913 - the options of a command, all with a default
    problem: Problem,
    start: Plan | None = None,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 1,
    threads: int = 1,
    engine: Engine = "auto",
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[Plan], None] | None = None,
) -> Plan:
    """Plan as many visits as possible, at the least cost.

    Parameters
    ----------
    problem
        What is to be planned.
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
        How many the engines may use.
    engine
        ``local`` is the local search, ``routing`` OR-Tools' routing search, ``auto`` whatever is best.
    should_stop
        Asked many times a second; once it says yes the best plan so far is returned.
    progress
        Called with each better plan.

    Returns
    -------
    Plan
        Legal, with its cost (see `scheduler.costs.evaluate`), reasons for each unassigned visit, and in
        ``stats`` the seconds taken, the engine that made it, how many better plans each engine found and the
        number of violations of the start.

    Raises
    ------
    ValueError
        When a limit is not positive.
    """
    _require_positive(seconds=seconds, iterations=iterations, threads=threads)
    if seconds is None and iterations is None:
        seconds = DEFAULT_SECONDS
    limit = Limit(seconds=seconds, iterations=iterations, should_stop=should_stop)
    incumbent = Incumbent(problem, start, _kept(problem, start), progress)
    stats = _searched(incumbent, start, limit, engine, seed, threads)
    return _with_reasons(incumbent, stats | {"seconds": round(limit.elapsed_s(), 2)})


def _searched(
    incumbent: Incumbent, start: Plan | None, limit: Limit, engine: Engine, seed: int, threads: int
) -> dict[str, float | int | str]:
    """Search from a plan until the limit; the incumbent has what was found, the statistics say by whom."""
    problem = incumbent.problem
    violations = 0 if start is None else len(check(problem, start))
    if start is not None and not violations:
        incumbent.offer(start)
    legal = _legal_part(problem, start, incumbent.keep)
    portfolio = Portfolio(incumbent, legal, seed, threads)
    searching = limit.until(1 - FAIRNESS_PART) if problem.weights.fairness else limit
    if linked_ids(problem):
        _plan_linked(portfolio, legal, searching, engine)
    else:
        portfolio.run(engine, searching)
    if balance(incumbent, limit, seed):
        portfolio.stats["engine"] = "balance"
    return portfolio.stats | {"seed": seed, "threads": threads, "start_violations": violations}


def _plan_linked(portfolio: Portfolio, legal: Plan, limit: Limit, engine: Engine) -> None:
    """Crews and orders in turns with the portfolio, which improves what does not hang on anything."""
    from scheduler.engines.linked import plan_linked  # CP-SAT takes long to load and is seldom needed

    def rest(problem: Problem, plan: Plan, until: Limit) -> Plan:
        incumbent = Incumbent(problem, portfolio.incumbent.baseline, _kept(problem, plan), None)
        incumbent.offer(plan)
        Portfolio(incumbent, plan, portfolio.seed, portfolio.threads).run(engine, until)
        return incumbent.best

    found = plan_linked(portfolio.incumbent, legal, limit, portfolio.seed, rest)
    portfolio.stats |= {"engine": "linked", **found}


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


def _with_reasons(incumbent: Incumbent, stats: Mapping[str, float | int | str]) -> Plan:
    plan = incumbent.best
    left = [incumbent.problem.visit_by_id[each.visit] for each in plan.unassigned]
    why = reasons(incumbent.problem, plan, left, seconds=REASONS_S)
    unassigned = tuple(Unassigned(visit=visit.id, reasons=why[visit.id]) for visit in left)
    return replace(plan, unassigned=unassigned, stats=stats)
