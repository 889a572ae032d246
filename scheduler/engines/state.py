"""The plan that one thread of the local search works on, as arrays that are changed in place."""

from typing import NamedTuple

import numpy as np

from scheduler.engines.layout import Data, Integers, Records
from scheduler.timeline import NEVER


class State(NamedTuple):
    """Routes with their times, what is absent, how to undo, and the best so far.

    Shapes: n visits, m shifts, R columns of a route, W breaks and 1, K loads. A route of c visits has its
    start in column 0, the visits in 1 to c and its end in c + 1.
    """

    routes: Records  # (m,) ROUTE
    stops: Records  # (m, R) STOP
    sides: Records  # (m, R) SIDES
    copies: Records  # (m, R) COPY
    times: Integers  # (m, R, W, 2): can leave at the earliest, must be reached at the latest, by breaks taken
    load: Integers  # (m, K): of all visits; what is fetched, of those before the stop to restock
    spots: Records  # (n + 1,) SPOT
    lists: Records  # (n,) LISTED
    totals: Records  # (1,) TOTALS
    line: Records  # (R + 2,) LINE: a route that is tried
    line_times: Integers  # (R + 2, 4, W): served, left, reached, ready
    scratch: Integers  # (2, W)


ROUTE = np.dtype(
    [
        ("count", np.int64),
        ("stop", np.int64),  # the column of the stop to restock, 0 for none
        ("widest", np.int64),  # the longest `gap` of its stops
        ("driven", np.int64),
        ("apart", np.float64),  # cost of its technician and of its metres
        ("timed", np.float64),  # the part of its cost that depends on its times
        ("cost", np.float64),
        ("mark", np.int64),  # the round in which it was changed last
        ("active", np.int64),  # whether this thread may change it
        ("seen", np.int64),  # by kind of shift: when its empty route was tried
        ("asked", np.int64),  # when it was put on the list of candidates
        ("candidate", np.int64),  # a list: the routes to look at for a visit
        ("touched", np.int64),  # a list: the routes changed in this round
        ("saved_count", np.int64),
        ("saved_cost", np.float64),
        ("best_count", np.int64),
        ("best_route_cost", np.float64),
    ],
    align=True,
)
STOP = np.dtype(
    [
        ("visit", np.int32),
        ("leg", np.int32),  # drive to the next
        ("gap", np.int64),  # no visit that takes longer with its drives fits in before the next
    ],
    align=True,
)
"""Small, because every search for a place reads it: what is read seldom lies elsewhere."""
SIDES = np.dtype(
    [
        ("head_duration", np.int64),  # the route up to this stop as a segment
        ("head_earliest", np.int64),
        ("head_latest", np.int64),
        ("tail_duration", np.int64),  # and from this stop on
        ("tail_earliest", np.int64),
        ("tail_latest", np.int64),
    ],
    align=True,
)
COPY = np.dtype([("saved", np.int64), ("best", np.int64)], align=True)
"""The visit at a stop before this round, and in the best plan."""
SPOT = np.dtype(
    [
        ("shift", np.int64),  # -1 for absent
        ("column", np.int64),
        ("slot", np.int64),  # place in the list of what is absent
        ("since", np.int64),  # the round in which it was taken out
        ("active", np.int64),  # whether this thread may put it in
    ],
    align=True,
)
LISTED = np.dtype(
    [("absent", np.int64), ("saved_absent", np.int64), ("queue", np.int64), ("key", np.float64)]
)
LINE = np.dtype(
    [
        ("node", np.int64),
        ("leg", np.int64),
        ("before", np.int64),
        ("after", np.int64),
    ],  # breaks around the drive
    align=True,
)
TOTALS = np.dtype(
    [
        ("random", np.uint64),
        ("absent", np.int64),
        ("saved_absent", np.int64),
        ("touched", np.int64),
        ("round", np.int64),
        ("tries", np.int64),
        ("kept", np.int64),  # visits left out that are to be kept
        ("promised", np.int64),
        ("weight", np.int64),
        ("absence", np.float64),  # the price of what is left out
        ("cost", np.float64),
        ("current", np.float64),
        ("best_kept", np.int64),
        ("best_promised", np.int64),
        ("best_weight", np.int64),
        ("best_cost", np.float64),
        ("better", np.int64),  # how often the best changed
        ("accepted", np.int64),
    ],
    align=True,
)


def allocate(data: Data, seed: int) -> State:
    """A state without visits on routes."""
    visits, shifts = len(data.visits) - 1, len(data.shifts)
    width, columns = data.breaks.shape[1] + 1, int(data.rules["rows"][0]) + 5
    times = np.empty((shifts, columns, width, 2), np.int64)
    times[..., 0], times[..., 1] = NEVER, -NEVER
    state = State(
        routes=np.zeros(shifts, ROUTE),
        stops=np.zeros((shifts, columns), STOP),
        sides=np.zeros((shifts, columns), SIDES),
        copies=np.zeros((shifts, columns), COPY),
        times=times,
        load=np.zeros((shifts, data.use.shape[1]), np.int64),
        spots=np.zeros(visits + 1, SPOT),
        lists=np.zeros(visits, LISTED),
        totals=np.zeros(1, TOTALS),
        line=np.zeros(columns + 2, LINE),
        line_times=np.zeros((columns + 2, 4, width), np.int64),
        scratch=np.zeros((2, width), np.int64),
    )
    state.spots["shift"] = -1
    state.routes["active"], state.spots["active"] = 1, 1
    state.totals["random"] = np.random.default_rng(seed).integers(1, 1 << 63, dtype=np.uint64)
    return state
