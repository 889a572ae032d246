"""The best plan of a tiny problem: every order is tried, with `check` and `evaluate` as the only judges."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations, product

from scheduler.costs import evaluate, objective
from scheduler.links import hold, linked_ids
from scheduler.model import Plan, Problem, Route, Shift, Visit
from scheduler.rules import check
from scheduler.timeline import schedule_visits

Objective = tuple[int, int, int]


def best(
    problem: Problem, starts: Sequence[int] = (), baseline: Plan | None = None
) -> tuple[Objective, Plan]:
    """The least objective of any legal plan and such a plan.

    Parameters
    ----------
    problem
        Of very few visits.
    starts
        Seconds at which visits of crews and orders may start; not needed by others.
    baseline
        What the cost of change compares with.
    """
    found = (plan for plan in plans(problem, starts) if not check(problem, plan))
    judged = ((objective(evaluate(problem, plan, baseline=baseline)), plan) for plan in found)
    return min(judged, key=lambda pair: pair[0])


def plans(problem: Problem, starts: Sequence[int] = ()) -> Iterator[Plan]:
    """Every order of every choice of visits; each route is timed as `schedule` does."""
    linked = linked_ids(problem)
    known: dict[object, Route | None] = {}

    def timed(shift: Shift, order: tuple[Visit, ...]) -> Route | None:
        key = (shift.id, tuple((visit.id, visit.pinned) for visit in order))
        if key not in known:
            known[key] = schedule_visits(problem, shift, order)
        return known[key]

    for chosen in product(*(_choices(problem, visit) for visit in problem.visits)):
        hanging = [v for v, on in zip(problem.visits, chosen, strict=True) if on and v.id in linked]
        for seconds in product(starts, repeat=len(hanging)):
            at = {visit.id: start for visit, start in zip(hanging, seconds, strict=True)}
            options = []
            for shift in problem.shifts:
                served = [
                    hold(visit, None, at[visit.id]) if visit.id in at else visit
                    for visit, on in zip(problem.visits, chosen, strict=True)
                    if shift in on
                ]
                options.append([r for o in permutations(served) if (r := timed(shift, o)) is not None])
            for routes in product(*options):
                yield Plan(routes=tuple(route for route in routes if route.stops))


def _choices(problem: Problem, visit: Visit) -> list[tuple[Shift, ...]]:
    """Nobody, or any shifts of different technicians, as many as the crew."""
    teams = combinations(problem.shifts, visit.crew)
    return [(), *(team for team in teams if len({shift.technician for shift in team}) == visit.crew)]


def lifted(problem: Problem, /, **changes: dict[str, object]) -> Problem:
    """The problem with some fields of all its visits and shifts (and its own) set to something else."""
    return replace(
        problem,
        visits=tuple(replace(visit, **changes.get("visits", {})) for visit in problem.visits),
        shifts=tuple(replace(shift, **changes.get("shifts", {})) for shift in problem.shifts),
        **changes.get("problem", {}),
    )
