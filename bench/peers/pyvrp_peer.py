"""PyVRP: visits as clients with prizes, shifts as vehicle types, travel time as distance; no breaks.

Which vehicle may visit whom is a profile of distances, as in PyVRP's own reader of site-dependent instances:
drives to a client that is not allowed are prohibitively long. With a duration objective the duration costs as
much as the problem says.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from pyvrp import Client, Depot, Location, ProblemData, VehicleType
from pyvrp import solve as pyvrp_solve
from pyvrp.stop import MaxRuntime

from bench.peers.common import NoPlan, Orders, Search, refuse, servers, weight_price
from scheduler.model import Problem, Shift, Visit

PROHIBITIVE = 1 << 40
LATEST = 1 << 40


def solve(problem: Problem, search: Search) -> Orders:
    """Orders of the shifts."""
    refuse(problem, breaks=False, windows=False)
    allowed = servers(problem)
    types = _types(problem, allowed)
    data = _data(problem, allowed, types, search)
    result = pyvrp_solve(data, MaxRuntime(search.seconds), seed=search.seed, collect_stats=False)
    if not result.is_feasible():
        raise NoPlan("no feasible solution")
    free = {key: list(shifts) for key, shifts in enumerate(types.values())}
    return {
        free[route.vehicle_type()].pop().id: [
            problem.visits[stop.idx].id for stop in route.schedule() if stop.is_client()
        ]
        for route in result.best.routes()
    }


TypeKey = tuple[object, ...]


def _types(problem: Problem, allowed: list[frozenset[int]]) -> dict[TypeKey, list[Shift]]:
    """The shifts that are alike in everything."""
    types: dict[TypeKey, list[Shift]] = defaultdict(list)
    for number, shift in enumerate(problem.shifts):
        clients = frozenset(index for index, group in enumerate(allowed) if number in group)
        key = (
            clients,
            shift.start_location,
            shift.end_location,
            shift.begin_s,
            shift.limit_s,
            shift.capacity,
            shift.max_duration_s,
        )
        types[key].append(shift)
    return types


def _data(
    problem: Problem, allowed: list[frozenset[int]], types: dict[TypeKey, list[Shift]], search: Search
) -> ProblemData:
    depots = sorted({place for shift in problem.shifts for place in (shift.start_location, _end(shift))})
    profiles: dict[frozenset[int], int] = {}
    vehicles = []
    for key, shifts in types.items():
        clients = key[0]
        assert isinstance(clients, frozenset)
        profile = profiles.setdefault(clients, len(profiles))
        vehicles.append(_vehicle(problem, shifts, depots, profile))
    dimensions = max((len(shift.capacity) for shift in problem.shifts), default=0)
    price = weight_price(problem, search)
    return ProblemData(
        [Location(0, 0) for _ in problem.travel_s],
        [_client(visit, dimensions, price, search) for visit in problem.visits],
        [Depot(place) for place in depots],
        vehicles,
        [_distances(problem, clients) for clients in profiles],
        [problem.travel_s.astype(np.int64)] * len(profiles),
    )


def _client(visit: Visit, dimensions: int, price: int, search: Search) -> Client:
    early, late = visit.windows[0] if visit.windows else (0, LATEST)
    return Client(
        visit.location,
        delivery=[*visit.load, *[0] * dimensions][:dimensions],
        service_duration=visit.service_s,
        tw_early=early,
        tw_late=late,
        prize=0 if search.mandatory else visit.priority * price,
        required=search.mandatory,
    )


def _vehicle(problem: Problem, shifts: list[Shift], depots: list[int], profile: int) -> VehicleType:
    shift = shifts[0]
    longest = {} if shift.max_duration_s is None else {"shift_duration": shift.max_duration_s}
    return VehicleType(
        len(shifts),
        list(shift.capacity),
        depots.index(shift.start_location),
        depots.index(_end(shift)),
        tw_early=shift.start_s,
        tw_late=shift.end_s + shift.overtime_s,
        unit_distance_cost=round(problem.weights.travel),
        unit_duration_cost=round(problem.weights.duration),
        profile=profile,
        **longest,
    )


def _end(shift: Shift) -> int:
    assert shift.end_location is not None  # refused before
    return shift.end_location


def _distances(problem: Problem, clients: frozenset[int]) -> NDArray[np.int64]:
    """Travel times with prohibitive drives to who is not allowed, unless somebody allowed is there too."""
    table = problem.travel_s.astype(np.int64)
    good = {visit.location for index, visit in enumerate(problem.visits) if index in clients}
    good |= {shift.start_location for shift in problem.shifts} | {_end(shift) for shift in problem.shifts}
    bad = sorted({visit.location for visit in problem.visits} - good)
    table[:, bad] = table[bad, :] = PROHIBITIVE
    np.fill_diagonal(table, 0)
    return table
