"""Choosing among routes: set partitioning over the routes that other engines came across.

A search drops most of the good routes that it finds, because they did not fit the plan of the moment. Here a
pool of them is combined anew: each shift takes at most one, each visit is on at most one, and what is on none
costs its loss. The route-based view of vehicle routing is that of Balinski and Quandt (*Operations Research*
12, 1964); harvesting the columns from a local search is Rochat's and Taillard's (*Journal of Heuristics* 1,
1995).

The pool is far larger than what an exact solver can take. GLOP solves the linear relaxation by column
generation from the pool, and the columns with the least reduced cost go to CP-SAT together with those of the
incumbent, which is also its complete hint: what comes out is never worse.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from scheduler.limits import Limit

Column = tuple[int, tuple[int, ...], int]
"""A route: the index of its shift, the indexes of its visits in order, and its cost (seconds)."""
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_COLUMNS = 4000
"""Columns that CP-SAT chooses from."""
PRICED_COLUMNS = 1000
"""Columns that enter the linear relaxation in one round."""
ROUNDS = 30
LINEAR_PART = 0.4
"""Part of the time that the linear relaxation may take."""
LARGEST_OBJECTIVE = 1 << 52
"""Sums above this are not exact in the solvers; costs are then rounded to coarser units."""
WORK_PER_ITERATION = 0.2
"""Where iterations are limited: units of CP-SAT's deterministic time for each."""
PATIENCE_S = 0.02
"""How often a running solver is asked to look at the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was chosen: `columns`, and whether nothing in the pool that was looked at is better (`proved`)."""

    columns: tuple[Column, ...]
    proved: bool


def choose(
    pool: Sequence[Column],
    incumbent: Sequence[Column],
    losses: Sequence[Sequence[int]],
    *,
    limit: Limit,
    workers: int = 1,
    kinds: Sequence[int] | None = None,
) -> Selection:
    """Combine routes of a pool into the best plan.

    Parameters
    ----------
    pool
        Feasible routes, with at least one visit each.
    incumbent
        Routes of a legal plan: one a shift at most, no visit twice.
    losses
        For each visit what is lost when it is on no route, most important first (for instance 1 if it was
        promised, and its priority). The sums are compared in this order, the costs at last.
    limit
        When to end. Where iterations are limited instead of seconds, one worker does a fixed amount of work.
    workers
        Threads of CP-SAT.
    kinds
        For each shift a number; shifts of the same number can drive each other's routes at the same cost.
        ``None`` when none can.

    Returns
    -------
    Selection
        Never worse than the incumbent; the incumbent itself when nothing better was found.
    """
    started = tuple((shift, tuple(visits), cost) for shift, visits, cost in incumbent)
    if limit.reached() or not losses:
        return Selection(columns=started, proved=False)
    problem = _Choice(pool, started, losses, kinds)
    chosen, proved = _solve(problem, _promising(problem, limit), limit, workers)
    columns = problem.with_shifts(chosen)
    better = problem.worth(columns) < problem.worth(started)
    return Selection(columns=columns if better else started, proved=proved)


class _Choice:
    """The columns as flat arrays, each set of visits once a kind of shift and at its least cost."""

    def __init__(
        self,
        pool: Sequence[Column],
        incumbent: Sequence[Column],
        losses: Sequence[Sequence[int]],
        kinds: Sequence[int] | None,
    ) -> None:
        self.losses = [tuple(each) for each in losses]
        shifts = 1 + max((shift for shift, _, _ in (*pool, *incumbent)), default=0)
        self.kinds = list(range(shifts)) if kinds is None else list(kinds)
        best: dict[tuple[int, frozenset[int]], Column] = {}
        for column in (*incumbent, *pool):
            shift, visits, cost = column
            key = (self.kinds[shift], frozenset(visits))
            if visits and (key not in best or cost < best[key][2]):
                best[key] = (shift, tuple(visits), cost)
        place = {key: number for number, key in enumerate(best)}
        self.columns = list(best.values())
        self.incumbent = [place[self.kinds[s], frozenset(v)] for s, v, _ in incumbent if v]
        self.cost: Integers = np.array([cost for _, _, cost in self.columns], np.int64)
        self.kind: Integers = np.array([self.kinds[shift] for shift, _, _ in self.columns], np.int64)
        sizes = [len(visits) for _, visits, _ in self.columns]
        self.begin: Integers = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])[: len(sizes)]
        self.member: Integers = np.array([v for _, visits, _ in self.columns for v in visits], np.int64)
        self.count = {kind: self.kinds.count(kind) for kind in set(self.kinds)}

    def penalties(self, cost_range: int) -> list[int]:
        """One number for each visit: a unit of loss outweighs everything less important together."""
        unit, found = cost_range + 1, [0] * len(self.losses)
        for level in reversed(range(len(self.losses[0]))):
            amounts = [loss[level] for loss in self.losses]
            found = [so_far + unit * amount for so_far, amount in zip(found, amounts, strict=True)]
            unit *= 1 + sum(amounts)
        return found

    def cost_range(self, numbers: Sequence[int]) -> int:
        """The costs of no two choices among these columns differ by more."""
        highest, lowest = dict.fromkeys(self.count, 0), dict.fromkeys(self.count, 0)
        for number in numbers:
            cost, kind = self.columns[number][2], int(self.kind[number])
            highest[kind], lowest[kind] = max(highest[kind], cost), min(lowest[kind], cost)
        return sum(count * (highest[kind] - lowest[kind]) for kind, count in self.count.items())

    def worth(self, columns: Sequence[Column]) -> tuple[int, ...]:
        """Losses and cost of a choice; less is better."""
        served = {visit for _, visits, _ in columns for visit in visits}
        left = [loss for visit, loss in enumerate(self.losses) if visit not in served]
        lost = [sum(loss[level] for loss in left) for level in range(len(self.losses[0]))]
        return *lost, sum(cost for _, _, cost in columns)

    def with_shifts(self, numbers: Sequence[int]) -> tuple[Column, ...]:
        """The columns of a choice on different shifts, each on its own if that is free."""
        chosen = [self.columns[number] for number in numbers]
        free = dict.fromkeys(range(len(self.kinds)))
        placed: dict[int, int] = {}
        for number, (shift, _, _) in enumerate(chosen):
            if shift in free:
                del free[shift]
                placed[number] = shift
        for number, (shift, _, _) in enumerate(chosen):
            if number not in placed:
                placed[number] = next(other for other in free if self.kinds[other] == self.kinds[shift])
                del free[placed[number]]
        return tuple((placed[number], visits, cost) for number, (_, visits, cost) in enumerate(chosen))


def _promising(choice: _Choice, limit: Limit) -> list[int]:
    """The columns of the incumbent and those with the least reduced cost."""
    if len(choice.columns) <= MOST_COLUMNS:
        return list(range(len(choice.columns)))
    reduced = _reduced_costs(choice, limit.until(_part(limit)))
    reduced[choice.incumbent] = -np.inf
    return sorted(np.argsort(reduced, kind="stable")[:MOST_COLUMNS].tolist())


def _part(limit: Limit) -> float:
    """Until when the linear relaxation may take, as a part of the limit's time."""
    if limit.seconds is None:
        return LINEAR_PART
    return (limit.elapsed_s() + LINEAR_PART * limit.left_s()) / limit.seconds


def _reduced_costs(choice: _Choice, limit: Limit) -> Floats:
    """By column, from the duals of the last relaxation that there was time for."""
    relaxation = _Relaxation(choice)
    cost = choice.cost.astype(np.float64)
    length = np.diff(np.append(choice.begin, len(choice.member)))
    entering = [*choice.incumbent, *np.argsort(cost / length, kind="stable")[:PRICED_COLUMNS].tolist()]
    reduced = cost
    for _ in range(ROUNDS):
        relaxation.add(entering)
        if limit.reached() or not relaxation.solve(limit):
            break
        on_visits, on_kinds = relaxation.duals()
        reduced = cost - np.add.reduceat(on_visits[choice.member], choice.begin) - on_kinds[choice.kind]
        cheapest = np.argsort(reduced, kind="stable")[:PRICED_COLUMNS]
        entering = cheapest[reduced[cheapest] < -relaxation.tolerance].tolist()
        if not entering:
            break
    return reduced


class _Relaxation:
    """The linear program, to which columns are added."""

    def __init__(self, choice: _Choice) -> None:
        self.choice = choice
        self.solver = pywraplp.Solver.CreateSolver("GLOP")
        largest = float(np.abs(choice.cost).max(initial=1))
        self.tolerance = 1e-7 * max(largest, 1.0)
        infinity = self.solver.infinity()
        self.visits = [self.solver.Constraint(1.0, 1.0) for _ in choice.losses]
        self.shifts = {kind: self.solver.Constraint(-infinity, count) for kind, count in choice.count.items()}
        self.inside: set[int] = set()
        objective = self.solver.Objective()
        for row, loss in zip(self.visits, _gentle(choice.losses), strict=True):
            left_out = self.solver.NumVar(0.0, 1.0, "")
            row.SetCoefficient(left_out, 1.0)
            objective.SetCoefficient(left_out, 2 * largest * loss)
        objective.SetMinimization()

    def add(self, numbers: Sequence[int]) -> None:
        objective = self.solver.Objective()
        for number in numbers:
            if number in self.inside:
                continue
            self.inside.add(number)
            _, visits, cost = self.choice.columns[number]
            variable = self.solver.NumVar(0.0, self.solver.infinity(), "")
            for visit in visits:
                self.visits[visit].SetCoefficient(variable, 1.0)
            self.shifts[int(self.choice.kind[number])].SetCoefficient(variable, 1.0)
            objective.SetCoefficient(variable, float(cost))

    def solve(self, limit: Limit) -> bool:
        if limit.seconds is not None:
            self.solver.SetTimeLimit(max(1, round(1000 * limit.left_s())))
        return bool(self.solver.Solve() == pywraplp.Solver.OPTIMAL)

    def duals(self) -> tuple[Floats, Floats]:
        on_visits = np.array([row.dual_value() for row in self.visits])
        on_kinds = np.zeros(1 + max(self.shifts))
        for kind, row in self.shifts.items():
            on_kinds[kind] = row.dual_value()
        return on_visits, on_kinds


def _gentle(losses: Sequence[tuple[int, ...]]) -> list[float]:
    """One number a visit that keeps the order of importance, but not strictly: that would blunt the duals."""
    found = [0.0] * len(losses)
    for level in reversed(range(len(losses[0]))):
        amounts = [loss[level] for loss in losses]
        usual = sum(amounts) / max(1, sum(amount > 0 for amount in amounts)) or 1.0
        most = max(found, default=0.0)
        found = [
            so_far + amount / usual * max(1.0, 2 * most)
            for so_far, amount in zip(found, amounts, strict=True)
        ]
    return found


def _solve(choice: _Choice, numbers: Sequence[int], limit: Limit, workers: int) -> tuple[list[int], bool]:
    """The best columns among these that CP-SAT finds, and whether it proved them best."""
    model = cp_model.CpModel()
    taken = {number: model.new_bool_var("") for number in numbers}
    left = [model.new_bool_var("") for _ in choice.losses]
    by_visit: list[list[cp_model.IntVar]] = [[variable] for variable in left]
    by_kind: dict[int, list[cp_model.IntVar]] = {}
    for number, variable in taken.items():
        by_kind.setdefault(int(choice.kind[number]), []).append(variable)
        for visit in choice.columns[number][1]:
            by_visit[visit].append(variable)
    for variables in by_visit:
        model.add_exactly_one(variables)
    for kind, variables in by_kind.items():
        if choice.count[kind] == 1:
            model.add_at_most_one(variables)
        else:
            model.add(sum(variables) <= choice.count[kind])
    _minimise(choice, model, taken, left)
    _hint(choice, model, taken, left)
    solver = cp_model.CpSolver()
    _limit(solver, limit, workers)
    with watched(solver, limit):
        status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return list(choice.incumbent), False
    return [n for n, variable in taken.items() if solver.boolean_value(variable)], status == cp_model.OPTIMAL


def _minimise(
    choice: _Choice, model: cp_model.CpModel, taken: dict[int, cp_model.IntVar], left: list[cp_model.IntVar]
) -> None:
    """Losses before cost in one number; costs are counted in coarser units if it would grow too large."""
    numbers = list(taken)
    most, unit = choice.cost_range(numbers), 1
    rounding = len(choice.kinds)  # each chosen route may be off by half a unit
    while sum(penalties := choice.penalties(most // unit + rounding)) > LARGEST_OBJECTIVE and unit <= most:
        unit *= 2
    costs = [round(int(choice.cost[number]) / unit) for number in numbers]
    variables = [*taken.values(), *left]
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, [*costs, *penalties]))


def _hint(
    choice: _Choice, model: cp_model.CpModel, taken: dict[int, cp_model.IntVar], left: list[cp_model.IntVar]
) -> None:
    """Every variable as in the incumbent."""
    chosen = set(choice.incumbent)
    served = {visit for number in chosen for visit in choice.columns[number][1]}
    for number, variable in taken.items():
        model.add_hint(variable, number in chosen)
    for visit, variable in enumerate(left):
        model.add_hint(variable, visit not in served)


def _limit(solver: cp_model.CpSolver, limit: Limit, workers: int) -> None:
    parameters = solver.parameters
    parameters.num_workers = workers
    parameters.random_seed = 1
    if limit.seconds is None:
        parameters.num_workers = 1
        parameters.max_deterministic_time = WORK_PER_ITERATION * (limit.iterations or 1)
    else:
        parameters.max_time_in_seconds = max(0.001, limit.left_s())


@contextmanager
def watched(solver: cp_model.CpSolver, limit: Limit) -> Iterator[None]:
    """Stop the solver when the limit is reached, also when that is because somebody asked."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PATIENCE_S):
            if limit.reached():
                solver.stop_search()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
