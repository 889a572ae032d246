"""OR-Tools' routing search as its documentation shows it, apart from the product's use of it.

Visits are nodes with a penalty, allowed vehicles and windows; time is a dimension with the shifts' breaks;
loads are dimensions. A break may interrupt a drive there. Two searches: guided local search, and iterated
local search with ruin and recreate. One thread.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from bench.peers.common import NoPlan, Orders, Search, Unsupported, refuse, servers, weight_price
from scheduler.model import Problem, Shift

FIRST_PLAN = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
START_AT_ZERO = True
OPTIONAL = True
NOBODY = -1
MANDATORY = 1000
"""A mandatory visit weighs this much: without a way to leave it out, no first plan may be found."""


def guided(problem: Problem, search: Search) -> Orders:
    """Orders found by guided local search."""
    parameters = _parameters(search)
    metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic
    parameters.local_search_metaheuristic = metaheuristic.GUIDED_LOCAL_SEARCH
    model = _Model(problem, search)
    return model.solve(parameters, model.routing.SolveWithParameters)


def iterated(problem: Problem, search: Search) -> Orders:
    """Orders found by iterated local search: ruin of near routes, parallel insertion, annealing.

    Of the ruins and recreations that can be set this was the best on generated days.
    """
    parameters = _parameters(search)
    parameters.use_iterated_local_search = True
    ils = parameters.iterated_local_search_parameters.ruin_recreate_parameters
    ils.ruin_strategies.add().spatially_close_routes.num_ruined_routes = 2
    ils.recreate_strategy.heuristic = FIRST_PLAN
    model = _Model(problem, search)
    # the general call takes these parameters and ignores them
    return model.solve(parameters, model.routing.SolveWithIteratedLocalSearch)


def _parameters(search: Search) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = FIRST_PLAN
    parameters.time_limit.FromMilliseconds(round(search.seconds * 1000))
    return parameters


class _Model:
    """The routing model of a problem."""

    def __init__(self, problem: Problem, search: Search) -> None:
        refuse(problem)
        if any(shift.max_duration_s is not None for shift in problem.shifts):
            self.fixed_start = False
        else:
            self.fixed_start = problem.weights.duration == 0
        self.problem, self.search = problem, search
        shifts, places = problem.shifts, [visit.location for visit in problem.visits]
        ends = [place for shift in shifts for place in (shift.start_location, shift.end_location)]
        if any(place is None for place in ends):
            raise Unsupported("open ends cannot be expressed")
        depots = sorted({int(place) for place in ends if place is not None})
        node = {place: len(places) + index for index, place in enumerate(depots)}
        self.rows = np.array([*places, *depots])
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.rows),
            len(shifts),
            [node[shift.start_location] for shift in shifts],
            [node[int(shift.end_location or 0)] for shift in shifts],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self._build()

    def _build(self) -> None:
        travel = self.problem.travel_s[np.ix_(self.rows, self.rows)].astype(np.int64)
        service = np.zeros(len(self.rows), np.int64)
        service[: len(self.problem.visits)] = [visit.service_s for visit in self.problem.visits]
        weight = round(self.problem.weights.travel)
        arcs = self.routing.RegisterTransitMatrix((travel * weight).tolist())
        self.routing.SetArcCostEvaluatorOfAllVehicles(arcs)
        transit = self.routing.RegisterTransitMatrix((travel + service[:, None]).tolist())
        horizon = max(shift.limit_s for shift in self.problem.shifts)
        self.routing.AddDimension(transit, horizon, horizon, not START_AT_ZERO, "time")
        self.time = self.routing.GetDimensionOrDie("time")
        work = [int(service[self.manager.IndexToNode(index)]) for index in range(self.routing.Size())]
        for vehicle, shift in enumerate(self.problem.shifts):
            self._add_shift(vehicle, shift, work)
        self._add_visits()
        self._add_loads()

    def _add_shift(self, vehicle: int, shift: Shift, work: list[int]) -> None:
        start, end = self.routing.Start(vehicle), self.routing.End(vehicle)
        last = shift.end_s + shift.overtime_s
        self.time.CumulVar(start).SetRange(shift.begin_s, shift.begin_s if self.fixed_start else last)
        self.time.CumulVar(end).SetRange(shift.begin_s, last)
        if self.problem.weights.duration:
            weight = round(self.problem.weights.duration)
            self.time.SetSpanCostCoefficientForVehicle(weight, vehicle)
        if shift.max_duration_s is not None:
            self.time.SetSpanUpperBoundForVehicle(shift.max_duration_s, vehicle)
        breaks = [
            self.routing.solver().FixedDurationIntervalVar(
                rest.earliest_s, rest.latest_s, rest.duration_s, not OPTIONAL, f"break {vehicle} {number}"
            )
            for number, rest in enumerate(shift.breaks)
        ]
        if breaks:
            self.time.SetBreakIntervalsOfVehicle(breaks, vehicle, work)

    def _add_visits(self) -> None:
        price = weight_price(self.problem, self.search) * (MANDATORY if self.search.mandatory else 1)
        allowed = servers(self.problem)
        for number, visit in enumerate(self.problem.visits):
            index = self.manager.NodeToIndex(number)
            self.routing.AddDisjunction([index], visit.priority * price)
            if len(allowed[number]) < len(self.problem.shifts):
                self.routing.VehicleVar(index).SetValues([NOBODY, *sorted(allowed[number])])
            if visit.windows:
                cumul = self.time.CumulVar(index)
                windows = sorted(visit.windows)
                cumul.SetRange(windows[0][0], max(end for _, end in windows))
                for (_, end), (start, _) in zip(windows, windows[1:], strict=False):
                    if start > end + 1:
                        cumul.RemoveInterval(end + 1, start - 1)

    def _add_loads(self) -> None:
        shifts, visits = self.problem.shifts, self.problem.visits
        for dimension in range(max((len(shift.capacity) for shift in shifts), default=0)):
            loads = [visit.load[dimension] if dimension < len(visit.load) else 0 for visit in visits]
            limits = [shift.capacity[dimension] for shift in shifts]
            nodes = loads + [0] * (len(self.rows) - len(visits))
            callback = self.routing.RegisterUnaryTransitVector(nodes)
            name = f"load {dimension}"
            self.routing.AddDimensionWithVehicleCapacity(callback, 0, limits, START_AT_ZERO, name)

    def solve(self, parameters: Any, search: Callable[[Any], Any]) -> Orders:
        """Search, and read the orders."""
        self.routing.solver().ReSeed(self.search.seed)
        answer = search(parameters)
        if answer is None:
            raise NoPlan(f"status {self.routing.status()}")
        orders: dict[str, list[str]] = {}
        for vehicle, shift in enumerate(self.problem.shifts):
            order = []
            index = answer.Value(self.routing.NextVar(self.routing.Start(vehicle)))
            while not self.routing.IsEnd(index):
                order.append(self.problem.visits[self.manager.IndexToNode(index)].id)
                index = answer.Value(self.routing.NextVar(index))
            orders[shift.id] = order
        return orders
