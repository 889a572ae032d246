"""Keeps the best plan of a search; nothing becomes it that `scheduler.rules.check` objects to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from scheduler.costs import evaluate, objective
from scheduler.model import Plan, Problem, Route, Unassigned
from scheduler.rules import check
from scheduler.timeline import schedule

Orders = Mapping[str, Sequence[str]]
"""The visits of each shift, in order."""


class Incumbent:
    """The best legal plan seen.

    Parameters
    ----------
    problem
        What the plans are for.
    baseline
        The plan that the cost of change compares with.
    keep
        A plan that leaves out one of these never replaces one that does not.
    progress
        Called with each better plan.
    """

    def __init__(
        self,
        problem: Problem,
        baseline: Plan | None,
        keep: Collection[str],
        progress: Callable[[Plan], None] | None,
    ) -> None:
        self.problem = problem
        self.baseline = baseline
        self.keep = frozenset(keep)
        self.progress = progress
        self.best = self._finished(Plan())
        self._key = self._rank(self.best)

    def offer(self, plan: Plan) -> bool:
        """Take the plan if it is legal and better than the best so far; say whether it was."""
        complete = self._finished(plan)
        key = self._rank(complete)
        if key >= self._key or check(self.problem, complete):
            return False
        self.best, self._key = complete, key
        if self.progress is not None:
            self.progress(complete)
        return True

    def offer_orders(self, orders: Orders) -> bool:
        """Time the orders and offer what comes out.

        A route that cannot be timed loses visits until it can: those of least priority first.
        """
        routes = [self._timed(shift_id, list(order)) for shift_id, order in orders.items()]
        return self.offer(Plan(routes=tuple(route for route in routes if route.stops)))

    def _timed(self, shift_id: str, order: list[str]) -> Route:
        while (route := schedule(self.problem, shift_id, order)) is None:
            order = self._shortened(shift_id, order)
        return route

    def _shortened(self, shift_id: str, order: Sequence[str]) -> list[str]:
        """The order without its least important visit, of those whose absence is enough if there is one."""
        cheap_first = sorted(order, key=self._importance)
        rests = [[other for other in order if other != visit_id] for visit_id in cheap_first]
        return next((rest for rest in rests if schedule(self.problem, shift_id, rest) is not None), rests[0])

    def _importance(self, visit_id: str) -> tuple[bool, int]:
        return visit_id in self.keep, self.problem.visit_by_id[visit_id].priority

    def _finished(self, plan: Plan) -> Plan:
        """With its cost and with everything that is on no route as unassigned."""
        served = {visit_id for route in plan.routes for visit_id in route.visit_ids}
        left = tuple(Unassigned(visit=visit.id) for visit in self.problem.visits if visit.id not in served)
        return replace(plan, unassigned=left, cost=evaluate(self.problem, plan, baseline=self.baseline))

    def _rank(self, plan: Plan) -> tuple[int, int, int, int]:
        missing = {left.visit for left in plan.unassigned}
        return (len(self.keep & missing), *objective(plan.cost))
