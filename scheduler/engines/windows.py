"""When work at a visit may start, compiled."""

from typing import Any

from scheduler.engines.compiled import inlined
from scheduler.engines.layout import Column

NEVER = 1 << 60
SERVED, LEFT, REACHED, READY = range(4)
"""Places in the second dimension of `State.line_times`."""


@inlined
def earliest_in(data: Any, visit: int, time: int) -> Any:
    """The earliest second from `time` on at which work may start, or `NEVER`."""
    for window in range(data.visits[visit].window_count):
        if time <= data.windows[visit, window, Column.END]:
            return max(time, data.windows[visit, window, Column.START])
    return NEVER


@inlined
def latest_in(data: Any, visit: int, time: int) -> Any:
    """The latest second until `time` at which work may start, or ``-NEVER``."""
    best = -NEVER
    for window in range(data.visits[visit].window_count):
        if data.windows[visit, window, Column.START] <= time:
            best = max(best, min(time, data.windows[visit, window, Column.END]))
    return best
