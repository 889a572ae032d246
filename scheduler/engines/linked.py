"""Crews, order between visits and the same technician: what a search over single routes cannot see.

A plan is improved in turns. The visits that hang together are pinned, and any engine improves the rest as if
nothing hung on anything; then a few routes with some of these visits go to CP-SAT (`linked_model`), which may
move them to other shifts, starts and technicians, together with some of their neighbours.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ortools.sat.python import cp_model

from scheduler.admission import refusal
from scheduler.costs import starts_of
from scheduler.engines.linked_model import SCALE, LinkedModel, Part
from scheduler.engines.partition import watched
from scheduler.incumbent import Incumbent
from scheduler.insertion import Board
from scheduler.limits import Limit
from scheduler.linking import Linker
from scheduler.links import chains, held_routes, hold, joined, linked_ids, pinned_apart, served_of
from scheduler.model import Plan, Problem, Route, Shift, Visit
from scheduler.timeline import schedule_visits

PART_S = 1.5
"""Seconds that CP-SAT gets for one part of a plan."""
PART_WORK = 0.5
"""The same in its deterministic time, where iterations are limited."""
MOST_SHIFTS = 4
"""Shifts of a part, if those that its visits are on are not more."""
NEIGHBOURS = 6
"""Other visits of these shifts that may move, too; more while parts are solved with little work."""
MOST_NEIGHBOURS = 16
LITTLE_WORK = 0.1
"""CP-SAT's deterministic time for a part, below which the next one may be larger."""
ABSENT = 3
"""Other absent visits that are tried with them."""
TURNS = 6
"""How often the rest and the linked visits take turns."""
REST_PART = 0.6
"""Part of a turn that the rest gets."""

Rest = Callable[[Problem, Plan, Limit], Plan]
"""Improves a plan of a problem in which nothing hangs on anything."""


def plan_linked(incumbent: Incumbent, start: Plan, limit: Limit, seed: int, rest: Rest) -> dict[str, int]:
    """Plan a problem with visits that hang together; what is found is offered to the incumbent.

    Parameters
    ----------
    incumbent
        Its best plan, or `start` when it has none, is where the search begins.
    start
        A legal plan.
    limit
        When to end; iterations are turns.
    seed
        Of the random choices.
    rest
        What improves the visits on which nothing hangs.

    Returns
    -------
    dict
        How many better plans came from inserting, from the rest and from CP-SAT.
    """
    found = {"inserted_plans": 0, "rest_plans": 0, "linked_plans": 0}
    problem = incumbent.problem
    begun = incumbent.best if any(route.stops for route in incumbent.best.routes) else start
    found["inserted_plans"] += incumbent.offer(insert_chains(problem, begun, limit, incumbent.keep))
    turns = TURNS if limit.iterations is None else 2
    for turn in range(turns):
        if limit.reached():
            break
        until = limit.until((turn + REST_PART) / turns)
        apart, pinned = pinned_apart(problem, incumbent.best)
        found["rest_plans"] += incumbent.offer(joined(problem, rest(apart, pinned, until)))
        until = limit.until((turn + 1) / turns)
        inserted = insert_chains(problem, incumbent.best, until, incumbent.keep)
        found["inserted_plans"] += incumbent.offer(inserted)
        found["linked_plans"] += improve_linked(incumbent, until, seed + turn)
    return found


def insert_chains(problem: Problem, plan: Plan, limit: Limit, keep: Iterable[str] = ()) -> Plan:
    """The plan with as many absent linked visits as fit without moving others, important ones first."""
    kept = frozenset(keep)
    linked = linked_ids(problem)
    served = {i: where for i, where in served_of(problem, plan.routes).items() if i in linked}
    board = Board(problem, plan)
    linker = Linker(board, served, kept)
    groups = chains(problem)
    groups.sort(key=lambda group: _importance(group, kept), reverse=True)
    for group in groups:
        if limit.reached():
            break
        linker.insert(group)
    routes = (schedule_visits(problem, s, board.visits(row)) for row, s in enumerate(problem.shifts))
    return Plan(routes=tuple(route for route in routes if route is not None and route.stops))


def _importance(group: Sequence[Visit], keep: frozenset[str]) -> tuple[int, int, float]:
    return (
        sum(visit.id in keep for visit in group),
        sum(visit.promised for visit in group),
        sum(visit.priority for visit in group) / sum(visit.crew for visit in group),
    )


def improve_linked(incumbent: Incumbent, limit: Limit, seed: int) -> int:
    """Improve parts of the best plan until the limit; how often the incumbent took what came out."""
    groups = chains(incumbent.problem)
    chance = random.Random(seed)  # noqa: S311 - a search, not a secret
    rounds, size, better = 0, NEIGHBOURS, 0
    while groups and not limit.reached() and rounds != limit.iterations:
        rounds += 1
        part = _Choice(incumbent, chance, size).part(groups)
        if part is None:
            continue
        plan, work = _solved(incumbent, part, limit, seed + rounds)
        size = min(size + 1, MOST_NEIGHBOURS) if work < LITTLE_WORK else max(size - 1, NEIGHBOURS)
        better += plan is not None and incumbent.offer(plan)
    return better


class _Choice:
    """Picks a part of the best plan."""

    def __init__(self, incumbent: Incumbent, chance: random.Random, size: int) -> None:
        self.size = size
        self.problem = incumbent.problem
        self.plan = incumbent.best
        self.keep = incumbent.keep
        self.chance = chance
        self.linked = linked_ids(self.problem)
        self.starts = {name: start for name, (_, start) in starts_of(self.problem, self.plan).items()}
        self.shifts_of: dict[str, set[str]] = {}
        for route in self.plan.routes:
            for visit_id in route.visit_ids:
                self.shifts_of.setdefault(visit_id, set()).add(route.shift)

    def part(self, groups: Sequence[Sequence[Visit]]) -> Part | None:
        """A group, the shifts that it is on and others that could serve it, and visits beside it."""
        missing = [group for group in groups if any(visit.id not in self.starts for visit in group)]
        group = self.chance.choice(missing if missing and self.chance.random() < 0.6 else list(groups))
        names = self._shifts(group)
        shifts = [shift for shift in self.problem.shifts if shift.id in names]
        if not shifts:
            return None
        chosen = [group, *self._more_groups(groups, group, names)]
        free = [*(visit for each in chosen for visit in each), *self._beside(names, group)]
        inside = {visit.id for visit in free}
        held = held_routes(self.problem, self.plan.routes)
        orders = [
            [self.problem.visit_by_id[v.id] if v.id in inside else v for v in visits]
            for shift, visits in zip(self.problem.shifts, held, strict=True)
            if shift.id in names
        ]
        penalties = self._penalties(free, shifts, orders)
        return Part(
            problem=self.problem,
            shifts=shifts,
            orders=orders,
            starts=self.starts,
            free=free,
            penalties=penalties,
        )

    def _shifts(self, group: Sequence[Visit]) -> set[str]:
        names = {name for visit in group for name in self.shifts_of.get(visit.id, ())}
        able = [
            shift.id
            for shift in self.problem.shifts
            if shift.id not in names and any(_may(visit, shift, self.problem) for visit in group)
        ]
        most = max(MOST_SHIFTS + (self.size - NEIGHBOURS) // 3, max(visit.crew for visit in group) + 2)
        return names | set(self.chance.sample(able, min(len(able), max(0, most - len(names)))))

    def _more_groups(
        self, groups: Sequence[Sequence[Visit]], group: Sequence[Visit], names: set[str]
    ) -> list[Sequence[Visit]]:
        """Other groups that are on these shifts alone; more of them the larger the part may be."""
        inside = [
            other
            for other in groups
            if other is not group and all(self.shifts_of.get(visit.id, set()) <= names for visit in other)
        ]
        return self.chance.sample(inside, min(len(inside), 1 + (self.size - NEIGHBOURS) // 2))

    def _beside(self, names: set[str], group: Sequence[Visit]) -> list[Visit]:
        """Some visits of these shifts on which nothing hangs, and some absent ones that these could serve."""
        inside, outside = [], []
        for visit in self.problem.visits:
            if visit.id in self.linked or visit.pinned is not None:
                continue
            where = self.shifts_of.get(visit.id)
            if where and where <= names:
                inside.append(visit)
            elif not where and any(_may(visit, self.problem.shift_by_id[n], self.problem) for n in names):
                outside.append(visit)
        table, near = self.problem.travel_s, [visit.location for visit in group]
        inside.sort(key=lambda visit: min(int(table[place, visit.location]) for place in near))
        chosen = self.chance.sample(inside[: 2 * self.size], min(len(inside), self.size))
        return [*chosen, *self.chance.sample(outside, min(len(outside), ABSENT))]

    def _penalties(
        self, free: Sequence[Visit], shifts: Sequence[Shift], orders: Sequence[Sequence[Visit]]
    ) -> dict[str, int]:
        """What comes first outweighs everything after it together."""
        legs = len(free) + sum(len(order) + 1 for order in orders)
        table = max(int(self.problem.travel_of(shift).max()) for shift in shifts)
        span = max(shift.limit_s for shift in shifts) - min(shift.begin_s for shift in shifts)
        weights = self.problem.weights
        rate = weights.travel + weights.distance + weights.duration + weights.overtime + 1
        unit = SCALE * round(rate) * (legs * table + len(shifts) * span + 1)
        total = 1 + sum(visit.priority for visit in free)
        rank = [1, total, total * (len(free) + 1)]
        return {
            v.id: unit * (v.priority + rank[2] * (v.id in self.keep) + rank[1] * v.promised) for v in free
        }


def _may(visit: Visit, shift: Shift, problem: Problem) -> bool:
    return refusal(visit, shift, problem.restock) is None


def _solved(incumbent: Incumbent, part: Part, limit: Limit, seed: int) -> tuple[Plan | None, float]:
    """The plan with what CP-SAT makes of the part, ``None`` when it finds nothing in time; and its work."""
    model = LinkedModel(part)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    if limit.seconds is None:
        solver.parameters.max_deterministic_time = PART_WORK
    else:
        solver.parameters.max_time_in_seconds = max(0.001, min(PART_S, limit.left_s()))
    with watched(solver, limit):
        status = solver.solve(model.model)
    work = float(solver.response_proto.deterministic_time)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, work
    orders, starts = model.read(solver)
    return _with_part(incumbent, part, orders, starts), work


def _with_part(
    incumbent: Incumbent, part: Part, orders: Sequence[Sequence[str]], starts: dict[str, int]
) -> Plan | None:
    """The best plan with these orders instead, linked visits at these starts."""
    problem, linked = incumbent.problem, linked_ids(incumbent.problem)
    now = {visit.id: visit for order in part.orders for visit in order}
    routes: list[Route] = []
    for shift, order in zip(part.shifts, orders, strict=True):
        visits = []
        for name in order:
            visit = problem.visit_by_id[name]
            if name in linked:
                visit = hold(visit, shift.id, starts[name]) if name in starts else now[name]
            visits.append(visit)
        route = schedule_visits(problem, shift, visits)
        if route is None:
            return None
        routes.append(route)
    changed = {shift.id for shift in part.shifts}
    others = [route for route in incumbent.best.routes if route.shift not in changed]
    return replace(incumbent.best, routes=(*others, *(route for route in routes if route.stops)))
