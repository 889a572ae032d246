"""How the arrays of the compiled local search are laid out."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Small = NDArray[np.int32]
Records = NDArray[np.void]

NEAREST = 200
"""How many neighbours of a visit the search looks at."""
REMOVED = 10.0
"""How many visits a ruin takes out on average."""
LONGEST = 10.0
"""The longest string."""
BLINK = 0.01
"""How often a place is overlooked."""
HUNGRY = 0.5
"""How often a ruin begins at a visit that is absent, where there is one."""
FORBIDDEN = 1e30
STATIC, SEGMENTS, EXACT = 0, 1, 2
"""How an insertion is priced: by driving alone, by segments of the route in O(1), or by timing the route."""


class Data(NamedTuple):
    """What does not change while searching. Times in seconds, costs in seconds of travel.

    Shapes: n visits, m shifts, N nodes, B breaks a shift, K loads. There are few arrays, of records, because
    each of them is an argument of every compiled function: the compiler's time grows with their number.
    """

    travel: Small  # (profiles, N, N)
    travel_to: Small  # (profiles, N, N), transposed
    metres: Small  # (N, N) where they cost something
    visits: Records  # (n + 1,) VISIT; the last is the place to restock
    windows: Integers  # (n + 1, most windows, 7), see `Column`
    apart: Floats  # (n + 1, m): cost of the technician, whatever the time; `FORBIDDEN` for others
    shifts_of: Small  # (n, m): the eligible shifts, in front
    use: Integers  # (n + 1, K): what can be fetched in front
    capacity: Integers  # (m, K)
    near: Small  # (n, nearest): other visits, nearest first
    shifts: Records  # (m,) SHIFT
    breaks: Integers  # (m, B, 3): earliest and latest start, duration
    keys: Floats  # (orders, n): in which order visits are put back
    rules: Records  # (1,) RULES


VISIT = np.dtype(
    [
        ("service", np.int64),
        ("least", np.int64),  # its service with the shortest drives to it and from it
        ("window_count", np.int64),
        ("last_start", np.int64),
        ("shift_count", np.int64),
        ("priority", np.int64),
        ("rank", np.int64),  # 2 for visits to keep, 1 for promised ones, 0 for others
        ("penalty", np.float64),
        ("due", np.int64),
        ("late_cost", np.float64),  # for each hour
        ("preferred_most", np.int64),
        ("former_windows", np.int64),  # bits of the windows it had; 0 when there was none
    ],
    align=True,
)
SHIFT = np.dtype(
    [
        ("begin", np.int64),
        ("limit", np.int64),
        ("end", np.int64),
        ("start_node", np.int64),
        ("end_node", np.int64),
        ("hourly", np.float64),  # cost of each hour
        ("late_leave", np.int64),
        ("longest", np.int64),
        ("travel_limit", np.int64),
        ("visit_limit", np.int64),
        ("break_count", np.int64),
        ("profile", np.int64),
        ("kind", np.int64),  # shifts of the same kind are interchangeable
    ],
    align=True,
)
RULES = np.dtype(
    [
        ("travel", np.float64),
        ("distance", np.float64),
        ("duration", np.float64),
        ("waiting", np.float64),
        ("overtime", np.float64),
        ("lateness", np.float64),
        ("change", np.float64),  # of a visit with another technician or window
        ("edge", np.float64),  # the cost of a usual drive
        ("pricing", np.int64),
        ("timed", np.int64),  # whether the times of stops cost something
        ("fetched", np.int64),  # how many kinds of load a stop to restock fetches
        ("single", np.int64),  # whether no visit has two windows
        ("rows", np.int64),  # stops of the longest route
        ("removed", np.float64),  # see `REMOVED`, `LONGEST` and `BLINK`
        ("longest", np.float64),
        ("blink", np.float64),
        ("hungry", np.float64),
    ],
    align=True,
)


class Column(IntEnum):
    """Places in the last dimension of `Data.windows`."""

    START = 0
    END = 1
    RAW_START = 2  # the arrival windows, pins aside
    RAW_END = 3
    PREFERRED_START = 4
    PREFERRED_END = 5
    WORTH = 6
