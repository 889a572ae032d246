"""OR-Tools' routing search: improves the orders of visits from a plan that exists.

It sees the hard rules and most costs exactly. It lets a break interrupt a drive, and does not see preferred
windows, fairness, the times of the former plan and the way to restock; `scheduler.solver` times and
judges what comes out. To tell it of breaks and preferred windows was tried (docs/optimiser.md).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from scheduler.admission import refusal
from scheduler.costs import CHANGE_S
from scheduler.incumbent import Orders
from scheduler.limits import Limit
from scheduler.model import Matrix, Problem, Shift, Visit
from scheduler.timeline import break_span, leaves_late, start_windows

SCALE = 1000
"""Units of the engine's cost for each second, because its coefficients are whole numbers."""
LARGEST_COST = 1 << 60
LONGEST_S = 86400.0
"""The engine wants a limit in seconds even where iterations end the search."""
NOBODY = -1
"""The vehicle of a visit that is left out."""
START_AT_ZERO, IGNORE_INACTIVE, OPTIONAL = True, True, False  # the engine's calls have no keywords
CHECKS_PER_ITERATION = 200
"""An iteration, where iterations are limited, is this many times that the search asks whether to stop."""


class RoutingEngine:
    """A model of the problem in which orders can be improved.

    Parameters
    ----------
    problem
        Without crews, order between visits and a place to restock.
    orders
        Where the search starts.
    keep
        Visits that must not be left out.
    """

    def __init__(self, problem: Problem, orders: Orders, keep: Iterable[str]) -> None:
        self.problem = problem
        self.keep = frozenset(keep)
        self.former = {
            visit_id: problem.shift_by_id[shift_id].technician
            for shift_id, order in orders.items()
            for visit_id in order
        }
        self.shifts = [shift for shift in problem.shifts if _can_go_home(problem, shift)]
        usable = {shift.id for shift in self.shifts}
        self.frozen = {shift_id: order for shift_id, order in orders.items() if shift_id not in usable}
        frozen_visits = {visit_id for order in self.frozen.values() for visit_id in order}
        self.base_s = min((shift.begin_s for shift in self.shifts), default=0)
        self.horizon_s = max((shift.limit_s for shift in self.shifts), default=0) - self.base_s
        self.visits, self.allowed = self._admitted(frozen_visits)
        self.orders = orders

    def _admitted(self, frozen: set[str]) -> tuple[list[Visit], list[list[int]]]:
        visits, allowed = [], []
        for visit in self.problem.visits:
            vehicles = [
                v
                for v, shift in enumerate(self.shifts)
                if refusal(visit, shift, self.problem.restock) is None
            ]
            if vehicles and visit.id not in frozen and self._domain(visit):
                visits.append(visit)
                allowed.append(vehicles)
        return visits, allowed

    def _domain(self, visit: Visit) -> list[tuple[int, int]]:
        """The windows of a visit inside the horizon, from its base."""
        cut = [
            (max(a - self.base_s, 0), min(b - self.base_s, self.horizon_s)) for a, b in start_windows(visit)
        ]
        return [(start, end) for start, end in cut if start <= end]

    def improve(self, limit: Limit, seed: int, found: Callable[[Orders], None]) -> None:
        """Search until the limit; `found` is called with each better set of orders."""
        if not self.visits or not self.shifts or limit.reached():
            return
        self._build()
        try:
            self._search(limit, seed, found)
        finally:  # the model knows its callbacks and they know it: nothing else frees it
            del self.routing, self.time

    def _search(self, limit: Limit, seed: int, found: Callable[[Orders], None]) -> None:
        self.routing.solver().ReSeed(seed)
        best = [LARGEST_COST]

        def at_solution() -> None:
            cost = self.routing.CostVar().Max()
            if cost < best[0]:
                best[0] = cost
                found(self._read())

        self.routing.AddAtSolutionCallback(at_solution)
        self.routing.AddSearchMonitor(self.routing.solver().CustomLimit(_stopper(limit)))
        parameters = _parameters(limit)
        self.routing.CloseModelWithParameters(parameters)
        start = self._start()
        if limit.reached():
            return
        if start is None:
            self.routing.SolveWithParameters(parameters)
        else:
            self.routing.SolveFromAssignmentWithParameters(start, parameters)

    def _build(self) -> None:
        places = [visit.location for visit in self.visits]
        depots = sorted(
            {shift.start_location for shift in self.shifts} | {_end(shift) for shift in self.shifts}
        )
        node = {location: len(places) + index for index, location in enumerate(depots)}
        self.manager = pywrapcp.RoutingIndexManager(
            len(places) + len(depots),
            len(self.shifts),
            [node[shift.start_location] for shift in self.shifts],
            [node[_end(shift)] for shift in self.shifts],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.index = [self.manager.NodeToIndex(number) for number in range(len(places))]
        profiles = sorted({shift.profile or "" for shift in self.shifts})
        self.profile_of = [profiles.index(shift.profile or "") for shift in self.shifts]
        tables = self.problem.travel_profiles
        self.travel = [
            self._between([*places, *depots], tables.get(name, self.problem.travel_s)) for name in profiles
        ]
        self.service = np.array([visit.service_s for visit in self.visits] + [0] * len(depots), np.int64)
        self._add_arc_costs([*places, *depots])
        self._add_time()
        self._add_visits()
        self._add_loads()
        self._add_preferences()

    def _between(self, places: Sequence[int], table: Matrix) -> NDArray[np.int64]:
        """Seconds or metres between the nodes; nothing to a node that stands for "ends at the last visit"."""
        rows = np.array(places)
        found: NDArray[np.int64] = table[np.ix_(rows, rows)].astype(np.int64)
        found[:, rows < 0] = 0
        return found

    def _registered(self, tables: Sequence[NDArray[np.int64]]) -> list[int]:
        """A callback for each vehicle, of the table of its profile."""
        callbacks = [self.routing.RegisterTransitMatrix(table.tolist()) for table in tables]
        return [callbacks[profile] for profile in self.profile_of]

    def _add_arc_costs(self, places: Sequence[int]) -> None:
        weights = self.problem.weights
        self.arc_cost = [table * (weights.travel * SCALE) for table in self.travel]
        if self.problem.distance_m is not None and weights.distance:
            metres = self._between(places, self.problem.distance_m) * (weights.distance * SCALE)
            self.arc_cost = [table + metres for table in self.arc_cost]
        scaled = [np.rint(table).astype(np.int64) for table in self.arc_cost]
        for vehicle, callback in enumerate(self._registered(scaled)):
            self.routing.SetArcCostEvaluatorOfVehicle(callback, vehicle)
        if any(shift.max_travel_s is not None for shift in self.shifts):
            limits = [_or_none(shift.max_travel_s, self.horizon_s) for shift in self.shifts]
            self.routing.AddDimensionWithVehicleTransitAndCapacity(
                self._registered(self.travel), 0, limits, START_AT_ZERO, "travel"
            )

    def _add_time(self) -> None:
        weights = self.problem.weights
        transits = self._registered([table + self.service[:, None] for table in self.travel])
        self.routing.AddDimensionWithVehicleTransits(
            transits, self.horizon_s, self.horizon_s, not START_AT_ZERO, "time"
        )
        self.time: Any = self.routing.GetDimensionOrDie("time")
        service = [int(self.service[self.manager.IndexToNode(i)]) for i in range(self.routing.Size())]
        for vehicle, shift in enumerate(self.shifts):
            start, end = self.routing.Start(vehicle), self.routing.End(vehicle)
            self.time.CumulVar(start).SetMin(shift.begin_s - self.base_s)
            if not leaves_late(self.problem, shift):
                self.time.CumulVar(start).SetMax(shift.begin_s - self.base_s)
            if shift.max_duration_s is not None:
                self.time.SetSpanUpperBoundForVehicle(shift.max_duration_s, vehicle)
            self.time.CumulVar(end).SetMax(shift.limit_s - self.base_s)
            if weights.overtime and shift.overtime_s:
                regular = max(shift.end_s - self.base_s, 0)
                self.time.SetCumulVarSoftUpperBound(end, regular, round(weights.overtime * SCALE))
            span = round((weights.duration + shift.cost_per_h / 3600) * SCALE)
            self.time.SetSpanCostCoefficientForVehicle(span, vehicle)
            self.time.SetSlackCostCoefficientForVehicle(round(weights.waiting * SCALE), vehicle)
            self._add_breaks(vehicle, shift, service)

    def _add_breaks(self, vehicle: int, shift: Shift, transits: list[int]) -> None:
        solver = self.routing.solver()
        intervals = [
            solver.FixedDurationIntervalVar(
                max(pause.earliest_s, shift.begin_s) - self.base_s,
                pause.latest_s - self.base_s,
                pause.duration_s,
                OPTIONAL,
                f"break {vehicle} {number}",
            )
            for number, pause in enumerate(break_span(shift)[1])
        ]
        for before, after in zip(intervals, intervals[1:], strict=False):
            solver.Add(after.StartsAfterEnd(before))
        if intervals:
            self.time.SetBreakIntervalsOfVehicle(intervals, vehicle, transits)

    def _add_visits(self) -> None:
        penalties = self._penalties()
        lateness = self.problem.weights.lateness
        for visit, index, allowed in zip(self.visits, self.index, self.allowed, strict=True):
            self.routing.AddDisjunction([index], penalties[visit.id])
            if len(allowed) < len(self.shifts):
                self.routing.VehicleVar(index).SetValues([NOBODY, *allowed])
            cumul = self.time.CumulVar(index)
            domain = self._domain(visit)
            cumul.SetRange(domain[0][0], max(end for _, end in domain))
            reached = domain[0][1]
            for start, end in domain[1:]:
                if start > reached + 1:
                    cumul.RemoveInterval(reached + 1, start - 1)
                reached = max(reached, end)
            late = round(lateness * visit.late_cost_per_h / 3600 * SCALE)
            if visit.due_s is not None and late:
                due = max(visit.due_s - self.base_s, 0)
                self.time.SetCumulVarSoftUpperBound(index, due, late)

    def _penalties(self) -> dict[str, int]:
        """Leaving out a visit costs more than any route, and one to keep more than all others together."""
        weight = sum(visit.priority for visit in self.visits)
        longest_s = max(int(table.max()) for table in self.travel)
        dearest = max(longest_s * SCALE, *(int(table.max()) for table in self.arc_cost))
        unit = max(1, dearest) * (2 * len(self.visits) + 2)
        most = weight * (weight + 1) * (len(self.visits) + 1)
        unit = max(1, min(unit, LARGEST_COST // most))
        return {
            visit.id: unit * (visit.priority * (weight + 1) if self._is_kept(visit) else visit.priority)
            for visit in self.visits
        }

    def _is_kept(self, visit: Visit) -> bool:
        return visit.promised or visit.id in self.keep

    def _add_loads(self) -> None:
        visits, shifts = self.visits, self.shifts
        limited = visits if self.problem.restock is None else ()
        for part in sorted({part for visit in limited for part in visit.parts}):
            amounts = [visit.parts.get(part, 0) for visit in visits]
            self._add_load(f"part {part}", amounts, [shift.parts.get(part, 0) for shift in shifts])
        for dimension in range(max((len(shift.capacity) for shift in shifts), default=0)):
            amounts = [visit.load[dimension] if dimension < len(visit.load) else 0 for visit in visits]
            limits = [
                shift.capacity[dimension] if dimension < len(shift.capacity) else sum(amounts)
                for shift in shifts
            ]
            self._add_load(f"load {dimension}", amounts, limits)
        if any(shift.max_visits is not None for shift in shifts):
            limits = [_or_none(shift.max_visits, len(visits)) for shift in shifts]
            self._add_load("visits", [1] * len(visits), limits)

    def _add_load(self, name: str, amounts: list[int], limits: list[int]) -> None:
        callback = self._register(amounts)
        self.routing.AddDimensionWithVehicleCapacity(callback, 0, limits, START_AT_ZERO, name)

    def _register(self, amounts: list[int]) -> int:
        depots = len(self.service) - len(amounts)
        return int(self.routing.RegisterUnaryTransitVector([*amounts, *[0] * depots]))

    def _add_preferences(self) -> None:
        """What a visit misses by technician: preferences, and staying with the former one."""
        change = round(self.problem.weights.change * CHANGE_S) if self.former else 0
        if not change and not any(visit.preferred_technicians for visit in self.visits):
            return
        people = sorted({shift.technician for shift in self.shifts})
        callbacks = {
            name: self._register([self._missed(v, name, change) for v in self.visits]) for name in people
        }
        self.routing.AddDimensionWithVehicleTransits(
            [callbacks[shift.technician] for shift in self.shifts], 0, LARGEST_COST, START_AT_ZERO, "missed"
        )
        self.routing.GetDimensionOrDie("missed").SetSpanCostCoefficientForAllVehicles(SCALE)

    def _missed(self, visit: Visit, technician: str, change: int) -> int:
        worth = visit.preferred_technicians
        missed = max(worth.values(), default=0) - worth.get(technician, 0)
        former = self.former.get(visit.id, technician)
        return missed + (change if former != technician else 0)

    def _start(self) -> Any:
        """The orders as an assignment, or None when the model refuses them."""
        number = {visit.id: index for visit, index in zip(self.visits, self.index, strict=True)}
        routes = [
            [number[visit_id] for visit_id in self.orders.get(shift.id, ()) if visit_id in number]
            for shift in self.shifts
        ]
        return self.routing.ReadAssignmentFromRoutes(routes, IGNORE_INACTIVE)

    def _read(self) -> dict[str, Sequence[str]]:
        orders: dict[str, Sequence[str]] = dict(self.frozen)
        for vehicle, shift in enumerate(self.shifts):
            order = []
            index = self.routing.NextVar(self.routing.Start(vehicle)).Value()
            while not self.routing.IsEnd(index):
                order.append(self.visits[self.manager.IndexToNode(index)].id)
                index = self.routing.NextVar(index).Value()
            orders[shift.id] = order
        return orders


def _can_go_home(problem: Problem, shift: Shift) -> bool:
    """Whether the shift is long enough for anything; the engine has no model for one that is not."""
    drive = 0
    if shift.end_location is not None:
        drive = int(problem.travel_of(shift)[shift.start_location, shift.end_location])
    return shift.begin_s + drive <= shift.limit_s


def _end(shift: Shift) -> int:
    return -1 if shift.end_location is None else shift.end_location


def _or_none(limit: int | None, otherwise: int) -> int:
    return otherwise if limit is None else min(limit, otherwise)


def _stopper(limit: Limit) -> Callable[[], bool]:
    """Asked by the search all the time; with iterations limited it stops in the same place every time."""
    checks = 0

    def stop() -> bool:
        nonlocal checks
        checks += 1
        if limit.iterations is not None and checks > limit.iterations * CHECKS_PER_ITERATION:
            return True
        return limit.reached()

    return stop


def _parameters(limit: Limit) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    left_s = min(limit.left_s(), LONGEST_S)
    parameters.time_limit.FromMilliseconds(max(1, round(left_s * 1000)))
    if limit.seconds is None:  # a clock inside the search would make iterations depend on the machine
        parameters.lns_time_limit.FromMilliseconds(round(LONGEST_S * 1000))
    return parameters
